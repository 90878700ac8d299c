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
#include <podfs/base/hash.h>
#include <podfs/store/arena.h>

enum segment_state {
	SEGMENT_FREE,
	SEGMENT_OPEN,
	SEGMENT_FULL,
	SEGMENT_LEAVING,
	SEGMENT_REST, /* of a record that is larger than one */
};

struct arena_segment {
	enum segment_state state;
	bool sparse;
	uint32_t span;    /* with those that follow as its rest */
	uint64_t used;    /* bytes from its start on */
	uint64_t live;    /* of these */
	uint64_t waiting; /* the counters that were not seen at zero yet */
};

#define NO_SEGMENT UINT32_MAX

/* An offset 0 is none, so the first segment starts a little later. */
#define FIRST_OFFSET 64u

static uint64_t start_of(uint32_t segment)
{
	return (uint64_t)segment * ARENA_SEGMENT + (segment ? 0 : FIRST_OFFSET);
}

static uint64_t room_of(uint32_t segment, uint32_t span)
{
	return (uint64_t)(segment + span) * ARENA_SEGMENT - start_of(segment);
}

uint32_t record_check(const struct record *r)
{
	/* Constant: it means the same to the next process. */
	static const struct hash_key key = {UINT64_C(0x706f646673207265),
					    UINT64_C(0x636f726420636b31)};
	const uint64_t head[] = {r->kind | (uint64_t)r->form << 8, r->len, r->bytes, r->seq,
				 r->reference};

	return (uint32_t)(hash_bytes(&key, head, sizeof(head)) ^
			  hash_bytes(&key, record_bytes(r), r->bytes));
}

int arena_open(struct arena *a)
{
	*a = (struct arena){.fd = -1};
	cleanup_close int fd = memfd_create("podfs", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	/* Usable as it grows (append_free): behind the end of the file there is a SIGBUS. */
	void *base = mmap(NULL, ARENA_MAX, PROT_NONE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (base == MAP_FAILED)
		return -errno;
	a->base = base;
	a->fd = take_fd(&fd);
	return 0;
}

void arena_close(struct arena *a)
{
	if (!a->base)
		return;
	munmap(a->base, ARENA_MAX);
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

static uint32_t append_free(struct arena *a, uint32_t span)
{
	uint32_t first = a->count;
	uint64_t from = (uint64_t)first * ARENA_SEGMENT;
	uint64_t to = from + (uint64_t)span * ARENA_SEGMENT;

	if (to > ARENA_MAX || ftruncate(a->fd, (off_t)to) < 0 ||
	    mprotect(a->base + from, to - from, PROT_READ | PROT_WRITE) < 0)
		return NO_SEGMENT;
	for (uint32_t i = 0; i < span; i++) {
		size_t cap = a->cap;

		if (array_grow(&a->segments, a->count, &cap, sizeof(*a->segments)) < 0)
			return NO_SEGMENT;
		a->cap = (uint32_t)cap;
		a->segments[a->count++] = (struct arena_segment){.span = 1};
	}
	return first;
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
static void consider(struct arena *a, struct arena_segment *s)
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
	consider(a, s);
}

/* A segment with room for @size bytes, or the first of several. */
static uint32_t segment_for(struct arena *a, uint64_t size)
{
	if (a->open) {
		const struct arena_segment *s = &a->segments[a->open - 1];

		if (s->used + size <= room_of(a->open - 1, 1))
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
	uint32_t i = segment_for(a, size);

	if (i == NO_SEGMENT)
		return -ENOMEM;
	struct arena_segment *s = &a->segments[i];
	uint64_t off = start_of(i) + s->used;
	struct record *r = arena_at(a, off);
	s->used += size;
	s->live += size;
	a->used += size;
	a->live += size;
	*r = *head;
	memcpy(r + 1, bytes, head->bytes);
	r->check = record_check(r);
	r->magic = RECORD_MAGIC;
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

	r->magic = RECORD_DEAD;
	s->live -= size;
	a->live -= size;
	consider(a, s);
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

	fallocate(a->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)i * ARENA_SEGMENT,
		  (off_t)span * ARENA_SEGMENT);
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
	uint64_t off = start_of(i);
	uint64_t end = off + a->segments[i].used;
	int r = 0;

	while (off < end && r == 0) {
		struct record *rec = arena_at(a, off);
		uint64_t size = record_size(rec->bytes);

		if (rec->magic == RECORD_MAGIC)
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
