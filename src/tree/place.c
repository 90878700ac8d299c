/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where names lead. tree_find() says what a directory has under a name,
 * tree_enter() goes there; they are apart so that a listing, which knows its
 * entries already, can go there without finding them again.
 */
#include <errno.h>
#include <string.h>

#include <podfs/base/hash.h>
#include <podfs/store/cookie.h>
#include <podfs/store/selection.h>
#include <podfs/tree/containers.h>

#include "internal.h"

void tree_root(const struct tree *t, struct tree_place *ret)
{
	*ret = (struct tree_place){.kind = TREE_ROOT, .seed = 1};
}

void tree_place_release(struct tree_place *p)
{
	if (p->opened)
		opened_unref(p->opened);
	opened_unrefp(&p->node_opened);
	selection_unref(p->selection);
	buf_release(&p->path);
	*p = (struct tree_place){0};
}

int tree_place_copy(const struct tree_place *p, struct tree_place *ret)
{
	*ret = *p;
	ret->path = (struct buf){0};
	if (ret->opened)
		opened_ref(ret->opened);
	if (ret->node_opened)
		opened_ref(ret->node_opened);
	selection_ref(ret->selection);
	return buf_add(&ret->path, p->path.data, p->path.len);
}

bool tree_is_dir(enum tree_kind kind, struct field field)
{
	switch (kind) {
	case TREE_FIELD:
		return field_is_dir(field);
	case TREE_JSON:
	case TREE_YAML:
	case TREE_LINK:
	case TREE_DOWNWARD_FILE:
	case TREE_OWN_POD:
	case TREE_CALLER:
	case TREE_SELF_STATUS:
	case TREE_SELF_METRICS:
	case TREE_SELF_VERSION:
		return false;
	default:
		return true;
	}
}

bool tree_is_link(enum tree_kind kind)
{
	return kind == TREE_LINK || kind == TREE_OWN_POD || kind == TREE_CALLER;
}

bool tree_is_volatile(enum tree_kind kind)
{
	return kind == TREE_SELF_STATUS || kind == TREE_SELF_METRICS || kind == TREE_SELF_VERSION ||
	       kind == TREE_CALLER;
}

bool tree_is_rendered(enum tree_kind kind)
{
	return kind == TREE_JSON || kind == TREE_YAML;
}

/* A fixed name of a directory; false if it is another one. */
static bool is_name(const char *name, size_t len, const char *fixed, enum tree_kind kind,
		    struct tree_entry *ret)
{
	if (strlen(fixed) != len || memcmp(name, fixed, len) != 0)
		return false;
	ret->kind = kind;
	return true;
}

static int found_if(bool found)
{
	return found ? 0 : -ENOENT;
}

/* The names every object's directory has. */
static int find_in_object(const struct tree_place *dir, const char *name, size_t len,
			  struct tree_entry *ret)
{
	if (!dir->opened)
		return -ENOENT;
	if (is_name(name, len, "object.json", TREE_JSON, ret) ||
	    is_name(name, len, "object.yaml", TREE_YAML, ret))
		return 0;
	ret->kind = TREE_FIELD;
	return field_lookup(&dir->opened->view, field_root(), name, len, &ret->field);
}

bool tree_has_label_link(const struct view *view, const char *name)
{
	struct field metadata;
	struct field map;

	return field_lookup(view, field_root(), "metadata", 8, &metadata) == 0 &&
	       field_lookup(view, metadata, name, strlen(name), &map) == 0 && field_is_dir(map);
}

const struct store_node *tree_pod_node(const struct tree *t, const struct object *pod)
{
	const struct store_node *node =
	    store_find_node(t->store, pod->node_name, strlen(pod->node_name));

	return node && node->object ? node : NULL;
}

static int find_in_pod(const struct tree *t, const struct tree_place *dir, const char *name,
		       size_t len, struct tree_entry *ret)
{
	if (is_name(name, len, "labels", TREE_LINK, ret))
		return found_if(tree_has_label_link(&dir->opened->view, "labels"));
	if (is_name(name, len, "annotations", TREE_LINK, ret))
		return found_if(tree_has_label_link(&dir->opened->view, "annotations"));
	if (is_name(name, len, "node", TREE_POD_NODE, ret)) {
		ret->node = tree_pod_node(t, dir->object);
		return found_if(ret->node);
	}
	if (is_name(name, len, "downward", TREE_DOWNWARD_DIR, ret)) {
		ret->node = tree_pod_node(t, dir->object);
		return 0;
	}
	if (is_name(name, len, "containers", TREE_CONTAINERS, ret))
		return found_if(container_any(&dir->opened->view));
	return find_in_object(dir, name, len, ret);
}

