/* SPDX-License-Identifier: Apache-2.0 */
/*
 * texts: the texts of versions, packed, in the arena.
 *
 * Pods of one workload are alike but for names, times and identifiers. So a
 * text is packed against another one of its group, which is its base; that one
 * stands alone, or on a dictionary learnt from others that do.
 *
 *	dictionary (one a kind) <--- base (one a group) <--- sibling
 *
 * A base's record lives as long as a version or a sibling needs it.
 *
 * There is one arena, as there is one program. [loop] writes.
 */
#ifndef PODFS_STORE_TEXTS_H
#define PODFS_STORE_TEXTS_H

#include <podfs/store/arena.h>
#include <podfs/store/version.h>

enum record_form {
	RECORD_UNSET,
	TEXT_PLAIN,
	TEXT_ALONE,      /* by itself */
	TEXT_DICTIONARY, /* with the dictionary of its kind */
	TEXT_SIBLING,    /* against the base that `reference` is the number of */
	TEXT_LEARNT,     /* it is a dictionary */
	KEPT_NUMBER,     /* kept.h */
	KEPT_HISTORY,
};

/*
 * In a record of a text: `owner` is its version's offset, NULL of one that is kept for
 * its siblings; `users` says how many these are; `reference` of what is no
 * sibling is its own number as a base, or 0. It is current if it is what its object is now.
 */

/**
 * Opens the memory, with what an earlier process left in it: found.h.
 *
 * A program that hands in none has one of its own from the first write on.
 *
 * @memory_fd  stays the caller's, who may close it.
 *
 * 0 or -errno; -EBUSY: one is open.
 */
int texts_open(int memory_fd);

/* Everything stays as it is for the next process. Versions that are left have no text any more. */
void texts_close(void);
bool texts_is_open(void);

/* A number for a record. */
uint64_t texts_next_seq(void);

/* Keeps a version's text; its other members are set. 0 or -ENOMEM. */
int texts_put(struct version *v, const struct version_text *text);

/* [any thread] Reads it into @out, which has room for its length. 0, -ENOMEM, -EIO. */
int texts_get(const struct version *v, char *out);

/* Whether it is what its object is now, for the next process. */
void texts_mark(const struct version *v, bool current);

/* No version any more. */
void texts_drop(struct version *v);

/* Gives memory back that is not needed any more. */
void texts_tidy(void);

/* Where they are; kept.h has records there, too. */
const struct arena *texts_arena(void);

/* The same, to be written to: opened if it was not. NULL: no memory. */
struct arena *texts_arena_open(void);

#endif
