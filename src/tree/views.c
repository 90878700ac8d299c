/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folders that lead to pods by their labels, addresses and uids. Their
 * entries are links, and the folders of namespaces in a selection.
 */
#include <errno.h>
#include <string.h>

#include <podfs/store/collection.h>
#include <podfs/store/selection.h>
#include <podfs/store/views.h>

#include "internal.h"

bool tree_find_view(const char *name, size_t len, struct tree_entry *ret)
{
	static const struct {
		const char *name;
		enum tree_kind kind;
	} views[] = {{"select", TREE_SELECT}, {"by-ip", TREE_BY_IP}, {"by-uid", TREE_BY_UID}};

	for (size_t i = 0; i < ARRAY_SIZE(views); i++) {
		if (strlen(views[i].name) != len || memcmp(views[i].name, name, len) != 0)
			continue;
		ret->kind = views[i].kind;
		return true;
	}
	return false;
}

bool tree_is_view(enum tree_kind kind)
{
	return kind == TREE_SELECT || kind == TREE_SELECTION || kind == TREE_SELECTION_NAMESPACE ||
	       kind == TREE_BY_IP || kind == TREE_BY_UID;
}

static const struct claims *claims_of(const struct tree *t, enum tree_kind kind)
{
	return kind == TREE_BY_IP ? store_by_ip(t->store) : store_by_uid(t->store);
}

static int find_selection(const struct tree *t, const char *name, size_t len,
			  struct tree_entry *ret)
{
	if (name[0] == '.')
		return -ENOENT;
	ret->kind = TREE_SELECTION;
	ret->store = t->store;
	return selection_check(t->store, name, len);
}

static int find_selected_namespace(const struct tree *t, const struct tree_place *dir,
				   const char *name, size_t len, struct tree_entry *ret)
{
	ret->kind = TREE_SELECTION_NAMESPACE;
	ret->ns = store_find_namespace(t->store, name, len);
	if (!ret->ns)
		return -ENOENT;
	int r = selection_has_folder(dir->selection, ret->ns);
	return r < 0 ? r : r ? 0 : -ENOENT;
}

static int find_selected(const struct tree_place *dir, const char *name, size_t len,
			 struct tree_entry *ret)
{
	ret->kind = TREE_LINK;
	ret->pod = store_find_pod(dir->ns, name, len);
	return ret->pod && selection_has(dir->selection, ret->pod) ? 0 : -ENOENT;
}

static int find_claim(const struct tree *t, const struct tree_place *dir, const char *name,
		      size_t len, struct tree_entry *ret)
{
	const struct claim *claim = claims_find(claims_of(t, dir->kind), name, len);

	if (!claim)
		return -ENOENT;
	ret->kind = TREE_LINK;
	ret->pod = claim->pod;
	/* The name that is listed, also if it was asked for in another spelling. */
	ret->name = claim->name;
	ret->name_len = strlen(claim->name);
	return 0;
}

/* Nobody is told when another spelling leads elsewhere, so none is kept. */
static int find_address(const struct tree *t, const struct tree_place *dir, const char *name,
			size_t len, struct tree_entry *ret)
{
	char address[ADDRESS_MAX];

	if (!address_normalize(name, len, address))
		return -ENOENT;
	ret->uncached = strlen(address) != len || memcmp(address, name, len) != 0;
	return find_claim(t, dir, address, strlen(address), ret);
}

int tree_find_in_view(const struct tree *t, const struct tree_place *dir, const char *name,
		      size_t len, struct tree_entry *ret)
{
	switch (dir->kind) {
	case TREE_SELECT:
		return find_selection(t, name, len, ret);
	case TREE_SELECTION:
		return dir->ns ? find_selected(dir, name, len, ret)
			       : find_selected_namespace(t, dir, name, len, ret);
	case TREE_SELECTION_NAMESPACE:
		return find_selected(dir, name, len, ret);
	case TREE_BY_IP:
		return find_address(t, dir, name, len, ret);
	case TREE_BY_UID:
		return find_claim(t, dir, name, len, ret);
	default:
		return -ENOENT;
	}
}

int tree_enter_selection(struct tree_place *p, const struct tree_entry *entry)
{
	return selection_get(entry->store, entry->name, entry->name_len, &p->selection);
}

static int emit_pod(void *ctx, struct object *pod)
{
	struct tree_entry entry = {
	    .name = pod->name,
	    .name_len = strlen(pod->name),
	    .cookie = pod->cookie,
	    .kind = TREE_LINK,
	    .pod = pod,
	};

	return tree_emit(ctx, &entry);
}