static int find_in_container(const struct tree_place *dir, const char *name, size_t len,
			     struct tree_entry *ret)
{
	struct container c;
	int r = tree_container(dir, &c);

	if (r < 0)
		return r;
	if (is_name(name, len, "spec", TREE_LINK, ret))
		return 0;
	if (is_name(name, len, "status", TREE_LINK, ret))
		return found_if(c.has_status);
	return found_if(is_name(name, len, "resources", TREE_LINK, ret) && c.has_resources);
}

static int find_namespace(const struct tree *t, const char *name, size_t len,
			  struct tree_entry *ret)
{
	ret->kind = TREE_NAMESPACE;
	ret->ns = store_find_namespace(t->store, name, len);
	if (!ret->ns)
		return -ENOENT;
	ret->object = ret->ns->object;
	return 0;
}

static int find_node(const struct tree *t, const char *name, size_t len, struct tree_entry *ret)
{
	ret->kind = TREE_NODE;
	ret->node = store_find_node(t->store, name, len);
	if (!ret->node || !ret->node->object)
		return -ENOENT;
	ret->object = ret->node->object;
	return 0;
}

static int find_pod(const struct tree_place *dir, const char *name, size_t len,
		    struct tree_entry *ret)
{
	ret->kind = TREE_POD;
	ret->object = store_find_pod(dir->ns, name, len);
	return found_if(ret->object);
}

static int find_node_namespace(const struct tree_place *dir, const char *name, size_t len,
			       struct tree_entry *ret)
{
	ret->kind = TREE_NODE_NAMESPACE;
	ret->on_node = store_find_node_namespace(dir->node, name, len);
	if (!ret->on_node)
		return -ENOENT;
	ret->ns = ret->on_node->ns;
	return 0;
}

static int find_node_pod(const struct tree_place *dir, const char *name, size_t len,
			 struct tree_entry *ret)
{
	const struct object *pod = store_find_pod(dir->ns, name, len);

	ret->kind = TREE_LINK;
	return found_if(pod && !strcmp(pod->node_name, dir->node->name));
}

static bool find_self(const char *name, size_t len, struct tree_entry *ret)
{
	return is_name(name, len, "status", TREE_SELF_STATUS, ret) ||
	       is_name(name, len, "metrics", TREE_SELF_METRICS, ret) ||
	       is_name(name, len, "version", TREE_SELF_VERSION, ret);
}

static int find_in_pod_node(const struct tree_place *dir, const char *name, size_t len,
			    struct tree_entry *ret)
{
	/* The place is the pod's still; what is below is the Node's. */
	cleanup_opened struct opened *opened = NULL;
	int r;

	if (!is_name(name, len, "metadata", TREE_FIELD, ret))
		return -ENOENT;
	r = opened_get(dir->node->object->version, &opened);
	if (r < 0)
		return r;
	ret->object = dir->node->object;
	return field_lookup(&opened->view, field_root(), name, len, &ret->field);
}

int tree_find(const struct tree *t, const struct tree_place *dir, const char *name, size_t len,
	      struct tree_entry *ret)
{
	struct container c;

	*ret = (struct tree_entry){.name = name, .name_len = len};
	switch (dir->kind) {
	case TREE_ROOT:
		if (is_name(name, len, "self", TREE_OWN_POD, ret))
			return tree_find_own(t, ret);
		return found_if(is_name(name, len, "namespaces", TREE_NAMESPACES, ret) ||
				(is_name(name, len, "nodes", TREE_NODES, ret) &&
				 store_readable(t->store, KIND_NODE)) ||
				tree_find_view(name, len, ret) ||
				is_name(name, len, ".podfs", TREE_SELF, ret));
	case TREE_SELF:
		return found_if(find_self(name, len, ret));
	case TREE_NAMESPACES:
		return find_namespace(t, name, len, ret);
	case TREE_NAMESPACE:
		if (is_name(name, len, "pods", TREE_PODS, ret) ||
		    is_name(name, len, "select", TREE_SELECT, ret))
			return 0;
		return find_in_object(dir, name, len, ret);
	case TREE_PODS:
		return find_pod(dir, name, len, ret);
	case TREE_POD:
		return find_in_pod(t, dir, name, len, ret);
	case TREE_POD_NODE:
		return find_in_pod_node(dir, name, len, ret);
	case TREE_CONTAINERS:
		ret->kind = TREE_CONTAINER;
		return container_find(&dir->opened->view, name, len, &c);
	case TREE_CONTAINER:
		return find_in_container(dir, name, len, ret);
	case TREE_DOWNWARD_DIR:
		return tree_downward_find(dir, name, len, ret);
	case TREE_NODES:
		return find_node(t, name, len, ret);
	case TREE_NODE:
		if (is_name(name, len, "pods", TREE_NODE_PODS, ret))
			return 0;
		return find_in_object(dir, name, len, ret);
	case TREE_NODE_PODS:
		return find_node_namespace(dir, name, len, ret);
	case TREE_NODE_NAMESPACE:
		return find_node_pod(dir, name, len, ret);
	case TREE_FIELD:
		ret->kind = TREE_FIELD;
		return field_lookup(&dir->opened->view, dir->field, name, len, &ret->field);
	default:
		return tree_find_in_view(t, dir, name, len, ret);
	}
}

