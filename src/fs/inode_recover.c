/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of a process that died. A node is there if its id is; then all that
 * it says of itself was written before. All that nodes say of each other, and
 * who has which name, is made anew.
 */
#include "inode_table.h"

static bool has_id(const void *record)
{
	const struct inode *n = record;

	return n->id != 0;
}

/* Whether it can be a node, as far as that can be said without looking at others. */
static bool is_whole(const struct inode_table *t, const struct inode *n)
{
	if (n->id == INODE_ROOT)
		return n->kind == TREE_ROOT && n->is_dir && !n->parent;
	return n->kind > TREE_ROOT && n->kind <= TREE_SELF_VERSION && n->id <= *t->last_id &&
	       slab_is_slot(&t->nodes, n->parent) && names_is_whole(&t->names, n->name);
}

static struct inode *next_left(struct inode_table *t, uint32_t *slot)
{
	while ((*slot = slab_next_left(&t->nodes, *slot))) {
		struct inode *n = node_at(t, *slot);

		if (n->id)
			return n;
	}
	return NULL;
}

static void drop(struct inode *n, struct inode_recovered *ret)
{
	n->id = 0;
	ret->dropped++;
}

/* A parent was there first: so this ends, and there are no circles. */
static bool has_parent(struct inode_table *t, const struct inode *n)
{
	const struct inode *parent = node_at(t, n->parent);

	return n == t->root || (parent->id && parent->is_dir && parent->id < n->id);
}

/* Those that are damaged first, then those that hang on them, until there are none. */
static void drop_damaged(struct inode_table *t, struct inode_recovered *ret)
{
	uint64_t before;
	struct inode *n;

	for (uint32_t slot = 0; (n = next_left(t, &slot));) {
		if (!is_whole(t, n))
			drop(n, ret);
		else if (n->id == INODE_ROOT)
			t->root = n;
	}
	do {
		before = ret->dropped;
		for (uint32_t slot = 0; t->root && (n = next_left(t, &slot));)
			if (!has_parent(t, n))
				drop(n, ret);
	} while (ret->dropped != before);
}

/* What is used by nodes is what is left of names and holds. */
static int take_over_others(struct inode_table *t, struct inode_recovered *ret)
{
	struct inode *n;

	names_forget_users(&t->names);
	holds_forget_users(t);
	for (uint32_t slot = 0; (n = next_left(t, &slot));) {
		if (n != t->root)
			names_use(&t->names, n->name);
		if (holds_has(t, n->holds))
			continue;
		n->holds = 0;
		ret->lost++;
	}
	int r = names_take_over(&t->names);
	return r < 0 ? r : holds_take_over(t);
}

/* Damage can make two of one: an id, or a name in a folder, is the first one's. The other gets an
 * id that nobody asks for. */
static void link_one(struct inode_table *t, struct inode *n, struct inode_recovered *ret)
{
	struct inode *parent = node_at(t, n->parent);

	if (n != t->root && n->attached && children_find(t, parent, n->name)) {
		n->attached = false;
		ret->lost++;
	}
	if (inode_get(t, n->id)) {
		n->id = ++*t->last_id;
		ret->lost++;
	}
	inode_index(t, n);
	if (n != t->root)
		children_add(t, parent, n);
}

static void link_all(struct inode_table *t, struct inode_recovered *ret)
{
	uint32_t slot;
	struct inode *n;

	for (slot = 0; (n = next_left(t, &slot));) {
		n->children = 0;
		n->left = 0;
		n->right = 0;
		n->id_next = 0;
		n->told = 0;
	}
	for (slot = 0; (n = next_left(t, &slot));)
		link_one(t, n, ret);
}

static void attach(struct inode_table *t, struct inode *n)
{
	struct inode *parent = node_at(t, n->parent);

	if (children_find(t, parent, n->name))
		return;
	children_remove(t, parent, n);
	n->attached = true;
	children_add(t, parent, n);
}

/*
 * Whoever died was detaching nodes for a change that is not the truth yet. What has not been given
 * anything else to show shows what it did; and a folder that still has such nodes in it had been
 * emptied before them.
 */
static void attach_again(struct inode_table *t, struct inode *n)
{
	bool shows_object = hold_is_object(t, n->holds);

	if (!n->attached && shows_object)
		attach(t, n);
	if (!n->attached)
		return;
	for (struct inode *dir = node_at(t, n->parent); dir && !dir->attached;
	     dir = node_at(t, dir->parent)) {
		attach(t, dir);
		hold_drop(t, dir->holds);
		dir->holds = shows_object ? hold_share(t, n->holds) : 0;
	}
}

/* What a node showed is gone: it is empty. */
static void detach(struct inode_table *t, struct inode *n)
{
	struct inode *parent = node_at(t, n->parent);

	if (!n->attached)
		return;
	children_remove(t, parent, n);
	n->attached = false;
	children_add(t, parent, n);
}

static void find_all(struct inode_table *t, const struct inode_finders *find,
		     struct inode_recovered *ret)
{
	struct inode *n;

	for (uint32_t slot = 0; (n = next_left(t, &slot));)
		attach_again(t, n);
	for (uint32_t slot = 0; (n = next_left(t, &slot));) {
		if (hold_find(t, n, find))
			continue;
		detach(t, n);
		ret->lost++;
	}
}

/* Whoever died was about to let them go. */
static void reap_all(struct inode_table *t)
{
	struct inode *n;

	for (uint32_t slot = 0; (n = next_left(t, &slot));)
		inode_reap(t, n);
}

struct inode_table *inode_table_recover(int memory, const struct inode_finders *find,
					struct inode_recovered *ret)
{
	struct inode_table *t = inode_table_map(memory);
	int r = 0;

	*ret = (struct inode_recovered){0};
	if (!t)
		return NULL;
	drop_damaged(t, ret);
	if (t->root)
		r = take_over_others(t, ret);
	if (t->root && r == 0)
		r = slab_take_over(&t->nodes, has_id);
	if (!t->root || r < 0) {
		inode_table_free(t);
		return NULL;
	}
	link_all(t, ret);
	find_all(t, find, ret);
	reap_all(t);
	ret->nodes = t->count;
	return t;
}
