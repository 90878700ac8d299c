/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A write has two halves. Before the lock: everything that costs time (the new
 * version, its difference to the old one). Under the lock: room is made in the
 * collections, which readers may be walking until then, pointers change hands,
 * and the observer is told.
 */
#include <errno.h>
#include <string.h>

#include <podfs/base/clock.h>
#include <podfs/store/collection.h>
#include <podfs/store/cookie.h>

#include "internal.h"
#include "kept.h"
#include "shared.h"
#include "texts.h"

static struct object *object_new(const struct packed *p)
{
	size_t name_size = strlen(p->name) + 1;
	size_t uid_size = strlen(p->uid) + 1;
	struct object *o = calloc(1, sizeof(*o) + name_size + uid_size);

	if (!o)
		return NULL;
	atomic_init(&o->refs, 1);
	o->name = memcpy(o->strings, p->name, name_size);
	o->uid = memcpy(o->strings + name_size, p->uid, uid_size);
	o->namespace = shared_get(p->namespace);
	o->node_name = shared_get(p->node_name);
	if (!o->namespace || !o->node_name) {
		object_unref(o);
		return NULL;
	}
	o->kind = p->kind;
	o->cookie = cookie_of(p->name, name_size - 1);
	o->created_ns = p->created_ns;
	return o;
}

static void count(struct store *s, const struct object *o, int sign)
{
	s->counts.objects[o->kind] += (uint64_t)(int64_t)sign;
	s->counts.bytes += (uint64_t)((int64_t)o->version->len * sign);
	s->counts.left_out += (uint64_t)((int64_t)o->left_out * sign);
	s->counts.arena_live = texts_arena()->live;
	s->counts.arena_used = texts_arena()->used;
}

struct object *store_find_object(const struct store *s, enum kind kind, const char *namespace,
				 const char *name)
{
	const struct store_namespace *ns;
	const struct store_node *node;

	switch (kind) {
	case KIND_NAMESPACE:
		ns = store_find_namespace(s, name, strlen(name));
		return ns ? ns->object : NULL;
	case KIND_NODE:
		node = store_find_node(s, name, strlen(name));
		return node ? node->object : NULL;
	default:
		ns = store_find_namespace(s, namespace, strlen(namespace));
		return ns ? store_find_pod(ns, name, strlen(name)) : NULL;
	}
}

struct version *store_node_version(const struct store *s, const char *name)
{
	const struct object *node = store_find_object(s, KIND_NODE, "", name);

	return node ? node->version : NULL;
}

/* What a pod shows besides its own; NULL for others. */
static struct version *node_of(const struct store *s, const struct object *o)
{
	return o->kind == KIND_POD ? store_node_version(s, o->node_name) : NULL;
}

/* At the end of what is under the lock: to the next process it is gone. */
static void retire(struct object *o)
{
	texts_mark(o->version, false);
	kept_drop(&o->kept);
}

/* Under the lock. The object's own reference moves to the caller. */
static void unlink_object(struct store *s, struct object *o)
{
	struct store_change change = {
	    .event = STORE_REMOVED,
	    .kind = o->kind,
	    .object = o,
	    .before = o->version,
	    .node_before = o->node_name,
	    .node_after = "",
	    .node_was = node_of(s, o),
	};
	const char *ns_name = o->kind == KIND_NAMESPACE ? o->name : o->namespace;
	const char *node_name = o->kind == KIND_NODE ? o->name : o->node_name;
	struct store_namespace *ns =
	    collection_find(&s->namespaces, namespace_item, ns_name, strlen(ns_name));
	struct store_node *node =
	    collection_find(&s->nodes, node_item, node_name, strlen(node_name));
	struct indexed *indexed = o->indexed;
	int64_t now = clock_realtime_ns();

	count(s, o, -1);
	if (o->kind == KIND_POD) {
		change.views = views_replace(s, o, NULL);
		collection_remove(&ns->pods, object_item, o);
		collection_changed(&ns->pods, now);
		if (node)
			folder_remove_from_node(node, o, now);
	} else if (o->kind == KIND_NAMESPACE) {
		ns->object = NULL;
	} else if (node) {
		node->object = NULL;
		collection_changed(&s->nodes, now);
	}
	change.was_on = node;
	change.folder_went = ns && folder_prune_namespace(s, ns, now);
	store_tell(s, &change);
	free(indexed);
	if (ns && change.folder_went)
		folder_free_namespace(ns);
	if (node)
		folder_release_node(s, node_name);
}

