/* SPDX-License-Identifier: Apache-2.0 */
/*
 * said: a world, all of whose tree is compared after every change of the store with what it was
 * before: whatever differs must have been said.
 */
#ifndef PODFS_TESTS_SAID_H
#define PODFS_TESTS_SAID_H

#include "world.h"

struct said {
	enum change_kind kind;
	char *path;
	size_t base_len;
};

static struct world world;
static struct said said[4096];
static size_t n_said;
static const char *doing; /* for messages */
static char *last_json;

static inline void on_change(void *ctx, enum change_kind kind, const char *path, size_t base_len)
{
	(void)ctx;
	assert_true(n_said < ARRAY_SIZE(said));
	assert_true(base_len < strlen(path) || !*path);
	assert_true(base_len == 0 || path[base_len] == '/');
	said[n_said++] = (struct said){kind, strdup(path), base_len};
}

static inline void on_changed(void *ctx, const struct store_change *change)
{
	(void)ctx;
	assert_int_equal(tree_changes(&world.tree, change, on_change, NULL), 0);
}

static inline void forget_said(void)
{
	while (n_said)
		free(said[--n_said].path);
}

/* Whether it was said that a name at or above @path came or went. */
static inline bool said_renamed(const char *path, enum change_kind kind)
{
	for (size_t i = 0; i < n_said; i++)
		if (said[i].kind == kind && path_within(path, said[i].path))
			return true;
	return false;
}

static inline bool said_value(const char *path)
{
	for (size_t i = 0; i < n_said; i++)
		if (said[i].kind == CHANGE_VALUE && !strcmp(said[i].path, path))
			return true;
	return said_renamed(path, CHANGE_ADDED) || said_renamed(path, CHANGE_REMOVED);
}

/* Whether it was said that a directory's attributes changed. */
static inline bool said_attr(const char *dir)
{
	for (size_t i = 0; i < n_said; i++)
		if (strcmp(said[i].path, dir) != 0 && path_within(said[i].path, dir) &&
		    strlen(dir) >= said[i].base_len)
			return true;
	return said_renamed(dir, CHANGE_ADDED) || said_renamed(dir, CHANGE_REMOVED);
}

static inline void unsaid(const char *what, const char *path)
{
	for (size_t i = 0; i < n_said; i++)
		print_error("said: %c%s (base %zu)\n", " =+-"[said[i].kind], said[i].path,
			    said[i].base_len);
	fail_msg("%s: %s %s\n%s", doing, path, what, last_json ? last_json : "");
}

static inline void compare(const struct snapshot *was, const struct snapshot *is)
{
	for (size_t i = 0; i < was->count; i++)
		if (!snapshot_find(is, was->shots[i].path) &&
		    !said_renamed(was->shots[i].path, CHANGE_REMOVED))
			unsaid("went", was->shots[i].path);
	for (size_t i = 0; i < is->count; i++) {
		const struct shot *new = &is->shots[i];
		const struct shot *old = snapshot_find(was, new->path);

		if (!old) {
			if (!said_renamed(new->path, CHANGE_ADDED))
				unsaid("came", new->path);
			continue;
		}
		if (!shot_same(old, new) && !said_value(new->path))
			unsaid("is another", new->path);
		if (new->type == 'd' && old->type == 'd') {
			if ((old->mtime_ns != new->mtime_ns || old->nlink != new->nlink) &&
			    !said_attr(new->path))
				unsaid("has other attributes", new->path);
		} else if (old->mtime_ns != new->mtime_ns && !said_value(new->path)) {
			unsaid("has another time", new->path);
		}
	}
}

static struct snapshot before;

static inline void check(const char *what)
{
	struct snapshot now = {0};

	doing = what;
	world_look(&world, &now);
	compare(&before, &now);
	snapshot_release(&before);
	before = now;
	forget_said();
}

/* As check(), but a change of the store is meant to have happened. */
static inline void put(enum kind kind, const char *json)
{
	free(last_json);
	last_json = strdup(json);
	int r = world_put(&world, kind, json);
	if (r < 0)
		fail_msg("%d for %s", r, json);
	check("put");
}

static inline void take_away(enum kind kind, const char *ns, const char *name)
{
	assert_int_equal(store_remove(world.store, kind, ns, name), 1);
	check("remove");
}

static inline int set_up(void **state)
{
	static const char *const selections[] = {
	    "select/a=1",
	    "select/a",
	    "select/!a",
	    "select/a,b notin (0)",
	    "select/k8s.io%2Fa in (1,2)",
	    "select/b>0",
	    "namespaces/shop/select/a=1",
	    "namespaces/shop/select/!a",
	    "namespaces/b/select/a,b notin (0)",
	};
	const struct store_observer observer = {NULL, on_changed, NULL};

	(void)state;
	world_init(&world);
	world.tree.own = (struct tree_own){.namespace = "shop", .pod = "a", .not_on_host = true};
	store_observe(world.store, &observer);
	world_look_up(&world, selections, ARRAY_SIZE(selections));
	world_look(&world, &before);
	return 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	forget_said();
	snapshot_release(&before);
	world_release(&world);
	free(last_json);
	last_json = NULL;
	return 0;
}

#endif
