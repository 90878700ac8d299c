/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <podfs/tree/containers.h>

#include "internal.h"

static int64_t dir_mtime(const struct tree *t, const struct tree_place *p)
{
	switch (p->kind) {
	case TREE_NAMESPACES:
		return store_namespaces(t->store)->changed_ns;
	case TREE_NODES:
		return store_nodes(t->store)->changed_ns;
	case TREE_PODS:
		return p->ns->pods.changed_ns;
	case TREE_NODE_PODS:
		return p->node->namespaces.changed_ns;
	case TREE_NODE_NAMESPACE:
		return p->on_node->pods.changed_ns;
	case TREE_POD_NODE: {
		const struct object *node = p->node->object;

		return history_time(&node->history, "metadata", true, node->created_ns);
	}
	case TREE_NAMESPACE:
		if (!p->object)
			return p->ns->pods.changed_ns;
		break;
	default:
		if (tree_is_view(p->kind))
			return tree_view_time(t, p);
		break;
	}
	if (!p->object)
		return t->started_ns;
	return history_time(&p->object->history, p->path.len ? p->path.data : "", true,
			    p->object->created_ns);
}

static int count_dir(void *ctx, const struct tree_entry *entry)
{
	uint32_t *count = ctx;

	*count += tree_is_dir(entry->kind, entry->field);
	return 0;
}

/* An object's fields, but for those whose name leads to something else, and what else there is. */
static int count_in_object(const struct tree *t, const struct tree_place *p, uint32_t *ret)
{
	static const char *const others[] = {"pods", "node", "containers", "downward", "select"};
	cleanup_field_list struct field_list fields = {0};
	struct tree_entry entry;
	int r = p->opened ? field_list(&p->opened->view, field_root(), &fields) : 0;

	for (size_t i = 0; i < fields.count && r == 0; i++) {
		if (!field_is_dir(fields.entries[i].field))
			continue;
		r = tree_find(t, p, field_entry_name(&fields, i), fields.entries[i].name_len,
			      &entry);
		*ret += r == 0 && entry.kind == TREE_FIELD;
		r = r == -ENOENT ? 0 : r;
	}
	for (size_t i = 0; i < ARRAY_SIZE(others) && r == 0; i++) {
		r = tree_find(t, p, others[i], strlen(others[i]), &entry);
		*ret += r == 0 && entry.kind != TREE_FIELD;
		r = r == -ENOENT ? 0 : r;
	}
	return r;
}

/* A folder's attributes are asked for far more often than its listing, so it is not made here. */
static int count_subdirs(const struct tree *t, const struct tree_place *p, uint32_t *ret)
{
	*ret = 0;
	switch (p->kind) {
	case TREE_PODS:
		*ret = (uint32_t)p->ns->pods.count;
		return 0;
	case TREE_NAMESPACES:
		*ret = (uint32_t)store_namespaces(t->store)->count;
		return 0;
	case TREE_NODE_PODS:
		*ret = (uint32_t)p->node->namespaces.count;
		return 0;
	case TREE_CONTAINER: /* Links alone. */
	case TREE_NODE_NAMESPACE:
		return 0;
	case TREE_NAMESPACE:
	case TREE_NODE:
	case TREE_POD:
		return count_in_object(t, p, ret);
	case TREE_FIELD:
		return field_count_dirs(&p->opened->view, p->field, ret);
	default:
		if (tree_is_view(p->kind))
			return tree_view_subdirs(p, ret);
		return tree_list(t, p, 0, count_dir, ret);
	}
}

static int file_size(const struct tree_place *p, uint64_t *ret)
{
	const struct tree_source source = {p->opened, p->node_opened};
	cleanup_buf struct buf scratch = {0};
	const struct buf *text;
	size_t size;
	int r;

	if (p->kind == TREE_FIELD) {
		r = field_size(&p->opened->view, p->field, &size);
		*ret = size;
		return r;
	}
	r = tree_read(&source, p->kind, p->path.data, &scratch, &text);
	if (r == 0)
		*ret = text->len;
	return r;
}

static int file_attr(const struct tree *t, const struct tree_place *p, struct tree_attr *ret)
{
	const struct tree_source source = {p->opened, p->node_opened};

	ret->type = S_IFREG;
	ret->mode = 0444;
	if (tree_is_volatile(p->kind)) {
		ret->mtime_ns = t->started_ns;
		ret->ino = tree_ino(p->seed, false, 0);
		return 0;
	}
	int r = file_size(p, &ret->size);
	if (r == 0)
		r = tree_mode(&source, p->kind, p->path.data, &ret->mode);
	if (r < 0)
		return r;
	ret->mtime_ns = tree_file_time(p->object, p->kind, p->path.data);
	ret->ino = tree_ino(p->seed, false, ret->mtime_ns);
	return 0;
}

