/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store: all objects, the one revision counter, and the history that watches
 * and old pages read.
 *
 * One lock over everything. A write costs a memmove and one entry of history;
 * a reader takes references and leaves. There is no copy of any old state: the
 * state at an earlier revision is the present one with later events undone.
 */
#pragma once

#include <pthread.h>

#include "object.h"

enum event_type {
	EVENT_ADDED,
	EVENT_MODIFIED,
	EVENT_DELETED,
};

/** One change. `prev` is the version before it (NULL: none), `object` the one after (for DELETED
 * the last one, with the revision of the deletion). */
struct event {
	enum event_type type;
	uint64_t rv;
	struct object *object, *prev;
};

/** Someone to be told that a collection changed; called with the store's lock held. */
struct subscriber {
	enum kind kind;
	void (*changed)(struct subscriber *s);
	struct subscriber *next, **link;
};

struct snapshot {
	struct object **v;
	size_t n;
	uint64_t rv;
};

/** Ready for use with all-zero collections after this. @history: events kept per kind. */
void store_init(size_t history);

extern pthread_mutex_t store_lock;

uint64_t store_rv(void);
size_t store_count(enum kind kind);

/** A reference to the newest version, or NULL. */
struct object *store_get(enum kind kind, const char *ns, const char *name);
struct object *store_get_key(enum kind kind, const char *key);
/** The n-th object, counting around; NULL if there is none. */
struct object *store_pick(enum kind kind, uint64_t n);

/**
 * Writes. Each takes a new revision, tells the subscribers and returns 0 with a
 * reference in *ret (if ret is not NULL).
 *
 * store_create: -EEXIST; -EINVAL if the text is no object of that kind.
 * store_replace: -EAGAIN if the newest version is no longer `old`; -ENOENT.
 * store_delete: likewise. `text`, unless NULL, is the object's last state.
 */
int store_create(enum kind kind, const char *text, size_t len, struct object **ret);
int store_replace(struct object *old, const char *text, size_t len, struct object **ret);
int store_delete(struct object *old, const char *text, size_t len, struct object **ret);

/**
 * Adds without an event and, if `keep_rv`, without a new revision: for what is there at the start.
 * store_load_done() puts what was loaded in order; store_raise() lifts the counter.
 */
int store_load(enum kind kind, const char *text, size_t len, bool keep_rv);
void store_load_done(void);
void store_raise(uint64_t rv);

/**
 * All objects of a kind as they were at `rv` (0: now), in the order of their keys;
 * only those of one namespace if `ns`. -ESTALE if that is gone from history.
 */
int store_snapshot(enum kind kind, const char *ns, uint64_t rv, struct snapshot *ret);
void snapshot_release(struct snapshot *s);

/** Forgets all history: a watch or a page from any revision before now is told 410. */
void store_compact(void);
uint64_t store_compacted(void);

/* --- for watches; all with store_lock held --- */

/** Position behind the newest event. */
uint64_t store_position_locked(enum kind kind);
/** The oldest revision whose successors are all still in the kind's history. */
uint64_t store_oldest_locked(enum kind kind);
/** The position of the first event after `rv`; -ESTALE if history does not reach that far. */
int store_find_locked(enum kind kind, uint64_t rv, uint64_t *ret_position);
/** The event at a position: 0, -ENOENT at the end, -ESTALE if it has been forgotten. Borrowed. */
int store_event_locked(enum kind kind, uint64_t position, const struct event **ret);
int store_snapshot_locked(enum kind kind, const char *ns, uint64_t rv, struct snapshot *ret);
uint64_t store_rv_locked(void);
void subscribe_locked(struct subscriber *s);
void unsubscribe_locked(struct subscriber *s);
