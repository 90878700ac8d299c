/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slots: the requests that threads have taken, where the next process finds them.
 *
 * Each thread reads into a slot of its own in MEMORY_SLOTS. A request is open
 * from the read() that brings it until it has been dealt with:
 *
 *	      read()                        reply, or applied
 *	EMPTY --------> OPEN (its head is there) --------------> EMPTY
 *
 * When a process is killed, the kernel sends what it had taken again, but for
 * FORGETs: those that are open are applied by the next one. Lookups that an
 * open request's reply would have handed out are in the slot; if the request
 * comes again there was no reply, and they are taken back. If it does not come,
 * it was answered.
 *
 * The slots of a worker of an even generation are in one bank, those of an odd
 * one in the other: so what the one before left stays readable until the next.
 */
#ifndef PODFS_FS_SLOTS_H
#define PODFS_FS_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <podfs/fs/head.h>

#include "inode.h"

/* A request is at most as long as a write may be (which are all refused), and its head. */
#define SLOT_WRITE_MAX (1u << 20)
#define SLOT_REQUEST (SLOT_WRITE_MAX + (64u << 10))
/* Of the entries of one READDIRPLUS; further ones would be lookups too many after a death. */
#define SLOT_LOOKUPS 8192u

struct slots;
struct slot;

/* Maps them. 0 or -errno. */
int slots_open(int memory, struct fs_head *head, struct slots **ret);
void slots_close(struct slots *s);

/**
 * Deals with what those before left: applies FORGETs, remembers in the head which requests were
 * under way when a worker died, and empties the slots of this generation.
 *
 * Before any thread serves, if it is the first of all, too.
 */
void slots_recover(struct slots *s, struct inode_table *inodes);

/* [worker] The calling thread's from now on; NULL: no longer. Its fatal signals are noted in it. */
struct slot *slots_use(struct slots *s, unsigned int thread);
void slots_leave(void);

/* Where its requests are read to: SLOT_REQUEST bytes. */
char *slot_request(struct slot *slot);

enum slot_verdict {
	SLOT_UNSET,
	SLOT_SERVE,
	SLOT_REFUSE, /* it has killed two workers */
};

/* [worker] A request was read: takes back what an earlier process did for it. */
enum slot_verdict slot_taken(struct slots *s, struct slot *slot, struct inode_table *inodes);
/* [worker] Before a read, and when the request has been dealt with. */
void slot_empty(struct slot *slot);

/*
 * [worker] Of the request that the calling thread is at; without a slot (in a test) nothing is
 * noted. A lookup was counted; the last one was taken back; one more FORGET is about to be applied.
 */
void slot_looked_up(uint64_t id);
void slot_took_back(void);
void slot_forgets(void);

#endif
