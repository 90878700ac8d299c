/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is found was written by a process that was killed, perhaps because it
 * had gone mad. So nothing is believed but what its check says, which only
 * somebody can make who knows the arena's key: no text that came from outside
 * passes for a record. What does not fit becomes a dead record, so that
 * segments can be walked; what was being appended was not there yet.
 */
#include <errno.h>
#include <string.h>

#include <podfs/base/memory.h>

#include "arena_internal.h"

#define PAGE UINT64_C(4096)

void arena_wipe(struct arena *a, uint64_t from, uint64_t to)
{
	uint64_t pages = (from + PAGE - 1) / PAGE * PAGE;

	/* In the arena's first page is more than records. */
	memset(a->base + from, 0, (pages < to ? pages : to) - from);
	if (pages < to)
		memory_drop(a->fd, MEMORY_ARENA, pages, to);
}

/* Whether there is a record at @off that takes no more than @room. */
static bool is_sound(const struct arena *a, uint64_t off, uint64_t room)
{
	const struct record *r = arena_at(a, off);

	return (record_lives(r) || r->magic == RECORD_DEAD) && r->bytes <= RECORD_MAX &&
	       record_size(r->bytes) <= room && r->check == record_check(a, r);
}

/* The next record behind what is none at @off; @end: there is none. */
static uint64_t next_sound(const struct arena *a, uint64_t off, uint64_t end)
{
	for (off += sizeof(struct record); off + sizeof(struct record) <= end; off += 8) {
		/* To look at a page that is not there would make one. */
		if (off % PAGE == 0)
			off = memory_next(a->fd, MEMORY_ARENA, off);
		if (off + sizeof(struct record) <= end && is_sound(a, off, end - off))
			return off;
	}
	return end;
}

/* Makes a dead record of what is between two places. */
static void bridge(struct arena *a, uint64_t off, uint64_t to)
{
	struct record *r = arena_at(a, off);

	*r = (struct record){.bytes = (uint32_t)(to - off - sizeof(*r))};
	r->check = record_check(a, r);
	record_set_magic(r, RECORD_DEAD);
}

/* With the segments that the first record, if it is a large one, goes on in. */
static uint32_t span_of(const struct arena *a, uint32_t i)
{
	uint64_t off = arena_start(i);
	const struct record *r = arena_at(a, off);
	uint64_t size = record_size(r->bytes);

	if (size <= arena_room(i, 1) || !is_sound(a, off, memory_area_size(MEMORY_ARENA) - off))
		return 1;
	return (uint32_t)((off + size - 1) / ARENA_SEGMENT - i + 1);
}

/* Walks one segment. How much of it is used. */
static uint64_t scan_segment(struct arena *a, uint32_t i, uint64_t *wrong)
{
	struct arena_segment *s = &a->segments[i];
	uint64_t off = arena_start(i);
	uint64_t end = off + arena_room(i, s->span);

	while (off + sizeof(struct record) <= end) {
		const struct record *r = arena_at(a, off);
		uint64_t next;

		if (is_sound(a, off, end - off)) {
			s->live += record_lives(r) ? record_size(r->bytes) : 0;
			off += record_size(r->bytes);
			continue;
		}
		next = next_sound(a, off, end);
		/* One that was being appended is no fault. */
		*wrong += r->magic || next < end;
		if (next == end)
			break;
		bridge(a, off, next);
		off = next;
	}
	if (off < end)
		arena_wipe(a, off, end);
	return off - arena_start(i);
}

/* The segments from @i on that belong together. How many they are, or -ENOMEM. */
static int take_in(struct arena *a, uint32_t i, uint64_t *wrong)
{
	uint32_t span = span_of(a, i);

	if (arena_extend(a, i + span) < 0)
		return -ENOMEM;
	struct arena_segment *s = &a->segments[i];
	s->span = span;
	s->used = scan_segment(a, i, wrong);
	if (!s->used) {
		s->span = 1;
		return 1;
	}
	s->state = SEGMENT_FULL;
	for (uint32_t n = 1; n < span; n++)
		a->segments[i + n].state = SEGMENT_REST;
	a->used += s->used;
	a->live += s->live;
	return (int)span;
}

/* What has most room is appended to. */
static void choose_open(struct arena *a)
{
	uint64_t most = ARENA_SEGMENT / 4;

	for (uint32_t i = 0; i < a->count; i++) {
		const struct arena_segment *s = &a->segments[i];

		if (s->state != SEGMENT_FULL || s->span > 1 || arena_room(i, 1) - s->used <= most)
			continue;
		most = arena_room(i, 1) - s->used;
		a->open = i + 1;
	}
	if (a->open)
		a->segments[a->open - 1].state = SEGMENT_OPEN;
}

int arena_scan(struct arena *a, uint64_t *ret_wrong)
{
	uint64_t size = memory_area_size(MEMORY_ARENA);

	*ret_wrong = 0;
	for (uint64_t off = 0; (off = memory_next(a->fd, MEMORY_ARENA, off)) < size;) {
		uint32_t i = (uint32_t)(off / ARENA_SEGMENT);
		int span = take_in(a, i, ret_wrong);

		if (span < 0)
			return span;
		off = (uint64_t)(i + (uint32_t)span) * ARENA_SEGMENT;
	}
	choose_open(a);
	for (uint32_t i = 0; i < a->count; i++)
		arena_consider(a, &a->segments[i]);
	return 0;
}
