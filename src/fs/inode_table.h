/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the inode table share. */
#ifndef PODFS_FS_INODE_TABLE_H
#define PODFS_FS_INODE_TABLE_H

#include <pthread.h>
#include <stdatomic.h>

#include "inode.h"
#include "names.h"

struct inode_table {
	pthread_mutex_t lock;
	struct slab nodes;
	struct slab holds;
	struct slab blocks; /* of content */
	struct names names;
	struct chains by_id;
	struct inode *root;
	uint64_t count;
	uint64_t *last_id; /* in the page of `nodes` that has no records: no id is used twice */
	int memory;
};

/* What is written before it is there if anything is that is written after it: whoever looks then
 * does so when this process is dead. */
static inline void in_order(void)
{
	atomic_signal_fence(memory_order_seq_cst);
}

static inline struct inode *node_at(const struct inode_table *t, uint32_t slot)
{
	return slot ? slab_at(&t->nodes, slot) : NULL;
}

static inline uint32_t slot_of(const struct inode_table *t, const struct inode *n)
{
	return slab_slot(&t->nodes, n);
}

/* inode.c */

/* With nothing in it yet, the root neither, but what the memory holds. NULL: out of memory. */
struct inode_table *inode_table_map(int memory);

/* Where a node is found by its id. */
void inode_index(struct inode_table *t, struct inode *n);

/* Frees a node that nobody knows, and its parents as far as that makes them unknown, too. */
void inode_reap(struct inode_table *t, struct inode *n);

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

/* inode_recover.c: what another process has left; as for names (names.h). */

void holds_forget_users(struct inode_table *t);
bool holds_has(struct inode_table *t, uint32_t hold);
int holds_take_over(struct inode_table *t);

/* Finds what a node's hold holds, if no other node's did. False: it is not there any more. */
bool hold_find(struct inode_table *t, const struct inode *n, const struct inode_finders *find);
bool hold_is_object(const struct inode_table *t, uint32_t hold);
uint32_t hold_share(struct inode_table *t, uint32_t hold);

#endif
