/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inode: who is alive in the mounted tree.
 *
 * A node enters when the kernel first learns its id and leaves when the kernel
 * has given back every lookup and no child of it is left. Ids come from a
 * counter and are never used twice, so a late FORGET can miss but never hit the
 * wrong node. Everything here is under the table's lock, which is the innermost
 * one (after the store's); an inode's id, number, parent, name, kind and object
 * never change, and may be read without it by whoever knows that the node lives: a request
 * for a node keeps it, as the kernel holds a lookup meanwhile.
 *
 *            lookup                    the value changes, or its name goes
 *   (none) ---------> ATTACHED --------------------------------------> DETACHED
 *             the path leads here: it                   the path leads elsewhere:
 *             shows the object as it is now             a file keeps what it was,
 *                                                       a directory is empty
 *
 * Both end when the last lookup and the last child are gone.
 */
#ifndef PODFS_FS_INODE_H
#define PODFS_FS_INODE_H

#include <podfs/store/selection.h>
#include <podfs/tree/tree.h>

#define INODE_ROOT 1

/* What a detached node, or a file whose content is made for its reader, keeps. */
struct pin {
	atomic_uint refs;
	struct version *version; /* its object as it was, or NULL: the bytes are in `content` */
	struct version *node_version; /* of a file below downward/: the pod's Node, or NULL */
	struct buf content;
	int64_t mtime_ns;
};

/*
 * A record of the table (slab.h), which knows others by their slots: no pointers, so that it is
 * small and could lie in memory that is shared.
 */
struct inode {
	uint64_t ino; /* st_ino */
	uint64_t id;
	uint32_t parent; /* kept alive by its children; 0: the root */
	uint32_t children;
	uint32_t left; /* in the tree of its folder's children */
	uint32_t right;
	uint32_t id_next;
	uint32_t name;  /* names.h; 0: the root */
	uint32_t holds; /* what it shows (inode_holds.c); constant once detached */
	uint32_t lookups;
	uint16_t lookups_high;
	uint8_t kind : 7; /* enum tree_kind */
	uint8_t is_dir : 1;
	uint8_t : 0; /* those are read without the lock, these are not */
	uint8_t attached : 1;
	uint8_t told : 2; /* publish.c: what the kernel is to be told of a folder */
} __attribute__((packed, aligned(4)));

struct inode_table;

/*
 * With the root in it, which never leaves. The records are in @memory (base/memory.h), which stays
 * the caller's; nothing is in its areas yet. NULL: out of memory.
 */
struct inode_table *inode_table_new(int memory);
void inode_table_free(struct inode_table *t);

/* Who knows what the records of another process were about. */
struct inode_finders {
	void *ctx;
	/* Each a new reference, or NULL: it is gone. What is at a path from the root. */
	struct object *(*object)(void *ctx, const char *path);
	struct selection *(*selection)(void *ctx, const char *path);
	/* By its number. */
	struct version *(*version)(void *ctx, uint64_t seq);
};

struct inode_recovered {
	uint64_t nodes;
	uint64_t dropped; /* damaged, or without a parent: not to be used */
	uint64_t lost;    /* what they showed is gone: they are empty, or reading fails */
};

/**
 * A table of what another process that is dead has left in @memory, at whatever it was. Can be
 * repeated, if this one dies while it does this. NULL: out of memory, or there is no root.
 */
struct inode_table *inode_table_recover(int memory, const struct inode_finders *find,
					struct inode_recovered *ret);

void inode_lock(struct inode_table *t);
void inode_unlock(struct inode_table *t);

/* All of the following under the lock. */

/* NULL: no such node, which only a wrong id can cause. */
struct inode *inode_get(struct inode_table *t, uint64_t id);

/* The attached child of that name, or NULL. */
struct inode *inode_child(struct inode_table *t, const struct inode *parent, const char *name,
			  size_t len);

/* The attached node at a path from the root, or NULL: the kernel does not know it. */
struct inode *inode_walk(struct inode_table *t, const char *path, size_t len);

/**
 * A new node with one lookup.
 *
 * @object  whose content it shows, or NULL.
 * @pin     its content if it has one of its own, which makes it a node without a
 *          name: the next lookup makes another one. Taken over on success.
 *
 * NULL: out of memory.
 */
struct inode *inode_add(struct inode_table *t, struct inode *parent, const struct tree_entry *entry,
			struct object *object, uint64_t ino, struct pin *pin);

/* One more lookup for a node that the kernel is told of again. */
void inode_ref(struct inode *n);
uint64_t inode_lookups(const struct inode *n);

/* A selection's folder holds it, from its first lookup on; others do not. 0 or -ENOMEM. */
int inode_hold(struct inode_table *t, struct inode *n, struct selection *sel);

/*
 * The child of @parent that comes after @after, or (NULL) first: those that are attached, and then
 * the detached ones. NULL: none more.
 */
struct inode *inode_next_child(const struct inode_table *t, const struct inode *parent,
			       const struct inode *after);

/* Takes @n lookups back; unknown ids are ignored: a FORGET may be late. */
void inode_forget(struct inode_table *t, uint64_t id, uint64_t n);

/*
 * Detaches one node; it keeps @pin, which may be NULL and is taken over in any case, and nothing
 * else. 0; -ENOMEM: it keeps nothing.
 */
int inode_detach(struct inode_table *t, struct inode *n, struct pin *pin);

/* The following under the lock, or the store's, or when the node is detached. */

/* Of an attached file: whose content it shows; of others NULL. */
struct object *inode_object(const struct inode_table *t, const struct inode *n);
/* Of a detached node: what it kept, or NULL. */
struct pin *inode_pin(const struct inode_table *t, const struct inode *n);

/* The following need no lock. */

/* NULL: the root has none. */
const struct inode *inode_parent(const struct inode_table *t, const struct inode *n);
/* The name it has, or had; the root's is "". */
const char *inode_name(const struct inode_table *t, const struct inode *n);

/* Appends the path from the root, or from the object's own directory. 0 or -ENOMEM. */
int inode_path(const struct inode_table *t, const struct inode *n, struct buf *out);
int inode_object_path(const struct inode_table *t, const struct inode *n, struct buf *out);

/* All that must be known to tell the kernel of a node. */
struct inode_summary {
	uint64_t id;
	uint64_t parent; /* 0: the root */
	enum tree_kind kind;
	bool is_dir;
	char name[FIELD_NAME_MAX + 1]; /* the one it has, or had */
};

/**
 * Some of the nodes, a piece of them at a time. Those that are there throughout are all seen, and
 * once.
 *
 * @at  0 at first; where to go on at the next call.
 *
 * How many; 0: that was all. Takes the lock.
 */
size_t inode_summaries(struct inode_table *t, uint32_t *at, struct inode_summary *ret, size_t max);

/* Nodes the kernel holds. [any thread] */
uint64_t inode_count(struct inode_table *t);

/*
 * With one reference, which inode_add() and inode_detach() take over. Whoever replies with its
 * content holds one meanwhile: pages that are read ahead do not keep the node. NULL: no memory.
 */
struct pin *pin_new(void);
struct pin *pin_ref(struct pin *p);
void pin_unref(struct pin *p);

#endif
