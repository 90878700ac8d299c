/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this module share. */
#ifndef PODFS_STORE_INTERNAL_H
#define PODFS_STORE_INTERNAL_H

#include <podfs/base/clock.h>
#include <podfs/store/views.h>

struct store {
	pthread_rwlock_t lock;
	struct store_rules rules;
	struct store_observer observer;
	struct collection namespaces;
	struct collection nodes;
	struct store_counts counts;
	_Atomic uint64_t unreadable_kept[KIND_COUNT]; /* for the next process: kept.h */
	bool recovering;                              /* what comes was there before: recover.c */
	uint32_t generation[KIND_COUNT];
	struct diff scratch;
	struct diff folded; /* of it, if it is large */
	struct buf text;    /* of what is compared */
	struct json_index json_index;
	struct index index;
	struct claims by_uid;
	struct claims by_ip;
	struct selections *selections;
	struct view_changes view_changes;
};

/* For times of changes; 0: nothing changes. */
static inline int64_t store_now(const struct store *s)
{
	return s->recovering ? 0 : clock_realtime_ns();
}

/* The object of that name, or NULL. */
struct object *store_find_object(const struct store *s, enum kind kind, const char *namespace,
				 const char *name);

/**
 * Adds an object.
 *
 * @version  of its text; taken in any case.
 * @old      one of the same name that it takes the place of, or NULL.
 *
 * [loop] 1, or -ENOMEM.
 */
int store_add_object(struct store *s, const struct packed *p, struct version *version,
		     struct object *old);

/* Tells the observer, if there is one: under the lock, and after it. */
void store_tell(struct store *s, const struct store_change *change);
void store_tell_published(struct store *s);

/* The newest version of the Node of that name, or NULL: none is known. */
struct version *store_node_version(const struct store *s, const char *name);

/* 1, or -ENOMEM: nothing changed. [loop] */
int store_remove_object(struct store *s, struct object *o);

/* A pod's versions, or another object's, where @node is NULL. */
struct state {
	struct version *object;
	struct version *node;
};

/* The rules' difference. 0 or -ENOMEM. @ret is zeroed or used before. */
int state_diff(struct store *s, enum kind kind, const struct state *old, const struct state *new,
	       struct diff *ret);

/* A pod that shows something of a Node which changes. */
struct follower {
	struct object *pod;
	struct diff diff;
	struct diff folded; /* what its history takes in, if that is another one */
	bool is_folded;
};

struct followers {
	struct follower *items;
	size_t count;
	size_t cap;
};

/**
 * Finds out what a change of the Node @name does to the pods on it. Without an
 * observer nobody has seen them yet, and there are none.
 *
 * @old, @new  NULL: it is not known before, or afterwards.
 *
 * [loop] Before the lock. 0 or -ENOMEM. @ret is to be released in any case.
 */
int followers_find(struct store *s, const char *name, struct version *old, struct version *new,
		   struct followers *ret);

/* Under the lock, after the Node changed from @node_was (or NULL): says so of each pod. */
void followers_tell(struct store *s, struct followers *f, struct version *node_was);

void followers_release(struct followers *f);
#define cleanup_followers cleanup_(followers_release)

/* The folders a write needs: those there are, or new ones that are not in the store yet. */
struct folders {
	struct store_namespace *ns;
	struct store_node *node;
	struct store_node_namespace *on_node; /* of a pod that is bound */
	bool ns_is_new;
	bool node_is_new;
	bool on_node_is_new;
};

/**
 * Finds or makes the folders an object goes into, with room for it. Under the lock.
 *
 * @ns, @node  names, "" for none.
 * @is_pod     it goes into their collections, too.
 *
 * 0 or -ENOMEM. @ret is to be dropped in any case.
 */
int folders_prepare(struct store *s, const char *ns, const char *node, bool is_pod,
		    struct folders *ret);

/* Frees what was made and not placed. */
void folders_drop(struct folders *f);

/* Under the lock: new folders are found from now on. Whether the namespace's is new. */
bool folders_place(struct store *s, struct folders *f, int64_t now);

/*
 * Under the lock: takes a namespace's folder that has nothing in it out of the store. Whether
 * it did; it is the caller's then.
 */
bool folder_prune_namespace(struct store *s, struct store_namespace *ns, int64_t now);

/*
 * Under the lock: a pod comes to the node of placed folders, which may be none, or leaves one; what
 * the node has of its namespace goes with its last pod.
 */
void folders_add_to_node(struct folders *f, struct object *pod, int64_t now);
void folder_remove_from_node(struct store_node *node, const struct object *pod, int64_t now);

/* Under the lock: frees a node's place if there is nothing in it any more. */
void folder_release_node(struct store *s, const char *name);

void folder_free_namespace(struct store_namespace *ns);
void folder_free_node(struct store_node *node);

/**
 * What an object with these facts has in the views: not in them yet, but its
 * names are those of @o.
 *
 * @ret  to be freed; NULL: it is no pod, or it has that already.
 *
 * [loop] 0 or -ENOMEM.
 */
int indexed_make(const struct store *s, struct object *o, const struct pod_facts *facts,
		 struct indexed **ret);

/* Under the lock: room for it (which may be NULL) in all views. 0 or -ENOMEM. */
int views_prepare(struct store *s, struct indexed *x, const struct pod_facts *facts);

/**
 * Under the lock: a pod is indexed by something else.
 *
 * @new  prepared; NULL: the pod goes. The one it had (if any) stays the caller's.
 *
 * What that changed, or NULL; valid until the next call.
 */
const struct view_changes *views_replace(struct store *s, struct object *o, struct indexed *new);

void views_release(struct store *s);

/* Notes a change of a view; its name is copied. */
struct view_change *view_change_add(struct view_changes *all, enum view_kind view,
				    const char *name);

/* What is counted of them. [any thread] */
void selections_count(const struct store *s, struct store_counts *ret);

/* NULL: out of memory. */
struct selections *selections_new(void);
void selections_free(struct selections *all);

/* Under the lock, before the index changes: a pod's labels, NULL if it was or is not there. */
void selections_update(struct store *s, const struct object *pod, const struct store_namespace *ns,
		       const struct label_set *old, const struct label_set *new);

#endif
