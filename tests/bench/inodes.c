/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inodes: what the inode table costs, in bytes and nanoseconds a node.
 *
 * inodes N <PODS
 *
 * PODS: a pod's JSON a line. Adds N nodes as a cold `find` over them makes the
 * kernel hold them, in rounds if they are fewer; finds each by its id and by
 * its parent and name; walks to each pod's folder; and forgets all of them.
 */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <podfs/base/array.h>
#include <podfs/base/memory.h>
#include <podfs/model/packed.h>
#include <podfs/tree/tree.h>

#include "fs/inode.h"

#define NO_PARENT SIZE_MAX

/* One entry of the tree, as a listing gave it. */
struct made {
	size_t parent; /* index of its folder */
	struct tree_entry entry;
	struct object *object;
	uint64_t id; /* of its node */
};

struct plan {
	const struct tree *tree;
	struct made *all;
	size_t count;
	size_t cap;
};

struct listing {
	struct plan *plan;
	const struct tree_place *dir;
	size_t at;
};

static void die(const char *what)
{
	fprintf(stderr, "inodes: %s\n", what);
	exit(1);
}

static int plan_entry(void *ctx, const struct tree_entry *entry)
{
	struct listing *l = ctx;
	struct plan *plan = l->plan;

	if (array_grow(&plan->all, plan->count, &plan->cap, sizeof(*plan->all)) < 0)
		die("no memory");
	struct made *m = &plan->all[plan->count++];
	*m = (struct made){.parent = l->at, .entry = *entry};
	m->entry.name = strndup(entry->name, entry->name_len);
	return 0;
}

