/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a change of the store to names of the tree. A pod appears under its
 * namespace and under its node; a Node appears at its own place and, with its
 * metadata, in each pod that is on it.
 */
#include <errno.h>
#include <string.h>

#include <podfs/tree/containers.h>

#include "internal.h"

static bool starts_with(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

/* The links follow the folders they lead to. */
static int diff_label_link(const struct view *old, const struct view *new, const char *name,
			   struct diff *diff)
{
	bool was = tree_has_label_link(old, name);
	bool is = tree_has_label_link(new, name);

	if (was == is)
		return 0;
	return diff_add(diff, is ? CHANGE_ADDED : CHANGE_REMOVED, name);
}

static int diff_pod(const struct view *old, const struct view *new, struct diff *diff)
{
	bool containers = false;
	bool metadata = false;

	for (size_t i = 0; i < diff->count; i++) {
		const char *path = diff_path(diff, i);

		/* A changed value alone renames nothing. */
		if (diff->changes[i].kind == CHANGE_VALUE)
			continue;
		containers |= starts_with(path, "spec") || starts_with(path, "status");
		metadata |= starts_with(path, "metadata");
	}
	int r = metadata ? diff_label_link(old, new, "labels", diff) : 0;
	if (r == 0 && metadata)
		r = diff_label_link(old, new, "annotations", diff);
	if (r == 0 && (containers || container_naming_changed(old, new)))
		r = container_diff(old, new, diff);
	return r;
}

static bool is_name(const char *s, size_t len, const char *name)
{
	return strlen(name) == len && !memcmp(s, name, len);
}

/* A field that has the name of something else in its object's directory is not in the tree. */
static bool is_hidden(enum kind kind, const char *path)
{
	static const char *const in_all[] = {"object.json", "object.yaml"};
	static const char *const in_pod[] = {"labels", "annotations", "node", "containers",
					     "downward"};
	size_t len = strcspn(path, "/");

	for (size_t i = 0; i < ARRAY_SIZE(in_all); i++)
		if (is_name(path, len, in_all[i]))
			return true;
	for (size_t i = 0; kind == KIND_POD && i < ARRAY_SIZE(in_pod); i++)
		if (is_name(path, len, in_pod[i]))
			return true;
	if (kind == KIND_NAMESPACE && is_name(path, len, "select"))
		return true;
	return kind != KIND_POD && is_name(path, len, "pods");
}

static void drop_hidden(enum kind kind, struct diff *diff)
{
	size_t kept = 0;

	for (size_t i = 0; i < diff->count; i++)
		if (!is_hidden(kind, diff_path(diff, i)))
			diff->changes[kept++] = diff->changes[i];
	diff->count = kept;
}

static int diff_object(enum kind kind, const struct view *old, const struct view *new,
		       struct diff *ret)
{
	int r = diff_views(old, new, ret);

	drop_hidden(kind, ret);
	if (r == 0 && kind == KIND_POD)
		r = diff_pod(old, new, ret);
	/* The text is another one, so these are, or nearly always. */
	if (r == 0)
		r = diff_add(ret, CHANGE_VALUE, "object.json");
	if (r == 0)
		r = diff_add(ret, CHANGE_VALUE, "object.yaml");
	return r;
}

static int diff_state(enum kind kind, const struct store_state *old, const struct store_state *new,
		      struct diff *ret)
{
	const struct downward_source was = {old->object, old->node};
	const struct downward_source is = {new->object, new->node};
	int r = 0;

	ret->count = 0;
	buf_clear(&ret->paths);
	/* It may be the Node alone that changed. */
	if (old->object->text != new->object->text)
		r = diff_object(kind, old->object, new->object, ret);
	if (r == 0 && kind == KIND_POD)
		r = downward_diff(&was, &is, ret);
	return r;
}

const struct store_rules tree_rules = {
    .diff = diff_state,
    .node_matters = downward_node_matters,
};

struct teller {
	const struct tree *tree;
	const struct store_change *change;
	tree_change_fn fn;
	void *ctx;
	struct buf path;
};

/* The name that is last in @path, and the times of all folders it is in, from @base_len on. */
static void tell_name_below(struct teller *t, enum change_kind kind, size_t base_len)
{
	if (!t->path.err)
		t->fn(t->ctx, kind, t->path.data, base_len);
}

/* The folder whose name is last in @path: the collection it is in changed. */
static void tell_name(struct teller *t, enum change_kind kind)
{
	const char *slash = strrchr(t->path.data, '/');

	tell_name_below(t, kind, slash ? (size_t)(slash - t->path.data) : 0);
}

/* What changed in the object, as seen below @path, which is its directory. */
static void tell_diff(struct teller *t, const char *only_below)
{
	const struct diff *diff = t->change->diff;
	size_t base_len = t->path.len;

	for (size_t i = 0; i < diff->count; i++) {
		const char *path = diff_path(diff, i);

		if (!starts_with(path, only_below))
			continue;
		buf_addch(&t->path, '/');
		buf_addstr(&t->path, path);
		if (t->path.err)
			return;
		t->fn(t->ctx, diff->changes[i].kind, t->path.data, base_len);
		t->path.len = base_len;
	}
}

static void start(struct teller *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void start(struct teller *t, const char *fmt, ...)
{
	va_list ap;

	t->path.len = 0;
	va_start(ap, fmt);
	buf_addv(&t->path, fmt, ap);
	va_end(ap);
}

/* All names an object has in its directory: for a folder that was there before its object. */
static void tell_content(struct teller *t, const struct object *o, struct version *version,
			 enum change_kind kind)
{
	cleanup_field_list struct field_list list = {0};
	cleanup_opened struct opened *opened = NULL;
	static const char *const files[] = {"object.json", "object.yaml"};
	size_t base_len = t->path.len;

	if (opened_get(version, &opened) < 0 ||
	    field_list(&opened->view, field_root(), &list) < 0) {
		t->path.err = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < list.count; i++) {
		buf_addch(&t->path, '/');
		buf_add(&t->path, field_entry_name(&list, i), list.entries[i].name_len);
		if (!t->path.err && !is_hidden(o->kind, t->path.data + base_len + 1))
			tell_name(t, kind);
		t->path.len = base_len;
	}
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		buf_addf(&t->path, "/%s", files[i]);
		tell_name(t, kind);
		t->path.len = base_len;
	}
}

static void tell_namespace(struct teller *t)
{
	const struct store_change *c = t->change;
	const struct object *o = c->object;

	start(t, "namespaces/%s", o->name);
	if (c->event == STORE_MODIFIED)
		tell_diff(t, "");
	else if (c->folder_came || c->folder_went)
		tell_name(t, c->event == STORE_ADDED ? CHANGE_ADDED : CHANGE_REMOVED);
	else if (c->event == STORE_ADDED)
		tell_content(t, o, o->version, CHANGE_ADDED);
	else
		tell_content(t, o, c->before, CHANGE_REMOVED);
}

static void tell_node_in_pod(struct teller *t, const struct object *pod)
{
	enum store_event event = t->change->event;

	start(t, "namespaces/%s/pods/%s/node", pod->namespace, pod->name);
	if (event == STORE_MODIFIED)
		tell_diff(t, "metadata");
	else
		tell_name(t, event == STORE_ADDED ? CHANGE_ADDED : CHANGE_REMOVED);
}

/* A Node in the pods that are on it. */
static void tell_node_in_pods(struct teller *t, const struct store_node *node)
{
	for (size_t i = 0; node && i < node->namespaces.count; i++) {
		const struct store_node_namespace *on_node = node->namespaces.items[i];

		for (size_t j = 0; j < on_node->pods.count; j++)
			tell_node_in_pod(t, on_node->pods.items[j]);
	}
}

static void tell_node(struct teller *t)
{
	const struct store_change *c = t->change;
	const struct object *o = c->object;
	const struct store_node *node = store_find_node(t->tree->store, o->name, strlen(o->name));

	start(t, "nodes/%s", o->name);
	if (c->event == STORE_MODIFIED)
		tell_diff(t, "");
	else
		tell_name(t, c->event == STORE_ADDED ? CHANGE_ADDED : CHANGE_REMOVED);
	tell_node_in_pods(t, node ? node : c->was_on);
}

static size_t pods_on(const struct store_node *node, const char *namespace)
{
	const struct store_node_namespace *on_node =
	    node ? store_find_node_namespace(node, namespace, strlen(namespace)) : NULL;

	return on_node ? on_node->pods.count : 0;
}

/*
 * The link below nodes/<node>/pods; the namespace's folder there comes with its
 * first pod and goes with its last.
 */
static void tell_link(struct teller *t, enum change_kind kind, const char *node, bool with_folder)
{
	const struct object *o = t->change->object;

	start(t, "nodes/%s/pods/%s", node, o->namespace);
	if (!with_folder)
		buf_addf(&t->path, "/%s", o->name);
	tell_name(t, kind);
}

/* A namespace of which no Namespace is known has the time of its pods' coming and going. */
static void tell_pod_folder(struct teller *t, enum change_kind kind)
{
	const struct object *o = t->change->object;
	const struct store_namespace *ns =
	    store_find_namespace(t->tree->store, o->namespace, strlen(o->namespace));

	if (ns && !ns->object)
		tell_name_below(t, kind, strlen("namespaces/") + strlen(o->namespace));
	else
		tell_name(t, kind);
}

/* /self, which may not lead to a pod that is on its host's network. */
static void tell_own(struct teller *t)
{
	const struct store_change *c = t->change;
	bool moved = c->event != STORE_MODIFIED;

	if (!tree_is_own(t->tree, c->object))
		return;
	for (size_t i = 0; !moved && i < c->diff->count; i++) {
		const char *path = diff_path(c->diff, i);

		moved = !strcmp(path, "spec") || !strcmp(path, "spec/hostNetwork");
	}
	if (!moved)
		return;
	start(t, "self");
	tell_name(t, tree_own_pod(t->tree) ? CHANGE_ADDED : CHANGE_REMOVED);
}

static void tell_pod(struct teller *t)
{
	const struct store_change *c = t->change;
	const struct object *o = c->object;
	bool moved = strcmp(c->node_before, c->node_after) != 0;

	if (c->folder_came || c->folder_went) {
		start(t, "namespaces/%s", o->namespace);
		tell_name(t, c->folder_came ? CHANGE_ADDED : CHANGE_REMOVED);
	}
	start(t, "namespaces/%s/pods/%s", o->namespace, o->name);
	if (c->event == STORE_MODIFIED) {
		tell_diff(t, "");
		if (moved) {
			buf_addstr(&t->path, "/node");
			if (c->was_on && c->was_on->object)
				tell_name(t, CHANGE_REMOVED);
			if (c->is_on && c->is_on->object)
				tell_name(t, CHANGE_ADDED);
		}
	} else if (!c->folder_went) {
		tell_pod_folder(t, c->event == STORE_ADDED ? CHANGE_ADDED : CHANGE_REMOVED);
	}
	tell_own(t);
	if (moved && *c->node_before)
		tell_link(t, CHANGE_REMOVED, c->node_before, !pods_on(c->was_on, o->namespace));
	if (moved && *c->node_after)
		tell_link(t, CHANGE_ADDED, c->node_after, pods_on(c->is_on, o->namespace) == 1);
}

/* Only the nodes' folder depends on it: the other one has what is known of namespaces. */
static void tell_readable(struct teller *t)
{
	if (t->change->kind != KIND_NODE)
		return;
	start(t, "nodes");
	tell_name(t, store_readable(t->tree->store, KIND_NODE) ? CHANGE_ADDED : CHANGE_REMOVED);
}

int tree_changes(const struct tree *tree, const struct store_change *change, tree_change_fn fn,
		 void *ctx)
{
	struct teller t = {.tree = tree, .change = change, .fn = fn, .ctx = ctx};

	if (change->event == STORE_READABLE)
		tell_readable(&t);
	else if (change->kind == KIND_NAMESPACE)
		tell_namespace(&t);
	else if (change->kind == KIND_NODE)
		tell_node(&t);
	else
		tell_pod(&t);
	int r = t.path.err;
	buf_release(&t.path);
	return r < 0 ? r : tree_view_changes(change, fn, ctx);
}
