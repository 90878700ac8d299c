/* SPDX-License-Identifier: Apache-2.0 */
/* Where nodes are: what of them is constant is read without the lock. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "inode_table.h"

const struct inode *inode_parent(const struct inode_table *t, const struct inode *n)
{
	return node_at(t, n->parent);
}

const char *inode_name(const struct inode_table *t, const struct inode *n)
{
	return n->name ? names_text(&t->names, n->name) : "";
}

static int path_below(const struct inode_table *t, const struct inode *n, const struct inode *top,
		      struct buf *out)
{
	const struct inode *chain[PATH_MAX / 2];
	size_t depth = 0;

	for (; n != top; n = inode_parent(t, n)) {
		if (depth == ARRAY_SIZE(chain))
			return -ENAMETOOLONG;
		chain[depth++] = n;
	}
	while (depth--) {
		buf_addstr(out, inode_name(t, chain[depth]));
		if (depth)
			buf_addch(out, '/');
	}
	return buf_reserve(out, 0);
}

int inode_path(const struct inode_table *t, const struct inode *n, struct buf *out)
{
	return path_below(t, n, t->root, out);
}

static bool is_object_dir(const struct inode *n)
{
	switch (n->kind) {
	case TREE_POD:
	case TREE_NODE:
	case TREE_NAMESPACE:
	case TREE_POD_NODE:
	case TREE_ROOT:
		return true;
	default:
		return false;
	}
}

int inode_object_path(const struct inode_table *t, const struct inode *n, struct buf *out)
{
	const struct inode *top = n;

	while (!is_object_dir(top))
		top = inode_parent(t, top);
	return path_below(t, n, top, out);
}

static void summarize(const struct inode_table *t, const struct inode *n, struct inode_summary *ret)
{
	const struct inode *parent = inode_parent(t, n);

	ret->id = n->id;
	ret->parent = parent ? parent->id : 0;
	ret->kind = n->kind;
	ret->is_dir = n->is_dir;
	/* Of a detached node, too: whether the kernel has heard that it lost its name is unknown.
	 */
	const char *name = inode_name(t, n);
	memcpy(ret->name, name, strlen(name) + 1);
}

size_t inode_summaries(struct inode_table *t, uint32_t *at, struct inode_summary *ret, size_t max)
{
	size_t count = 0;

	inode_lock(t);
	while (count < max) {
		uint32_t slot = slab_seek(&t->nodes, *at);

		*at = slot ? slot + 1 : UINT32_MAX;
		if (!slot)
			break;
		/* A free record has no id. */
		if (node_at(t, slot)->id)
			summarize(t, node_at(t, slot), &ret[count++]);
	}
	inode_unlock(t);
	return count;
}
