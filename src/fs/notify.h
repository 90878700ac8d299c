/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify: tells the kernel what to drop, from a thread of its own.
 *
 * The kernel takes a directory's lock to drop a name in it, and an unanswered
 * LOOKUP holds that lock: so this thread holds nothing that a handler wants,
 * and nobody waits for it.
 *
 * They are sent in the order in which they were queued, some at a time. A
 * notification that waits in the queue is not queued again: it will be sent
 * after what made it necessary the second time, too. If the queue is full, or
 * there is no memory for it, everything in it gives way to a sweep: the kernel
 * is told to drop all it has.
 */
#ifndef PODFS_FS_NOTIFY_H
#define PODFS_FS_NOTIFY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "fuse_compat.h"

enum notify_kind {
	NOTIFY_UNSET,
	NOTIFY_ENTRY, /* a name, present or absent */
	NOTIFY_ATTR,  /* a directory's attributes */
	NOTIFY_LIST,  /* a directory's listing, and its attributes */
};

enum sweep {
	SWEEP_UNSET,
	SWEEP_SELECTIONS, /* names of selections alone, which are true, but many */
	SWEEP_CONTENT,    /* pages, listings and attributes */
	SWEEP_NAMES,      /* and all names, present or absent */
};

struct notifier;

struct notify_counters {
	atomic_uint_fast64_t entries;
	atomic_uint_fast64_t inodes;
	atomic_uint_fast64_t unknown; /* the kernel did not know it (any more) */
	atomic_uint_fast64_t sweeps;
	atomic_uint_fast64_t waiting;
};

struct notify_options {
	struct fuse_session *session;
	struct notify_counters *counters;
	/* [notifier] Tells the kernel to drop that much; no lock is held. */
	void (*sweep_cb)(void *ctx, enum sweep what);
	void *ctx;
};

/* Starts the thread. 0 or -errno. */
int notifier_start(const struct notify_options *options, struct notifier **ret);

/*
 * Queues one notification. [any thread] Takes the queue's lock, a leaf.
 *
 * @name  for NOTIFY_ENTRY: the name in directory @id; otherwise NULL.
 */
void notifier_push(struct notifier *n, enum notify_kind kind, uint64_t id, const char *name);

struct notification {
	enum notify_kind kind;
	uint64_t id;
	size_t name; /* where the name starts; that of no name is "" */
};

/* The same for many, in that order, with names in @names. */
void notifier_push_all(struct notifier *n, const struct notification *all, size_t count,
		       const char *names);

/* So much is to be dropped, after what is under way. [any thread] */
void notifier_sweep(struct notifier *n, enum sweep what);

/**
 * Ends the thread; what waits is dropped. The workers must still run: a
 * notification that is in the kernel ends only when they have answered what it
 * waits for.
 *
 * False: it still has not, because the kernel waits for somebody else. Then
 * the thread lives on, and the notifier and the session must not be freed.
 */
bool notifier_stop(struct notifier *n);

/* After a successful notifier_stop(), when nobody pushes any more. */
void notifier_free(struct notifier *n);

#endif
