/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena: records in memory that outlives the process (base/memory.h).
 *
 * It has segments. Records are only ever appended; what is dead is counted
 * segment by segment, and a segment that is mostly dead is tidied: what lives
 * in it is appended elsewhere, and its pages go back to the system once nobody
 * can be reading them.
 *
 *	      append                  drop, move
 *	FREE ---------> OPEN -> FULL ------------> LEAVING --(readers are out)--> FREE
 *
 * A record says what it is in its head, so that the next process finds all of
 * them by going through the segments: arena_scan(). It is there, is current and
 * is dead from one store of its `magic` on, so there is no moment at which a
 * process may not be killed; of one that was being moved there are two for that
 * moment. Records are addressed by offsets, which stay the same until a record
 * is moved; `owner` alone means nothing to another process.
 *
 * [loop] writes. Readers may be anywhere between arena_enter() and arena_leave(),
 * on any thread, and take no lock.
 */
#ifndef PODFS_STORE_ARENA_H
#define PODFS_STORE_ARENA_H

#include <stdbool.h>
#include <stdint.h>

#include <podfs/base/hash.h>

#define ARENA_SEGMENT (1u << 20)
#define ARENA_READERS 64u

/* Bytes of a record. */
#define RECORD_MAX (1u << 24)

/* What a record's `magic` says. */
#define RECORD_KEPT 0x5052u
#define RECORD_CURRENT 0x5043u /* kept, and the newest of its kind: texts.h */
#define RECORD_DEAD 0x5044u

/* In front of a record's bytes. */
struct record {
	uint16_t magic;          /* one of the above; 0: there is none (yet) */
	uint8_t kind;            /* enum kind */
	uint8_t form;            /* enum record_form, texts.h: how its bytes are to be read */
	uint32_t check;          /* record_check() */
	uint32_t len;            /* of what they mean */
	uint32_t bytes;          /* how many they are */
	uint64_t seq;            /* no two records share one but copies */
	uint32_t reference;      /* texts.h */
	uint32_t users;          /* texts.h */
	_Atomic uint64_t *owner; /* what has its offset, or NULL */
};

static inline const char *record_bytes(const struct record *r)
{
	return (const char *)(r + 1);
}

static inline bool record_lives(const struct record *r)
{
	return r->magic == RECORD_KEPT || r->magic == RECORD_CURRENT;
}

/* The one store by which a record becomes what it is, behind all that was written before. */
static inline void record_set_magic(struct record *r, uint16_t magic)
{
	__atomic_store_n(&r->magic, magic, __ATOMIC_RELEASE);
}

static inline uint64_t record_size(uint64_t bytes)
{
	return (sizeof(struct record) + bytes + 7) & ~UINT64_C(7);
}

struct arena_segment;

struct arena {
	int fd;          /* of the memory */
	char *base;      /* all of it, mapped once; memory comes with use. NULL: not open */
	uint64_t usable; /* so much of it may be touched */
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

/**
 * Maps the arena of a memory.
 *
 * @memory_fd  stays the caller's, who may close it.
 *
 * 0 or -errno. If there are records, arena_scan() comes before anything else.
 */
int arena_open(struct arena *a, int memory_fd);

/* What is in it stays there. */
void arena_close(struct arena *a);

/**
 * Finds out what an earlier process left. What is wrong is dead from then on,
 * and what was not finished is no more.
 *
 * @ret_wrong  how many records, or parts of a segment, were not as they should be.
 *
 * 0 or -ENOMEM: then all it can be is closed. Another process may scan it as well.
 */
int arena_scan(struct arena *a, uint64_t *ret_wrong);

/*
 * Of what never changes in a record: its head but for `magic`, `users` and `owner`, and as
 * many of its bytes as `len` says; what is behind these may change in place.
 */
uint32_t record_check(const struct arena *a, const struct record *r);

/* What the arena's records are hashed with: the same in each process, known to nobody else. */
const struct hash_key *arena_key(const struct arena *a);

/**
 * Appends a record.
 *
 * @head     its `check` is set here, and its `magic` unless it is RECORD_CURRENT.
 * @ret_off  never 0.
 *
 * [loop] 0 or -ENOMEM; -E2BIG: over RECORD_MAX.
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
