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

static struct object *object_new(struct packed *p)
{
	struct object *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	atomic_init(&o->refs, 1);
	o->kind = p->kind;
	o->cookie = cookie_of(p->name, strlen(p->name));
	o->created_ns = p->created_ns;
	o->name = take_ptr(p->name);
	o->namespace = take_ptr(p->namespace);
	o->uid = take_ptr(p->uid);
	o->node_name = take_ptr(p->node_name);
	return o;
}

static void count(struct store *s, const struct object *o, int sign)
{
	s->counts.objects[o->kind] += (uint64_t)(int64_t)sign;
	s->counts.bytes += (uint64_t)((int64_t)o->version->len * sign);
	s->counts.left_out += (uint64_t)((int64_t)o->left_out * sign);
}

static struct object *find_object(const struct store *s, enum kind kind, const char *namespace,
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
	};
	const char *ns_name = o->kind == KIND_NAMESPACE ? o->name : o->namespace;
	const char *node_name = o->kind == KIND_NODE ? o->name : o->node_name;
	struct store_namespace *ns =
	    collection_find(&s->namespaces, namespace_item, ns_name, strlen(ns_name));
	struct store_node *node =
	    collection_find(&s->nodes, node_item, node_name, strlen(node_name));
	int64_t now = clock_realtime_ns();

	count(s, o, -1);
	if (o->kind == KIND_POD) {
		collection_remove(&ns->pods, object_item, o);
		ns->pods.changed_ns = now;
		if (node)
			folder_remove_from_node(node, o, now);
	} else if (o->kind == KIND_NAMESPACE) {
		ns->object = NULL;
	} else if (node) {
		node->object = NULL;
		s->nodes.changed_ns = now;
	}
	change.was_on = node;
	change.folder_went = ns && folder_prune_namespace(s, ns, now);
	store_tell(s, &change);
	if (ns && change.folder_went)
		folder_free_namespace(ns);
	if (node)
		folder_release_node(s, node_name);
}

/* Under the lock: takes the caller's reference. The places are the store's afterwards. */
static void link_object(struct store *s, struct object *o, struct folders *p)
{
	struct store_change change = {
	    .event = STORE_ADDED,
	    .kind = o->kind,
	    .object = o,
	    .node_before = "",
	    .node_after = o->node_name,
	    .is_on = p->node,
	};
	int64_t now = clock_realtime_ns();

	change.folder_came = folders_place(s, p, now);
	if (o->kind == KIND_POD) {
		collection_insert(&p->ns->pods, object_item, o);
		p->ns->pods.changed_ns = now;
		folders_add_to_node(p, o, now);
	} else if (o->kind == KIND_NAMESPACE) {
		p->ns->object = o;
	} else if (p->node) {
		p->node->object = o;
		s->nodes.changed_ns = now;
	}
	count(s, o, 1);
	store_tell(s, &change);
}

/* Puts @o in, in place of @old (of the same name, but another uid) if there is one. */
static int add_object(struct store *s, struct object *o, struct object *old)
{
	struct folders folders = {0};
	const char *ns = o->kind == KIND_NAMESPACE ? o->name : o->namespace;
	const char *node = o->kind == KIND_NODE ? o->name : o->node_name;

	pthread_rwlock_wrlock(&s->lock);
	if (old)
		unlink_object(s, old);
	int r = folders_prepare(s, ns, node, o->kind == KIND_POD, &folders);
	if (r == 0)
		link_object(s, o, &folders);
	pthread_rwlock_unlock(&s->lock);
	store_tell_published(s);
	object_unref(old);
	folders_drop(&folders);
	return r;
}

/* Under the lock: a pod that is bound, or (which no API server does) moved. */
static void move_pod(struct store *s, struct object *o, struct folders *p, char *node_name,
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
	unsigned int left_out;
	char *node_name; /* NULL: as before */
};

