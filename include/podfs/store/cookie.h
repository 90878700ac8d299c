/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cookie: where a name stands in its directory's listing.
 *
 * A directory is listed in the order of its names' cookies, and a listing goes
 * on behind the cookie it has reached: so entries that come and go never make
 * it skip or repeat another one, without any state kept for the reader. The key
 * is a constant: a cookie means the same to the next run of the program.
 */
#ifndef PODFS_STORE_COOKIE_H
#define PODFS_STORE_COOKIE_H

#include <stddef.h>
#include <stdint.h>

/* 0 is a listing's start, 1 and 2 are `.` and `..`. */
#define COOKIE_DOT 1
#define COOKIE_DOTDOT 2
#define COOKIE_MIN 16

/* Behind all names. */
#define COOKIE_END INT64_MAX

/* From COOKIE_MIN to COOKIE_END - 16, so that a few may follow it. */
uint64_t cookie_of(const char *name, size_t len);

#endif
