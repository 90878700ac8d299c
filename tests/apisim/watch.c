/* SPDX-License-Identifier: Apache-2.0 */
#include "watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fault.h"
#include "status.h"
#include "store.h"

enum {
	BATCH = 64,          /* events taken at a time */
	ENOUGH = 128 * 1024, /* bytes prepared at a time */
	TICK_NS = 20 * 1000 * 1000,
	TICKS_PER_PROBE = 25,
};

struct watch {
	struct stream stream;
	struct subscriber subscriber;
	struct watch *next, **link; /* all watches; store_lock */
	struct watch_options o;
	char *ns, *name;

	struct snapshot initial;
	size_t n_initial_sent;
	uint64_t position;
	struct buf ready; /* prepared and not yet sent */
	size_t sent;

	atomic_bool lost; /* the client is gone */

	/* under store_lock */
	bool waiting; /* suspended until something happens */
	bool nudged;  /* must not wait this time */
	bool bookmark_due;
	bool ending;   /* deadline, or closed on command */
	bool told_end; /* the last bookmark, or an ERROR, is prepared */
	int64_t deadline, next_bookmark;
};

static struct watch *watches;
static size_t n_watches;
static int64_t bookmark_ms;
static atomic_bool gone_by_status;

void watch_gone_by_status(bool yes)
{
	gone_by_status = yes;
}

static void wake_locked(struct watch *w)
{
	if (!w->waiting)
		return;
	w->waiting = false;
	MHD_resume_connection(w->stream.connection);
}

static void on_changed(struct subscriber *s)
{
	wake_locked((struct watch *)((char *)s - offsetof(struct watch, subscriber)));
}

static bool selects(const struct watch *w, const struct object *o)
{
	return o && (!w->ns || !strcmp(o->ns, w->ns)) && (!w->name || !strcmp(o->name, w->name)) &&
	       selector_matches(&w->o.selector, o);
}

static void add_event(struct watch *w, const char *type, const struct object *o, uint64_t rv)
{
	buf_printf(&w->ready, "{\"type\":\"%s\",\"object\":", type);
	if (rv && w->o.view.format == FORMAT_FULL)
		object_write_with_rv(o, rv, &w->ready);
	else
		render_object(o, w->o.view, &w->ready);
	buf_puts(&w->ready, "}\n");
}

/* A change as this watcher sees it: what leaves its selection is deleted for it. */
static void add_change(struct watch *w, const struct event *e)
{
	bool is = e->type != EVENT_DELETED && selects(w, e->object);
	bool was = selects(w, e->prev);

	if (e->rv <= w->o.rv)
		return;
	if (is)
		add_event(w, was ? "MODIFIED" : "ADDED", e->object, 0);
	else if (was && e->type == EVENT_DELETED)
		add_event(w, "DELETED", e->object, 0);
	else if (was)
		add_event(w, "DELETED", e->prev, e->rv);
}

static void add_bookmark(struct watch *w, uint64_t rv, bool initial_end)
{
	buf_puts(&w->ready, "{\"type\":\"BOOKMARK\",\"object\":");
	render_bookmark(w->o.kind, w->o.view, rv, initial_end, &w->ready);
	buf_puts(&w->ready, "}\n");
}

static char *too_old_locked(const struct watch *w)
{
	return xasprintf("too old resource version: %llu (%llu)", (unsigned long long)w->o.rv,
			 (unsigned long long)store_oldest_locked(w->o.kind));
}

static void add_gone_locked(struct watch *w)
{
	_cleanup_(freep) char *message = too_old_locked(w);

	buf_puts(&w->ready, "{\"type\":\"ERROR\",\"object\":");
	status_write(&w->ready, 410, "Expired", message, NULL);
	buf_puts(&w->ready, "}\n");
	w->told_end = true;
}

static void prepare_initial(struct watch *w)
{
	while (w->n_initial_sent < w->initial.n && w->ready.len < ENOUGH) {
		struct object *o = w->initial.v[w->n_initial_sent++];

		if (selects(w, o))
			add_event(w, "ADDED", o, 0);
	}
	if (w->n_initial_sent < w->initial.n)
		return;
	if (w->o.initial_bookmark)
		add_bookmark(w, w->initial.rv, true);
	w->o.initial = false;
	w->o.rv = w->initial.rv;
	snapshot_release(&w->initial);
}

static void release_events(struct event *events, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		object_unref(events[i].object);
		object_unref(events[i].prev);
	}
}

/* Takes what is new out of the history; 0 with nothing if the watch must wait. */
static size_t take_events_locked(struct watch *w, struct event *events)
{
	const struct event *e;
	size_t n = 0;
	int r = 0;

	while (n < BATCH && (r = store_event_locked(w->o.kind, w->position, &e)) == 0) {
		events[n] = *e;
		object_ref(e->object);
		if (e->prev)
			object_ref(e->prev);
		w->position++;
		n++;
	}
	if (!n && r == -ESTALE)
		add_gone_locked(w);
	return n;
}