/* Under the lock: takes the caller's reference, and @indexed. The places are the store's, too. */
static void link_object(struct store *s, struct object *o, struct folders *p,
			struct indexed *indexed)
{
	struct store_change change = {
	    .event = STORE_ADDED,
	    .kind = o->kind,
	    .object = o,
	    .node_before = "",
	    .node_after = o->node_name,
	    .is_on = p->node,
	};
	int64_t now = store_now(s);

	change.folder_came = folders_place(s, p, now);
	if (o->kind == KIND_POD) {
		collection_insert(&p->ns->pods, object_item, o);
		collection_changed(&p->ns->pods, now);
		change.views = views_replace(s, o, indexed);
		folders_add_to_node(p, o, now);
	} else if (o->kind == KIND_NAMESPACE) {
		p->ns->object = o;
	} else if (p->node) {
		p->node->object = o;
		collection_changed(&s->nodes, now);
	}
	count(s, o, 1);
	store_tell(s, &change);
}

/* Puts @o in, in place of @old (of the same name, but another uid) if there is one. */
static int add_object(struct store *s, struct object *o, struct object *old,
		      const struct pod_facts *facts)
{
	cleanup_followers struct followers followers = {0};
	struct folders folders = {0};
	cleanup_free struct indexed *indexed = NULL;
	const char *ns = o->kind == KIND_NAMESPACE ? o->name : o->namespace;
	const char *node = o->kind == KIND_NODE ? o->name : o->node_name;
	struct version *was = old ? old->version : NULL;

	int r = indexed_make(s, o, facts, &indexed);
	if (r < 0)
		return r;
	if (o->kind == KIND_NODE && followers_find(s, o->name, was, o->version, &followers) < 0)
		return -ENOMEM;
	pthread_rwlock_wrlock(&s->lock);
	if (old)
		unlink_object(s, old);
	r = folders_prepare(s, ns, node, o->kind == KIND_POD, &folders);
	if (r == 0)
		r = views_prepare(s, indexed, facts);
	if (r == 0) {
		link_object(s, o, &folders, take_ptr(indexed));
		followers_tell(s, &followers, was);
		texts_mark(o->version, true);
	}
	if (old)
		retire(old);
	pthread_rwlock_unlock(&s->lock);
	store_tell_published(s);
	object_unref(old);
	folders_drop(&folders);
	return r;
}

/* Under the lock: a pod that is bound, or (which no API server does) moved. */
static void move_pod(struct store *s, struct object *o, struct folders *p, const char *node_name,
		     struct store_change *change)
{
	int64_t now = clock_realtime_ns();
	struct store_node *was =
	    collection_find(&s->nodes, node_item, o->node_name, strlen(o->node_name));

	if (was)
		folder_remove_from_node(was, o, now);
	folders_place(s, p, now);
	folders_add_to_node(p, o, now);
	o->node_name = node_name;
	change->was_on = was;
	change->is_on = p->node;
}

struct update {
	struct object *object;
	struct version *version;
	const struct diff *noted; /* what the history takes in */
	struct followers followers;
	unsigned int left_out;
	const char *node_name;   /* NULL: as before; a shared string */
	struct indexed *indexed; /* the same */
};

/* Under the lock. */
static void swap_version(struct store *s, struct update *u, struct folders *folders)
{
	struct object *o = u->object;
	const char *node_before = NULL;
	struct indexed *indexed_before = NULL;
	struct store_change change = {
	    .event = STORE_MODIFIED,
	    .kind = o->kind,
	    .object = o,
	    .before = o->version,
	    .diff = &s->scratch,
	    .node_before = o->node_name,
	    .node_after = o->node_name,
	    .node_was = node_of(s, o),
	};

	count(s, o, -1);
	o->version = u->version;
	o->left_out = u->left_out;
	count(s, o, 1);
	if (u->node_name) {
		node_before = o->node_name;
		move_pod(s, o, folders, u->node_name, &change);
		change.node_after = o->node_name;
	}
	if (u->indexed) {
		indexed_before = o->indexed;
		change.views = views_replace(s, o, u->indexed);
	}
	store_tell(s, &change);
	history_add(&o->history, u->noted, clock_realtime_ns());
	if (u->noted->count)
		kept_history_write(o);
	followers_tell(s, &u->followers, change.before);
	texts_mark(o->version, true);
	texts_mark(change.before, false);
	if (change.was_on)
		folder_release_node(s, node_before);
	shared_put(node_before);
	version_unref(change.before);
	free(indexed_before);
}

