/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A write has two halves. Before the lock: everything that costs time or can
 * fail (the new version, its difference to the old one, room in the indexes).
 * Under the lock: pointers change hands, and the observer is told.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include <podfs/base/clock.h>
#include <podfs/store/collection.h>
#include <podfs/store/cookie.h>

struct store {
	pthread_rwlock_t lock;
	store_diff_fn diff;
	struct store_observer observer;
	struct collection namespaces;
	struct collection nodes;
	struct store_counts counts;
	bool unreadable[KIND_COUNT];
	uint32_t generation[KIND_COUNT];
	struct diff scratch;
};

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
	free(o->name);
	free(o->namespace);
	free(o->uid);
	free(o->node_name);
	free(o);
}

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

struct store *store_new(store_diff_fn diff)
{
	struct store *s = calloc(1, sizeof(*s));
	pthread_rwlockattr_t attr;

	if (!s)
		return NULL;
	/* Readers that come without a pause must not starve the writer. */
	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&s->lock, &attr);
	pthread_rwlockattr_destroy(&attr);
	s->diff = diff;
	s->namespaces.changed_ns = clock_realtime_ns();
	s->nodes.changed_ns = s->namespaces.changed_ns;
	return s;
}

static void free_namespace(struct store_namespace *ns)
{
	for (size_t i = 0; i < ns->pods.count; i++)
		object_unref(ns->pods.items[i]);
	collection_release(&ns->pods);
	object_unref(ns->object);
	free(ns->name);
	free(ns);
}

static void free_node(struct store_node *node)
{
	collection_release(&node->pods);
	object_unref(node->object);
	free(node->name);
	free(node);
}

void store_free(struct store *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->namespaces.count; i++)
		free_namespace(s->namespaces.items[i]);
	for (size_t i = 0; i < s->nodes.count; i++)
		free_node(s->nodes.items[i]);
	collection_release(&s->namespaces);
	collection_release(&s->nodes);
	diff_release(&s->scratch);
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

const struct store_namespace *store_find_namespace(const struct store *s, const char *name,
						   size_t len)
{
	return collection_find(&s->namespaces, namespace_item, name, len);
}

const struct store_node *store_find_node(const struct store *s, const char *name, size_t len)
{
	return collection_find(&s->nodes, node_item, name, len);
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
	return !s->unreadable[kind];
}

void store_set_readable(struct store *s, enum kind kind, bool readable)
{
	pthread_rwlock_wrlock(&s->lock);
	s->unreadable[kind] = !readable;
	pthread_rwlock_unlock(&s->lock);
}

void store_counts(struct store *s, struct store_counts *ret)
{
	store_rdlock(s);
	*ret = s->counts;
	store_rdunlock(s);
}

/* The places a write needs, made (empty, and not yet in the store) before the lock. */
struct places {
	struct store_namespace *ns;
	struct store_node *node;
	bool ns_is_new;
	bool node_is_new;
};

static struct store_namespace *new_namespace(const char *name)
{
	struct store_namespace *ns = calloc(1, sizeof(*ns));

	if (!ns)
		return NULL;
	ns->cookie = cookie_of(name, strlen(name));
	ns->pods.changed_ns = clock_realtime_ns();
	ns->name = strdup(name);
	if (!ns->name) {
		free(ns);
		return NULL;
	}
	return ns;
}

static struct store_node *new_node(const char *name)
{
	struct store_node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	node->cookie = cookie_of(name, strlen(name));
	node->pods.changed_ns = clock_realtime_ns();
	node->name = strdup(name);
	if (!node->name) {
		free(node);
		return NULL;
	}
	return node;
}

/* Finds or makes the folders an object goes into, with room for it. 0 or -ENOMEM. */
static int prepare_places(struct store *s, const char *ns, const char *node, bool is_pod,
			  struct places *ret)
{
	if (*ns) {
		ret->ns = collection_find(&s->namespaces, namespace_item, ns, strlen(ns));
		if (!ret->ns) {
			ret->ns = new_namespace(ns);
			ret->ns_is_new = true;
		}
		if (!ret->ns || collection_reserve(&s->namespaces) < 0 ||
		    (is_pod && collection_reserve(&ret->ns->pods) < 0))
			return -ENOMEM;
	}
	if (*node) {
		ret->node = collection_find(&s->nodes, node_item, node, strlen(node));
		if (!ret->node) {
			ret->node = new_node(node);
			ret->node_is_new = true;
		}
		if (!ret->node || collection_reserve(&s->nodes) < 0 ||
		    (is_pod && collection_reserve(&ret->node->pods) < 0))
			return -ENOMEM;
	}
	return 0;
}

static void drop_places(struct places *p)
{
	if (p->ns_is_new && p->ns)
		free_namespace(p->ns);
	if (p->node_is_new && p->node)
		free_node(p->node);
}

/* Under the lock: puts new folders where they are found. Whether the namespace's is new. */
static bool place(struct store *s, struct places *p, int64_t now)
{
	bool came = p->ns_is_new;

	if (p->node_is_new)
		collection_insert(&s->nodes, node_item, p->node);
	if (p->ns_is_new) {
		collection_insert(&s->namespaces, namespace_item, p->ns);
		s->namespaces.changed_ns = now;
	}
	p->ns_is_new = false;
	p->node_is_new = false;
	return came;
}

