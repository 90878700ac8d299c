/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "term.h"

int index_prepare(struct index *x, const struct pod_facts *facts, struct label_set *ret)
{
	ret->count = 0;
	if (slots_reserve(&x->pods) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < facts->label_count; i++) {
		struct term *key = term_make(x, NULL, fact_string(facts, facts->labels[i].key));
		struct term *value =
		    key ? term_make(x, key, fact_string(facts, facts->labels[i].value)) : NULL;

		if (value)
			ret->terms[ret->count++] = value->id;
		if (!value || term_reserve(value) < 0) {
			if (key)
				term_prune_key(x, key);
			index_unprepare(x, ret);
			return -ENOMEM;
		}
	}
	return 0;
}

void index_unprepare(struct index *x, const struct label_set *labels)
{
	for (uint32_t i = 0; i < labels->count; i++)
		term_prune(x, term_of(x, labels->terms[i]));
}

uint32_t index_add(struct index *x, void *pod, const struct label_set *labels)
{
	uint32_t slot = slots_take(&x->pods, pod);

	for (uint32_t i = 0; i < labels->count; i++)
		term_insert(term_of(x, labels->terms[i]), slot);
	return slot;
}

/* Both sets are in the order of their keys, so they are walked side by side: a pod may have many.
 */
void index_change(struct index *x, uint32_t slot, const struct label_set *old,
		  const struct label_set *new)
{
	uint32_t i = 0;
	uint32_t j = 0;

	while (i < old->count || j < new->count) {
		struct term *was = i < old->count ? term_of(x, old->terms[i]) : NULL;
		struct term *is = j < new->count ? term_of(x, new->terms[j]) : NULL;
		int order = !was ? 1 : !is ? -1 : strcmp(was->key->text, is->key->text);

		i += order <= 0;
		j += order >= 0;
		if (was == is)
			continue;
		if (order >= 0)
			term_insert(is, slot);
		if (order <= 0)
			term_take_out(x, was, slot);
	}
}

void index_remove(struct index *x, uint32_t slot, const struct label_set *labels)
{
	for (uint32_t i = 0; i < labels->count; i++)
		term_take_out(x, term_of(x, labels->terms[i]), slot);
	slots_drop(&x->pods, slot);
}

bool index_same(const struct index *x, const struct label_set *labels,
		const struct pod_facts *facts)
{
	if (labels->count != facts->label_count)
		return false;
	for (uint32_t i = 0; i < labels->count; i++) {
		const struct term *value = term_of(x, labels->terms[i]);

		if (strcmp(value->text, fact_string(facts, facts->labels[i].value)) != 0 ||
		    strcmp(value->key->text, fact_string(facts, facts->labels[i].key)) != 0)
			return false;
	}
	return true;
}

struct labelled {
	const struct index *index;
	const struct label_set *labels;
};

static const char *label_value(const void *labels, const char *key)
{
	const struct labelled *l = labels;
	uint32_t low = 0;
	uint32_t high = l->labels->count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		const struct term *value = term_of(l->index, l->labels->terms[mid]);
		int order = strcmp(value->key->text, key);

		if (!order)
			return value->text;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

bool index_selects(const struct index *x, const struct selector *s, const struct label_set *labels)
{
	const struct labelled l = {x, labels};

	return selector_matches(s, label_value, &l);
}

static size_t count_meeting(const struct index *x, const struct requirement *r)
{
	const struct term *key = term_find(x, NULL, r->key);
	size_t n = 0;

	if (!key || r->op != REQUIRE_IN)
		return key ? key->count : 0;
	for (size_t i = 0; i < r->count; i++) {
		const struct term *value = term_find(x, key, r->values[i]);

		n += value ? value->count : 0;
	}
	return n;
}

size_t index_estimate(const struct index *x, const struct selector *s,
		      const struct requirement **ret)
{
	size_t least = x->pods.count;

	*ret = NULL;
	for (size_t i = 0; i < s->count; i++) {
		const struct requirement *r = &s->requirements[i];

		if (r->op == REQUIRE_NO_KEY || r->op == REQUIRE_NOT_IN)
			continue;
		size_t n = count_meeting(x, r);
		if (!*ret || n < least) {
			least = n;
			*ret = r;
		}
	}
	return least;
}

static int each_of(const struct index *x, const struct term *value, index_fn fn, void *ctx)
{
	const uint32_t *slots = term_slots(value);
	int r = 0;

	for (uint32_t i = 0; i < value->count && r == 0; i++)
		r = fn(ctx, slots_get(&x->pods, slots[i]));
	return r;
}

int index_each(const struct index *x, const struct requirement *q, index_fn fn, void *ctx)
{
	const struct term *key = term_find(x, NULL, q->key);
	int r = 0;

	if (!key)
		return 0;
	/* No pod has two values of a key, so none is met twice. */
	if (q->op == REQUIRE_IN) {
		for (size_t i = 0; i < q->count && r == 0; i++) {
			const struct term *value = term_find(x, key, q->values[i]);

			r = value ? each_of(x, value, fn, ctx) : 0;
		}
		return r;
	}
	for (const struct term *value = key->values; value && r == 0; value = value->sibling)
		if (requirement_matches(q, value->text))
			r = each_of(x, value, fn, ctx);
	return r;
}

size_t index_bytes(const struct index *x)
{
	size_t n = x->bucket_count * sizeof(*x->buckets) + x->values.cap * sizeof(void *) +
		   x->pods.cap * sizeof(void *);

	for (size_t i = 0; i < x->bucket_count; i++)
		for (const struct term *t = x->buckets[i]; t; t = t->next)
			n += sizeof(*t) + strlen(t->text) + 1 + t->cap * sizeof(*t->many);
	return n;
}

void index_release(struct index *x)
{
	for (size_t i = 0; i < x->bucket_count; i++) {
		for (struct term *t = x->buckets[i]; t;) {
			struct term *next = t->next;

			if (t->cap)
				free(t->many);
			free(t);
			t = next;
		}
	}
	free(x->buckets);
	slots_release(&x->values);
	slots_release(&x->pods);
	*x = (struct index){0};
}
