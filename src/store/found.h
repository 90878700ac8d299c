/* SPDX-License-Identifier: Apache-2.0 */
/*
 * found: what an earlier process left in the memory, from texts_open() until
 * found_end(): all texts as versions, and what kept.h has to be taken up again.
 *
 * All of it [loop].
 */
#ifndef PODFS_STORE_FOUND_H
#define PODFS_STORE_FOUND_H

#include "texts.h"

/* Goes through the arena, which was just opened. 0 or -ENOMEM. */
int found_look(void);

/* How many records were wrong so far; and one more. */
uint64_t found_wrong(void);
void found_add_wrong(void);

/* The versions, in the order of their numbers. */
size_t found_count(void);
struct version *found_text(size_t i);

/* The one of that number, with a reference for the caller; NULL: there is none. */
struct version *found_version(uint64_t seq);

enum found_use {
	FOUND_OLD,     /* its object has another one, or is gone, or it is kept for siblings */
	FOUND_BASE,    /* the same, but others may be packed against it: its group is needed */
	FOUND_CURRENT, /* what its object is now; it may be a base, too */
};
enum found_use found_use(const struct version *v);
enum kind found_kind(const struct version *v);

/* The group of a text, if it is a base. */
void found_set_group(size_t i, uint64_t group);

/* After that: bases are found by their groups. */
void found_link_bases(void);

/*
 * Where a record of kept.h is, whose key it is; 0: there is none. From now on it is @owner that
 * is led to it when it moves.
 */
uint64_t found_take(enum record_form form, uint64_t key, _Atomic uint64_t *owner);

/* Drops what nobody took. */
void found_end(void);

/* Forgets it all, while the arena is closed. */
void found_release(void);

#endif