/* Under the lock. */
static void swap_version(struct store *s, struct update *u, struct folders *folders)
{
	struct object *o = u->object;
	cleanup_free char *node_before = NULL;
	struct store_change change = {
	    .event = STORE_MODIFIED,
	    .kind = o->kind,
	    .object = o,
	    .before = o->version,
	    .diff = &s->scratch,
	    .node_before = o->node_name,
	    .node_after = o->node_name,
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
	store_tell(s, &change);
	history_add(&o->history, u->noted, clock_realtime_ns());
	if (change.was_on)
		folder_release_node(s, node_before);
	version_unref(change.before);
}

/* Takes the version and the node's name over on success. 0 or -ENOMEM. */
static int publish(struct store *s, struct update *u)
{
	struct folders folders = {0};
	int r = 0;

	pthread_rwlock_wrlock(&s->lock);
	if (u->node_name)
		r = folders_prepare(s, u->object->namespace, u->node_name, true, &folders);
	if (r == 0)
		swap_version(s, u, &folders);
	pthread_rwlock_unlock(&s->lock);
	if (r == 0)
		store_tell_published(s);
	folders_drop(&folders);
	return r;
}

static int compare(struct store *s, enum kind kind, struct version *old, struct version *new,
		   unsigned int *ret_left_out)
{
	cleanup_opened struct opened *was = NULL;
	cleanup_opened struct opened *is = NULL;
	int r = opened_get(old, &was);

	if (r == 0)
		r = opened_get(new, &is);
	if (r == 0)
		r = s->diff(kind, &was->view, &is->view, &s->scratch);
	if (r == 0)
		r = field_count_left_out(&is->view);
	if (r < 0)
		return r;
	*ret_left_out = (unsigned int)r;
	return 0;
}

static int update_object(struct store *s, struct object *o, struct packed *p)
{
	struct update u = {.object = o};
	int r = -ENOMEM;

	u.version = version_new(p->text.data, p->text.len);
	if (u.version)
		r = compare(s, o->kind, o->version, u.version, &u.left_out);
	if (r == 0)
		r = history_fold(&s->scratch, &s->folded, &u.noted);
	if (r == 0 && strcmp(o->node_name, p->node_name) != 0)
		u.node_name = take_ptr(p->node_name);
	if (r == 0)
		r = publish(s, &u);
	if (r < 0) {
		version_unref(u.version);
		free(u.node_name);
		return r;
	}
	return 1;
}

static int new_object(struct store *s, struct packed *p, struct object *old)
{
	cleanup_opened struct opened *opened = NULL;
	struct object *o = object_new(p);
	int r = -ENOMEM;

	if (!o)
		return -ENOMEM;
	o->generation = s->generation[o->kind];
	o->version = version_new(p->text.data, p->text.len);
	if (o->version)
		r = 0;
	/* Only a long key can leave a value out, and few objects have one. */
	if (r == 0 && p->key_max > FIELD_NAME_MAX / 3) {
		r = opened_get(o->version, &opened);
		if (r == 0)
			r = field_count_left_out(&opened->view);
		if (r > 0) {
			o->left_out = (unsigned int)r;
			r = 0;
		}
	}
	if (r == 0)
		r = add_object(s, o, old);
	if (r < 0) {
		object_unref(o);
		return r;
	}
	return 1;
}

int store_put(struct store *s, struct packed *p)
{
	struct object *o = find_object(s, p->kind, p->namespace, p->name);

	if (!o || strcmp(o->uid, p->uid) != 0)
		return new_object(s, p, o);
	o->generation = s->generation[o->kind];
	if (o->version->len == p->text.len && !memcmp(o->version->text, p->text.data, p->text.len))
		return 0;
	return update_object(s, o, p);
}

static int remove_object(struct store *s, struct object *o)
{
	pthread_rwlock_wrlock(&s->lock);
	unlink_object(s, o);
	pthread_rwlock_unlock(&s->lock);
	store_tell_published(s);
	object_unref(o);
	return 1;
}

int store_remove(struct store *s, enum kind kind, const char *namespace, const char *name)
{
	struct object *o = find_object(s, kind, namespace, name);

	return o ? remove_object(s, o) : 0;
}

void store_list_begin(struct store *s, enum kind kind)
{
	s->generation[kind]++;
}

static bool is_stale(const struct store *s, const struct object *o)
{
	return o && o->generation != s->generation[o->kind];
}

/* From the end, so that what goes away does not move what is still to be looked at. */
static void remove_stale_in(struct store *s, enum kind kind, size_t i)
{
	struct store_namespace *ns;

	if (kind == KIND_NODE) {
		struct store_node *node = s->nodes.items[i];

		if (is_stale(s, node->object))
			remove_object(s, node->object);
		return;
	}
	ns = s->namespaces.items[i];
	if (kind == KIND_NAMESPACE) {
		if (is_stale(s, ns->object))
			remove_object(s, ns->object);
		return;
	}
	/* The folder goes with its last pod, unless it has an object of its own. */
	for (size_t left = ns->pods.count; left > 0; left--) {
		struct object *o = ns->pods.items[left - 1];

		if (is_stale(s, o))
			remove_object(s, o);
	}
}

void store_list_end(struct store *s, enum kind kind)
{
	const struct collection *c = kind == KIND_NODE ? &s->nodes : &s->namespaces;

	for (size_t i = c->count; i > 0; i--)
		remove_stale_in(s, kind, i - 1);
}