static uint64_t child_seed(const struct tree_place *dir, const struct tree_entry *entry)
{
	uint64_t name = cookie_of(entry->name, entry->name_len);
	const struct object *of = entry->pod ? entry->pod : entry->object;

	/* An object made again under an old name has other inode numbers. */
	if (of)
		name ^= cookie_of(of->uid, strlen(of->uid)) << 1;
	return hash_u64(dir->seed * 31 + name);
}

static int set_object(struct tree_place *p, struct object *object)
{
	if (p->opened)
		opened_unref(take_ptr(p->opened));
	p->object = object;
	buf_clear(&p->path);
	return object ? opened_get(object->version, &p->opened) : 0;
}

int tree_enter(struct tree_place *p, const struct tree_entry *entry)
{
	bool other_object = entry->object && entry->object != p->object;
	bool has_path = p->object && !other_object;
	int r = 0;

	p->seed = child_seed(p, entry);
	p->dir = p->kind;
	p->kind = entry->kind;
	p->pod = entry->pod;
	p->field = entry->field;
	if (entry->ns)
		p->ns = entry->ns;
	if (entry->node)
		p->node = entry->node;
	if (entry->on_node)
		p->on_node = entry->on_node;
	if (other_object)
		r = set_object(p, entry->object);
	if (entry->kind == TREE_DOWNWARD_DIR && entry->node)
		r = opened_get(entry->node->object->version, &p->node_opened);
	if (r == 0 && entry->kind == TREE_SELECTION)
		r = tree_enter_selection(p, entry);
	/* Below the directory of the object itself, or of a Node seen from a pod. */
	if (r == 0 && (has_path || entry->kind == TREE_FIELD)) {
		if (p->path.len)
			buf_addch(&p->path, '/');
		r = buf_add(&p->path, entry->name, entry->name_len);
	}
	return r;
}

int tree_walk(const struct tree *t, const char *path, struct tree_place *ret)
{
	tree_root(t, ret);
	while (*path) {
		size_t n = strcspn(path, "/");
		struct tree_entry entry;
		int r = tree_find(t, ret, path, n, &entry);

		if (r == 0)
			r = tree_enter(ret, &entry);
		if (r < 0)
			return r;
		path += n + (path[n] == '/');
	}
	return 0;
}

int tree_container(const struct tree_place *p, struct container *ret)
{
	const char *name = p->path.data + strlen("containers/");

	return container_find(&p->opened->view, name, strcspn(name, "/"), ret);
}

static uint64_t file_ino(uint64_t seed, int64_t mtime_ns)
{
	uint64_t ino = hash_u64(seed ^ hash_u64((uint64_t)mtime_ns));

	return ino ? ino : 1;
}

uint64_t tree_ino(uint64_t seed, bool is_dir, int64_t mtime_ns)
{
	/* Another version of a value is another file. */
	if (!is_dir)
		return file_ino(seed, mtime_ns);
	return seed ? seed : 1;
}

uint64_t tree_entry_ino(const struct tree_place *dir, const struct tree_entry *entry)
{
	uint64_t seed = child_seed(dir, entry);
	cleanup_buf struct buf path = {0};

	if (tree_is_dir(entry->kind, entry->field))
		return tree_ino(seed, true, 0);
	if (entry->kind == TREE_OWN_POD)
		return tree_ino(seed, false, entry->object->created_ns);
	if (entry->pod)
		return tree_ino(seed, false, 0);
	if (!dir->object || entry->kind == TREE_LINK)
		return tree_ino(seed, false, dir->object ? dir->object->created_ns : 0);
	if (dir->path.len) {
		buf_add(&path, dir->path.data, dir->path.len);
		buf_addch(&path, '/');
	}
	buf_add(&path, entry->name, entry->name_len);
	if (path.err)
		return seed;
	return tree_ino(seed, false, tree_file_time(dir->object, entry->kind, path.data));
}
