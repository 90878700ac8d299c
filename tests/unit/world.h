/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world: a store with a tree over it, and a way to look at all of the tree.
 */
#ifndef PODFS_TESTS_WORLD_H
#define PODFS_TESTS_WORLD_H

#include "docs.h"
#include "snapshot.h"

#include <sys/stat.h>

#include <podfs/base/clock.h>
#include <podfs/tree/tree.h>

#define WORLD_UNLISTED_MAX 64

struct world {
	struct store *store;
	struct tree tree;
	struct json_index index;
	/* Folders that no listing has: they are looked at, too, and the selections among them
	 * are held. */
	const char *const *unlisted;
	size_t unlisted_count;
	struct tree_place held[WORLD_UNLISTED_MAX];
};

static inline int world_say(void *ctx, struct buf *out)
{
	(void)ctx;
	return buf_addstr(out, "said\n");
}

static inline void world_init(struct world *w)
{
	*w = (struct world){0};
	w->store = store_new(&tree_rules);
	assert_non_null(w->store);
	w->tree.store = w->store;
	w->tree.self = (struct tree_self){w, world_say, world_say, world_say};
	w->tree.started_ns = clock_realtime_ns();
}

/* Names folders that are to be looked at as well; those that are not there are passed over. */
static inline void world_look_up(struct world *w, const char *const *paths, size_t count)
{
	assert_true(count <= WORLD_UNLISTED_MAX);
	w->unlisted = paths;
	w->unlisted_count = count;
	store_rdlock(w->store);
	for (size_t i = 0; i < count; i++)
		tree_walk(&w->tree, paths[i], &w->held[i]);
	store_rdunlock(w->store);
}

static inline void world_release(struct world *w)
{
	for (size_t i = 0; i < w->unlisted_count; i++)
		tree_place_release(&w->held[i]);
	store_free(w->store);
	json_index_release(&w->index);
	opened_cache_clear();
}

/* What store_put() says, or -EINVAL for what is no object. */
static inline int world_put(struct world *w, enum kind kind, const char *json)
{
	cleanup_packed struct packed p = {0};
	const char *fault;

	int r = packed_from_json(&w->index, kind, json, strlen(json), &p, &fault);
	return r < 0 ? r : store_put(w->store, &p);
}

/* The smallest pod there can be. */
static inline int world_put_pod(struct world *w, const char *ns, const char *name, const char *uid,
				const char *node)
{
	cleanup_buf struct buf json = {0};

	buf_addf(&json,
		 "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"%s\",\"uid\":\"%s\"},"
		 "\"spec\":{\"nodeName\":\"%s\"}}",
		 name, ns, uid, node);
	return world_put(w, KIND_POD, json.data);
}

static inline int world_put_named(struct world *w, enum kind kind, const char *name,
				  const char *uid)
{
	cleanup_buf struct buf json = {0};

	buf_addf(&json, "{\"metadata\":{\"name\":\"%s\",\"uid\":\"%s\"}}", name, uid);
	return world_put(w, kind, json.data);
}

struct world_walk {
	const struct world *world;
	const struct tree_place *dir;
	struct buf *path;
	struct snapshot *ret;
	uint64_t last_cookie;
	uint32_t subdirs;
};

static inline void world_walk_dir(const struct world *w, const struct tree_place *dir,
				  struct buf *path, struct snapshot *ret);

static inline void world_add_file(const struct world *w, const struct tree_place *p,
				  const struct tree_attr *attr, const char *path,
				  struct snapshot *ret)
{
	const struct tree_source source = {p->opened, p->node_opened};
	cleanup_buf struct buf scratch = {0};
	const struct buf *bytes = &scratch;
	char type = attr->type == S_IFLNK ? 'l' : 'f';

	if (type == 'l')
		assert_int_equal(tree_readlink(p, &scratch), 0);
	else if (tree_is_volatile(p->kind))
		assert_int_equal(tree_read_volatile(&w->tree, p->kind, 0, &scratch), 0);
	else
		assert_int_equal(tree_read(&source, p->kind, p->path.data, &scratch, &bytes), 0);
	if (!tree_is_volatile(p->kind))
		assert_int_equal(attr->size, bytes->len);
	assert_int_equal(attr->nlink, 1);
	struct shot *shot = snapshot_add(ret, path, type, bytes->data, bytes->len);
	shot->mtime_ns = attr->mtime_ns;
	shot->nlink = 1;
}

