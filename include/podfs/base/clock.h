/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock: points in time, and RFC 3339 as Kubernetes writes it.
 */
#ifndef PODFS_BASE_CLOCK_H
#define PODFS_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define NSEC_PER_SEC INT64_C(1000000000)

/* The same point in time; tv_nsec is never negative, also before 1970. */
struct timespec clock_timespec(int64_t ns);

/* Nanoseconds since 1970, for what users see. It may jump. */
int64_t clock_realtime_ns(void);

/* Milliseconds of a clock that never jumps, for intervals. */
int64_t clock_monotonic_ms(void);

/**
 * Reads "2026-11-23T23:38:57Z", also with a fraction and with an offset.
 *
 * @ret_ns  nanoseconds since 1970.
 *
 * 0, or -EINVAL if the text is not such a time, or one that nanoseconds cannot hold (outside of
 * the years 1678 to 2261).
 */
int clock_parse_rfc3339(const char *s, size_t len, int64_t *ret_ns);

#endif
