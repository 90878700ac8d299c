/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <podfs/base/clock.h>
#include <podfs/store/collection.h>

#include "internal.h"
#include "kept.h"
#include "shared.h"

struct object *object_ref(struct object *o)
{
	atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed);
	return o;
}

void object_unref(struct object *o)
{
	if (!o || atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) > 1)
		return;
	version_unref(o->version);
	history_release(&o->history);
	shared_put(o->namespace);
	shared_put(o->node_name);
	free(o->indexed);
	free(o);
}

/* What it knew before, if it was there before. */
static void open_kept(struct store *s, int64_t now)
{
	s->namespaces.changed_ns = kept_open(KEPT_NAMESPACES, "", "", now, &s->namespaces.kept);
	s->nodes.changed_ns = kept_open(KEPT_NODES, "", "", now, &s->nodes.kept);
	s->by_uid.changed_ns = kept_open(KEPT_UIDS, "", "", now, &s->by_uid.kept);
	s->by_ip.changed_ns = kept_open(KEPT_ADDRESSES, "", "", now, &s->by_ip.kept);
	for (int kind = KIND_UNSET + 1; kind < KIND_COUNT; kind++)
		s->counts.unreadable[kind] = kept_open(KEPT_UNREADABLE, kind_name((enum kind)kind),
						       "", 0, &s->unreadable_kept[kind]) != 0;
}

struct store *store_new(const struct store_rules *rules)
{
	struct store *s = calloc(1, sizeof(*s));
	pthread_rwlockattr_t attr;

	if (!s)
		return NULL;
	s->selections = selections_new();
	if (!s->selections) {
		free(s);
		return NULL;
	}
	/* Readers that come without a pause must not starve the writer. */
	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&s->lock, &attr);
	pthread_rwlockattr_destroy(&attr);
	s->rules = *rules;
	open_kept(s, clock_realtime_ns());
	return s;
}

void store_free(struct store *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->namespaces.count; i++)
		folder_free_namespace(s->namespaces.items[i]);
	for (size_t i = 0; i < s->nodes.count; i++)
		folder_free_node(s->nodes.items[i]);
	collection_release(&s->namespaces);
	collection_release(&s->nodes);
	for (size_t i = 0; i < KIND_COUNT; i++)
		kept_drop(&s->unreadable_kept[i]);
	diff_release(&s->scratch);
	diff_release(&s->folded);
	buf_release(&s->text);
	json_index_release(&s->json_index);
	views_release(s);
	pthread_rwlock_destroy(&s->lock);
	free(s);
}

void store_observe(struct store *s, const struct store_observer *observer)
{
	s->observer = observer ? *observer : (struct store_observer){0};
}

void store_rdlock(struct store *s)
{
	pthread_rwlock_rdlock(&s->lock);
}

void store_rdunlock(struct store *s)
{
	pthread_rwlock_unlock(&s->lock);
}

void store_wait_readers(struct store *s)
{
	pthread_rwlock_wrlock(&s->lock);
	pthread_rwlock_unlock(&s->lock);
}

const struct store_namespace *store_find_namespace(const struct store *s, const char *name,
						   size_t len)
{
	return collection_find(&s->namespaces, namespace_item, name, len);
}

const struct store_node *store_find_node(const struct store *s, const char *name, size_t len)
{
	return collection_find(&s->nodes, node_item, name, len);
}

const struct store_node_namespace *store_find_node_namespace(const struct store_node *node,
							     const char *ns, size_t len)
{
	return collection_find(&node->namespaces, node_namespace_item, ns, len);
}

struct object *store_find_pod(const struct store_namespace *ns, const char *name, size_t len)
{
	return collection_find(&ns->pods, object_item, name, len);
}

const struct collection *store_namespaces(const struct store *s)
{
	return &s->namespaces;
}

const struct collection *store_nodes(const struct store *s)
{
	return &s->nodes;
}

bool store_readable(const struct store *s, enum kind kind)
{
	return !s->counts.unreadable[kind];
}

void store_set_readable(struct store *s, enum kind kind, bool readable)
{
	const struct store_change change = {.event = STORE_READABLE, .kind = kind};

	if (s->counts.unreadable[kind] == !readable)
		return;
	pthread_rwlock_wrlock(&s->lock);
	s->counts.unreadable[kind] = !readable;
	kept_set(&s->unreadable_kept[kind], !readable);
	store_tell(s, &change);
	pthread_rwlock_unlock(&s->lock);
	store_tell_published(s);
}

void store_tell(struct store *s, const struct store_change *change)
{
	if (s->observer.changed)
		s->observer.changed(s->observer.ctx, change);
}

void store_tell_published(struct store *s)
{
	if (s->observer.published)
		s->observer.published(s->observer.ctx);
}

void store_counts(struct store *s, struct store_counts *ret)
{
	store_rdlock(s);
	*ret = s->counts;
	store_rdunlock(s);
	selections_count(s, ret);
}
