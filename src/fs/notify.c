/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <podfs/base/hash.h>
#include <podfs/base/log.h>

#include "notify.h"

#define QUEUE_MAX 16384u
#define BUCKETS 4096u

struct item {
	struct item *next; /* in the queue */
	struct item *prev;
	struct item *same_bucket;
	enum notify_kind kind;
	uint64_t id;
	uint64_t *ids; /* of NOTIFY_ALL; `id` is their number */
	size_t name_len;
	char name[];
};

struct notifier {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t has_items;
	pthread_cond_t has_room;
	struct fuse_session *se;
	struct notify_counters *counters;
	struct item *first;
	struct item *last;
	struct item *buckets[BUCKETS];
	size_t count;
	bool ending;
};

static struct item **bucket_of(struct notifier *n, uint64_t id, const char *name, size_t len)
{
	uint64_t h = len ? hash_bytes(hash_process_key(), name, len) : 0;

	return &n->buckets[hash_u64(h + id) % BUCKETS];
}

static void append(struct notifier *n, struct item *item)
{
	item->next = NULL;
	item->prev = n->last;
	*(n->last ? &n->last->next : &n->first) = item;
	n->last = item;
}

static void unlink_item(struct notifier *n, struct item *item)
{
	*(item->prev ? &item->prev->next : &n->first) = item->next;
	*(item->next ? &item->next->prev : &n->last) = item->prev;
}

static struct item *take_first(struct notifier *n)
{
	struct item *item = n->first;
	struct item **at = bucket_of(n, item->id, item->name, item->name_len);

	while (*at != item)
		at = &(*at)->same_bucket;
	*at = item->same_bucket;
	unlink_item(n, item);
	n->count--;
	return item;
}

static void free_item(struct item *item)
{
	free(item->ids);
	free(item);
}

static int send_all(struct notifier *n, const struct item *item)
{
	for (uint64_t i = 0; i < item->id; i++) {
		atomic_fetch_add_explicit(&n->counters->inodes, 1, memory_order_relaxed);
		/* Dropping any name waits for listings of the directory that are under way. */
		fuse_lowlevel_notify_inval_entry(n->se, item->ids[i], ".podfs", 6);
		fuse_lowlevel_notify_inval_inode(n->se, item->ids[i], 0, 0);
	}
	return 0;
}

static int send_item(struct notifier *n, const struct item *item)
{
	switch (item->kind) {
	case NOTIFY_ENTRY:
		atomic_fetch_add_explicit(&n->counters->entries, 1, memory_order_relaxed);
		return fuse_lowlevel_notify_inval_entry(n->se, item->id, item->name,
							item->name_len);
	case NOTIFY_ALL:
		return send_all(n, item);
	case NOTIFY_ATTR:
		atomic_fetch_add_explicit(&n->counters->inodes, 1, memory_order_relaxed);
		return fuse_lowlevel_notify_inval_inode(n->se, item->id, -1, 0);
	default:
		atomic_fetch_add_explicit(&n->counters->inodes, 1, memory_order_relaxed);
		return fuse_lowlevel_notify_inval_inode(n->se, item->id, 0, 0);
	}
}

static void *run(void *arg)
{
	struct notifier *n = arg;

	pthread_mutex_lock(&n->lock);
	while (!n->ending) {
		if (!n->first) {
			pthread_cond_wait(&n->has_items, &n->lock);
			continue;
		}
		struct item *item = take_first(n);
		pthread_cond_signal(&n->has_room);
		pthread_mutex_unlock(&n->lock);
		int r = send_item(n, item);
		if (r == -ENOENT)
			atomic_fetch_add_explicit(&n->counters->unknown, 1, memory_order_relaxed);
		else if (r < 0 && r != -EBADF && r != -ENODEV && r != -ENOTCONN)
			log_warn("telling the kernel to drop %s: %s",
				 item->kind == NOTIFY_ENTRY ? "a name" : "a directory",
				 strerror(-r));
		free_item(item);
		pthread_mutex_lock(&n->lock);
	}
	pthread_mutex_unlock(&n->lock);
	return NULL;
}

