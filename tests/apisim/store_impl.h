/* SPDX-License-Identifier: Apache-2.0 */
/* What store.c and store_history.c share; all of it under store_lock. */
#pragma once

#include "store.h"

/** A kind's objects, sorted by key, and its history, a ring addressed by positions that only grow.
 */
struct collection {
	struct object **v;
	size_t n, cap;
	struct event *ring;
	uint64_t first, next;
	struct subscriber *subscribers;
};

struct store_state {
	struct collection collections[N_KINDS];
	size_t ring_size;
	uint64_t revision, compacted;
};

extern struct store_state store;

/** The index of the first object whose key is not below `key`. */
size_t collection_lower_bound(const struct collection *c, const char *key);
/** Adds an event with the present revision, and tells the subscribers. Takes over both references.
 */
void history_record(struct collection *c, enum event_type type, struct object *o,
		    struct object *prev);
