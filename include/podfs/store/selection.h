/* SPDX-License-Identifier: Apache-2.0 */
/*
 * selection: the pods that a label selector selects.
 *
 * There is one selection of each name that somebody holds: those names' changes
 * are told with every change of the store. What holds one costs a comparison of
 * labels for each pod that comes, goes or changes its labels; pods that change
 * in other ways cost nothing. The kernel knows a folder for each, and would keep
 * it as long as it likes: so it is asked to drop them if they are many, and more
 * than a limit there are not, for anybody who may look up a name makes them.
 *
 * Whether a pod is selected is told by its labels in the index, and a listing
 * is made from the index or the namespace's pods, whichever is less to look at.
 * What is kept is how many pods of each namespace are selected, for the
 * selections used last, up to a limit.
 *
 * Lock order: the store's, then the inodes', then the selections' own.
 */
#ifndef PODFS_STORE_SELECTION_H
#define PODFS_STORE_SELECTION_H

#include <podfs/store/store.h>

struct selection;

/* So many are held at once at most, and from so many on those that are not in use had better go. */
#define SELECTIONS_MAX 16384u
#define SELECTIONS_MANY 4096u

/**
 * The selection of a selector that is written as a file's name.
 *
 * @ret  a reference that the caller gives back.
 *
 * [any thread] Under the store's lock, shared. 0; -EINVAL: malformed; -ENFILE: SELECTIONS_MAX
 * others are held; -ENOMEM.
 */
int selection_get(struct store *s, const char *name, size_t len, struct selection **ret);

/* Whether selection_get() would find it well-formed, without making it. */
int selection_check(struct store *s, const char *name, size_t len);

/* How many are held. [any thread] No lock is needed. */
size_t selections_held(const struct store *s);

/* [any thread] NULL is none. No lock is needed. The store must outlive every reference. */
struct selection *selection_ref(struct selection *sel);
void selection_unref(struct selection *sel);

/* All of these under the store's lock. */

bool selection_has(const struct selection *sel, const struct object *pod);

/* Whether a pod of the namespace is selected. 0 or 1; -ENOMEM. */
int selection_has_folder(struct selection *sel, const struct store_namespace *ns);

/* When a pod of the namespace came or went, or (NULL) the folder of a namespace. */
int64_t selection_time(const struct selection *sel, const struct store_namespace *ns);

/* Returns 0 to go on, anything else ends it. */
typedef int (*selection_pod_fn)(void *ctx, struct object *pod);

/* Calls @fn for each pod of the namespace behind @cookie, in the order of their cookies. */
int selection_each(const struct selection *sel, const struct store_namespace *ns, uint64_t cookie,
		   selection_pod_fn fn, void *ctx);

/* The namespaces that have a pod which is selected, in the order of their cookies. */
struct folder_set;

struct selection_folder {
	const struct store_namespace *ns;
	uint32_t pods; /* how many */
};

struct collection_item selection_folder_item(const void *folder);

/* @ret: a reference, to be given back under the same hold of the lock. 0 or -ENOMEM. */
int selection_folders(struct selection *sel, struct folder_set **ret);
void folder_set_unref(struct selection *sel, struct folder_set *set);
const struct collection *folder_set_items(const struct folder_set *set);

#endif
