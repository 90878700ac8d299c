/* SPDX-License-Identifier: Apache-2.0 */
/*
 * claims: names that lead to a pod, as its uid or its address does.
 *
 * Several pods may claim a name at one time: an address is given to a new pod
 * before the old one is known to be gone. It leads to the pod that has it by
 * right (a uid of its own), then to the younger one.
 *
 * In the order of cookies, in as many parts as make it cheap for a name to come
 * or go. Under the store's lock.
 */
#ifndef PODFS_STORE_CLAIMS_H
#define PODFS_STORE_CLAIMS_H

#include <podfs/store/store.h>

#define CLAIM_PARTS 256

/* One pod's claim to one name. */
struct claim {
	uint64_t cookie : 63; /* of the name */
	uint64_t own : 1;     /* no other pod's claim can be better, but one like this */
	const char *name;
	struct object *pod;
	struct claim *next; /* who has the name after this one */
};

struct claims {
	struct collection parts[CLAIM_PARTS]; /* of each name the best claim */
	int64_t changed_ns;                   /* when a name came, went or led elsewhere */
	_Atomic uint64_t kept;                /* its record of that, as in a collection */
};

/* Room for @count claims. 0 or -ENOMEM. */
int claims_reserve(struct claims *c, const struct claim *all, size_t count);

/* After claims_reserve() this cannot fail. The claim stays where it is until it is removed. */
void claims_insert(struct claims *c, struct claim *claim);
void claims_remove(struct claims *c, struct claim *claim);

/* The same pod's claim to the same name, in place of one that is there. */
void claims_replace(struct claims *c, struct claim *old, struct claim *new);

/* The pod that a name leads to, or NULL. */
const struct claim *claims_find(const struct claims *c, const char *name, size_t len);

/* Walks over all names. */
struct claim_cursor {
	size_t part;
	size_t i;
};

/* To the first name behind @cookie. */
struct claim_cursor claims_seek(const struct claims *c, uint64_t cookie);

/* NULL: there are no more. */
const struct claim *claims_next(const struct claims *c, struct claim_cursor *at);

/* When a name came, went or led elsewhere; 0: it is as it was. [loop] */
void claims_changed(struct claims *c, int64_t now);

void claims_release(struct claims *c);

#endif
