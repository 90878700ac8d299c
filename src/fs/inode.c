/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <podfs/base/hash.h>

#include "inode_table.h"

/* Of records: 80 million nodes, for which the kernel would need as many kilobytes. */
#define NODES_BYTES (UINT64_C(4) << 30)
#define NODES_MAX (UINT64_C(80) << 20)

_Static_assert(sizeof(struct inode) == 52, "64 bytes a node leave that much for its record");

/* Nodes that came one after the other lie in neighbouring buckets: they are looked for together. */
#define ID_BLOCK_BITS 10

static uint64_t hash_id(uint64_t id)
{
	return id ^ hash_u64(id >> ID_BLOCK_BITS) << ID_BLOCK_BITS;
}

static uint32_t *next_by_id(void *ctx, uint32_t slot)
{
	return &node_at(ctx, slot)->id_next;
}

static uint64_t node_hash_id(void *ctx, uint32_t slot)
{
	return hash_id(node_at(ctx, slot)->id);
}

static const struct chains_of of_id = {next_by_id, node_hash_id};

static int add_root(struct inode_table *t)
{
	uint32_t slot = slab_new(&t->nodes);

	if (!slot)
		return -ENOMEM;
	t->root = node_at(t, slot);
	t->root->ino = INODE_ROOT;
	t->root->lookups = 1;
	t->root->kind = TREE_ROOT;
	t->root->is_dir = true;
	t->root->attached = true;
	*t->last_id = INODE_ROOT;
	in_order();
	t->root->id = INODE_ROOT;
	t->count = 1;
	chains_add(&t->by_id, slot);
	return 0;
}

/* It is held for a fraction of what it takes to sleep and be woken: so a thread tries for a while.
 */
static void init_lock(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP);
	pthread_mutex_init(lock, &attr);
	pthread_mutexattr_destroy(&attr);
}

struct inode_table *inode_table_map(int memory)
{
	struct inode_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	init_lock(&t->lock);
	t->memory = memory;
	if (slab_init(&t->nodes, memory, MEMORY_NODES, sizeof(struct inode), NODES_BYTES) < 0 ||
	    holds_init(t) < 0 || names_init(&t->names, memory) < 0 ||
	    chains_init(&t->by_id, NODES_MAX, &of_id, t) < 0 ||
	    region_need(&t->nodes.pages, REGION_PAGE) < 0) {
		inode_table_free(t);
		return NULL;
	}
	t->last_id = (void *)t->nodes.pages.base;
	return t;
}

struct inode_table *inode_table_new(int memory)
{
	struct inode_table *t = inode_table_map(memory);

	if (t && add_root(t) < 0) {
		inode_table_free(t);
		return NULL;
	}
	return t;
}

void inode_table_free(struct inode_table *t)
{
	if (!t)
		return;
	/* After an unmount the kernel has forgotten everything without saying so. */
	holds_release(t);
	names_release(&t->names);
	chains_release(&t->by_id);
	slab_release(&t->nodes);
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
	struct inode *n = node_at(t, chains_first(&t->by_id, hash_id(id)));

	while (n && n->id != id)
		n = node_at(t, n->id_next);
	return n;
}

struct inode *inode_child(struct inode_table *t, const struct inode *parent, const char *name,
			  size_t len)
{
	uint32_t number = names_find(&t->names, name, len);

	return number ? children_find(t, parent, number) : NULL;
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

struct inode *inode_add(struct inode_table *t, struct inode *parent, const struct tree_entry *entry,
			struct object *object, uint64_t ino, struct pin *pin)
{
	bool shows = pin || (object && !tree_is_link(entry->kind));
	uint32_t slot = slab_new(&t->nodes);
	uint32_t name = names_get(&t->names, entry->name, entry->name_len);
	uint32_t holds = 0;

	if (slot && name && shows)
		holds = pin ? hold_pin(t, pin) : hold_object(t, object, parent->holds);
	if (!slot || !name || (shows && !holds)) {
		if (name)
			names_unref(&t->names, name);
		if (slot)
			slab_free(&t->nodes, slot);
		return NULL;
	}
	struct inode *n = node_at(t, slot);
	n->ino = ino;
	n->parent = slot_of(t, parent);
	n->name = name;
	n->holds = holds;
	n->lookups = 1;
	n->kind = entry->kind;
	n->is_dir = tree_is_dir(entry->kind, entry->field);
	n->attached = !pin;
	uint64_t id = ++*t->last_id;
	in_order();
	/* From now on it is a node, also for whoever comes after us. */
	n->id = id;
	children_add(t, parent, n);
	inode_index(t, n);
	return n;
}

uint64_t inode_lookups(const struct inode *n)
{
	return (uint64_t)n->lookups_high << 32 | n->lookups;
}

void inode_ref(struct inode *n)
{
	if (!++n->lookups)
		n->lookups_high++;
}

static void unref(struct inode *n, uint64_t count)
{
	uint64_t lookups = inode_lookups(n);

	assert(lookups >= count);
	lookups -= count < lookups ? count : lookups;
	n->lookups = (uint32_t)lookups;
	n->lookups_high = (uint16_t)(lookups >> 32);
}

void inode_index(struct inode_table *t, struct inode *n)
{
	chains_add(&t->by_id, slot_of(t, n));
	t->count++;
}

void inode_reap(struct inode_table *t, struct inode *n)
{
	while (n != t->root && !n->lookups && !n->lookups_high && !n->children) {
		struct inode *parent = node_at(t, n->parent);
		uint32_t slot = slot_of(t, n);

		children_remove(t, parent, n);
		chains_remove(&t->by_id, slot);
		n->id = 0;
		in_order();
		names_unref(&t->names, n->name);
		hold_drop(t, n->holds);
		slab_free(&t->nodes, slot);
		t->count--;
		n = parent;
	}
}

void inode_forget(struct inode_table *t, uint64_t id, uint64_t n)
{
	struct inode *node = inode_get(t, id);

	if (!node || node == t->root)
		return;
	unref(node, n);
	inode_reap(t, node);
}

int inode_detach(struct inode_table *t, struct inode *n, struct pin *pin)
{
	struct inode *parent = node_at(t, n->parent);
	uint32_t was = n->holds;

	children_remove(t, parent, n);
	n->attached = false;
	children_add(t, parent, n);
	uint32_t is = pin ? hold_pin(t, pin) : 0;
	in_order();
	n->holds = is;
	in_order();
	hold_drop(t, was);
	if (!pin || is)
		return 0;
	pin_unref(pin);
	return -ENOMEM;
}

uint64_t inode_count(struct inode_table *t)
{
	pthread_mutex_lock(&t->lock);
	uint64_t count = t->count;
	pthread_mutex_unlock(&t->lock);
	return count;
}
