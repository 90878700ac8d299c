/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each kind is an array sorted by key. History is a ring per kind, addressed by
 * a position that only grows, so that a slow reader can tell that what it wants
 * next has been overwritten.
 */
#include "store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct collection {
	struct object **v;
	size_t n, cap;
	struct event *ring;
	uint64_t first, next;
	struct subscriber *subscribers;
};

pthread_mutex_t store_lock = PTHREAD_MUTEX_INITIALIZER;

static struct collection collections[N_KINDS];
static size_t ring_size;
static uint64_t revision = 1, compacted = 0;

void store_init(size_t history)
{
	ring_size = history ? history : 1;
	for (size_t i = 0; i < N_KINDS; i++)
		collections[i].ring = xcalloc(ring_size, sizeof(struct event));
}

static void lock(void)
{
	pthread_mutex_lock(&store_lock);
}

static void unlock(void)
{
	pthread_mutex_unlock(&store_lock);
}

/* The index of the first object whose key is not below `key`. */
static size_t lower_bound(struct object *const *v, size_t n, const char *key)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(v[mid]->key, key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool find(const struct collection *c, const char *key, size_t *ret_at)
{
	*ret_at = lower_bound(c->v, c->n, key);
	return *ret_at < c->n && !strcmp(c->v[*ret_at]->key, key);
}

static void insert(struct collection *c, size_t at, struct object *o)
{
	if (c->n == c->cap) {
		c->cap = c->cap ? c->cap * 2 : 64;
		c->v = xrealloc(c->v, c->cap * sizeof(*c->v));
	}
	memmove(c->v + at + 1, c->v + at, (c->n - at) * sizeof(*c->v));
	c->v[at] = o;
	c->n++;
}

static void forget_event(struct event *e)
{
	object_unref(e->object);
	object_unref(e->prev);
	*e = (struct event){0};
}

/* Takes over both references. */
static void record(struct collection *c, enum event_type type, struct object *o,
		   struct object *prev)
{
	struct subscriber *s, *next;

	if (c->next - c->first == ring_size)
		forget_event(&c->ring[c->first++ % ring_size]);
	c->ring[c->next++ % ring_size] = (struct event){type, revision, o, prev};
	for (s = c->subscribers; s; s = next) {
		next = s->next;
		s->changed(s);
	}
}

uint64_t store_rv_locked(void)
{
	return revision;
}

uint64_t store_rv(void)
{
	uint64_t rv;

	lock();
	rv = revision;
	unlock();
	return rv;
}

size_t store_count(enum kind kind)
{
	size_t n;

	lock();
	n = collections[kind].n;
	unlock();
	return n;
}

struct object *store_get_key(enum kind kind, const char *key)
{
	struct object *o = NULL;
	size_t at;

	lock();
	if (find(&collections[kind], key, &at))
		o = object_ref(collections[kind].v[at]);
	unlock();
	return o;
}

struct object *store_get(enum kind kind, const char *ns, const char *name)
{
	_cleanup_(freep) char *key = object_key(ns, name);

	return store_get_key(kind, key);
}

struct object *store_pick(enum kind kind, uint64_t n)
{
	struct collection *c = &collections[kind];
	struct object *o;

	lock();
	o = c->n ? object_ref(c->v[n % c->n]) : NULL;
	unlock();
	return o;
}

int store_create(enum kind kind, const char *text, size_t len, struct object **ret)
{
	struct collection *c = &collections[kind];
	struct object *o;
	size_t at;
	int r = 0;

	lock();
	o = object_new(kind, text, len, revision + 1);
	if (!o) {
		r = -EINVAL;
	} else if (find(c, o->key, &at)) {
		object_unref(o);
		r = -EEXIST;
	} else {
		revision++;
		insert(c, at, o);
		if (ret)
			*ret = object_ref(o);
		record(c, EVENT_ADDED, object_ref(o), NULL);
	}
	unlock();
	return r;
}

/* Finds where `old` is the newest version. */
static int find_current(struct collection *c, const struct object *old, size_t *ret_at)
{
	if (!find(c, old->key, ret_at))
		return -ENOENT;
	return c->v[*ret_at] == old ? 0 : -EAGAIN;
}

int store_replace(struct object *old, const char *text, size_t len, struct object **ret)
{
	struct collection *c = &collections[old->kind];
	struct object *o;
	size_t at;
	int r;

	lock();
	r = find_current(c, old, &at);
	if (r == 0) {
		o = object_new(old->kind, text, len, revision + 1);
		if (!o || strcmp(o->key, old->key) != 0) {
			object_unref(o);
			r = -EINVAL;
		} else {
			revision++;
			c->v[at] = o;
			if (ret)
				*ret = object_ref(o);
			/* the array's reference to the old version goes to the event */
			record(c, EVENT_MODIFIED, object_ref(o), old);
		}
	}
	unlock();
	return r;
}

int store_delete(struct object *old, const char *text, size_t len, struct object **ret)
{
	struct collection *c = &collections[old->kind];
	struct object *o;
	size_t at;
	int r;

	lock();
	r = find_current(c, old, &at);
	if (r == 0) {
		revision++;
		o = object_new(old->kind, text ? text : old->text, text ? len : old->len, revision);
		memmove(c->v + at, c->v + at + 1, (c->n - at - 1) * sizeof(*c->v));
		c->n--;
		if (ret)
			*ret = object_ref(o);
		record(c, EVENT_DELETED, o, old);
	}
	unlock();
	return r;
}

int store_load(enum kind kind, const char *text, size_t len, bool keep_rv)
{
	struct collection *c = &collections[kind];
	struct object *o;
	int r = 0;

	lock();
	o = object_new(kind, text, len, keep_rv ? 0 : revision + 1);
	if (!o) {
		r = -EINVAL;
	} else {
		if (o->rv > revision)
			revision = o->rv;
		insert(c, c->n, o);
	}
	unlock();
	return r;
}

static int by_key(const void *a, const void *b)
{
	const struct object *const *x = a, *const *y = b;
	int r = strcmp((*x)->key, (*y)->key);

	if (r)
		return r;
	return (*x)->rv < (*y)->rv ? -1 : (*x)->rv > (*y)->rv;
}

void store_load_done(void)
{
	lock();
	for (size_t i = 0; i < N_KINDS; i++) {
		struct collection *c = &collections[i];
		size_t kept = 0;

		if (c->n)
			qsort(c->v, c->n, sizeof(*c->v), by_key);
		/* of an object loaded twice the newest version counts */
		for (size_t j = 0; j < c->n; j++) {
			if (kept && !strcmp(c->v[kept - 1]->key, c->v[j]->key))
				object_unref(c->v[--kept]);
			c->v[kept++] = c->v[j];
		}
		c->n = kept;
	}
	compacted = revision;
	unlock();
}

void store_raise(uint64_t rv)
{
	lock();
	if (rv > revision)
		revision = rv;
	compacted = revision;
	unlock();
}

void store_compact(void)
{
	lock();
	for (size_t i = 0; i < N_KINDS; i++) {
		struct collection *c = &collections[i];

		while (c->first < c->next)
			forget_event(&c->ring[c->first++ % ring_size]);
	}
	compacted = revision;
	unlock();
}

uint64_t store_compacted(void)
{
	uint64_t rv;

	lock();
	rv = compacted;
	unlock();
	return rv;
}

uint64_t store_position_locked(enum kind kind)
{
	return collections[kind].next;
}

uint64_t store_oldest_locked(enum kind kind)
{
	const struct collection *c = &collections[kind];
	uint64_t oldest = compacted;

	/* an overwritten event: the one before the first kept is gone */
	if (c->next - c->first == ring_size && c->ring[c->first % ring_size].rv - 1 > oldest)
		oldest = c->ring[c->first % ring_size].rv - 1;
	return oldest;
}

int store_find_locked(enum kind kind, uint64_t rv, uint64_t *ret_position)
{
	struct collection *c = &collections[kind];
	uint64_t lo = c->first, hi = c->next;

	if (rv < store_oldest_locked(kind))
		return -ESTALE;
	while (lo < hi) {
		uint64_t mid = lo + (hi - lo) / 2;

		if (c->ring[mid % ring_size].rv <= rv)
			lo = mid + 1;
		else
			hi = mid;
	}
	*ret_position = lo;
	return 0;
}

int store_event_locked(enum kind kind, uint64_t position, const struct event **ret)
{
	struct collection *c = &collections[kind];

	if (position >= c->next)
		return -ENOENT;
	if (position < c->first)
		return -ESTALE;
	*ret = &c->ring[position % ring_size];
	return 0;
}

/* What an object was before the events that are to be undone; prev NULL: not there. */
struct undo {
	const char *key;
	struct object *prev;
	uint64_t rv;
};

static int by_undo(const void *a, const void *b)
{
	const struct undo *x = a, *y = b;
	int r = strcmp(x->key, y->key);

	if (r)
		return r;
	return x->rv < y->rv ? -1 : x->rv > y->rv;
}

static void take(struct snapshot *s, struct object *o, const char *prefix, size_t prefix_len)
{
	if (o && (!prefix_len || !strncmp(o->key, prefix, prefix_len)))
		s->v[s->n++] = object_ref(o);
}

int store_snapshot_locked(enum kind kind, const char *ns, uint64_t rv, struct snapshot *ret)
{
	struct collection *c = &collections[kind];
	_cleanup_(freep) char *prefix = ns ? xasprintf("%s/", ns) : xstrdup("");
	size_t prefix_len = strlen(prefix), n_undo = 0, u = 0, i = 0;
	struct undo *undo = NULL;
	uint64_t from = c->next;

	if (rv && rv < revision) {
		int r = store_find_locked(kind, rv, &from);

		if (r < 0)
			return r;
	}
	undo = xcalloc((size_t)(c->next - from), sizeof(*undo));
	for (uint64_t p = from; p < c->next; p++) {
		struct event *e = &c->ring[p % ring_size];

		undo[n_undo++] = (struct undo){e->object->key, e->prev, e->rv};
	}
	if (n_undo)
		qsort(undo, n_undo, sizeof(*undo), by_undo);
	*ret = (struct snapshot){.rv = rv && rv < revision ? rv : revision};
	ret->v = xcalloc(c->n + n_undo, sizeof(*ret->v));
	if (!n_undo && prefix_len)
		i = lower_bound(c->v, c->n, prefix);
	while (i < c->n || u < n_undo) {
		int order = i >= c->n ? 1 : u >= n_undo ? -1 : strcmp(c->v[i]->key, undo[u].key);
		const char *key;

		if (order < 0) {
			if (!n_undo && prefix_len && strncmp(c->v[i]->key, prefix, prefix_len))
				break;
			take(ret, c->v[i++], prefix, prefix_len);
			continue;
		}
		/* the first of the events of a key knows what was there before all of them */
		key = undo[u].key;
		take(ret, undo[u].prev, prefix, prefix_len);
		while (u < n_undo && !strcmp(undo[u].key, key))
			u++;
		i += order == 0;
	}
	free(undo);
	return 0;
}

int store_snapshot(enum kind kind, const char *ns, uint64_t rv, struct snapshot *ret)
{
	int r;

	lock();
	r = store_snapshot_locked(kind, ns, rv, ret);
	unlock();
	return r;
}

void snapshot_release(struct snapshot *s)
{
	for (size_t i = 0; i < s->n; i++)
		object_unref(s->v[i]);
	free(s->v);
	*s = (struct snapshot){0};
}

void subscribe_locked(struct subscriber *s)
{
	struct collection *c = &collections[s->kind];

	s->next = c->subscribers;
	s->link = &c->subscribers;
	if (s->next)
		s->next->link = &s->next;
	c->subscribers = s;
}

void unsubscribe_locked(struct subscriber *s)
{
	*s->link = s->next;
	if (s->next)
		s->next->link = s->link;
}
