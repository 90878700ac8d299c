/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader counts itself in, reads an offset, uses it, counts itself out. The
 * writer leads everybody to another place first and then looks at the counters:
 * whoever it does not see came later, and was led there. All of that is in one
 * order (seq_cst). A segment that is left waits until each counter was seen at
 * zero once, so readers that come without a pause hold up nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include <podfs/base/array.h>
#include <podfs/base/cleanup.h>
#include <podfs/base/memory.h>

#include "arena_internal.h"

#define NO_SEGMENT UINT32_MAX

uint32_t record_check(const struct arena *a, const struct record *r)
{
	const struct hash_key *key = arena_key(a);
	const uint64_t head[] = {r->kind | (uint64_t)r->form << 8, r->len, r->bytes, r->seq,
				 r->reference};
	uint32_t constant = r->len < r->bytes ? r->len : r->bytes;

	return (uint32_t)(hash_bytes(key, head, sizeof(head)) ^
			  hash_bytes(key, record_bytes(r), constant));
}

const struct hash_key *arena_key(const struct arena *a)
{
	return &arena_head(a)->key;
}

/* Of another layout, or of none: nothing in it can be used. */
static void begin_anew(struct arena *a)
{
	struct arena_head *head = arena_head(a);

	if (head->magic)
		memory_drop(a->fd, MEMORY_ARENA, 0, memory_area_size(MEMORY_ARENA));
	head->key = *hash_process_key();
	__atomic_store_n(&head->magic, ARENA_MAGIC, __ATOMIC_RELEASE);
}

/* Up to there it may be touched, in whole segments. */
static int arena_use(struct arena *a, uint64_t end)
{
	end = (end + ARENA_SEGMENT - 1) / ARENA_SEGMENT * ARENA_SEGMENT;
	if (end <= a->usable)
		return 0;
	int r = memory_use(a->base, a->usable, end);
	if (r == 0)
		a->usable = end;
	return r;
}

