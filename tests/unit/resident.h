/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resident: how much of a region is memory.
 */
#ifndef PODFS_TESTS_RESIDENT_H
#define PODFS_TESTS_RESIDENT_H

#include "unit.h"

#include <sys/mman.h>

#include "fs/region.h"

static inline size_t resident_pages(const struct region *r)
{
	static unsigned char pages[1u << 16];
	size_t count = 0;
	size_t step = sizeof(pages) * REGION_PAGE;

	for (size_t at = 0; at < r->usable; at += step) {
		size_t len = r->usable - at < step ? r->usable - at : step;

		assert_int_equal(mincore(r->base + at, len, pages), 0);
		for (size_t i = 0; i < len / REGION_PAGE; i++)
			count += pages[i] & 1;
	}
	return count;
}

#endif
