/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>

#include <podfs/base/hash.h>

#include "inode.h"

#define BUCKETS_MIN 1024u

struct inode_table {
	pthread_mutex_t lock;
	struct inode *root;
	struct inode **by_id;
	struct inode **by_name; /* attached nodes, by parent and name */
	size_t buckets;         /* of each; a power of two */
	size_t count;
	uint64_t last_id;
};

static struct inode **id_bucket(const struct inode_table *t, uint64_t id)
{
	return &t->by_id[hash_u64(id) & (t->buckets - 1)];
}

static struct inode **name_bucket(const struct inode_table *t, uint64_t parent, const char *name,
				  size_t len)
{
	uint64_t h = hash_bytes(hash_process_key(), name, len);

	return &t->by_name[hash_u64(h + parent) & (t->buckets - 1)];
}

struct pin *pin_new(void)
{
	struct pin *p = calloc(1, sizeof(*p));

	if (p)
		atomic_init(&p->refs, 1);
	return p;
}

struct pin *pin_ref(struct pin *p)
{
	atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
	return p;
}

void pin_unref(struct pin *p)
{
	if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) > 1)
		return;
	version_unref(p->version);
	version_unref(p->node_version);
	buf_release(&p->content);
	free(p);
}

static void inode_free(struct inode *n)
{
	object_unref(n->object);
	pin_unref(n->pin);
	selection_unref(n->selection);
	free(n);
}

struct inode_table *inode_table_new(void)
{
	struct inode_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->buckets = BUCKETS_MIN;
	t->by_id = calloc(t->buckets, sizeof(struct inode *));
	t->by_name = calloc(t->buckets, sizeof(struct inode *));
	t->root = calloc(1, sizeof(*t->root) + 1);
	if (!t->by_id || !t->by_name || !t->root) {
		free(t->by_id);
		free(t->by_name);
		free(t->root);
		free(t);
		return NULL;
	}
	pthread_mutex_init(&t->lock, NULL);
	t->root->id = INODE_ROOT;
	t->root->ino = INODE_ROOT;
	t->root->lookups = 1;
	t->root->kind = TREE_ROOT;
	t->root->is_dir = true;
	t->root->attached = true;
	t->last_id = INODE_ROOT;
	t->count = 1;
	*id_bucket(t, INODE_ROOT) = t->root;
	return t;
}

