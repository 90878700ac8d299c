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

struct inode {
	uint64_t id;
	uint64_t ino; /* st_ino */
	uint64_t lookups;
	struct inode *parent;        /* kept alive by its children; NULL: the root */
	struct object *object;       /* of a file: whose content it shows, or NULL; a reference */
	struct selection *selection; /* that a folder shows: held, so that its changes are told */
	struct pin *pin;             /* under the lock until detached, constant afterwards */
	struct inode *id_next;
	struct inode *name_next;
	struct inode *children;
	struct inode *sibling;
	struct inode **sibling_at; /* what points to this one */
	uint8_t kind;              /* enum tree_kind */
	bool is_dir;
	bool attached;
	char name[];
};

struct inode_table;

/* With the root in it, which never leaves. NULL: out of memory. */
struct inode_table *inode_table_new(void);
void inode_table_free(struct inode_table *t);

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

/* A selection's folder holds it, from its first lookup on. */
static inline void inode_hold(struct inode *n, struct selection *sel)
{
	if (n->kind == TREE_SELECTION && !n->selection)
		n->selection = selection_ref(sel);
}

/* Takes @n lookups back; unknown ids are ignored: a FORGET may be late. */
void inode_forget(struct inode_table *t, uint64_t id, uint64_t n);

/* Detaches one node; it keeps @pin (which may be NULL). */
void inode_detach(struct inode_table *t, struct inode *n, struct pin *pin);

/* Appends the path from the root, or from the object's own directory. 0 or -ENOMEM. Not under
 * the lock. */
int inode_path(const struct inode *n, struct buf *out);
int inode_object_path(const struct inode *n, struct buf *out);

/* All that must be known to tell the kernel of a node. */
struct inode_summary {
	uint64_t id;
	uint64_t parent;
	char *name; /* the one it has, or had; NULL: the root */
	bool is_dir;
};

/* All nodes, as they are now. Not under the lock. 0 or -ENOMEM. */
int inode_summaries(struct inode_table *t, struct inode_summary **ret, size_t *ret_count);
void inode_summaries_free(struct inode_summary *all, size_t count);

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
