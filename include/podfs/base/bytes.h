/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bytes: strings that know their length, and may hold anything.
 */
#ifndef PODFS_BASE_BYTES_H
#define PODFS_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* As memcmp(); of two that begin alike the shorter one comes first. */
static inline int bytes_compare(const void *a, size_t a_len, const void *b, size_t b_len)
{
	size_t n = a_len < b_len ? a_len : b_len;
	int order = n ? memcmp(a, b, n) : 0;

	return order ? order : (a_len > b_len) - (a_len < b_len);
}

static inline bool bytes_equal(const void *a, size_t a_len, const void *b, size_t b_len)
{
	return a_len == b_len && (!a_len || !memcmp(a, b, a_len));
}

#endif