int arena_open(struct arena *a, int memory_fd)
{
	void *base;

	*a = (struct arena){.fd = -1};
	cleanup_close int fd = fcntl(memory_fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	int r = memory_reserve(fd, MEMORY_ARENA, memory_area_size(MEMORY_ARENA), &base);
	if (r < 0)
		return r;
	a->base = base;
	a->fd = take_fd(&fd);
	uint64_t end = memory_end(a->fd, MEMORY_ARENA);
	r = arena_use(a, end > ARENA_SEGMENT ? end : ARENA_SEGMENT);
	if (r < 0) {
		arena_close(a);
		return r;
	}
	if (arena_head(a)->magic != ARENA_MAGIC)
		begin_anew(a);
	return 0;
}

void arena_close(struct arena *a)
{
	if (!a->base)
		return;
	munmap(a->base, memory_area_size(MEMORY_ARENA));
	close(a->fd);
	free(a->segments);
	*a = (struct arena){.fd = -1};
}

static uint32_t find_free(const struct arena *a, uint32_t span)
{
	uint32_t run = 0;

	for (uint32_t i = 0; i < a->count; i++) {
		run = a->segments[i].state == SEGMENT_FREE ? run + 1 : 0;
		if (run == span)
			return i + 1 - span;
	}
	return NO_SEGMENT;
}

int arena_extend(struct arena *a, uint32_t count)
{
	uint64_t end = (uint64_t)count * ARENA_SEGMENT;

	if (end > memory_area_size(MEMORY_ARENA) || arena_use(a, end) < 0)
		return -ENOMEM;
	while (a->count < count) {
		size_t cap = a->cap;

		if (array_grow(&a->segments, a->count, &cap, sizeof(*a->segments)) < 0)
			return -ENOMEM;
		a->cap = (uint32_t)cap;
		a->segments[a->count++] = (struct arena_segment){.span = 1};
	}
	return 0;
}

static uint32_t append_free(struct arena *a, uint32_t span)
{
	uint32_t first = a->count;

	return arena_extend(a, first + span) < 0 ? NO_SEGMENT : first;
}

static void leave(struct arena *a, struct arena_segment *s)
{
	if (s->sparse)
		a->sparse--;
	s->sparse = false;
	s->state = SEGMENT_LEAVING;
	s->waiting = UINT64_MAX;
	a->leaving++;
}

/* What is open no longer takes anything, and may be worth tidying. */
void arena_consider(struct arena *a, struct arena_segment *s)
{
	if (s->state != SEGMENT_FULL)
		return;
	if (!s->live) {
		leave(a, s);
	} else if (!s->sparse && s->live < s->used - s->used / 4) {
		s->sparse = true;
		a->sparse++;
	}
}

static void close_open(struct arena *a)
{
	if (!a->open)
		return;
	struct arena_segment *s = &a->segments[a->open - 1];
	a->open = 0;
	s->state = SEGMENT_FULL;
	arena_consider(a, s);
}

/* A segment with room for @size bytes, or the first of several. */
static uint32_t segment_for(struct arena *a, uint64_t size)
{
	if (a->open) {
		const struct arena_segment *s = &a->segments[a->open - 1];

		if (s->used + size <= arena_room(a->open - 1, 1))
			return a->open - 1;
	}
	uint32_t span = (uint32_t)((size + FIRST_OFFSET + ARENA_SEGMENT - 1) / ARENA_SEGMENT);
	uint32_t first = find_free(a, span);
	if (first == NO_SEGMENT)
		first = append_free(a, span);
	if (first == NO_SEGMENT)
		return first;
	for (uint32_t i = 1; i < span; i++)
		a->segments[first + i].state = SEGMENT_REST;
	/* What is large stands alone, and what was open stays so. */
	bool alone = span > 1;
	if (!alone)
		close_open(a);
	a->segments[first] =
	    (struct arena_segment){.state = alone ? SEGMENT_FULL : SEGMENT_OPEN, .span = span};
	if (!alone)
		a->open = first + 1;
	return first;
}

int arena_add(struct arena *a, const struct record *head, const char *bytes, uint64_t *ret_off)
{
	uint64_t size = record_size(head->bytes);
	uint32_t i = head->bytes > RECORD_MAX ? NO_SEGMENT : segment_for(a, size);

	if (i == NO_SEGMENT)
		return head->bytes > RECORD_MAX ? -E2BIG : -ENOMEM;
	struct arena_segment *s = &a->segments[i];
	uint64_t off = arena_start(i) + s->used;
	struct record *r = arena_at(a, off);
	struct record unset = *head;
	s->used += size;
	s->live += size;
	a->used += size;
	a->live += size;
	unset.magic = 0;
	*r = unset;
	memcpy(r + 1, bytes, head->bytes);
	r->check = record_check(a, r);
	record_set_magic(r, head->magic == RECORD_CURRENT ? RECORD_CURRENT : RECORD_KEPT);
	*ret_off = off;
	return 0;
}

/* The segment that a record's offset is in, never a rest. */
static struct arena_segment *segment_of(const struct arena *a, uint64_t off)
{
	return &a->segments[off / ARENA_SEGMENT];
}

void arena_drop(struct arena *a, uint64_t off)
{
	struct arena_segment *s = segment_of(a, off);
	struct record *r = arena_at(a, off);
	uint64_t size = record_size(r->bytes);

	record_set_magic(r, RECORD_DEAD);
	s->live -= size;
	a->live -= size;
	arena_consider(a, s);
}

static uint32_t reader_slot(void)
{
	static atomic_uint next;
	static _Thread_local uint32_t slot = UINT32_MAX;

	if (slot == UINT32_MAX)
		slot = atomic_fetch_add(&next, 1) % ARENA_READERS;
	return slot;
}

uint32_t arena_enter(struct arena *a)
{
	uint32_t slot = reader_slot();

	__atomic_fetch_add(&a->readers[slot].inside, 1, __ATOMIC_SEQ_CST);
	return slot;
}

void arena_leave(struct arena *a, uint32_t inside)
{
	__atomic_fetch_sub(&a->readers[inside].inside, 1, __ATOMIC_SEQ_CST);
}

static uint64_t empty_slots(struct arena *a)
{
	uint64_t empty = 0;

	for (uint32_t i = 0; i < ARENA_READERS; i++)
		if (!__atomic_load_n(&a->readers[i].inside, __ATOMIC_SEQ_CST))
			empty |= UINT64_C(1) << i;
	return empty;
}

static void give_back(struct arena *a, uint32_t i)
{
	uint32_t span = a->segments[i].span;

	arena_wipe(a, arena_start(i), (uint64_t)(i + span) * ARENA_SEGMENT);
	a->used -= a->segments[i].used;
	for (uint32_t n = 0; n < span; n++)
		a->segments[i + n] = (struct arena_segment){.span = 1};
	a->leaving--;
}

static void end_leaving(struct arena *a)
{
	uint64_t empty = empty_slots(a);

	for (uint32_t i = 0; i < a->count; i++) {
		struct arena_segment *s = &a->segments[i];

		if (s->state != SEGMENT_LEAVING)
			continue;
		s->waiting &= ~empty;
		if (!s->waiting)
			give_back(a, i);
	}
}

static uint32_t sparsest(const struct arena *a)
{
	uint32_t found = NO_SEGMENT;

	for (uint32_t i = 0; i < a->count; i++)
		if (a->segments[i].sparse &&
		    (found == NO_SEGMENT || a->segments[i].live < a->segments[found].live))
			found = i;
	return found;
}

struct each {
	arena_fn fn;
	void *ctx;
};

/* Those of one segment that live. */
static int each_in(struct arena *a, uint32_t i, const struct each *each)
{
	uint64_t off = arena_start(i);
	uint64_t end = off + a->segments[i].used;
	int r = 0;

	while (off < end && r == 0) {
		struct record *rec = arena_at(a, off);
		uint64_t size = record_size(rec->bytes);

		if (record_lives(rec))
			r = each->fn(each->ctx, rec, off);
		off += size;
	}
	return r;
}

int arena_each(struct arena *a, arena_fn fn, void *ctx)
{
	const struct each each = {fn, ctx};
	int r = 0;

	for (uint32_t i = 0; i < a->count && r == 0; i++)
		if (a->segments[i].state == SEGMENT_OPEN || a->segments[i].state == SEGMENT_FULL)
			r = each_in(a, i, &each);
	return r;
}

struct move {
	struct arena *arena;
	arena_moved_fn moved;
	void *ctx;
};

static int move_one(void *ctx, struct record *r, uint64_t off)
{
	struct move *m = ctx;
	uint64_t to;

	if (arena_add(m->arena, r, record_bytes(r), &to) < 0)
		return -ENOMEM;
	m->moved(m->ctx, arena_at(m->arena, to), to);
	arena_drop(m->arena, off);
	return 0;
}

void arena_tidy(struct arena *a, arena_moved_fn moved, void *ctx)
{
	struct move m = {a, moved, ctx};
	const struct each each = {move_one, &m};

	if (a->leaving)
		end_leaving(a);
	if (a->sparse)
		each_in(a, sparsest(a), &each);
}
