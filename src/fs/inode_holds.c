/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node shows: its object while names lead to it, then what it keeps; of
 * some folders, a selection. All nodes below an object's own folder show the
 * same object, so they share one reference, which a new node finds in its
 * folder.
 *
 * A pointer means nothing to the next process. It finds objects and selections
 * again by the paths of the nodes that show them; of a pin, the record says all
 * that there is, and content of its own is in blocks.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "inode_table.h"

#define HOLDS_BYTES (256u << 20)
#define BLOCKS_BYTES (64u << 20)
#define BLOCK_BYTES 504u

enum held {
	HELD_UNSET,
	HELD_OBJECT,
	HELD_PIN,
	HELD_SELECTION,
};

struct hold {
	void *what;
	uint32_t nodes; /* 0: the record is free */
	uint8_t held;   /* enum held */
	/* Of a pin. */
	uint64_t version;      /* seq; 0: none */
	uint64_t node_version; /* the same */
	int64_t mtime_ns;
	uint32_t content; /* the first block; 0: none */
	uint32_t content_len;
};

/* A piece of content. */
struct block {
	uint32_t next;
	uint32_t used; /* by a hold; 0: the record is free */
	char bytes[BLOCK_BYTES];
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
	int r = slab_init(&t->holds, t->memory, MEMORY_HOLDS, sizeof(struct hold), HOLDS_BYTES);

	return r < 0 ? r
		     : slab_init(&t->blocks, t->memory, MEMORY_CONTENTS, sizeof(struct block),
				 BLOCKS_BYTES);
}

/* --- content --- */

static void drop_blocks(struct inode_table *t, uint32_t slot)
{
	while (slot) {
		struct block *b = slab_at(&t->blocks, slot);
		uint32_t next = b->next;

		b->used = 0;
		slab_free(&t->blocks, slot);
		slot = next;
	}
}

/* The first block; 0: out of memory, or there is nothing to keep. From the end to the start, so
 * that each knows the next. */
static uint32_t keep_content(struct inode_table *t, const struct buf *content)
{
	size_t left = content->len;
	uint32_t first = 0;

	while (left) {
		size_t len = left % BLOCK_BYTES ? left % BLOCK_BYTES : BLOCK_BYTES;
		uint32_t slot = slab_new(&t->blocks);

		if (!slot) {
			drop_blocks(t, first);
			return 0;
		}
		struct block *b = slab_at(&t->blocks, slot);
		left -= len;
		memcpy(b->bytes, content->data + left, len);
		b->next = first;
		b->used = 1;
		first = slot;
	}
	return first;
}

/* 0; -ENOMEM; -EIO: it is damaged. */
static int read_content(const struct inode_table *t, const struct hold *h, struct buf *ret)
{
	uint32_t slot = h->content;
	size_t left = h->content_len;

	while (left) {
		const struct block *b =
		    slab_is_slot(&t->blocks, slot) ? slab_at(&t->blocks, slot) : NULL;
		size_t len = left < BLOCK_BYTES ? left : BLOCK_BYTES;

		if (!b || !b->used)
			return -EIO;
		if (buf_add(ret, b->bytes, len) < 0)
			return -ENOMEM;
		left -= len;
		slot = b->next;
	}
	return 0;
}

/* --- holds --- */

