/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this module share. */
#ifndef PODFS_TREE_INTERNAL_H
#define PODFS_TREE_INTERNAL_H

#include <podfs/downward/downward.h>
#include <podfs/tree/tree.h>

struct container;

/* Whether a pod has metadata/@name for a link of that name to lead to. */
bool tree_has_label_link(const struct view *view, const char *name);

/* /self. 0, -ENOENT, -ENOMEM. */
int tree_find_own(const struct tree *t, struct tree_entry *ret);

/* Whether tree_own names that pod, be it as it wants it or not. */
bool tree_is_own(const struct tree *t, const struct object *pod);

/* The container whose directory, or a link in it, @p is. 0; -ENOENT; -ENOMEM. */
int tree_container(const struct tree_place *p, struct container *ret);

/* The name in, or the listing of, a directory below downward/. 0; -ENOENT; -ENOMEM. */
int tree_downward_find(const struct tree_place *dir, const char *name, size_t len,
		       struct tree_entry *ret);
int tree_downward_list(const struct tree_place *dir, struct downward_list *ret);

/* A path below downward/ from one below the pod's directory. */
const char *tree_downward_path(const char *path);

struct downward_source tree_downward_source(const struct tree_source *source);

/* Calls `fn` for entries in order, moving those that share a cookie apart. */
struct emitter {
	uint64_t after;
	uint64_t last; /* the cookie as it was before moving */
	unsigned int ties;
	tree_list_fn fn;
	void *ctx;
};

#define COOKIE_TIES 8

int tree_emit(struct emitter *e, struct tree_entry *entry);

/* Entries behind that cookie are to be emitted: those that may have been moved are among them. */
static inline uint64_t tree_emit_from(const struct emitter *e)
{
	return e->after > COOKIE_TIES ? e->after - COOKIE_TIES : 0;
}

/* views.c: the folders by labels, addresses and uids. */
bool tree_find_view(const char *name, size_t len, struct tree_entry *ret);
bool tree_is_view(enum tree_kind kind);
int tree_find_in_view(const struct tree *t, const struct tree_place *dir, const char *name,
		      size_t len, struct tree_entry *ret);
int tree_enter_selection(struct tree_place *p, const struct tree_entry *entry);
int tree_list_view(const struct tree *t, const struct tree_place *dir, struct emitter *e);
int64_t tree_view_time(const struct tree *t, const struct tree_place *p);
int tree_view_subdirs(const struct tree_place *p, uint32_t *ret);
int tree_view_link(const struct tree_place *p, struct buf *out);
int tree_view_changes(const struct store_change *change, tree_change_fn fn, void *ctx);

uint64_t tree_ino(uint64_t seed, bool is_dir, int64_t mtime_ns);

#endif
