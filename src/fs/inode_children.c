/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder's nodes: a search tree by name, balanced by chance (a treap, Aragon
 * and Seidel 1989), whose dice are the nodes' ids. What is in one folder comes
 * at the same time and lies side by side, so the way to a child is short in
 * memory, too: a hash table over all nodes, which was here, missed the cache
 * thrice for each.
 */
#include <podfs/base/hash.h>

#include "inode_table.h"

/* Detached ones have lost their name: they are behind all that have one. */
#define NAMELESS (UINT64_C(1) << 63)

static uint64_t key_of(const struct inode *n)
{
	return n->attached ? n->name : NAMELESS | n->id;
}

/* A parent's is above its children's. */
static bool is_above(const struct inode *a, const struct inode *b)
{
	return hash_u64(a->id) > hash_u64(b->id);
}

struct inode *children_find(const struct inode_table *t, const struct inode *parent, uint32_t name)
{
	struct inode *n = node_at(t, parent->children);

	while (n && key_of(n) != name)
		n = node_at(t, key_of(n) > name ? n->left : n->right);
	return n;
}

void children_add(struct inode_table *t, struct inode *parent, struct inode *n)
{
	uint32_t *at = &parent->children;
	uint32_t *left = &n->left;
	uint32_t *right = &n->right;
	uint64_t key = key_of(n);
	struct inode *other;

	while ((other = node_at(t, *at)) && is_above(other, n))
		at = key_of(other) > key ? &other->left : &other->right;
	uint32_t rest = *at;
	*at = slot_of(t, n);
	/* What was there comes below it, on the side where it belongs. */
	while ((other = node_at(t, rest))) {
		bool is_right = key_of(other) > key;
		uint32_t **side = is_right ? &right : &left;

		**side = rest;
		*side = is_right ? &other->left : &other->right;
		rest = **side;
	}
	*left = 0;
	*right = 0;
}

void children_remove(struct inode_table *t, struct inode *parent, struct inode *n)
{
	uint32_t *at = &parent->children;
	uint32_t left = n->left;
	uint32_t right = n->right;
	uint64_t key = key_of(n);
	struct inode *other;

	while ((other = node_at(t, *at)) != n)
		at = key_of(other) > key ? &other->left : &other->right;
	while (left && right) {
		struct inode *l = node_at(t, left);
		struct inode *r = node_at(t, right);
		bool is_left = is_above(l, r);

		*at = is_left ? left : right;
		at = is_left ? &l->right : &r->left;
		*(is_left ? &left : &right) = *at;
	}
	*at = left ? left : right;
}

struct inode *inode_next_child(const struct inode_table *t, const struct inode *parent,
			       const struct inode *after)
{
	struct inode *n = node_at(t, parent->children);
	struct inode *next = NULL;

	while (n) {
		bool is_behind = !after || key_of(n) > key_of(after);

		if (is_behind)
			next = n;
		n = node_at(t, is_behind ? n->left : n->right);
	}
	return next;
}
