/* SPDX-License-Identifier: Apache-2.0 */
/*
 * selections: all that are held, and how many pods each has in which namespace.
 */
#ifndef PODFS_STORE_SELECTIONS_H
#define PODFS_STORE_SELECTIONS_H

#include <pthread.h>

#include <podfs/store/selection.h>

#define SELECTION_BUCKETS 4096
/* What is known of the namespaces of selections is kept up to this many bytes. */
#define FOLDER_SETS_MAX (16u << 20)
/* The latest times of namespaces are kept apart, older ones count for all others. */
#define SELECTION_TIMES_MAX 64

struct selection_time {
	uint64_t cookie; /* of the namespace */
	int64_t changed_ns;
};

/* Changes under the store's lock alone, exclusive; counted under the selections' lock. */
struct folder_set {
	unsigned int refs;
	struct collection folders;
	size_t bytes;
	struct folder_set *next; /* of those to be freed */
};

struct selection {
	struct store *store;
	struct selection *next; /* in its bucket */
	size_t at;              /* in `items` of all */
	unsigned int refs;
	struct selector selector;
	struct folder_set *set; /* NULL: not known now */
	uint64_t used;          /* when, by the count of uses */
	int64_t changed_ns;
	int64_t older_ns; /* of namespaces that are not in `times` */
	struct selection_time *times;
	size_t time_count;
	size_t time_cap;
	char name[];
};

struct selections {
	pthread_mutex_t lock; /* of all here, and each one's refs, set and used; a leaf */
	struct selection *buckets[SELECTION_BUCKETS];
	struct selection **items;
	size_t count;
	size_t cap;
	uint64_t uses;
	size_t set_bytes;
	uint64_t refused;
};

/* Whether a pod of the namespace is selected, other than one. */
bool selection_any(const struct selection *sel, const struct store_namespace *ns,
		   const struct object *except);

/* Takes a selection's set away from it: to be freed after the lock, if it is not NULL. */
struct folder_set *folder_set_drop_locked(struct selection *sel);
void folder_set_free(struct folder_set *set);

#endif
