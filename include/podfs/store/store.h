/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store: the objects of the cluster as they are now. What they are outlives the process:
 * recover.h.
 *
 * One thread writes: [loop]. Others read under the lock, shared, from
 * store_rdlock() to store_rdunlock(); what they want to keep longer (an object,
 * a version) they take a reference to. The writer holds the lock exclusively
 * only while it swaps pointers and the observer notes what is no longer true.
 *
 * Lock order: this one, then the observer's own.
 */
#ifndef PODFS_STORE_STORE_H
#define PODFS_STORE_STORE_H

#include <podfs/model/diff.h>
#include <podfs/model/history.h>
#include <podfs/model/packed.h>
#include <podfs/store/version.h>

struct indexed;
struct view_changes;

/* An object between its creation and its deletion: a new uid is another object. */
struct object {
	atomic_uint refs;
	enum kind kind;
	uint64_t cookie; /* of the name */
	const char *name;
	const char *namespace; /* "" for what has none */
	const char *uid;
	const char *node_name;   /* of a pod; "" before it is bound. Changes under the lock. */
	int64_t created_ns;      /* creationTimestamp; constant, as the names and the uid */
	uint32_t generation;     /* of the list that saw it last: [loop] */
	unsigned int left_out;   /* values without a file (field_count_left_out) */
	struct version *version; /* the newest; under the lock */
	struct history history;  /* under the lock */
	_Atomic uint64_t kept;   /* its record of that, for the next process; 0: none. [loop] */
	struct indexed *indexed; /* of a pod: views.h; under the lock */
	char strings[];          /* name and uid */
};

struct object *object_ref(struct object *o);
void object_unref(struct object *o);

/* Objects, or folders of them, in the order of their cookies. */
struct collection {
	void **items;
	size_t count;
	size_t cap;
	int64_t changed_ns;    /* when one came or went */
	_Atomic uint64_t kept; /* its record of that, as above */
};

/* A namespace's folder: there while the Namespace or a pod in it is. */
struct store_namespace {
	uint64_t cookie;
	struct object *object; /* NULL: not known, or may not be read */
	struct collection pods;
	char name[];
};

/* A node's place: visible while the Node is known; pods may be bound to it before. */
struct store_node {
	uint64_t cookie;
	struct object *object;
	struct collection namespaces; /* of struct store_node_namespace */
	char name[];
};

/* What a node has of a namespace: there while a pod of it is bound to the node. */
struct store_node_namespace {
	const struct store_namespace *ns;
	struct collection pods;
};

enum store_event {
	STORE_UNSET,
	STORE_ADDED,
	STORE_MODIFIED,
	STORE_REMOVED,
	STORE_READABLE, /* a whole kind can be read from now on, or no longer */
};

/*
 * What a write changed. Valid during the call. A write of a Node is followed by one of
 * MODIFIED for each pod that shows something of it, whose own version stays.
 */
struct store_change {
	enum store_event event;
	enum kind kind;
	struct object *object;   /* NULL when READABLE */
	struct version *before;  /* NULL when ADDED; of a pod whose Node changed: the newest */
	const struct diff *diff; /* when MODIFIED: never empty */
	const char *node_before; /* of a pod: "" for none */
	const char *node_after;
	struct version *node_was; /* of a pod: what its Node was before, NULL: none was known */
	const struct store_node *was_on; /* the places of these, or NULL */
	const struct store_node *is_on;
	bool folder_came; /* of a pod or a namespace: namespaces/<ns> is new, or gone */
	bool folder_went;
	const struct view_changes *views; /* of a pod: views.h; NULL: none */
};

struct store_observer {
	void *ctx;
	/* [loop] Under the exclusive lock, after the store says what is new; histories are
	 * still as before. Must not fail and not wait. */
	void (*changed)(void *ctx, const struct store_change *change);
	/* [loop] After the lock is free again. */
	void (*published)(void *ctx);
};

struct store;

/* What a pod shows is its own and its Node's. */
struct store_state {
	const struct view *object;
	const struct view *node; /* of a pod: its Node, NULL: none is known */
};

/* What an object's directory shows of its state: that is known to the tree alone. */
struct store_rules {
	/*
	 * What gets another content below an object's directory: diff_views(), or more than
	 * that. If it is a pod's Node that changed, both states have the same object.
	 * 0 or -ENOMEM.
	 */
	int (*diff)(enum kind kind, const struct store_state *old, const struct store_state *new,
		    struct diff *ret);
	/* Whether a pod may show what is different in two states of its Node (or NULL). */
	bool (*node_matters)(const struct view *old, const struct view *new);
};

/* The rules are copied. NULL: out of memory. */
struct store *store_new(const struct store_rules *rules);
void store_free(struct store *s);

/* From now on, or (NULL) no longer. [loop] */
void store_observe(struct store *s, const struct store_observer *observer);

/**
 * Takes in one object; an older state of it is replaced.
 *
 * @p  what it was made from is still there (packed.h); its text may be taken.
 *
 * [loop] 1: the store changed; 0: it was known like that; -ENOMEM: nothing changed.
 */
int store_put(struct store *s, struct packed *p);

/* [loop] 1: removed; 0: not known; -ENOMEM: nothing changed. */
int store_remove(struct store *s, enum kind kind, const char *namespace, const char *name);

/*
 * A full list: what is not put between these two calls is removed at the end.
 * A list that failed midway just never ends; the next one begins anew. [loop]
 */
void store_list_begin(struct store *s, enum kind kind);
void store_list_end(struct store *s, enum kind kind);

/* [loop] Whether objects of that kind can be read at all. At first: yes. */
void store_set_readable(struct store *s, enum kind kind, bool readable);
/* Under the lock. */
bool store_readable(const struct store *s, enum kind kind);

void store_rdlock(struct store *s);
void store_rdunlock(struct store *s);

/* Returns when nobody who had the lock at the time of the call has it any more. [loop] */
void store_wait_readers(struct store *s);

/* All of these under the lock; what they return is valid as long as it is held. NULL: none. */
const struct store_namespace *store_find_namespace(const struct store *s, const char *name,
						   size_t len);
const struct store_node *store_find_node(const struct store *s, const char *name, size_t len);
const struct store_node_namespace *store_find_node_namespace(const struct store_node *node,
							     const char *ns, size_t len);
struct object *store_find_pod(const struct store_namespace *ns, const char *name, size_t len);
/*
 * The pod of that uid, or the static pod whose containers' cgroups carry it (annotation
 * kubernetes.io/config.hash, which anybody may give a pod: so a uid goes first, of two pods that
 * claim one hash it is neither, and a UUID, which static pods do not have, cannot be claimed).
 */
struct object *store_find_uid(const struct store *s, const char *uid, size_t len);
const struct collection *store_namespaces(const struct store *s);
const struct collection *store_nodes(const struct store *s); /* also nodes without a Node */

/* What there is. [any thread] */
struct store_counts {
	uint64_t objects[KIND_COUNT];
	uint64_t bytes;      /* of their texts */
	uint64_t arena_live; /* bytes of the same, packed, and of older ones that are held */
	uint64_t arena_used; /* with what is dead, and has not been given back yet */
	uint64_t left_out;
	uint64_t selections;         /* held now */
	uint64_t selections_refused; /* since the start, as too many were held */
	bool unreadable[KIND_COUNT]; /* store_set_readable() */
};
void store_counts(struct store *s, struct store_counts *ret);

#endif
