/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify: tells the kernel what to drop, from a thread of its own.
 *
 * The kernel takes a directory's lock to drop a name in it, and an unanswered
 * LOOKUP holds that lock: so this thread holds nothing that a handler wants,
 * and handlers never wait for it. The writer may: if the queue is full, it
 * waits until there is room, outside of all locks.
 *
 * A notification that waits in the queue is not queued again: it will be sent
 * after what made it necessary the second time, too.
 */
#ifndef PODFS_FS_NOTIFY_H
#define PODFS_FS_NOTIFY_H

#include <stdatomic.h>
#include <stdint.h>

#include "fuse_compat.h"

enum notify_kind {
	NOTIFY_UNSET,
	NOTIFY_ENTRY, /* a name, present or absent */
	NOTIFY_ATTR,  /* a directory's attributes */
	NOTIFY_LIST,  /* a directory's listing, and its attributes */
	NOTIFY_ALL,   /* the pages and attributes of many nodes */
};

struct notifier;

struct notify_counters {
	atomic_uint_fast64_t entries;
	atomic_uint_fast64_t inodes;
	atomic_uint_fast64_t unknown; /* the kernel did not know it (any more) */
};

/* Starts the thread. 0 or -errno. */
int notifier_start(struct fuse_session *se, struct notify_counters *counters,
		   struct notifier **ret);

/**
 * Queues one notification; blocks while the queue is full.
 *
 * @name  for NOTIFY_ENTRY: the name in directory @id; otherwise NULL.
 *
 * [loop] 0; -ENOMEM; -ESHUTDOWN: the notifier is ending.
 */
int notifier_push(struct notifier *n, enum notify_kind kind, uint64_t id, const char *name);

/**
 * Queues the pages and attributes of many nodes, files too; takes @ids over on success and never
 * blocks. Sent in the order given, before what is queued later.
 *
 * [loop] 0; -ENOMEM; -ESHUTDOWN.
 */
int notifier_push_all(struct notifier *n, uint64_t *ids, size_t count);

/* Notifications that wait. [any thread] */
uint64_t notifier_depth(struct notifier *n);

/*
 * Ends the thread; what waits is dropped. The workers must still run: a
 * notification that is in the kernel ends only when they answer.
 */
void notifier_stop(struct notifier *n);

#endif
