/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree over the store (src/store, src/tree, src/downward) with any objects in it. After each
 * change of the store all of it is walked: what is listed is found and is the same then, every file
 * is as long as its attributes say, links lead to folders, and whatever is another than before has
 * been said to the observer, so that no kernel keeps it.
 *
 * Input: records with a NUL between them. The first byte says which:
 *   p n s   puts a Pod, a Node, a Namespace: the rest is its JSON
 *   P N S   removes one: the rest is `namespace/name`
 *   ( )     a list of that kind (the rest is p, n or s) begins, ends
 *   r u     that kind can be read from now on, or no longer
 *   l       looks up a path
 */
#include "said.h"

#include "fuzz.h"

/* Deeper, or longer, it takes too long to look at all of it after each change. */
#define DEPTH_MAX 16
#define TEXT_MAX 3072
#define RECORDS_MAX 24

static enum kind kind_of(int c)
{
	switch (c | 0x20) {
	case 'n':
		return KIND_NODE;
	case 's':
		return KIND_NAMESPACE;
	default:
		return KIND_POD;
	}
}

static bool is_shallow(struct fuzz_input in)
{
	int depth = 0;
	int deepest = 0;

	for (size_t i = 0; i < in.len; i++) {
		depth += in.p[i] == '{' || in.p[i] == '[';
		depth -= in.p[i] == '}' || in.p[i] == ']';
		deepest = depth > deepest ? depth : deepest;
	}
	return deepest <= DEPTH_MAX;
}

static void put_any(enum kind kind, struct fuzz_input in)
{
	cleanup_packed struct packed p = {0};
	const char *fault;

	if (in.len > TEXT_MAX || !is_shallow(in))
		return;
	char *text = fuzz_copy(in, false);
	int r = packed_from_json(&world.index, kind, text, in.len, &p, &fault);
	if (r == 0)
		fuzz_check(store_put(world.store, &p) >= 0);
	free(text);
	if (r == 0)
		check("put");
}

static void remove_any(enum kind kind, struct fuzz_input in)
{
	char *ns = fuzz_copy(fuzz_until(&in, '/'), true);
	char *name = fuzz_copy(in, true);

	fuzz_check(store_remove(world.store, kind, kind == KIND_POD ? ns : "", name) >= 0);
	check("remove");
	free(ns);
	free(name);
}

/* What is there can be looked at; what is not there is so for a reason. */
static void look_up(struct fuzz_input in)
{
	char *path = fuzz_copy(in, true);
	cleanup_place struct tree_place p = {0};
	cleanup_snapshot struct snapshot all = {0};
	cleanup_buf struct buf name = {0};
	struct tree_attr attr;

	buf_addstr(&name, path);
	store_rdlock(world.store);
	int r = tree_walk(&world.tree, path, &p);
	fuzz_check(r == 0 || r == -ENOENT || r == -EINVAL);
	if (r == 0) {
		fuzz_check(tree_attr(&world.tree, &p, &attr) == 0);
		if (attr.type == S_IFDIR)
			world_walk_dir(&world, &p, &name, &all);
		else
			world_add_file(&world, &p, &attr, path, &all);
	}
	store_rdunlock(world.store);
	free(path);
}

static void record(struct fuzz_input in)
{
	int op = fuzz_byte(&in);

	switch (op) {
	case 'p':
	case 'n':
	case 's':
		put_any(kind_of(op), in);
		break;
	case 'P':
	case 'N':
	case 'S':
		remove_any(kind_of(op), in);
		break;
	case '(':
		store_list_begin(world.store, kind_of(fuzz_byte(&in)));
		break;
	case ')':
		store_list_end(world.store, kind_of(fuzz_byte(&in)));
		check("list");
		break;
	case 'r':
	case 'u':
		store_set_readable(world.store, kind_of(fuzz_byte(&in)), op == 'r');
		check("readable");
		break;
	case 'l':
		look_up(in);
		break;
	default:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_begin(data, size);

	set_up(NULL);
	for (int i = 0; i < RECORDS_MAX && in.len; i++)
		record(fuzz_until(&in, '\0'));
	tear_down(NULL);
	return 0;
}
