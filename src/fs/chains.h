/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chains: a hash table of slots, whose chains are in the records themselves.
 *
 * It grows and shrinks by one bucket at a time (linear hashing, Litwin 1980):
 * nobody ever waits until all of it was moved, and it is never larger than
 * what is in it calls for.
 */
#ifndef PODFS_FS_CHAINS_H
#define PODFS_FS_CHAINS_H

#include "region.h"

#include <stdint.h>

/* How a table finds its way in the records that are in it. */
struct chains_of {
	/* Where the record of @slot keeps the slot that is next in its chain. */
	uint32_t *(*next)(void *ctx, uint32_t slot);
	uint64_t (*hash)(void *ctx, uint32_t slot);
};

struct chains {
	struct region heads; /* uint32_t a bucket */
	uint32_t buckets;
	uint32_t count;
	const struct chains_of *of;
	void *ctx;
};

/* For up to @max slots; 0 or -ENOMEM. A zeroed table may be released. */
int chains_init(struct chains *t, size_t max, const struct chains_of *of, void *ctx);
void chains_release(struct chains *t);

/* The first slot of the chain in which those of @hash are; 0: it is empty. */
uint32_t chains_first(const struct chains *t, uint64_t hash);

/* The slot's hash, and with it the record, must be as it will be. */
void chains_add(struct chains *t, uint32_t slot);
void chains_remove(struct chains *t, uint32_t slot);

#endif
