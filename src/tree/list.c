/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listings, in the order of cookies. The large collections of the store are
 * kept in that order; every other directory is gathered and sorted each time,
 * as it is small and its names come from an immutable version.
 *
 * If names share a cookie (one in 2^63, or somebody's hard work), the k-th of
 * them gets its cookie plus k, so that no place in the listing is two.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <podfs/base/array.h>
#include <podfs/base/bytes.h>
#include <podfs/store/collection.h>
#include <podfs/store/cookie.h>
#include <podfs/tree/containers.h>

#include "internal.h"

struct listing {
	struct tree_entry *entries;
	size_t count;
	size_t cap;
	int err;
	/* What the names of entries point to. */
	struct field_list fields;
	struct container_list containers;
	struct downward_list downward;
};

static void add(struct listing *l, const struct tree_entry *entry)
{
	if (l->err)
		return;
	l->err = array_grow(&l->entries, l->count, &l->cap, sizeof(*l->entries));
	if (l->err)
		return;
	l->entries[l->count] = *entry;
	l->entries[l->count++].cookie = cookie_of(entry->name, entry->name_len);
}

/* A name that the directory may have: added if it is there. */
static void add_if_found(struct listing *l, const struct tree *t, const struct tree_place *dir,
			 const char *name)
{
	struct tree_entry entry;
	int r = tree_find(t, dir, name, strlen(name), &entry);

	if (r == 0)
		add(l, &entry);
	else if (r != -ENOENT && !l->err)
		l->err = r;
}

static void add_fields(struct listing *l, const struct field_list *fields)
{
	for (size_t i = 0; i < fields->count; i++) {
		struct tree_entry entry = {
		    .name = field_entry_name(fields, i),
		    .name_len = fields->entries[i].name_len,
		    .kind = TREE_FIELD,
		    .field = fields->entries[i].field,
		};

		add(l, &entry);
	}
}

/* The fields at the top of an object, but for those whose name leads to something else here. */
static void add_own_fields(struct listing *l, const struct tree *t, const struct tree_place *dir,
			   const struct field_list *fields)
{
	for (size_t i = 0; i < fields->count; i++) {
		struct tree_entry entry;
		int r = tree_find(t, dir, field_entry_name(fields, i), fields->entries[i].name_len,
				  &entry);

		if (r == 0 && entry.kind == TREE_FIELD)
			add(l, &entry);
		else if (r < 0 && r != -ENOENT && !l->err)
			l->err = r;
	}
}

static void add_containers(struct listing *l, const struct container_list *containers)
{
	for (size_t i = 0; i < containers->count; i++) {
		struct tree_entry entry = {
		    .name = containers->names.data + containers->entries[i].off,
		    .name_len = containers->entries[i].len,
		    .kind = TREE_CONTAINER,
		};

		add(l, &entry);
	}
}

static void add_downward(struct listing *l, const struct downward_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct downward_entry *e = &list->entries[i];
		struct tree_entry entry = {
		    .name = downward_entry_name(list, i),
		    .name_len = e->name_len,
		    .kind = e->place.type == DOWNWARD_DIR ? TREE_DOWNWARD_DIR : TREE_DOWNWARD_FILE,
		};

		add(l, &entry);
	}
}

static void add_object_files(struct listing *l, const struct tree *t, const struct tree_place *dir)
{
	if (!dir->opened)
		return;
	add_if_found(l, t, dir, "object.json");
	add_if_found(l, t, dir, "object.yaml");
}

static int gather(const struct tree *t, const struct tree_place *dir, struct listing *l)
{
	struct field_list *fields = &l->fields;
	int r = 0;

	switch (dir->kind) {
	case TREE_ROOT:
		add_if_found(l, t, dir, "namespaces");
		add_if_found(l, t, dir, "nodes");
		add_if_found(l, t, dir, "select");
		add_if_found(l, t, dir, "by-ip");
		add_if_found(l, t, dir, "by-uid");
		if (!t->own.caller)
			add_if_found(l, t, dir, "self");
		add_if_found(l, t, dir, ".podfs");
		break;
	case TREE_SELF:
		add_if_found(l, t, dir, "status");
		add_if_found(l, t, dir, "metrics");
		add_if_found(l, t, dir, "version");
		break;
	case TREE_POD:
		add_if_found(l, t, dir, "labels");
		add_if_found(l, t, dir, "annotations");
		add_if_found(l, t, dir, "node");
		add_if_found(l, t, dir, "containers");
		add_if_found(l, t, dir, "downward");
		break;
	case TREE_NAMESPACE:
		add_if_found(l, t, dir, "pods");
		add_if_found(l, t, dir, "select");
		break;
	case TREE_NODE:
		add_if_found(l, t, dir, "pods");
		break;
	case TREE_POD_NODE:
		add_if_found(l, t, dir, "metadata");
		break;
	case TREE_CONTAINER:
		add_if_found(l, t, dir, "spec");
		add_if_found(l, t, dir, "status");
		add_if_found(l, t, dir, "resources");
		break;
	case TREE_DOWNWARD_DIR:
		r = tree_downward_list(dir, &l->downward);
		add_downward(l, &l->downward);
		break;
	case TREE_CONTAINERS:
		r = container_list(&dir->opened->view, &l->containers);
		add_containers(l, &l->containers);
		break;
	case TREE_FIELD:
		r = field_list(&dir->opened->view, dir->field, fields);
		add_fields(l, fields);
		break;
	default:
		break;
	}
	if (dir->kind == TREE_POD || dir->kind == TREE_NAMESPACE || dir->kind == TREE_NODE) {
		add_object_files(l, t, dir);
		if (r == 0 && dir->opened)
			r = field_list(&dir->opened->view, field_root(), fields);
		add_own_fields(l, t, dir, fields);
	}
	return r < 0 ? r : l->err;
}

