/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena: records in memory that another process can map.
 *
 * A memfd in segments. Records are only ever appended; what is dead is counted
 * segment by segment, and a segment that is mostly dead is tidied: what lives
 * in it is appended elsewhere, and its pages go back to the system once nobody
 * can be reading them.
 *
 *	      append                  drop, move
 *	FREE ---------> OPEN -> FULL ------------> LEAVING --(readers are out)--> FREE
 *
 * A record says what it is in its head, so that all of them are found by going
 * through the segments. Records are addressed by offsets, which stay the same
 * until a record is moved; `owner` alone means nothing to another process.
 *
 * [loop] writes. Readers may be anywhere between arena_enter() and arena_leave(),
 * on any thread, and take no lock.
 */
#ifndef PODFS_STORE_ARENA_H
#define PODFS_STORE_ARENA_H

#include <stdbool.h>
#include <stdint.h>

#define ARENA_SEGMENT (1u << 20)
#define ARENA_MAX (UINT64_C(1) << 34) /* of address space; no memory */
#define ARENA_READERS 64u

#define RECORD_MAGIC 0x5052u
#define RECORD_DEAD 0x5044u

/* In front of a record's bytes. */
struct record {
	uint16_t magic;     /* RECORD_MAGIC, or RECORD_DEAD: its bytes may be gone */
	uint8_t kind;       /* enum kind */
	uint8_t form;       /* enum text_form, texts.h: how its bytes are to be read */
	uint32_t check;     /* record_check() */
	uint32_t len;       /* of what they mean */
	uint32_t bytes;     /* how many they are */
	uint64_t seq;       /* no two records share one but copies */
	uint32_t reference; /* texts.h */
	uint32_t users;     /* texts.h */
	void *owner;        /* texts.h */
};

/* Of what never changes in it. */
uint32_t record_check(const struct record *r);

static inline const char *record_bytes(const struct record *r)
{
	return (const char *)(r + 1);
}

static inline uint64_t record_size(uint64_t bytes)
{
	return (sizeof(struct record) + bytes + 7) & ~UINT64_C(7);
}

struct arena_segment;

struct arena {
	int fd;
	char *base; /* all of it, mapped once; memory comes with use */
	struct arena_segment *segments;
	uint32_t count;
	uint32_t cap;
	uint32_t open; /* the one that is appended to, plus one; 0: none */
	uint32_t leaving;
	uint32_t sparse; /* how many are worth tidying */
	uint64_t live;   /* bytes of records, with their heads */
	uint64_t used;   /* the same, dead ones included */
	/* One a cache line: how many readers are inside. */
	struct arena_readers {
		_Alignas(64) uint32_t inside;
	} readers[ARENA_READERS];
};

/* 0 or -errno. */
int arena_open(struct arena *a);
void arena_close(struct arena *a);

/**
 * Appends a record.
 *
 * @head     its `magic` and `check` are set here.
 * @ret_off  never 0.
 *
 * [loop] 0 or -ENOMEM.
 */
int arena_add(struct arena *a, const struct record *head, const char *bytes, uint64_t *ret_off);

/* Nobody has its offset any more but readers that are inside already. [loop] */
void arena_drop(struct arena *a, uint64_t off);

/* [any thread] Inside, or [loop]. */
static inline struct record *arena_at(const struct arena *a, uint64_t off)
{
	return (struct record *)(void *)(a->base + off);
}

/*
 * [any thread] Between these two calls an offset that was read in between leads to its record.
 * arena_enter()'s result is for arena_leave().
 */
uint32_t arena_enter(struct arena *a);
void arena_leave(struct arena *a, uint32_t inside);

/* Told where a record is from now on; from its return on nobody is led to where it was. */
typedef void (*arena_moved_fn)(void *ctx, struct record *r, uint64_t off);

/* Gives memory back, and moves what is in the way: a segment at a time. [loop] */
void arena_tidy(struct arena *a, arena_moved_fn moved, void *ctx);

/* Returns 0 to go on, anything else ends it. */
typedef int (*arena_fn)(void *ctx, struct record *r, uint64_t off);

/* Calls @fn for every record that lives; it may add and drop some, which are met or not. [loop] */
int arena_each(struct arena *a, arena_fn fn, void *ctx);

#endif