/* Folder by folder, each listed before what is below it, as find does. */
static void plan_dir(struct plan *plan, const struct tree_place *dir, size_t at)
{
	struct listing l = {plan, dir, at};
	size_t first = plan->count;

	if (tree_list(plan->tree, dir, 0, plan_entry, &l) < 0)
		die("a folder cannot be listed");
	size_t end = plan->count;
	for (size_t i = first; i < end; i++) {
		struct tree_entry entry = plan->all[i].entry;
		struct tree_place p = {0};

		if (tree_place_copy(dir, &p) < 0 || tree_enter(&p, &entry) < 0)
			die("a folder cannot be entered");
		plan->all[i].object = p.object;
		if (tree_is_dir(entry.kind, entry.field))
			plan_dir(plan, &p, i);
		tree_place_release(&p);
	}
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static size_t resident(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	char line[128];
	char *behind;

	malloc_trim(0);
	if (!f || !fgets(line, sizeof(line), f))
		die("no /proc/self/statm");
	fclose(f);
	strtoul(line, &behind, 10);
	return strtoul(behind, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

static size_t allocated(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static void put_pods(struct store *store)
{
	struct json_index scratch = {0};
	cleanup_free char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	while ((len = getline(&line, &cap, stdin)) > 0) {
		struct packed p = {0};
		const char *why;

		if (packed_from_json(&scratch, KIND_POD, line, (size_t)len, &p, &why) < 0 ||
		    store_put(store, &p) < 0)
			die("not a pod");
		packed_release(&p);
	}
	json_index_release(&scratch);
}

struct measure {
	struct inode_table *table;
	struct plan *plan;
	uint64_t *ids; /* of the nodes, in the order of their coming */
	size_t count;
};

static void add_round(struct measure *m, unsigned int round, size_t max)
{
	struct plan *plan = m->plan;
	char name[32];
	int len = snprintf(name, sizeof(name), "round-%u", round);
	const struct tree_entry top = {
	    .name = name, .name_len = (size_t)len, .kind = TREE_NAMESPACES};
	struct inode *root = inode_get(m->table, INODE_ROOT);
	struct inode *dir = inode_add(m->table, root, &top, NULL, 1, NULL);

	m->ids[m->count++] = dir->id;
	for (size_t i = 0; i < plan->count && m->count < max; i++) {
		struct made *made = &plan->all[i];
		uint64_t parent = made->parent == NO_PARENT ? dir->id : plan->all[made->parent].id;

		inode_lock(m->table);
		struct inode *up = inode_get(m->table, parent);
		if (inode_child(m->table, up, made->entry.name, made->entry.name_len))
			die("a name is there twice");
		struct inode *n =
		    inode_add(m->table, up, &made->entry, made->object, i * 7919, NULL);
		inode_unlock(m->table);
		made->id = n->id;
		m->ids[m->count++] = n->id;
	}
}

static void say(const char *what, double ns, size_t count)
{
	printf("%-28s %8.0f ns each\n", what, ns / (double)count);
}

static void find_all(struct measure *m)
{
	double begin = now();

	for (size_t i = 0; i < m->count; i++) {
		inode_lock(m->table);
		if (!inode_get(m->table, m->ids[i]))
			die("a node is gone");
		inode_unlock(m->table);
	}
	say("find by id", now() - begin, m->count);
	begin = now();
	size_t found = 0;
	for (size_t i = 0; i < m->plan->count; i++) {
		const struct made *made = &m->plan->all[i];
		uint64_t up = made->parent == NO_PARENT ? 0 : m->plan->all[made->parent].id;
		struct inode *dir = inode_get(m->table, up);

		inode_lock(m->table);
		found += dir && inode_child(m->table, dir, made->entry.name, made->entry.name_len);
		inode_unlock(m->table);
	}
	say("find by name", now() - begin, found);
}

/* What a change does first, for pods that are there and for one that is not. */
static void walk_all(struct measure *m)
{
	char path[600];
	size_t count = 0;
	double begin = now();

	for (size_t i = 0; i < m->plan->count; i++) {
		const struct made *made = &m->plan->all[i];

		if (made->entry.kind != TREE_POD)
			continue;
		const struct made *pods = &m->plan->all[made->parent];
		const struct made *ns = &m->plan->all[pods->parent];
		int len = snprintf(path, sizeof(path), "round-0/%s/pods/%s", ns->entry.name,
				   made->entry.name);
		inode_lock(m->table);
		if (!inode_walk(m->table, path, (size_t)len))
			die("a pod is not found");
		inode_walk(m->table, path, (size_t)len - 1);
		inode_unlock(m->table);
		count += 2;
	}
	say("walk to a pod, or to none", now() - begin, count);
}

static void forget_all(struct measure *m)
{
	double begin = now();

	for (size_t i = 0; i < m->count; i++) {
		inode_lock(m->table);
		inode_forget(m->table, m->ids[i], 1);
		inode_unlock(m->table);
	}
	say("forget", now() - begin, m->count);
}

static void measure(struct plan *plan, size_t max)
{
	struct measure m = {inode_table_new(memory_new()), plan, NULL, 0};

	m.ids = malloc((max + 1) * sizeof(*m.ids));
	memset(m.ids, 0xff, (max + 1) * sizeof(*m.ids));
	size_t own = resident();
	size_t heap_own = allocated();
	double begin = now();
	for (unsigned int round = 0; m.count < max; round++)
		add_round(&m, round, max);
	say("add (with a failed find)", now() - begin, m.count);
	size_t full = resident();
	size_t heap_full = allocated();
	printf("%zu nodes: %.1f bytes each resident, %.1f from malloc\n", m.count,
	       (double)(full - own) / (double)m.count,
	       (double)(heap_full - heap_own) / (double)m.count);
	find_all(&m);
	walk_all(&m);
	forget_all(&m);
	printf("left after all were forgotten: %.1f kB resident (%zu nodes)\n",
	       ((double)resident() - (double)own) / 1000, (size_t)inode_count(m.table));
	inode_table_free(m.table);
	free(m.ids);
}

int main(int argc, char **argv)
{
	struct store *store = store_new(&tree_rules);
	const struct tree tree = {.store = store};
	struct plan plan = {.tree = &tree};
	struct tree_place place = {0};

	if (argc != 2 || !store)
		die("usage: inodes N <PODS");
	put_pods(store);
	store_rdlock(store);
	if (tree_walk(&tree, "namespaces", &place) < 0)
		die("no namespaces");
	plan_dir(&plan, &place, NO_PARENT);
	printf("their tree has %zu entries\n", plan.count);
	tree_place_release(&place);
	store_rdunlock(store);
	opened_cache_clear();
	measure(&plan, strtoul(argv[1], NULL, 10));
	for (size_t i = 0; i < plan.count; i++)
		free((char *)(uintptr_t)plan.all[i].entry.name);
	free(plan.all);
	store_free(store);
	return 0;
}
