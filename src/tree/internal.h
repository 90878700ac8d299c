/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this module share. */
#ifndef PODFS_TREE_INTERNAL_H
#define PODFS_TREE_INTERNAL_H

#include <podfs/tree/tree.h>

struct container;

/* Whether a pod has metadata/@name for a link of that name to lead to. */
bool tree_has_label_link(const struct view *view, const char *name);

/* The known Node that a pod is on, or NULL. */
const struct store_node *tree_pod_node(const struct tree *t, const struct object *pod);

/* The container whose directory, or a link in it, @p is. 0; -ENOENT; -ENOMEM. */
int tree_container(const struct tree_place *p, struct container *ret);

uint64_t tree_ino(uint64_t seed, bool is_dir, int64_t mtime_ns);

#endif