int notifier_start(struct fuse_session *se, struct notify_counters *counters, struct notifier **ret)
{
	struct notifier *n = calloc(1, sizeof(*n));

	if (!n)
		return -ENOMEM;
	n->se = se;
	n->counters = counters;
	pthread_mutex_init(&n->lock, NULL);
	pthread_cond_init(&n->has_items, NULL);
	pthread_cond_init(&n->has_room, NULL);
	int r = pthread_create(&n->thread, NULL, run, n);
	if (r) {
		free(n);
		return -r;
	}
	*ret = n;
	return 0;
}

static struct item *find(struct notifier *n, enum notify_kind kind, uint64_t id, const char *name,
			 size_t len)
{
	struct item *item = *bucket_of(n, id, name, len);

	for (; item; item = item->same_bucket)
		if (item->kind == kind && item->id == id && item->name_len == len &&
		    !memcmp(item->name, name, len))
			return item;
	return NULL;
}

static struct item *new_item(enum notify_kind kind, uint64_t id, const char *name, size_t len)
{
	struct item *item = calloc(1, sizeof(*item) + len + 1);

	if (!item)
		return NULL;
	item->kind = kind;
	item->id = id;
	item->name_len = len;
	memcpy(item->name, name, len);
	return item;
}

static void enqueue(struct notifier *n, struct item *item)
{
	struct item **bucket = bucket_of(n, item->id, item->name, item->name_len);

	item->same_bucket = *bucket;
	*bucket = item;
	append(n, item);
	n->count++;
	pthread_cond_signal(&n->has_items);
}

int notifier_push_all(struct notifier *n, uint64_t *ids, size_t count)
{
	struct item *item = new_item(NOTIFY_ALL, count, "", 0);
	int r = -ESHUTDOWN;

	if (!item)
		return -ENOMEM;
	pthread_mutex_lock(&n->lock);
	if (!n->ending) {
		item->ids = ids;
		enqueue(n, item);
		r = 0;
	}
	pthread_mutex_unlock(&n->lock);
	if (r < 0)
		free(item);
	return r;
}

static int push_locked(struct notifier *n, enum notify_kind kind, uint64_t id, const char *name)
{
	size_t len = strlen(name);
	struct item *item = find(n, kind, id, name, len);

	if (item) {
		/*
		 * A listing is dropped after the names in it: dropping a name
		 * waits for listings under way, which may have read the old
		 * names, and only then is it safe.
		 */
		if (kind == NOTIFY_LIST) {
			unlink_item(n, item);
			append(n, item);
		}
		return 0;
	}
	item = new_item(kind, id, name, len);
	if (!item)
		return -ENOMEM;
	enqueue(n, item);
	return 0;
}

int notifier_push(struct notifier *n, enum notify_kind kind, uint64_t id, const char *name)
{
	int r = -ESHUTDOWN;

	pthread_mutex_lock(&n->lock);
	while (n->count >= QUEUE_MAX && !n->ending)
		pthread_cond_wait(&n->has_room, &n->lock);
	if (!n->ending)
		r = push_locked(n, kind, id, name ? name : "");
	pthread_mutex_unlock(&n->lock);
	return r;
}

uint64_t notifier_depth(struct notifier *n)
{
	pthread_mutex_lock(&n->lock);
	uint64_t count = n->count;
	pthread_mutex_unlock(&n->lock);
	return count;
}

void notifier_stop(struct notifier *n)
{
	if (!n)
		return;
	pthread_mutex_lock(&n->lock);
	n->ending = true;
	pthread_cond_signal(&n->has_items);
	pthread_cond_broadcast(&n->has_room);
	pthread_mutex_unlock(&n->lock);
	pthread_join(n->thread, NULL);
	for (struct item *item = n->first; item;) {
		struct item *next = item->next;

		free_item(item);
		item = next;
	}
	pthread_cond_destroy(&n->has_items);
	pthread_cond_destroy(&n->has_room);
	pthread_mutex_destroy(&n->lock);
	free(n);
}
