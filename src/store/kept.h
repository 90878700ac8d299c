/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kept: what the next process must know besides texts, or users would see that
 * there was another one: when what was last changed.
 *
 * A number is a record that changes in place. An object's history is written
 * anew when it changes. Both are found by a key, and what has one has its
 * record's offset; if there was no memory for a record the next process does
 * without. All of it [loop].
 */
#ifndef PODFS_STORE_KEPT_H
#define PODFS_STORE_KEPT_H

#include <podfs/store/store.h>

enum kept_what {
	KEPT_UNSET,
	KEPT_UNREADABLE, /* a kind */
	KEPT_NAMESPACES, /* when one came or went; and the like */
	KEPT_NODES,
	KEPT_UIDS,
	KEPT_ADDRESSES,
	KEPT_PODS,               /* of a namespace */
	KEPT_NODE_NAMESPACES,    /* of a node */
	KEPT_NODE_NAMESPACE_PODS /* of both */
};

/**
 * A number that outlives the process.
 *
 * @a, @b  names; "" for none.
 * @ret    its record.
 *
 * What an earlier process left, or @value.
 */
int64_t kept_open(enum kept_what what, const char *a, const char *b, int64_t value,
		  _Atomic uint64_t *ret);
void kept_set(const _Atomic uint64_t *kept, int64_t value);

/* Drops a record, if there is one. */
void kept_drop(_Atomic uint64_t *kept);

/* Keeps an object's history as it is now. */
void kept_history_write(struct object *o);

/* Reads the one that an earlier process kept, if there is one. 0 or -ENOMEM. */
int kept_history_read(struct object *o);

#endif
