/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <podfs/base/hash.h>
#include <podfs/base/log.h>

#include "notify.h"

#define QUEUE_MAX 16384u
#define BUCKETS 4096u

/* So many are taken at once: whoever pushes more does not wait for the lock between any two. */
#define BATCH_MAX 32u
#define STOP_PATIENCE_SEC 2

struct item {
	struct item *next; /* in the queue */
	struct item *prev;
	struct item *same_bucket;
	enum notify_kind kind;
	uint64_t id;
	size_t name_len;
	char name[];
};

struct notifier {
	struct notify_options options;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct item *first;
	struct item *last;
	struct item *buckets[BUCKETS];
	size_t count;
	enum sweep sweep; /* what is to be swept before anything else */
	atomic_bool ending;
};

static struct item **bucket_of(struct notifier *n, uint64_t id, const char *name, size_t len)
{
	uint64_t h = len ? hash_bytes(hash_process_key(), name, len) : 0;

	return &n->buckets[hash_u64(h + id) % BUCKETS];
}

/* More or (@by negative) fewer wait, in the queue or taken out of it. */
static void count_waiting(struct notifier *n, int by)
{
	atomic_fetch_add_explicit(&n->options.counters->waiting, (uint_fast64_t)(int64_t)by,
				  memory_order_relaxed);
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

static void drop_items(struct notifier *n)
{
	for (struct item *item = n->first; item;) {
		struct item *next = item->next;

		free(item);
		item = next;
	}
	n->first = NULL;
	n->last = NULL;
	memset(n->buckets, 0, sizeof(n->buckets));
	count_waiting(n, -(int)n->count);
	n->count = 0;
}

static void add(atomic_uint_fast64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static void send_item(struct notifier *n, const struct item *item)
{
	struct notify_counters *counters = n->options.counters;
	struct fuse_session *se = n->options.session;
	int r;

	if (item->kind == NOTIFY_ENTRY) {
		add(&counters->entries);
		r = fuse_lowlevel_notify_inval_entry(se, item->id, item->name, item->name_len);
	} else {
		add(&counters->inodes);
		r = fuse_lowlevel_notify_inval_inode(se, item->id,
						     item->kind == NOTIFY_ATTR ? -1 : 0, 0);
	}
	if (r == -ENOENT)
		add(&counters->unknown);
	else if (r < 0 && r != -EBADF && r != -ENODEV && r != -ENOTCONN)
		log_warn("telling the kernel to drop %s: %s",
			 item->kind == NOTIFY_ENTRY ? "a name" : "a directory", strerror(-r));
}

static void send_all(struct notifier *n, struct item *const *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		count_waiting(n, -1);
		if (!atomic_load(&n->ending))
			send_item(n, items[i]);
		free(items[i]);
	}
}

/* With the lock, which is free while the kernel is told. */
static void do_some(struct notifier *n)
{
	enum sweep sweep = n->sweep;
	struct item *items[BATCH_MAX];
	size_t count = 0;

	while (sweep == SWEEP_UNSET && n->first && count < BATCH_MAX)
		items[count++] = take_first(n);
	n->sweep = SWEEP_UNSET;
	pthread_mutex_unlock(&n->lock);
	if (sweep == SWEEP_UNSET) {
		send_all(n, items, count);
	} else {
		if (sweep != SWEEP_SELECTIONS)
			add(&n->options.counters->sweeps);
		n->options.sweep_cb(n->options.ctx, sweep);
	}
	pthread_mutex_lock(&n->lock);
}

static void *run(void *arg)
{
	struct notifier *n = arg;

	pthread_mutex_lock(&n->lock);
	while (!atomic_load(&n->ending)) {
		if (n->first || n->sweep != SWEEP_UNSET)
			do_some(n);
		else
			pthread_cond_wait(&n->wake, &n->lock);
	}
	pthread_mutex_unlock(&n->lock);
	return NULL;
}

int notifier_start(const struct notify_options *options, struct notifier **ret)
{
	struct notifier *n = calloc(1, sizeof(*n));

	if (!n)
		return -ENOMEM;
	n->options = *options;
	pthread_mutex_init(&n->lock, NULL);
	pthread_cond_init(&n->wake, NULL);
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

static void sweep_locked(struct notifier *n, enum sweep what)
{
	/* It tells the kernel all that what waits would tell it. */
	if (what == SWEEP_NAMES)
		drop_items(n);
	if (what > n->sweep)
		n->sweep = what;
}

static void push_locked(struct notifier *n, enum notify_kind kind, uint64_t id, const char *name)
{
	size_t len = strlen(name);
	struct item *item = find(n, kind, id, name, len);

	if (item) {
		/*
		 * A listing is dropped after the names in it: dropping a name
		 * waits for listings and lookups under way, which may have read
		 * what was, and only then is it safe. So for attributes.
		 */
		if (kind != NOTIFY_ENTRY) {
			unlink_item(n, item);
			append(n, item);
		}
		return;
	}
	item = n->count < QUEUE_MAX ? calloc(1, sizeof(*item) + len + 1) : NULL;
	if (!item) {
		sweep_locked(n, SWEEP_NAMES);
		return;
	}
	item->kind = kind;
	item->id = id;
	item->name_len = len;
	memcpy(item->name, name, len);
	struct item **bucket = bucket_of(n, id, name, len);
	item->same_bucket = *bucket;
	*bucket = item;
	append(n, item);
	n->count++;
	count_waiting(n, 1);
}

void notifier_push(struct notifier *n, enum notify_kind kind, uint64_t id, const char *name)
{
	const struct notification one = {kind, id, 0};

	notifier_push_all(n, &one, 1, name ? name : "");
}

void notifier_push_all(struct notifier *n, const struct notification *all, size_t count,
		       const char *names)
{
	pthread_mutex_lock(&n->lock);
	for (size_t i = 0; i < count && !atomic_load(&n->ending); i++)
		push_locked(n, all[i].kind, all[i].id, names + all[i].name);
	pthread_mutex_unlock(&n->lock);
	/* When the lock is free, so that the thread does not wake up to wait for it. */
	pthread_cond_signal(&n->wake);
}

void notifier_sweep(struct notifier *n, enum sweep what)
{
	pthread_mutex_lock(&n->lock);
	sweep_locked(n, what);
	pthread_mutex_unlock(&n->lock);
	pthread_cond_signal(&n->wake);
}

bool notifier_stop(struct notifier *n)
{
	struct timespec until;

	pthread_mutex_lock(&n->lock);
	atomic_store(&n->ending, true);
	pthread_cond_signal(&n->wake);
	pthread_mutex_unlock(&n->lock);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += STOP_PATIENCE_SEC;
	return pthread_timedjoin_np(n->thread, NULL, &until) == 0;
}

void notifier_free(struct notifier *n)
{
	if (!n)
		return;
	drop_items(n);
	pthread_cond_destroy(&n->wake);
	pthread_mutex_destroy(&n->lock);
	free(n);
}