static int list_namespaces(const struct tree_place *dir, struct emitter *e)
{
	struct folder_set *set;
	int r = selection_folders(dir->selection, &set);

	if (r < 0)
		return r;
	const struct collection *c = folder_set_items(set);
	size_t i = collection_after(c, selection_folder_item, tree_emit_from(e), NULL);
	for (; i < c->count && r == 0; i++) {
		const struct selection_folder *f = c->items[i];
		struct tree_entry entry = {
		    .name = f->ns->name,
		    .name_len = strlen(f->ns->name),
		    .cookie = f->ns->cookie,
		    .kind = TREE_SELECTION_NAMESPACE,
		    .ns = f->ns,
		};

		r = tree_emit(e, &entry);
	}
	folder_set_unref(dir->selection, set);
	return r;
}

static int list_claims(const struct claims *c, struct emitter *e)
{
	struct claim_cursor at = claims_seek(c, tree_emit_from(e));
	int r = 0;

	for (const struct claim *claim; r == 0 && (claim = claims_next(c, &at));) {
		struct tree_entry entry = {
		    .name = claim->name,
		    .name_len = strlen(claim->name),
		    .cookie = claim->cookie,
		    .kind = TREE_LINK,
		    .pod = claim->pod,
		};

		r = tree_emit(e, &entry);
	}
	return r;
}

int tree_list_view(const struct tree *t, const struct tree_place *dir, struct emitter *e)
{
	switch (dir->kind) {
	case TREE_SELECT:
		return 0;
	case TREE_SELECTION:
	case TREE_SELECTION_NAMESPACE:
		if (!dir->ns)
			return list_namespaces(dir, e);
		return selection_each(dir->selection, dir->ns, tree_emit_from(e), emit_pod, e);
	default:
		return list_claims(claims_of(t, dir->kind), e);
	}
}

int64_t tree_view_time(const struct tree *t, const struct tree_place *p)
{
	switch (p->kind) {
	case TREE_SELECT:
		return t->started_ns;
	case TREE_SELECTION:
	case TREE_SELECTION_NAMESPACE:
		return selection_time(p->selection, p->ns);
	default:
		return claims_of(t, p->kind)->changed_ns;
	}
}

int tree_view_subdirs(const struct tree_place *p, uint32_t *ret)
{
	struct folder_set *set;

	*ret = 0;
	if (p->kind != TREE_SELECTION || p->ns)
		return 0;
	int r = selection_folders(p->selection, &set);
	if (r < 0)
		return r;
	*ret = (uint32_t)folder_set_items(set)->count;
	folder_set_unref(p->selection, set);
	return 0;
}

int tree_view_link(const struct tree_place *p, struct buf *out)
{
	const struct object *pod = p->pod;

	if (p->dir == TREE_SELECTION)
		return buf_addf(out, "../../pods/%s", pod->name);
	return buf_addf(out, "%snamespaces/%s/pods/%s",
			p->dir == TREE_SELECTION_NAMESPACE ? "../../../" : "../", pod->namespace,
			pod->name);
}

/* The name at the end of @path, and the attributes of the folder it is in. */
static void tell(const struct view_change *change, const struct buf *path, tree_change_fn fn,
		 void *ctx)
{
	const char *slash = path->err ? NULL : strrchr(path->data, '/');

	if (slash && change->went)
		fn(ctx, CHANGE_REMOVED, path->data, (size_t)(slash - path->data));
	if (slash && change->came)
		fn(ctx, CHANGE_ADDED, path->data, (size_t)(slash - path->data));
}

int tree_view_changes(const struct store_change *change, tree_change_fn fn, void *ctx)
{
	const struct view_changes *all = change->views;
	const struct object *pod = change->object;
	cleanup_buf struct buf path = {0};

	for (size_t i = 0; all && i < all->count; i++) {
		const struct view_change *c = &all->changes[i];
		const char *name = view_change_name(all, i);

		buf_clear(&path);
		if (c->view != VIEW_SELECTION) {
			buf_addf(&path, "%s/%s", c->view == VIEW_UID ? "by-uid" : "by-ip", name);
			tell(c, &path, fn, ctx);
			continue;
		}
		buf_addf(&path, "select/%s/%s", name, pod->namespace);
		if (!c->folder)
			buf_addf(&path, "/%s", pod->name);
		tell(c, &path, fn, ctx);
		buf_clear(&path);
		buf_addf(&path, "namespaces/%s/select/%s/%s", pod->namespace, name, pod->name);
		tell(c, &path, fn, ctx);
		if (path.err)
			return path.err;
	}
	return all && all->lost ? -ENOMEM : path.err;
}
