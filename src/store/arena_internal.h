/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the arena share. */
#ifndef PODFS_STORE_ARENA_INTERNAL_H
#define PODFS_STORE_ARENA_INTERNAL_H

#include <podfs/store/arena.h>

/* Its last digits are the layout's number: of records, and of what texts.h says of their bytes. */
#define ARENA_MAGIC UINT64_C(0x706f646673610001)

/* At the arena's start. */
struct arena_head {
	uint64_t magic;
	struct hash_key key;
};

/* So an offset 0 is none. */
#define FIRST_OFFSET 64u

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

static inline struct arena_head *arena_head(const struct arena *a)
{
	return (struct arena_head *)(void *)a->base;
}

static inline uint64_t arena_start(uint32_t segment)
{
	return (uint64_t)segment * ARENA_SEGMENT + (segment ? 0 : FIRST_OFFSET);
}

static inline uint64_t arena_room(uint32_t segment, uint32_t span)
{
	return (uint64_t)(segment + span) * ARENA_SEGMENT - arena_start(segment);
}

/* So many segments, the new ones free. 0 or -ENOMEM. */
int arena_extend(struct arena *a, uint32_t count);

/* A segment that is full may be worth tidying, or leaving. */
void arena_consider(struct arena *a, struct arena_segment *s);

/* Zeroes what is from @from to before @to, a segment's end; whole pages go back. */
void arena_wipe(struct arena *a, uint64_t from, uint64_t to);

#endif
