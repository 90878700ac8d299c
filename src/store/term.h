/* SPDX-License-Identifier: Apache-2.0 */
/*
 * term: a label's key, or a value of one, and the pods that have it.
 */
#ifndef PODFS_STORE_TERM_H
#define PODFS_STORE_TERM_H

#include <podfs/store/index.h>

#define TERM_FEW 2u

/*
 * A key, or a value of one. Many values belong to one pod alone, so a few slots
 * stand in the term itself.
 */
struct term {
	struct term *next; /* in its bucket */
	struct term *key;  /* NULL: it is a key */
	struct term *sibling;
	struct term **sibling_at; /* what points to this value: its key, or a value */
	uint32_t id;              /* of a value */
	uint32_t count;           /* pods that have it */
	uint32_t cap;             /* 0: the slots stand here */
	union {
		struct term *values; /* of a key */
		uint32_t *many;
		uint32_t few[TERM_FEW];
	};
	char text[];
};

/* The term of a value, by its number. */
static inline struct term *term_of(const struct index *x, uint32_t id)
{
	return slots_get(&x->values, id);
}

/* A value's slots, in their order. */
static inline const uint32_t *term_slots(const struct term *t)
{
	return t->cap ? t->many : t->few;
}

/* A key (@key is NULL), or a value of @key. NULL: there is none, or (make) no memory. */
struct term *term_find(const struct index *x, const struct term *key, const char *text);
struct term *term_make(struct index *x, struct term *key, const char *text);

/* Frees a value that no pod has, and its key with its last value. */
void term_prune(struct index *x, struct term *value);
void term_prune_key(struct index *x, struct term *key);

/* Room for one more pod. 0 or -ENOMEM. */
int term_reserve(struct term *value);

/* After term_reserve() this cannot fail. */
void term_insert(struct term *value, uint32_t slot);

/* May free the value. */
void term_take_out(struct index *x, struct term *value, uint32_t slot);

#endif