void inode_table_free(struct inode_table *t)
{
	if (!t)
		return;
	/* After an unmount the kernel has forgotten everything without saying so. */
	for (size_t i = 0; i < t->buckets; i++) {
		for (struct inode *n = t->by_id[i]; n;) {
			struct inode *next = n->id_next;

			inode_free(n);
			n = next;
		}
	}
	free(t->by_id);
	free(t->by_name);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

void inode_lock(struct inode_table *t)
{
	pthread_mutex_lock(&t->lock);
}

void inode_unlock(struct inode_table *t)
{
	pthread_mutex_unlock(&t->lock);
}

struct inode *inode_get(struct inode_table *t, uint64_t id)
{
	for (struct inode *n = *id_bucket(t, id); n; n = n->id_next)
		if (n->id == id)
			return n;
	return NULL;
}

struct inode *inode_child(struct inode_table *t, const struct inode *parent, const char *name,
			  size_t len)
{
	for (struct inode *n = *name_bucket(t, parent->id, name, len); n; n = n->name_next)
		if (n->parent == parent && !strncmp(n->name, name, len) && !n->name[len])
			return n;
	return NULL;
}

struct inode *inode_walk(struct inode_table *t, const char *path, size_t len)
{
	struct inode *n = t->root;
	const char *end = path + len;

	while (n && path < end) {
		const char *slash = memchr(path, '/', (size_t)(end - path));
		const char *stop = slash ? slash : end;

		n = inode_child(t, n, path, (size_t)(stop - path));
		path = slash ? slash + 1 : end;
	}
	return n;
}

/* More room when it gets tight. If there is no memory for that, chains just grow longer. */
static void grow(struct inode_table *t)
{
	if (t->count < t->buckets)
		return;
	size_t old = t->buckets;
	struct inode **by_id = calloc(old * 2, sizeof(struct inode *));
	struct inode **by_name = calloc(old * 2, sizeof(struct inode *));
	if (!by_id || !by_name) {
		free(by_id);
		free(by_name);
		return;
	}
	struct inode **old_id = t->by_id;
	struct inode **old_name = t->by_name;
	t->by_id = by_id;
	t->by_name = by_name;
	t->buckets = old * 2;
	for (size_t i = 0; i < old; i++) {
		for (struct inode *n = old_id[i]; n;) {
			struct inode *next = n->id_next;
			struct inode **bucket = id_bucket(t, n->id);

			n->id_next = *bucket;
			*bucket = n;
			n = next;
		}
		for (struct inode *n = old_name[i]; n;) {
			struct inode *next = n->name_next;
			struct inode **bucket =
			    name_bucket(t, n->parent->id, n->name, strlen(n->name));

			n->name_next = *bucket;
			*bucket = n;
			n = next;
		}
	}
	free(old_id);
	free(old_name);
}

struct inode *inode_add(struct inode_table *t, struct inode *parent, const struct tree_entry *entry,
			struct object *object, uint64_t ino, struct pin *pin)
{
	struct inode *n = calloc(1, sizeof(*n) + entry->name_len + 1);

	if (!n)
		return NULL;
	grow(t);
	n->id = ++t->last_id;
	n->lookups = 1;
	n->kind = (uint8_t)entry->kind;
	n->is_dir = tree_is_dir(entry->kind, entry->field);
	n->parent = parent;
	n->pin = pin;
	n->attached = !pin;
	memcpy(n->name, entry->name, entry->name_len);
	n->sibling = parent->children;
	n->sibling_at = &parent->children;
	if (n->sibling)
		n->sibling->sibling_at = &n->sibling;
	parent->children = n;
	n->ino = ino;
	if (object && !n->is_dir)
		n->object = object_ref(object);
	struct inode **bucket = id_bucket(t, n->id);
	n->id_next = *bucket;
	*bucket = n;
	if (n->attached) {
		bucket = name_bucket(t, parent->id, entry->name, entry->name_len);
		n->name_next = *bucket;
		*bucket = n;
	}
	t->count++;
	return n;
}

void inode_ref(struct inode *n)
{
	n->lookups++;
}

static void unhash_name(struct inode_table *t, struct inode *n)
{
	struct inode **at = name_bucket(t, n->parent->id, n->name, strlen(n->name));

	while (*at != n)
		at = &(*at)->name_next;
	*at = n->name_next;
	n->name_next = NULL;
	n->attached = false;
}

static void unhash_id(struct inode_table *t, struct inode *n)
{
	struct inode **at = id_bucket(t, n->id);

	while (*at != n)
		at = &(*at)->id_next;
	*at = n->id_next;
}

/* Frees a node that nobody knows, and its parents as far as that makes them unknown, too. */
static void reap(struct inode_table *t, struct inode *n)
{
	while (n != t->root && !n->lookups && !n->children) {
		struct inode *parent = n->parent;

		if (n->attached)
			unhash_name(t, n);
		unhash_id(t, n);
		*n->sibling_at = n->sibling;
		if (n->sibling)
			n->sibling->sibling_at = n->sibling_at;
		t->count--;
		inode_free(n);
		n = parent;
	}
}

void inode_forget(struct inode_table *t, uint64_t id, uint64_t n)
{
	struct inode *node = inode_get(t, id);

	if (!node || node == t->root)
		return;
	assert(node->lookups >= n);
	node->lookups -= n < node->lookups ? n : node->lookups;
	reap(t, node);
}

void inode_detach(struct inode_table *t, struct inode *n, struct pin *pin)
{
	unhash_name(t, n);
	n->pin = pin;
}

static int path_below(const struct inode *n, const struct inode *top, struct buf *out)
{
	const struct inode *chain[PATH_MAX / 2];
	size_t depth = 0;

	for (; n != top; n = n->parent) {
		if (depth == ARRAY_SIZE(chain))
			return -ENAMETOOLONG;
		chain[depth++] = n;
	}
	while (depth--) {
		buf_addstr(out, chain[depth]->name);
		if (depth)
			buf_addch(out, '/');
	}
	return buf_reserve(out, 0);
}

int inode_path(const struct inode *n, struct buf *out)
{
	const struct inode *root = n;

	while (root->parent)
		root = root->parent;
	return path_below(n, root, out);
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

int inode_object_path(const struct inode *n, struct buf *out)
{
	const struct inode *top = n;

	while (!is_object_dir(top))
		top = top->parent;
	return path_below(n, top, out);
}

uint64_t inode_count(struct inode_table *t)
{
	pthread_mutex_lock(&t->lock);
	uint64_t count = t->count;
	pthread_mutex_unlock(&t->lock);
	return count;
}

void inode_summaries_free(struct inode_summary *all, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(all[i].name);
	free(all);
}

static int summarize(const struct inode *n, struct inode_summary *ret)
{
	*ret = (struct inode_summary){.id = n->id, .is_dir = n->is_dir};
	if (!n->parent)
		return 0;
	/* Of a detached node, too: whether the kernel has heard that it lost its name is unknown.
	 */
	ret->parent = n->parent->id;
	ret->name = strdup(n->name);
	return ret->name ? 0 : -ENOMEM;
}

int inode_summaries(struct inode_table *t, struct inode_summary **ret, size_t *ret_count)
{
	size_t count = 0;
	int r = 0;

	pthread_mutex_lock(&t->lock);
	struct inode_summary *all = calloc(t->count, sizeof(*all));
	for (size_t i = 0; all && i < t->buckets && r == 0; i++)
		for (const struct inode *n = t->by_id[i]; n && r == 0; n = n->id_next)
			r = summarize(n, &all[count++]);
	pthread_mutex_unlock(&t->lock);
	if (!all || r < 0) {
		inode_summaries_free(all, count);
		return -ENOMEM;
	}
	*ret = all;
	*ret_count = count;
	return 0;
}
