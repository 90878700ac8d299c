/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include <podfs/base/hash.h>

#include "term.h"

#define BUCKETS_MIN 256u

static struct term **bucket_of(const struct index *x, const struct term *key, const char *text)
{
	uint64_t h = hash_bytes(hash_process_key(), text, strlen(text));

	return &x->buckets[hash_u64(h + (uintptr_t)key) & (x->bucket_count - 1)];
}

struct term *term_find(const struct index *x, const struct term *key, const char *text)
{
	if (!x->bucket_count)
		return NULL;
	for (struct term *t = *bucket_of(x, key, text); t; t = t->next)
		if (t->key == key && !strcmp(t->text, text))
			return t;
	return NULL;
}

/* If there is no memory for more buckets, chains just grow longer. */
static int grow(struct index *x)
{
	size_t old_count = x->bucket_count;
	size_t count = old_count ? old_count * 2 : BUCKETS_MIN;
	struct term **old = x->buckets;

	if (x->term_count < old_count)
		return 0;
	struct term **buckets = calloc(count, sizeof(*buckets));
	if (!buckets)
		return old_count ? 0 : -ENOMEM;
	x->buckets = buckets;
	x->bucket_count = count;
	for (size_t i = 0; i < old_count; i++) {
		for (struct term *t = old[i]; t;) {
			struct term *next = t->next;
			struct term **bucket = bucket_of(x, t->key, t->text);

			t->next = *bucket;
			*bucket = t;
			t = next;
		}
	}
	free(old);
	return 0;
}

struct term *term_make(struct index *x, struct term *key, const char *text)
{
	struct term *t = term_find(x, key, text);
	size_t size = strlen(text) + 1;

	if (t)
		return t;
	if (grow(x) < 0 || (key && slots_reserve(&x->values) < 0))
		return NULL;
	t = calloc(1, sizeof(*t) + size);
	if (!t)
		return NULL;
	memcpy(t->text, text, size);
	t->key = key;
	if (key) {
		t->id = slots_take(&x->values, t);
		t->sibling = key->values;
		t->sibling_at = &key->values;
		if (t->sibling)
			t->sibling->sibling_at = &t->sibling;
		key->values = t;
	}
	struct term **bucket = bucket_of(x, key, text);
	t->next = *bucket;
	*bucket = t;
	x->term_count++;
	return t;
}

static void unlink_term(struct index *x, struct term *t)
{
	struct term **at = bucket_of(x, t->key, t->text);

	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	x->term_count--;
}

void term_prune_key(struct index *x, struct term *key)
{
	if (key->values)
		return;
	unlink_term(x, key);
	free(key);
}

void term_prune(struct index *x, struct term *value)
{
	struct term *key = value->key;

	if (value->count)
		return;
	*value->sibling_at = value->sibling;
	if (value->sibling)
		value->sibling->sibling_at = value->sibling_at;
	slots_drop(&x->values, value->id);
	unlink_term(x, value);
	if (value->cap)
		free(value->many);
	free(value);
	term_prune_key(x, key);
}

static uint32_t *own_slots(struct term *t)
{
	return t->cap ? t->many : t->few;
}

int term_reserve(struct term *t)
{
	uint32_t cap = t->count + t->count / 4 + 4;

	if (t->count < (t->cap ? t->cap : TERM_FEW))
		return 0;
	uint32_t *many = realloc(t->cap ? t->many : NULL, cap * sizeof(*many));
	if (!many)
		return -ENOMEM;
	if (!t->cap)
		memcpy(many, t->few, sizeof(t->few));
	t->many = many;
	t->cap = cap;
	return 0;
}

static void shrink(struct term *t)
{
	uint32_t cap = t->count * 2;

	if (t->count < 8 || t->count > t->cap / 4)
		return;
	uint32_t *many = realloc(t->many, cap * sizeof(*many));
	if (many) {
		t->many = many;
		t->cap = cap;
	}
}

/* Where @slot is, or would be. */
static uint32_t place_of(struct term *t, uint32_t slot)
{
	const uint32_t *slots = own_slots(t);
	uint32_t low = 0;
	uint32_t high = t->count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (slots[mid] < slot)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void term_insert(struct term *t, uint32_t slot)
{
	uint32_t *slots = own_slots(t);
	uint32_t i = place_of(t, slot);

	memmove(slots + i + 1, slots + i, (t->count - i) * sizeof(*slots));
	slots[i] = slot;
	t->count++;
	t->key->count++;
}

void term_take_out(struct index *x, struct term *t, uint32_t slot)
{
	uint32_t *slots = own_slots(t);
	uint32_t i = place_of(t, slot);

	memmove(slots + i, slots + i + 1, (t->count - i - 1) * sizeof(*slots));
	t->count--;
	t->key->count--;
	shrink(t);
	term_prune(x, t);
}
