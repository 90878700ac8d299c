/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node shows: its object while names lead to it, then what it keeps; of
 * some folders, a selection. All nodes below an object's own folder show the
 * same object, so they share one reference, which a new node finds in its
 * folder.
 */
#include <errno.h>
#include <stdlib.h>

#include "inode_table.h"

#define HOLDS_BYTES (256u << 20)

enum held {
	HELD_UNSET,
	HELD_OBJECT,
	HELD_PIN,
	HELD_SELECTION,
};

struct hold {
	void *what;
	uint32_t nodes; /* 0: the record is free */
	enum held held;
};

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

int holds_init(struct inode_table *t)
{
	return slab_init(&t->holds, sizeof(struct hold), HOLDS_BYTES);
}

static void let_go(const struct hold *h)
{
	switch (h->held) {
	case HELD_OBJECT:
		object_unref(h->what);
		break;
	case HELD_PIN:
		pin_unref(h->what);
		break;
	case HELD_SELECTION:
		selection_unref(h->what);
		break;
	case HELD_UNSET:
		break;
	}
}

void holds_release(struct inode_table *t)
{
	for (uint32_t slot = 0; (slot = slab_seek(&t->holds, slot)); slot++) {
		const struct hold *h = slab_at(&t->holds, slot);

		if (h->nodes)
			let_go(h);
	}
	slab_release(&t->holds);
}

static uint32_t hold(struct inode_table *t, enum held held, void *what)
{
	uint32_t slot = slab_new(&t->holds);

	if (slot)
		*(struct hold *)slab_at(&t->holds, slot) = (struct hold){what, 1, held};
	return slot;
}

uint32_t hold_pin(struct inode_table *t, struct pin *pin)
{
	return hold(t, HELD_PIN, pin);
}

static void *held_as(const struct inode_table *t, uint32_t slot, enum held held)
{
	const struct hold *h = slot ? slab_at(&t->holds, slot) : NULL;

	return h && h->held == held ? h->what : NULL;
}

uint32_t hold_object(struct inode_table *t, struct object *object, uint32_t of)
{
	if (held_as(t, of, HELD_OBJECT) == object) {
		((struct hold *)slab_at(&t->holds, of))->nodes++;
		return of;
	}
	uint32_t slot = hold(t, HELD_OBJECT, object);
	if (slot)
		object_ref(object);
	return slot;
}

void hold_drop(struct inode_table *t, uint32_t slot)
{
	struct hold *h = slot ? slab_at(&t->holds, slot) : NULL;

	if (!h || --h->nodes)
		return;
	let_go(h);
	slab_free(&t->holds, slot);
}

int inode_hold(struct inode_table *t, struct inode *n, struct selection *sel)
{
	if (n->kind != TREE_SELECTION || held_as(t, n->holds, HELD_SELECTION))
		return 0;
	uint32_t slot = hold(t, HELD_SELECTION, sel);
	if (!slot)
		return -ENOMEM;
	selection_ref(sel);
	hold_drop(t, n->holds);
	n->holds = slot;
	return 0;
}

struct object *inode_object(const struct inode_table *t, const struct inode *n)
{
	return n->is_dir ? NULL : held_as(t, n->holds, HELD_OBJECT);
}

struct pin *inode_pin(const struct inode_table *t, const struct inode *n)
{
	return held_as(t, n->holds, HELD_PIN);
}
