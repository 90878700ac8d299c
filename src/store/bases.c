/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdbool.h>
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

/* Memory for a number. */
static bool provide(struct bases *b, uint32_t number)
{
	if (number / BASES_CHUNK >= BASES_CHUNKS)
		return false;
	struct base **chunk = &b->chunks[number / BASES_CHUNK];
	if (!*chunk)
		*chunk = calloc(BASES_CHUNK, sizeof(**chunk));
	return *chunk;
}

uint32_t bases_number(struct bases *b, uint64_t group)
{
	grow(b);
	if (!b->bucket_count)
		return 0;
	uint32_t n = b->free;
	if (n) {
		b->free = bases_at(b, n)->next;
	} else {
		n = b->count ? b->count : 1;
		if (!provide(b, n))
			return 0;
		b->count = n + 1;
	}
	bases_at(b, n)->group = group;
	return n;
}

void bases_lead(struct bases *b, uint32_t number, uint64_t off)
{
	struct base *base = bases_at(b, number);
	uint32_t *bucket = bucket_of(b, base->group);

	base->next = *bucket;
	*bucket = number;
	atomic_store(&base->off, off);
	b->in_use++;
}

void bases_give_back(struct bases *b, uint32_t number)
{
	bases_at(b, number)->next = b->free;
	b->free = number;
}

void bases_remove(struct bases *b, uint32_t number)
{
	uint32_t *at = bucket_of(b, bases_at(b, number)->group);

	while (*at != number)
		at = &bases_at(b, *at)->next;
	*at = bases_at(b, number)->next;
	bases_give_back(b, number);
	b->in_use--;
}

int bases_restore(struct bases *b, uint32_t number, uint64_t off)
{
	if (!number || number / BASES_CHUNK >= BASES_CHUNKS || bases_off(b, number))
		return -EINVAL;
	if (!provide(b, number))
		return -ENOMEM;
	atomic_store(&bases_at(b, number)->off, off);
	if (number >= b->count)
		b->count = number + 1;
	return 0;
}

int bases_restored(struct bases *b)
{
	grow(b);
	if (!b->bucket_count)
		return -ENOMEM;
	for (uint32_t n = b->count; n > 1; n--) {
		if (bases_off(b, n - 1))
			continue;
		if (!provide(b, n - 1))
			return -ENOMEM;
		bases_give_back(b, n - 1);
	}
	return 0;
}

void bases_restore_group(struct bases *b, uint32_t number, uint64_t group)
{
	grow(b);
	bases_at(b, number)->group = group;
	bases_lead(b, number, bases_off(b, number));
}

uint64_t bases_off(const struct bases *b, uint32_t number)
{
	if (number / BASES_CHUNK >= BASES_CHUNKS || !b->chunks[number / BASES_CHUNK])
		return 0;
	return atomic_load(&bases_at(b, number)->off);
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

void bases_release(struct bases *b)
{
	for (size_t i = 0; i < BASES_CHUNKS; i++)
		free(b->chunks[i]);
	free(b->buckets);
	*b = (struct bases){0};
}
