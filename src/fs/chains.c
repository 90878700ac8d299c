/* SPDX-License-Identifier: Apache-2.0 */
#include "chains.h"

/* Of slots to a bucket, about. */
#define LOAD 2u
#define BUCKETS_MIN 1024u /* a power of two, a page */

/* Buckets that went are given back so many at a time. */
#define DROP_BUCKETS (16u * BUCKETS_MIN)

static uint32_t *head_at(const struct chains *t, uint32_t bucket)
{
	return (uint32_t *)(void *)t->heads.base + bucket;
}

/* The power of two that is not above the number of buckets. */
static uint32_t round_of(const struct chains *t)
{
	return UINT32_C(1) << (31 - __builtin_clz(t->buckets));
}

/* A bucket that is not there yet is still in the one that it will be split from. */
static uint32_t bucket_of(const struct chains *t, uint64_t hash)
{
	uint32_t round = round_of(t);
	uint32_t bucket = (uint32_t)hash & (2 * round - 1);

	return bucket < t->buckets ? bucket : bucket - round;
}

int chains_init(struct chains *t, size_t max, const struct chains_of *of, void *ctx)
{
	size_t size = (max / LOAD + 1) * sizeof(uint32_t);
	int r;

	t->of = of;
	t->ctx = ctx;
	t->buckets = BUCKETS_MIN;
	r = region_init(&t->heads, size + BUCKETS_MIN * sizeof(uint32_t));
	return r < 0 ? r : region_need(&t->heads, BUCKETS_MIN * sizeof(uint32_t));
}

void chains_release(struct chains *t)
{
	region_release(&t->heads);
}

uint32_t chains_first(const struct chains *t, uint64_t hash)
{
	return *head_at(t, bucket_of(t, hash));
}

static void push(struct chains *t, uint32_t bucket, uint32_t slot)
{
	uint32_t *head = head_at(t, bucket);

	*t->of->next(t->ctx, slot) = *head;
	*head = slot;
}

/* One bucket more, with what is its own of another one. Without memory, chains just grow longer. */
static void split(struct chains *t)
{
	if (region_need(&t->heads, ((size_t)t->buckets + 1) * sizeof(uint32_t)) < 0)
		return;
	uint32_t from = t->buckets - round_of(t);
	uint32_t slot = *head_at(t, from);

	*head_at(t, from) = 0;
	t->buckets++;
	while (slot) {
		uint32_t next = *t->of->next(t->ctx, slot);

		push(t, bucket_of(t, t->of->hash(t->ctx, slot)), slot);
		slot = next;
	}
}

/* One bucket less: what is in it goes back to where it was split from. */
static void merge(struct chains *t)
{
	t->buckets--;
	uint32_t slot = *head_at(t, t->buckets);
	uint32_t to = t->buckets - round_of(t);

	*head_at(t, t->buckets) = 0;
	while (slot) {
		uint32_t next = *t->of->next(t->ctx, slot);

		push(t, to, slot);
		slot = next;
	}
	if (t->buckets % DROP_BUCKETS == 0)
		region_drop(&t->heads, t->buckets * sizeof(uint32_t),
			    (t->buckets + DROP_BUCKETS) * sizeof(uint32_t));
}

void chains_add(struct chains *t, uint32_t slot)
{
	push(t, bucket_of(t, t->of->hash(t->ctx, slot)), slot);
	if (++t->count / LOAD > t->buckets)
		split(t);
}

void chains_remove(struct chains *t, uint32_t slot)
{
	uint32_t *at = head_at(t, bucket_of(t, t->of->hash(t->ctx, slot)));

	while (*at != slot)
		at = t->of->next(t->ctx, *at);
	*at = *t->of->next(t->ctx, slot);
	if (--t->count / LOAD < t->buckets && t->buckets > BUCKETS_MIN)
		merge(t);
}
