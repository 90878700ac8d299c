/* SPDX-License-Identifier: Apache-2.0 */
/*
 * History is a ring of events for each kind, addressed by a position that only
 * grows, so that a slow reader can tell that what it wants next has been
 * overwritten. The state at an earlier revision is the present one with later
 * events undone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store_impl.h"

static void forget_event(struct event *e)
{
	object_unref(e->object);
	object_unref(e->prev);
	*e = (struct event){0};
}

/* Takes over both references. */
void history_record(struct collection *c, enum event_type type, struct object *o,
		    struct object *prev)
{
	struct subscriber *s, *next;

	if (c->next - c->first == store.ring_size)
		forget_event(&c->ring[c->first++ % store.ring_size]);
	c->ring[c->next++ % store.ring_size] = (struct event){type, store.revision, o, prev};
	for (s = c->subscribers; s; s = next) {
		next = s->next;
		s->changed(s);
	}
}

void store_compact(void)
{
	pthread_mutex_lock(&store_lock);
	for (size_t i = 0; i < N_KINDS; i++) {
		struct collection *c = &store.collections[i];

		while (c->first < c->next)
			forget_event(&c->ring[c->first++ % store.ring_size]);
	}
	store.compacted = store.revision;
	pthread_mutex_unlock(&store_lock);
}

uint64_t store_compacted(void)
{
	uint64_t rv;

	pthread_mutex_lock(&store_lock);
	rv = store.compacted;
	pthread_mutex_unlock(&store_lock);
	return rv;
}

uint64_t store_position_locked(enum kind kind)
{
	return store.collections[kind].next;
}

uint64_t store_oldest_locked(enum kind kind)
{
	const struct collection *c = &store.collections[kind];
	uint64_t oldest = store.compacted;

	/* an overwritten event: the one before the first kept is gone */
	if (c->next - c->first == store.ring_size &&
	    c->ring[c->first % store.ring_size].rv - 1 > oldest)
		oldest = c->ring[c->first % store.ring_size].rv - 1;
	return oldest;
}

int store_find_locked(enum kind kind, uint64_t rv, uint64_t *ret_position)
{
	struct collection *c = &store.collections[kind];
	uint64_t lo = c->first, hi = c->next;

	if (rv < store_oldest_locked(kind))
		return -ESTALE;
	while (lo < hi) {
		uint64_t mid = lo + (hi - lo) / 2;

		if (c->ring[mid % store.ring_size].rv <= rv)
			lo = mid + 1;
		else
			hi = mid;
	}
	*ret_position = lo;
	return 0;
}

int store_event_locked(enum kind kind, uint64_t position, const struct event **ret)
{
	struct collection *c = &store.collections[kind];

	if (position >= c->next)
		return -ENOENT;
	if (position < c->first)
		return -ESTALE;
	*ret = &c->ring[position % store.ring_size];
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
	struct collection *c = &store.collections[kind];
	_cleanup_(freep) char *prefix = ns ? xasprintf("%s/", ns) : xstrdup("");
	size_t prefix_len = strlen(prefix), n_undo = 0, u = 0, i = 0;
	struct undo *undo = NULL;
	uint64_t from = c->next;

	if (rv && rv < store.revision) {
		int r = store_find_locked(kind, rv, &from);

		if (r < 0)
			return r;
	}
	undo = xcalloc((size_t)(c->next - from), sizeof(*undo));
	for (uint64_t p = from; p < c->next; p++) {
		struct event *e = &c->ring[p % store.ring_size];

		undo[n_undo++] = (struct undo){e->object->key, e->prev, e->rv};
	}
	if (n_undo)
		qsort(undo, n_undo, sizeof(*undo), by_undo);
	*ret = (struct snapshot){.rv = rv && rv < store.revision ? rv : store.revision};
	ret->v = xcalloc(c->n + n_undo, sizeof(*ret->v));
	if (!n_undo && prefix_len)
		i = collection_lower_bound(c, prefix);
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

	pthread_mutex_lock(&store_lock);
	r = store_snapshot_locked(kind, ns, rv, ret);
	pthread_mutex_unlock(&store_lock);
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
	struct collection *c = &store.collections[s->kind];

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
