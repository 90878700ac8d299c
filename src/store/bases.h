/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bases: texts that others are packed against.
 *
 * A base has a number, which a record that needs it names; the number leads to
 * where its own record is now. The latest base of a group is found by the group.
 *
 * [loop] writes; numbers that are in use may be followed on any thread.
 */
#ifndef PODFS_STORE_BASES_H
#define PODFS_STORE_BASES_H

#include <stdatomic.h>
#include <stdint.h>

#define BASES_CHUNK 256u
#define BASES_CHUNKS 16384u

struct base {
	_Atomic uint64_t off; /* of its record */
	uint64_t group;
	uint32_t next; /* in its bucket, or the next free number */
};

struct bases {
	struct base *chunks[BASES_CHUNKS]; /* they stay where they are */
	uint32_t count;                    /* numbers below it have been given out; 0 never is */
	uint32_t free;
	uint32_t *buckets; /* by group: the first number; a power of two */
	uint32_t bucket_count;
	uint32_t in_use;
};

static inline struct base *bases_at(const struct bases *b, uint32_t number)
{
	return &b->chunks[number / BASES_CHUNK][number % BASES_CHUNK];
}

/* A number for a record that is to be its group's base; 0: no room or memory. */
uint32_t bases_number(struct bases *b, uint64_t group);

/* It leads to the record, and is found by its group, from now on; or it is not needed. */
void bases_lead(struct bases *b, uint32_t number, uint64_t off);
void bases_give_back(struct bases *b, uint32_t number);

/* Nobody names it any more. */
void bases_remove(struct bases *b, uint32_t number);

/*
 * Of records that an earlier process left: each has its number, then (all of them)
 * bases_restored() frees the others. They are found by their groups from bases_restore_group() on,
 * the latest last. 0; -ENOMEM; -EINVAL: there is another record of that number, or it is none.
 */
int bases_restore(struct bases *b, uint32_t number, uint64_t off);
int bases_restored(struct bases *b);
void bases_restore_group(struct bases *b, uint32_t number, uint64_t group);
/* The latest one of a group; 0: there is none. */
uint32_t bases_find(const struct bases *b, uint64_t group);

/* Where the record of a number is that may be none's; 0: nowhere. */
uint64_t bases_off(const struct bases *b, uint32_t number);

void bases_release(struct bases *b);

#endif
