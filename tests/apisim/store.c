/* SPDX-License-Identifier: Apache-2.0 */
/* Objects and writes; what came before the present is in store_history.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store_impl.h"

pthread_mutex_t store_lock = PTHREAD_MUTEX_INITIALIZER;

struct store_state store = {.revision = 1};

void store_init(size_t history)
{
	store.ring_size = history ? history : 1;
	for (size_t i = 0; i < N_KINDS; i++)
		store.collections[i].ring = xcalloc(store.ring_size, sizeof(struct event));
}

static void lock(void)
{
	pthread_mutex_lock(&store_lock);
}

static void unlock(void)
{
	pthread_mutex_unlock(&store_lock);
}

size_t collection_lower_bound(const struct collection *c, const char *key)
{
	size_t lo = 0, hi = c->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(c->v[mid]->key, key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool find(const struct collection *c, const char *key, size_t *ret_at)
{
	*ret_at = collection_lower_bound(c, key);
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

uint64_t store_rv_locked(void)
{
	return store.revision;
}

uint64_t store_rv(void)
{
	uint64_t rv;

	lock();
	rv = store.revision;
	unlock();
	return rv;
}

size_t store_count(enum kind kind)
{
	size_t n;

	lock();
	n = store.collections[kind].n;
	unlock();
	return n;
}

struct object *store_get_key(enum kind kind, const char *key)
{
	struct object *o = NULL;
	size_t at;

	lock();
	if (find(&store.collections[kind], key, &at))
		o = object_ref(store.collections[kind].v[at]);
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
	struct collection *c = &store.collections[kind];
	struct object *o;

	lock();
	o = c->n ? object_ref(c->v[n % c->n]) : NULL;
	unlock();
	return o;
}

int store_create(enum kind kind, const char *text, size_t len, struct object **ret)
{
	struct collection *c = &store.collections[kind];
	struct object *o;
	size_t at;
	int r = 0;

	lock();
	o = object_new(kind, text, len, store.revision + 1);
	if (!o) {
		r = -EINVAL;
	} else if (find(c, o->key, &at)) {
		object_unref(o);
		r = -EEXIST;
	} else {
		store.revision++;
		insert(c, at, o);
		if (ret)
			*ret = object_ref(o);
		history_record(c, EVENT_ADDED, object_ref(o), NULL);
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
	struct collection *c = &store.collections[old->kind];
	struct object *o;
	size_t at;
	int r;

	lock();
	r = find_current(c, old, &at);
	if (r == 0) {
		o = object_new(old->kind, text, len, store.revision + 1);
		if (!o || strcmp(o->key, old->key) != 0) {
			object_unref(o);
			r = -EINVAL;
		} else {
			store.revision++;
			c->v[at] = o;
			if (ret)
				*ret = object_ref(o);
			/* the array's reference to the old version goes to the event */
			history_record(c, EVENT_MODIFIED, object_ref(o), old);
		}
	}
	unlock();
	return r;
}

int store_delete(struct object *old, const char *text, size_t len, struct object **ret)
{
	struct collection *c = &store.collections[old->kind];
	struct object *o;
	size_t at;
	int r;

	lock();
	r = find_current(c, old, &at);
	if (r == 0) {
		store.revision++;
		o = object_new(old->kind, text ? text : old->text, text ? len : old->len,
			       store.revision);
		memmove(c->v + at, c->v + at + 1, (c->n - at - 1) * sizeof(*c->v));
		c->n--;
		if (ret)
			*ret = object_ref(o);
		history_record(c, EVENT_DELETED, o, old);
	}
	unlock();
	return r;
}

int store_load(enum kind kind, const char *text, size_t len, bool keep_rv)
{
	struct collection *c = &store.collections[kind];
	struct object *o;
	int r = 0;

	lock();
	o = object_new(kind, text, len, keep_rv ? 0 : store.revision + 1);
	if (!o) {
		r = -EINVAL;
	} else {
		if (o->rv > store.revision)
			store.revision = o->rv;
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
		struct collection *c = &store.collections[i];
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
	store.compacted = store.revision;
	unlock();
}

void store_raise(uint64_t rv)
{
	lock();
	if (rv > store.revision)
		store.revision = rv;
	store.compacted = store.revision;
	unlock();
}