static int compare_entries(const void *a, const void *b)
{
	const struct tree_entry *x = a;
	const struct tree_entry *y = b;

	if (x->cookie != y->cookie)
		return x->cookie < y->cookie ? -1 : 1;
	return bytes_compare(x->name, x->name_len, y->name, y->name_len);
}

int tree_emit(struct emitter *e, struct tree_entry *entry)
{
	e->ties = entry->cookie == e->last ? e->ties + 1 : 0;
	e->last = entry->cookie;
	entry->cookie += e->ties;
	return entry->cookie > e->after ? e->fn(e->ctx, entry) : 0;
}

static int list_gathered(const struct tree *t, const struct tree_place *dir, struct emitter *e)
{
	struct listing l = {0};
	int r = gather(t, dir, &l);

	if (r == 0 && l.count)
		qsort(l.entries, l.count, sizeof(*l.entries), compare_entries);
	for (size_t i = 0; i < l.count && r == 0; i++)
		r = tree_emit(e, &l.entries[i]);
	free(l.entries);
	field_list_release(&l.fields);
	container_list_release(&l.containers);
	downward_list_release(&l.downward);
	return r;
}

static bool make_entry(enum tree_kind dir, void *item, struct tree_entry *ret)
{
	struct collection_item named;

	*ret = (struct tree_entry){0};
	if (dir == TREE_NAMESPACES) {
		ret->kind = TREE_NAMESPACE;
		ret->ns = item;
		ret->object = ret->ns->object;
		named = namespace_item(item);
	} else if (dir == TREE_NODES) {
		ret->kind = TREE_NODE;
		ret->node = item;
		ret->object = ret->node->object;
		named = node_item(item);
	} else if (dir == TREE_NODE_PODS) {
		ret->kind = TREE_NODE_NAMESPACE;
		ret->on_node = item;
		ret->ns = ret->on_node->ns;
		named = node_namespace_item(item);
	} else if (dir == TREE_NODE_NAMESPACE) {
		ret->kind = TREE_LINK;
		named = object_item(item);
	} else {
		ret->kind = TREE_POD;
		ret->object = item;
		named = object_item(item);
	}
	ret->name = named.name;
	ret->name_len = strlen(named.name);
	ret->cookie = named.cookie;
	return dir != TREE_NODES || ret->object;
}

static const struct collection *own_collection(const struct tree *t, const struct tree_place *dir,
					       collection_key_fn *ret_key)
{
	switch (dir->kind) {
	case TREE_NAMESPACES:
		*ret_key = namespace_item;
		return store_namespaces(t->store);
	case TREE_NODES:
		*ret_key = node_item;
		return store_nodes(t->store);
	case TREE_PODS:
		*ret_key = object_item;
		return &dir->ns->pods;
	case TREE_NODE_PODS:
		*ret_key = node_namespace_item;
		return &dir->node->namespaces;
	case TREE_NODE_NAMESPACE:
		*ret_key = object_item;
		return &dir->on_node->pods;
	default:
		return NULL;
	}
}

int tree_list(const struct tree *t, const struct tree_place *dir, uint64_t after, tree_list_fn fn,
	      void *ctx)
{
	struct emitter e = {.after = after, .fn = fn, .ctx = ctx};
	collection_key_fn key;
	const struct collection *c = own_collection(t, dir, &key);
	int r = 0;

	if (tree_is_view(dir->kind))
		return tree_list_view(t, dir, &e);
	if (!c)
		return list_gathered(t, dir, &e);
	size_t i = collection_after(c, key, tree_emit_from(&e), NULL);
	for (; i < c->count && r == 0; i++) {
		struct tree_entry entry;

		if (make_entry(dir->kind, c->items[i], &entry))
			r = tree_emit(&e, &entry);
	}
	return r;
}