/* Prepares what is to be sent next; false if there is nothing and the connection waits. */
static bool prepare(struct watch *w)
{
	struct event events[BATCH];
	size_t n;

	w->ready.len = w->sent = 0;
	if (w->o.initial) {
		prepare_initial(w);
		return true;
	}
	pthread_mutex_lock(&store_lock);
	n = w->told_end || w->lost ? 0 : take_events_locked(w, events);
	if (n) {
		uint64_t rv = events[n - 1].rv;

		pthread_mutex_unlock(&store_lock);
		for (size_t i = 0; i < n; i++)
			add_change(w, &events[i]);
		release_events(events, n);
		if (rv > w->o.rv)
			w->o.rv = rv;
		return true;
	}
	if (!w->told_end && (w->bookmark_due || w->ending)) {
		if (w->o.bookmarks)
			add_bookmark(w, store_rv_locked(), false);
		w->bookmark_due = false;
		w->told_end = w->ending;
	} else if (!w->told_end && !w->lost) {
		w->waiting = true;
		MHD_suspend_connection(w->stream.connection);
		if (w->nudged)
			wake_locked(w);
		w->nudged = false;
		pthread_mutex_unlock(&store_lock);
		return false;
	}
	pthread_mutex_unlock(&store_lock);
	return true;
}

static ssize_t watch_read(struct stream *s, char *out, size_t max)
{
	struct watch *w = (struct watch *)s;
	size_t n;

	while (w->sent == w->ready.len) {
		if (w->lost)
			return STREAM_ERROR;
		if (w->told_end)
			return STREAM_END;
		if (!prepare(w))
			return STREAM_WAIT;
	}
	n = w->ready.len - w->sent < max ? w->ready.len - w->sent : max;
	memcpy(out, w->ready.data + w->sent, n);
	w->sent += n;
	return (ssize_t)n;
}

static void watch_free(struct stream *s)
{
	struct watch *w = (struct watch *)s;

	pthread_mutex_lock(&store_lock);
	unsubscribe_locked(&w->subscriber);
	*w->link = w->next;
	if (w->next)
		w->next->link = w->link;
	n_watches--;
	pthread_mutex_unlock(&store_lock);
	snapshot_release(&w->initial);
	selector_release(&w->o.selector);
	buf_release(&w->ready);
	free(w->ns);
	free(w->name);
	free(w);
}

/* Where the watch begins; false, with 410 as an ERROR prepared or answered, if it cannot. */
static bool begin_locked(struct watch *w, struct request *req)
{
	if (w->o.initial) {
		store_snapshot_locked(w->o.kind, w->ns, 0, &w->initial);
		w->position = store_position_locked(w->o.kind);
	} else if (store_find_locked(w->o.kind, w->o.rv, &w->position) < 0) {
		_cleanup_(freep) char *message = too_old_locked(w);

		if (gone_by_status) {
			status_reply(req, 410, "Expired", message, NULL);
			return false;
		}
		add_gone_locked(w);
	}
	return true;
}

void watch_reply(struct request *req, struct watch_options *o)
{
	struct watch *w = xcalloc(1, sizeof(*w));
	int64_t now = now_ms();
	bool ok;

	w->stream = (struct stream){watch_read, watch_free, req->connection};
	w->o = *o;
	w->ns = o->ns ? xstrdup(o->ns) : NULL;
	w->name = o->name ? xstrdup(o->name) : NULL;
	w->deadline = now + (int64_t)o->timeout * 1000;
	w->next_bookmark = now + bookmark_ms;
	w->subscriber = (struct subscriber){.kind = o->kind, .changed = on_changed};
	pthread_mutex_lock(&store_lock);
	ok = begin_locked(w, req);
	subscribe_locked(&w->subscriber);
	w->next = watches;
	w->link = &watches;
	if (w->next)
		w->next->link = &w->next;
	watches = w;
	n_watches++;
	pthread_mutex_unlock(&store_lock);
	if (ok)
		reply_stream(req, fault_events_stream(&w->stream, kinds[o->kind].resource), false);
	else
		watch_free(&w->stream);
}

static void *look_after(void *arg)
{
	const struct timespec tick = {.tv_nsec = TICK_NS};

	for (unsigned ticks = 0;; ticks++) {
		int64_t now;

		nanosleep(&tick, NULL);
		now = now_ms();
		pthread_mutex_lock(&store_lock);
		for (struct watch *w = watches; w; w = w->next) {
			if (now >= w->next_bookmark) {
				w->next_bookmark = now + bookmark_ms;
				w->bookmark_due = w->o.bookmarks;
			}
			w->ending = w->ending || now >= w->deadline;
			if (w->waiting && ticks % TICKS_PER_PROBE == 0)
				w->lost = connection_lost(w->stream.connection);
			if (w->bookmark_due || w->ending || w->lost)
				wake_locked(w);
		}
		pthread_mutex_unlock(&store_lock);
	}
	return NULL;
}

void watch_init(uint64_t bookmark_interval)
{
	pthread_t thread;

	bookmark_ms = (int64_t)bookmark_interval * 1000;
	if (!bookmark_ms)
		bookmark_ms = 60000;
	if (pthread_create(&thread, NULL, look_after, NULL) == 0)
		pthread_detach(thread);
}

void watch_nudge_all(void)
{
	pthread_mutex_lock(&store_lock);
	for (struct watch *w = watches; w; w = w->next) {
		w->nudged = !w->waiting;
		wake_locked(w);
	}
	pthread_mutex_unlock(&store_lock);
}

size_t watch_close_all(void)
{
	size_t n;

	pthread_mutex_lock(&store_lock);
	for (struct watch *w = watches; w; w = w->next) {
		w->ending = true;
		wake_locked(w);
	}
	n = n_watches;
	pthread_mutex_unlock(&store_lock);
	return n;
}

size_t watch_count(void)
{
	size_t n;

	pthread_mutex_lock(&store_lock);
	n = n_watches;
	pthread_mutex_unlock(&store_lock);
	return n;
}