/* Under the lock: takes folders away that have nothing in them. Whether the namespace's went. */
static bool prune_namespace(struct store *s, struct store_namespace *ns, int64_t now)
{
	if (ns->object || ns->pods.count)
		return false;
	collection_remove(&s->namespaces, namespace_item, ns);
	s->namespaces.changed_ns = now;
	return true;
}

static bool prune_node(struct store *s, struct store_node *node)
{
	if (node->object || node->pods.count)
		return false;
	collection_remove(&s->nodes, node_item, node);
	return true;
}

static void tell(struct store *s, const struct store_change *change)
{
	if (s->observer.changed)
		s->observer.changed(s->observer.ctx, change);
}

static void tell_published(struct store *s)
{
	if (s->observer.published)
		s->observer.published(s->observer.ctx);
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

	o->gone = true;
	count(s, o, -1);
	if (o->kind == KIND_POD) {
		collection_remove(&ns->pods, object_item, o);
		ns->pods.changed_ns = now;
		if (node) {
			collection_remove(&node->pods, object_item, o);
			node->pods.changed_ns = now;
		}
	} else if (o->kind == KIND_NAMESPACE) {
		ns->object = NULL;
	} else {
		node->object = NULL;
		s->nodes.changed_ns = now;
	}
	change.was_on = node;
	change.folder_went = ns && prune_namespace(s, ns, now);
	tell(s, &change);
	if (change.folder_went)
		free_namespace(ns);
	if (node && prune_node(s, node))
		free_node(node);
}

/* Under the lock: takes the caller's reference. The places are the store's afterwards. */
static void link_object(struct store *s, struct object *o, struct places *p)
{
	struct store_change change = {
	    .event = STORE_ADDED,
	    .object = o,
	    .node_before = "",
	    .node_after = o->node_name,
	    .is_on = p->node,
	};
	int64_t now = clock_realtime_ns();

	change.folder_came = place(s, p, now);
	if (o->kind == KIND_POD) {
		collection_insert(&p->ns->pods, object_item, o);
		p->ns->pods.changed_ns = now;
		if (p->node) {
			collection_insert(&p->node->pods, object_item, o);
			p->node->pods.changed_ns = now;
		}
	} else if (o->kind == KIND_NAMESPACE) {
		p->ns->object = o;
	} else {
		p->node->object = o;
		s->nodes.changed_ns = now;
	}
	count(s, o, 1);
	tell(s, &change);
}

/* Puts @o in, in place of @old (of the same name, but another uid) if there is one. */
static int add_object(struct store *s, struct object *o, struct object *old)
{
	struct places places = {0};
	const char *ns = o->kind == KIND_NAMESPACE ? o->name : o->namespace;
	const char *node = o->kind == KIND_NODE ? o->name : o->node_name;
	int r;

	if (old) {
		/* Two steps: the folders may change under the first. Nobody sees the gap. */
		pthread_rwlock_wrlock(&s->lock);
		unlink_object(s, old);
	}
	r = prepare_places(s, ns, node, o->kind == KIND_POD, &places);
	if (!old)
		pthread_rwlock_wrlock(&s->lock);
	if (r == 0)
		link_object(s, o, &places);
	pthread_rwlock_unlock(&s->lock);
	tell_published(s);
	object_unref(old);
	drop_places(&places);
	return r;
}

/* Under the lock: a pod that is bound, or (which no API server does) moved. */
static void move_pod(struct store *s, struct object *o, struct places *p, char *node_name,
		     struct store_change *change)
{
	int64_t now = clock_realtime_ns();
	struct store_node *was =
	    collection_find(&s->nodes, node_item, o->node_name, strlen(o->node_name));

	if (was) {
		collection_remove(&was->pods, object_item, o);
		was->pods.changed_ns = now;
	}
	place(s, p, now);
	if (p->node) {
		collection_insert(&p->node->pods, object_item, o);
		p->node->pods.changed_ns = now;
	}
	o->node_name = node_name;
	change->was_on = was;
	change->is_on = p->node;
}

struct update {
	struct object *object;
	struct version *version;
	unsigned int left_out;
	char *node_name; /* NULL: as before */
	struct places places;
};

static void publish(struct store *s, struct update *u)
{
	struct object *o = u->object;
	cleanup_free char *node_before = NULL;
	struct store_node *old_node = NULL;
	struct store_change change = {
	    .event = STORE_MODIFIED,
	    .object = o,
	    .before = o->version,
	    .diff = &s->scratch,
	    .node_before = o->node_name,
	    .node_after = o->node_name,
	};

	pthread_rwlock_wrlock(&s->lock);
	count(s, o, -1);
	o->version = u->version;
	o->left_out = u->left_out;
	count(s, o, 1);
	if (u->node_name) {
		node_before = o->node_name;
		move_pod(s, o, &u->places, u->node_name, &change);
		change.node_after = o->node_name;
		old_node = collection_find(&s->nodes, node_item, node_before, strlen(node_before));
	}
	tell(s, &change);
	history_add(&o->history, &s->scratch, clock_realtime_ns());
	if (old_node && prune_node(s, old_node))
		free_node(old_node);
	pthread_rwlock_unlock(&s->lock);
	tell_published(s);
	version_unref(change.before);
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
	if (r == 0 && strcmp(o->node_name, p->node_name)) {
		r = prepare_places(s, o->namespace, p->node_name, true, &u.places);
		if (r == 0)
			u.node_name = take_ptr(p->node_name);
	}
	if (r < 0) {
		version_unref(u.version);
		drop_places(&u.places);
		return r;
	}
	publish(s, &u);
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
	tell_published(s);
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
