/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index: which pods have which labels.
 *
 * A label's key, and each of its values, is kept once, as a term; a value's
 * term has the slots of the pods that have it, in their order. A pod has the
 * numbers of its values' terms, so that its labels are read without its text.
 *
 * Under the store's lock: shared to read, exclusive to write.
 */
#ifndef PODFS_STORE_INDEX_H
#define PODFS_STORE_INDEX_H

#include <podfs/model/facts.h>
#include <podfs/model/selector.h>
#include <podfs/store/slots.h>

/* A pod's labels: terms, in the order of their keys. */
struct label_set {
	uint32_t *terms;
	uint32_t count;
};

struct term;

struct index {
	struct term **buckets; /* of all terms, by key and text; a power of two */
	size_t bucket_count;
	size_t term_count;
	struct slots values; /* the terms of values */
	struct slots pods;   /* what index_add() was given */
};

/**
 * Finds or makes the terms of a pod's labels, with room for one more pod in each.
 *
 * @ret  its `terms` have room for all labels of @facts.
 *
 * 0 or -ENOMEM: then no new terms are left behind.
 */
int index_prepare(struct index *x, const struct pod_facts *facts, struct label_set *ret);

/* Forgets terms that index_prepare() made and nobody used. */
void index_unprepare(struct index *x, const struct label_set *labels);

/* Gives a pod with prepared labels a slot. */
uint32_t index_add(struct index *x, void *pod, const struct label_set *labels);

/* The same pod with other, prepared labels. */
void index_change(struct index *x, uint32_t slot, const struct label_set *old,
		  const struct label_set *new);

void index_remove(struct index *x, uint32_t slot, const struct label_set *labels);

/* Whether a pod's labels are these. */
bool index_same(const struct index *x, const struct label_set *labels,
		const struct pod_facts *facts);

/* Whether a pod with those labels is selected. */
bool index_selects(const struct index *x, const struct selector *s, const struct label_set *labels);

/**
 * How many pods must be looked at to find all that are selected, if not all
 * pods: those that meet the requirement which the fewest do.
 *
 * @ret  that requirement; NULL: none tells, as with `!key` or `key!=value`.
 */
size_t index_estimate(const struct index *x, const struct selector *s,
		      const struct requirement **ret);

/* Returns 0 to go on, anything else ends it. */
typedef int (*index_fn)(void *ctx, void *pod);

/* Calls @fn for each pod that meets one requirement, which index_estimate() gave. */
int index_each(const struct index *x, const struct requirement *q, index_fn fn, void *ctx);

/* Bytes that it takes, but for what malloc() adds. */
size_t index_bytes(const struct index *x);

void index_release(struct index *x);

#endif
