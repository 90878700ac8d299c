/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include <podfs/base/hash.h>

#include "bases.h"

#define BUCKETS_MIN 64u

static uint32_t *bucket_of(const struct bases *b, uint64_t group)
{
	return &b->buckets[hash_u64(group) & (b->bucket_count - 1)];
}

/* If there is no memory for more buckets, chains just grow longer. */
static void grow(struct bases *b)
{
	uint32_t old_count = b->bucket_count;
	uint32_t *old = b->buckets;

	if (b->in_use < old_count)
		return;
	uint32_t count = old_count ? old_count * 2 : BUCKETS_MIN;
	uint32_t *buckets = calloc(count, sizeof(*buckets));
	if (!buckets)
		return;
	b->buckets = buckets;
	b->bucket_count = count;
	for (uint32_t i = 0; i < old_count; i++) {
		uint32_t reversed = 0;

		/* The latest of a group stays in front of the older ones. */
		for (uint32_t n = old[i], next; n; n = next) {
			next = bases_at(b, n)->next;
			bases_at(b, n)->next = reversed;
			reversed = n;
		}
		for (uint32_t n = reversed, next; n; n = next) {
			uint32_t *bucket = bucket_of(b, bases_at(b, n)->group);

			next = bases_at(b, n)->next;
			bases_at(b, n)->next = *bucket;
			*bucket = n;
		}
	}
	free(old);
}

static uint32_t new_number(struct bases *b)
{
	uint32_t n = b->free;

	if (n) {
		b->free = bases_at(b, n)->next;
		return n;
	}
	n = b->count ? b->count : 1;
	if (n / BASES_CHUNK >= BASES_CHUNKS)
		return 0;
	struct base **chunk = &b->chunks[n / BASES_CHUNK];
	if (!*chunk)
		*chunk = calloc(BASES_CHUNK, sizeof(**chunk));
	if (!*chunk)
		return 0;
	b->count = n + 1;
	return n;
}

uint32_t bases_add(struct bases *b, uint64_t group, uint64_t off)
{
	grow(b);
	uint32_t n = b->bucket_count ? new_number(b) : 0;
	if (!n)
		return 0;
	struct base *base = bases_at(b, n);
	uint32_t *bucket = bucket_of(b, group);
	base->group = group;
	base->next = *bucket;
	*bucket = n;
	atomic_store(&base->off, off);
	b->in_use++;
	return n;
}

void bases_remove(struct bases *b, uint32_t number)
{
	struct base *base = bases_at(b, number);
	uint32_t *at = bucket_of(b, base->group);

	while (*at != number)
		at = &bases_at(b, *at)->next;
	*at = base->next;
	base->next = b->free;
	b->free = number;
	b->in_use--;
}

uint32_t bases_find(const struct bases *b, uint64_t group)
{
	if (!b->bucket_count)
		return 0;
	for (uint32_t n = *bucket_of(b, group); n; n = bases_at(b, n)->next)
		if (bases_at(b, n)->group == group)
			return n;
	return 0;
}