/* Takes over what @u has, on success. 0 or -ENOMEM. */
static int publish(struct store *s, struct update *u, const struct pod_facts *facts)
{
	struct folders folders = {0};
	int r = 0;

	pthread_rwlock_wrlock(&s->lock);
	if (u->node_name)
		r = folders_prepare(s, u->object->namespace, u->node_name, true, &folders);
	if (r == 0)
		r = views_prepare(s, u->indexed, facts);
	if (r == 0)
		swap_version(s, u, &folders);
	pthread_rwlock_unlock(&s->lock);
	if (r == 0)
		store_tell_published(s);
	folders_drop(&folders);
	return r;
}

static struct version *version_of(const struct packed *p)
{
	const struct version_text text = {p->kind, p->group, p->text.data, p->text.len};

	return version_new(&text);
}

/* How many values no file can be named after: only a long key can leave one out, few have one. */
static int left_out_of(struct store *s, const struct packed *p, unsigned int *ret)
{
	size_t fault_off;

	*ret = 0;
	if (p->key_max <= FIELD_NAME_MAX / 3)
		return 0;
	int r = json_scan(&s->json_index, p->text.data, p->text.len, &fault_off);
	if (r == 0) {
		const struct view view = {p->text.data, p->text.len, s->json_index};

		r = field_count_left_out(&view);
	}
	if (r < 0)
		return r;
	*ret = (unsigned int)r;
	return 0;
}

/* The new version need not be unpacked and read again to be compared. Takes the text. */
static int keep_opened(struct version *v, struct packed *p)
{
	struct json_index index = {0};

	if (packed_index(p, &index) < 0)
		return -ENOMEM;
	return opened_keep(v, &p->text, &index);
}

/* All that a new version is another one by. */
static int compare(struct store *s, struct packed *p, struct update *u)
{
	struct object *o = u->object;
	bool is_pod = o->kind == KIND_POD;
	const struct state old = {o->version, node_of(s, o)};
	const struct state new = {u->version, is_pod ? store_node_version(s, p->node_name) : NULL};
	int r = left_out_of(s, p, &u->left_out);

	if (r == 0)
		r = keep_opened(u->version, p);
	if (r == 0)
		r = state_diff(s, o->kind, &old, &new, &s->scratch);
	if (r == 0)
		r = history_fold(&s->scratch, &s->folded, &u->noted);
	if (r == 0 && o->kind == KIND_NODE)
		r = followers_find(s, o->name, o->version, u->version, &u->followers);
	return r;
}

static int update_object(struct store *s, struct object *o, struct packed *p)
{
	struct update u = {.object = o};
	int r = -ENOMEM;

	u.version = version_of(p);
	if (u.version)
		r = compare(s, p, &u);
	if (r == 0 && strcmp(o->node_name, p->node_name) != 0) {
		u.node_name = shared_get(p->node_name);
		r = u.node_name ? 0 : -ENOMEM;
	}
	if (r == 0)
		r = indexed_make(s, o, &p->facts, &u.indexed);
	if (r == 0)
		r = publish(s, &u, &p->facts);
	followers_release(&u.followers);
	if (r < 0) {
		version_unref(u.version);
		shared_put(u.node_name);
		free(u.indexed);
		return r;
	}
	return 1;
}

int store_add_object(struct store *s, const struct packed *p, struct version *version,
		     struct object *old)
{
	struct object *o = version ? object_new(p) : NULL;

	if (!o) {
		version_unref(version);
		return -ENOMEM;
	}
	o->generation = s->generation[o->kind];
	o->version = version;
	int r = left_out_of(s, p, &o->left_out);
	if (r == 0)
		r = add_object(s, o, old, &p->facts);
	if (r < 0) {
		object_unref(o);
		return r;
	}
	return 1;
}

int store_put(struct store *s, struct packed *p)
{
	struct object *o = store_find_object(s, p->kind, p->namespace, p->name);

	if (!o || strcmp(o->uid, p->uid) != 0)
		return store_add_object(s, p, version_of(p), o);
	o->generation = s->generation[o->kind];
	int same = version_same(o->version, p->text.data, p->text.len, &s->text);
	if (same)
		return same < 0 ? same : 0;
	return update_object(s, o, p);
}

int store_remove_object(struct store *s, struct object *o)
{
	cleanup_followers struct followers followers = {0};

	if (o->kind == KIND_NODE && followers_find(s, o->name, o->version, NULL, &followers) < 0)
		return -ENOMEM;
	pthread_rwlock_wrlock(&s->lock);
	unlink_object(s, o);
	followers_tell(s, &followers, o->version);
	retire(o);
	pthread_rwlock_unlock(&s->lock);
	store_tell_published(s);
	object_unref(o);
	versions_tidy();
	return 1;
}

int store_remove(struct store *s, enum kind kind, const char *namespace, const char *name)
{
	struct object *o = store_find_object(s, kind, namespace, name);

	return o ? store_remove_object(s, o) : 0;
}
