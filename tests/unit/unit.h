/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit: what the unit tests share: cmocka with what it needs, and dice.
 */
#ifndef PODFS_TESTS_UNIT_H
#define PODFS_TESTS_UNIT_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Dice that fall the same way in every run: a failure repeats. */
struct dice {
	uint64_t state;
};

/* A number below @n. */
static inline uint32_t dice_roll(struct dice *d, uint32_t n)
{
	d->state += UINT64_C(0x9e3779b97f4a7c15);
	uint64_t z = d->state;
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((z ^ (z >> 31)) % n);
}

/* Whether one in @n comes up. */
static inline bool dice_one_in(struct dice *d, uint32_t n)
{
	return dice_roll(d, n) == 0;
}

#endif