static int link_attr(const struct tree *t, const struct tree_place *p, struct tree_attr *ret)
{
	cleanup_buf struct buf target = {0};
	int r = tree_readlink(p, &target);

	ret->type = S_IFLNK;
	ret->mode = 0777;
	ret->size = target.len;
	if (p->pod) {
		ret->mtime_ns = p->pod->created_ns;
		ret->ino = tree_ino(p->seed, false, 0);
		return r;
	}
	ret->mtime_ns = p->object ? p->object->created_ns : t->started_ns;
	ret->ino = tree_ino(p->seed, false, p->object ? p->object->created_ns : 0);
	return r;
}

int tree_attr(const struct tree *t, const struct tree_place *p, struct tree_attr *ret)
{
	uint32_t subdirs;

	*ret = (struct tree_attr){.nlink = 1};
	if (tree_is_link(p->kind))
		return link_attr(t, p, ret);
	if (!tree_is_dir(p->kind, p->field))
		return file_attr(t, p, ret);
	ret->type = S_IFDIR;
	ret->mode = 0555;
	ret->mtime_ns = dir_mtime(t, p);
	ret->ino = tree_ino(p->seed, true, 0);
	int r = count_subdirs(t, p, &subdirs);
	ret->nlink = 2 + subdirs;
	return r;
}

static const char *last_name(const struct buf *path)
{
	const char *slash = strrchr(path->data, '/');

	return slash ? slash + 1 : path->data;
}

int tree_readlink(const struct tree_place *p, struct buf *out)
{
	const char *name;
	struct container c;

	if (p->kind == TREE_OWN_POD)
		return tree_pod_path(p->object, out);
	if (p->pod)
		return tree_view_link(p, out);
	name = last_name(&p->path);
	if (p->object->kind == KIND_NODE)
		return buf_addf(out, "../../../../namespaces/%s/pods/%s", p->ns->name, name);
	if (p->path.data == name)
		return buf_addf(out, "metadata/%s", name);
	int r = tree_container(p, &c);
	if (r < 0)
		return r;
	const char *container = p->path.data + strlen("containers/");
	size_t len = strcspn(container, "/");
	if (!strcmp(name, "resources"))
		return buf_addf(out, "../../downward/resources/%.*s", (int)len, container);
	bool is_spec = !strcmp(name, "spec");
	return buf_addf(out, "../../%s/%s/%.*s", is_spec ? "spec" : "status",
			is_spec ? c.spec_list : c.status_list, (int)len, container);
}

int tree_read_volatile(const struct tree *t, enum tree_kind kind, pid_t tid, struct buf *out)
{
	switch (kind) {
	case TREE_SELF_STATUS:
		return t->self.status(t->self.ctx, out);
	case TREE_SELF_METRICS:
		return t->self.metrics(t->self.ctx, out);
	case TREE_CALLER:
		return t->own.caller(t->own.ctx, tid, out);
	default:
		return t->self.version(t->self.ctx, out);
	}
}

int tree_render(struct opened *o, enum tree_kind kind, const struct buf **ret)
{
	return kind == TREE_JSON ? opened_json(o, ret) : opened_yaml(o, ret);
}

int tree_mode(const struct tree_source *source, enum tree_kind kind, const char *path,
	      uint16_t *ret)
{
	const struct downward_source downward = tree_downward_source(source);
	struct downward_place place = {.mode = 0444};
	int r = 0;

	if (kind == TREE_DOWNWARD_FILE)
		r = downward_find(&downward, tree_downward_path(path), &place);
	*ret = (uint16_t)place.mode;
	return r;
}

int tree_read(const struct tree_source *source, enum tree_kind kind, const char *path,
	      struct buf *scratch, const struct buf **ret)
{
	struct opened *o = source->object;
	struct field file;

	if (tree_is_rendered(kind))
		return tree_render(o, kind, ret);
	*ret = scratch;
	if (kind == TREE_DOWNWARD_FILE) {
		const struct downward_source downward = tree_downward_source(source);

		return downward_read(&downward, tree_downward_path(path), scratch);
	}
	int r = field_walk(&o->view, field_root(), path, &file);
	if (r < 0)
		return r;
	return field_is_dir(file) ? -ENOENT : field_value(&o->view, file, scratch);
}
