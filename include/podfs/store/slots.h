/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slots: small numbers for things, so that others can name them in four bytes.
 *
 * A number that became free is given out again.
 */
#ifndef PODFS_STORE_SLOTS_H
#define PODFS_STORE_SLOTS_H

#include <stddef.h>
#include <stdint.h>

struct slots {
	void **items;   /* a free one holds the next free one's number, see slots.c */
	uint32_t count; /* numbers below it have been given out */
	uint32_t free;  /* the first free one below that, plus one; 0: none */
	size_t cap;
};

/* Room for one more. 0 or -ENOMEM. */
int slots_reserve(struct slots *s);

/* After slots_reserve() this cannot fail. @item is aligned as malloc() does. */
uint32_t slots_take(struct slots *s, void *item);
void slots_drop(struct slots *s, uint32_t slot);

/* NULL: a free one. */
void *slots_get(const struct slots *s, uint32_t slot);

void slots_release(struct slots *s);

#endif
