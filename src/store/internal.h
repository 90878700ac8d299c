/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this module share. */
#ifndef PODFS_STORE_INTERNAL_H
#define PODFS_STORE_INTERNAL_H

#include <podfs/store/store.h>

struct store {
	pthread_rwlock_t lock;
	store_diff_fn diff;
	struct store_observer observer;
	struct collection namespaces;
	struct collection nodes;
	struct store_counts counts;
	uint32_t generation[KIND_COUNT];
	struct diff scratch;
	struct diff folded; /* of it, if it is large */
};

/* Tells the observer, if there is one: under the lock, and after it. */
void store_tell(struct store *s, const struct store_change *change);
void store_tell_published(struct store *s);

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

#endif