/* What is listed is found, is the same when found, and is entered without fault. */
static inline int world_walk_entry(void *ctx, const struct tree_entry *entry)
{
	struct world_walk *walk = ctx;
	const struct world *w = walk->world;
	cleanup_place struct tree_place p = {0};
	struct tree_entry found;
	struct tree_attr attr;
	size_t len = walk->path->len;

	if (entry->cookie <= walk->last_cookie)
		fail_msg("out of order: %.*s", (int)entry->name_len, entry->name);
	walk->last_cookie = entry->cookie;
	buf_addf(walk->path, "%s%.*s", len ? "/" : "", (int)entry->name_len, entry->name);
	if (tree_find(&w->tree, walk->dir, entry->name, entry->name_len, &found) != 0)
		fail_msg("listed, but not found: %s", walk->path->data);
	if (found.kind != entry->kind || found.field.node != entry->field.node ||
	    found.field.style != entry->field.style)
		fail_msg("listed as something else than found: %s", walk->path->data);
	assert_int_equal(tree_place_copy(walk->dir, &p), 0);
	assert_int_equal(tree_enter(&p, entry), 0);
	assert_int_equal(tree_attr(&w->tree, &p, &attr), 0);
	if (tree_entry_ino(walk->dir, entry) != attr.ino)
		fail_msg("listed with another inode number: %s", walk->path->data);
	assert_true(attr.ino != 0);
	assert_int_equal(attr.type == S_IFDIR, tree_is_dir(entry->kind, entry->field));
	if (attr.type == S_IFDIR) {
		walk->subdirs++;
		world_walk_dir(w, &p, walk->path, walk->ret);
	} else {
		world_add_file(w, &p, &attr, walk->path->data, walk->ret);
	}
	walk->path->len = len;
	walk->path->data[len] = '\0';
	return 0;
}

static inline void world_walk_dir(const struct world *w, const struct tree_place *dir,
				  struct buf *path, struct snapshot *ret)
{
	struct world_walk walk = {.world = w, .dir = dir, .path = path, .ret = ret};
	struct tree_attr attr;
	size_t at = ret->count;

	snapshot_add(ret, path->len ? path->data : "", 'd', NULL, 0);
	assert_int_equal(tree_list(&w->tree, dir, 0, world_walk_entry, &walk), 0);
	assert_int_equal(tree_attr(&w->tree, dir, &attr), 0);
	if (attr.nlink != 2 + walk.subdirs)
		fail_msg("%u links, but %u folders in %s", attr.nlink, walk.subdirs, path->data);
	ret->shots[at].mtime_ns = attr.mtime_ns;
	ret->shots[at].nlink = attr.nlink;
}

/* Where a link leads, from the root; "" if it leads out of the tree. */
static inline void world_resolve(const char *link, const char *target, struct buf *out)
{
	buf_clear(out);
	buf_addstr(out, link);
	for (bool name = true; name || *target;) {
		/* At first the link's own name goes, then what the target says. */
		size_t n = name ? 2 : strcspn(target, "/");
		bool up = name || (n == 2 && !memcmp(target, "..", 2));

		if (up) {
			char *slash = strrchr(out->data, '/');

			out->len = slash ? (size_t)(slash - out->data) : 0;
			out->data[out->len] = '\0';
		} else {
			buf_addf(out, "%s%.*s", out->len ? "/" : "", (int)n, target);
		}
		if (!name)
			target += n + (target[n] == '/');
		name = false;
	}
}

/* All of the tree, with everything checked that can be checked on the way. */
static inline void world_look(const struct world *w, struct snapshot *ret)
{
	cleanup_place struct tree_place root = {0};
	cleanup_buf struct buf path = {0};

	buf_addstr(&path, "");
	store_rdlock(w->store);
	tree_root(&w->tree, &root);
	world_walk_dir(w, &root, &path, ret);
	for (size_t i = 0; i < w->unlisted_count; i++) {
		cleanup_place struct tree_place dir = {0};

		buf_clear(&path);
		buf_addstr(&path, w->unlisted[i]);
		if (tree_walk(&w->tree, w->unlisted[i], &dir) == 0)
			world_walk_dir(w, &dir, &path, ret);
	}
	store_rdunlock(w->store);
	snapshot_sort(ret);
	for (size_t i = 0; i < ret->count; i++) {
		const struct shot *shot = &ret->shots[i];

		if (shot->type != 'l')
			continue;
		world_resolve(shot->path, shot->data, &path);
		const struct shot *end = snapshot_find(ret, path.data);
		if (!end || end->type != 'd')
			fail_msg("%s -> %s leads nowhere", shot->path, shot->data);
	}
}

#endif
