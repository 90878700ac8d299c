/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the inode table share. */
#ifndef PODFS_FS_INODE_TABLE_H
#define PODFS_FS_INODE_TABLE_H

#include <pthread.h>

#include "inode.h"
#include "names.h"

struct inode_table {
	pthread_mutex_t lock;
	struct slab nodes;
	struct slab holds;
	struct names names;
	struct chains by_id;
	struct inode *root;
	uint64_t count;
	uint64_t last_id;
};

static inline struct inode *node_at(const struct inode_table *t, uint32_t slot)
{
	return slot ? slab_at(&t->nodes, slot) : NULL;
}

static inline uint32_t slot_of(const struct inode_table *t, const struct inode *n)
{
	return slab_slot(&t->nodes, n);
}

/* inode_children.c */

/* The attached one of that name (names.h), or NULL. */
struct inode *children_find(const struct inode_table *t, const struct inode *parent, uint32_t name);

/* A node is in the place that its name, its id and being attached give it. */
void children_add(struct inode_table *t, struct inode *parent, struct inode *n);
void children_remove(struct inode_table *t, struct inode *parent, struct inode *n);

/* inode_holds.c: what nodes show, shared by those that show the same. */

int holds_init(struct inode_table *t);
void holds_release(struct inode_table *t);

/* Takes over @pin; 0: out of memory, and nothing was taken. */
uint32_t hold_pin(struct inode_table *t, struct pin *pin);

/* With a reference of its own, but for the same object as @of, a node's `holds`. 0: as above. */
uint32_t hold_object(struct inode_table *t, struct object *object, uint32_t of);

/* 0 is ignored. */
void hold_drop(struct inode_table *t, uint32_t hold);

#endif