/* What could not be found again is nothing. */
static void let_go(const struct hold *h)
{
	switch ((enum held)h->held) {
	case HELD_OBJECT:
		if (h->what)
			object_unref(h->what);
		break;
	case HELD_PIN:
		pin_unref(h->what);
		break;
	case HELD_SELECTION:
		if (h->what)
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
	slab_release(&t->blocks);
}

static uint32_t hold(struct inode_table *t, const struct hold *h)
{
	uint32_t slot = slab_new(&t->holds);

	if (slot)
		*(struct hold *)slab_at(&t->holds, slot) = *h;
	return slot;
}

uint32_t hold_pin(struct inode_table *t, struct pin *pin)
{
	const struct hold h = {
	    .what = pin,
	    .nodes = 1,
	    .held = HELD_PIN,
	    .version = pin->version ? pin->version->seq : 0,
	    .node_version = pin->node_version ? pin->node_version->seq : 0,
	    .mtime_ns = pin->mtime_ns,
	    .content = keep_content(t, &pin->content),
	    .content_len = (uint32_t)pin->content.len,
	};
	uint32_t slot = h.content || !h.content_len ? hold(t, &h) : 0;

	if (!slot)
		drop_blocks(t, h.content);
	return slot;
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
	const struct hold h = {.what = object, .nodes = 1, .held = HELD_OBJECT};
	uint32_t slot = hold(t, &h);
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
	drop_blocks(t, h->content);
	slab_free(&t->holds, slot);
}

int inode_hold(struct inode_table *t, struct inode *n, struct selection *sel)
{
	if (n->kind != TREE_SELECTION || held_as(t, n->holds, HELD_SELECTION))
		return 0;
	const struct hold h = {.what = sel, .nodes = 1, .held = HELD_SELECTION};
	uint32_t slot = hold(t, &h);
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

/* --- what another process has left --- */

void holds_forget_users(struct inode_table *t)
{
	for (uint32_t slot = 0; (slot = slab_next_left(&t->holds, slot));) {
		struct hold *h = slab_at(&t->holds, slot);

		h->nodes = 0;
		h->what = NULL;
	}
	for (uint32_t slot = 0; (slot = slab_next_left(&t->blocks, slot));)
		((struct block *)slab_at(&t->blocks, slot))->used = 0;
}

static bool hold_is_whole(const struct inode_table *t, const struct hold *h)
{
	uint32_t slot = h->content;

	if (h->held == HELD_UNSET || h->held > HELD_SELECTION || h->content_len > BLOCKS_BYTES)
		return false;
	for (size_t left = h->content_len; left; left -= left < BLOCK_BYTES ? left : BLOCK_BYTES) {
		struct block *b = slab_is_slot(&t->blocks, slot) ? slab_at(&t->blocks, slot) : NULL;

		/* A block that others use, too, is not a part of this. */
		if (!b || b->used)
			return false;
		b->used = 1;
		slot = b->next;
	}
	return true;
}

bool holds_has(struct inode_table *t, uint32_t slot)
{
	if (!slot)
		return true;
	struct hold *h = slab_is_slot(&t->holds, slot) ? slab_at(&t->holds, slot) : NULL;
	if (!h || (!h->nodes && !hold_is_whole(t, h)))
		return false;
	h->nodes++;
	return true;
}

static bool hold_lives(const void *record)
{
	const struct hold *h = record;

	return h->nodes > 0;
}

static bool block_lives(const void *record)
{
	const struct block *b = record;

	return b->used != 0;
}

int holds_take_over(struct inode_table *t)
{
	int r = slab_take_over(&t->holds, hold_lives);

	return r < 0 ? r : slab_take_over(&t->blocks, block_lives);
}

/* The versions that are gone are a loss: what is read is an error then, and nothing wrong. */
static struct pin *find_pin(struct inode_table *t, const struct hold *h,
			    const struct inode_finders *find)
{
	struct pin *p = pin_new();

	if (!p)
		return NULL;
	p->mtime_ns = h->mtime_ns;
	if (h->version)
		p->version = find->version(find->ctx, h->version);
	if (h->node_version)
		p->node_version = find->version(find->ctx, h->node_version);
	if ((h->version && !p->version) || (h->node_version && !p->node_version) ||
	    read_content(t, h, &p->content) < 0) {
		pin_unref(p);
		return NULL;
	}
	return p;
}

bool hold_find(struct inode_table *t, const struct inode *n, const struct inode_finders *find)
{
	cleanup_buf struct buf path = {0};
	struct hold *h = n->holds ? slab_at(&t->holds, n->holds) : NULL;

	if (!h || h->what)
		return true;
	if (h->held == HELD_PIN)
		h->what = find_pin(t, h, find);
	else if (inode_path(t, n, &path) == 0)
		h->what = h->held == HELD_OBJECT ? (void *)find->object(find->ctx, path.data)
						 : find->selection(find->ctx, path.data);
	return h->what != NULL;
}

bool hold_is_object(const struct inode_table *t, uint32_t slot)
{
	const struct hold *h = slot ? slab_at(&t->holds, slot) : NULL;

	return h && h->held == HELD_OBJECT;
}

/* Of the same object, one more. */
uint32_t hold_share(struct inode_table *t, uint32_t slot)
{
	((struct hold *)slab_at(&t->holds, slot))->nodes++;
	return slot;
}
