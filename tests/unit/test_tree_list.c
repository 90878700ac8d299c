/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listings that are read in pieces, while entries come and go between them.
 */
#include "world.h"

static struct world world;

static int set_up(void **state)
{
	(void)state;
	world_init(&world);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	world_release(&world);
	return 0;
}

struct page {
	uint64_t last;
	size_t room;
	struct snapshot *seen;
};

static int take_entry(void *ctx, const struct tree_entry *entry)
{
	struct page *page = ctx;
	char name[256];

	if (!page->room)
		return 1;
	page->room--;
	assert_true(entry->cookie > page->last);
	page->last = entry->cookie;
	snprintf(name, sizeof(name), "%.*s", (int)entry->name_len, entry->name);
	snapshot_add(page->seen, name, 'f', NULL, 0);
	return 0;
}

/* The next entries behind @after; 0 at the end. */
static uint64_t next_page(const char *path, uint64_t after, size_t room, struct snapshot *seen)
{
	cleanup_place struct tree_place dir = {0};
	struct page page = {.last = after, .room = room, .seen = seen};

	store_rdlock(world.store);
	assert_int_equal(tree_walk(&world.tree, path, &dir), 0);
	int r = tree_list(&world.tree, &dir, after, take_entry, &page);
	store_rdunlock(world.store);
	assert_true(r == 0 || r == 1);
	return r ? page.last : 0;
}

static void list_all(const char *path, size_t room, struct snapshot *seen)
{
	uint64_t at = 0;

	do {
		at = next_page(path, at, room, seen);
	} while (at);
	snapshot_sort(seen);
}

static void assert_lists(const char *path, const char *want)
{
	cleanup_snapshot struct snapshot seen = {0};
	cleanup_buf struct buf names = {0};

	list_all(path, 1000, &seen);
	buf_addstr(&names, "");
	for (size_t i = 0; i < seen.count; i++)
		buf_addf(&names, "%s%s", i ? " " : "", seen.shots[i].path);
	assert_string_equal(names.data, want);
}

#define WEB                                                                                        \
	"{\"metadata\":{\"name\":\"web\",\"namespace\":\"shop\",\"uid\":\"1\",\"labels\":{"        \
	"\"app\":\"x\"}},"                                                                         \
	"\"spec\":{\"nodeName\":\"k1\",\"containers\":[{\"name\":\"main\"},{\"name\":\"log\"}],"   \
	"\"initContainers\":[{\"name\":\"init\"}]},\"status\":{\"containerStatuses\":"             \
	"[{\"name\":\"main\"}]}}"

static void a_store_with_one_pod_shows_all_of_the_tree(void **state)
{
	(void)state;
	world_put_named(&world, KIND_NAMESPACE, "shop", "n");
	world_put_named(&world, KIND_NODE, "k1", "k");
	assert_int_equal(world_put(&world, KIND_POD, WEB), 1);
	assert_lists("", ".podfs by-ip by-uid namespaces nodes select");
	assert_lists(".podfs", "metrics status version");
	assert_lists("namespaces", "shop");
	assert_lists("namespaces/shop", "metadata object.json object.yaml pods select");
	assert_lists(
	    "namespaces/shop/pods/web",
	    "containers downward labels metadata node object.json object.yaml spec status");
	assert_lists("namespaces/shop/pods/web/node", "metadata");
	assert_lists("namespaces/shop/pods/web/node/metadata", "name uid");
	assert_lists("namespaces/shop/pods/web/containers", "init log main");
	assert_lists("namespaces/shop/pods/web/containers/main", "resources spec status");
	assert_lists("namespaces/shop/pods/web/containers/log", "resources spec");
	assert_lists("nodes/k1", "metadata object.json object.yaml pods");
	assert_lists("nodes/k1/pods", "shop");
	assert_lists("nodes/k1/pods/shop", "web");
}

static void assert_link(const struct snapshot *s, const char *path, const char *target)
{
	const struct shot *shot = snapshot_find(s, path);

	assert_non_null(shot);
	assert_int_equal(shot->type, 'l');
	assert_string_equal(shot->data, target);
}

static void links_lead_where_the_interface_says(void **state)
{
	cleanup_snapshot struct snapshot s = {0};

	(void)state;
	world_put_named(&world, KIND_NODE, "k1", "k");
	assert_int_equal(world_put(&world, KIND_POD, WEB), 1);
	world_look(&world, &s);
	assert_link(&s, "namespaces/shop/pods/web/labels", "metadata/labels");
	assert_link(&s, "namespaces/shop/pods/web/containers/main/spec",
		    "../../spec/containers/main");
	assert_link(&s, "namespaces/shop/pods/web/containers/main/status",
		    "../../status/containerStatuses/main");
	assert_link(&s, "namespaces/shop/pods/web/containers/init/spec",
		    "../../spec/initContainers/init");
	assert_link(&s, "nodes/k1/pods/shop/web", "../../../../namespaces/shop/pods/web");
}

static void paths_that_lead_nowhere_are_not_found(void **state)
{
	static const char *const bad[] = {"x",
					  ".",
					  "..",
					  "namespaces/x",
					  "namespaces/shop/x",
					  "namespaces/shop/pods/web/kind",
					  "namespaces/shop/pods/web/annotations",
					  "namespaces/shop/pods/web/labels/app",
					  "namespaces/shop/pods/web/object.json/x",
					  "namespaces/shop/pods/web/containers/x",
					  "namespaces/shop/pods/web/containers/log/status",
					  "nodes/k1/pods/bank",
					  "nodes/k2",
					  "nodes/k1/pods/shop/db",
					  "namespaces//shop",
					  ".podfs/events",
					  "selects",
					  "namespaces/shop/pods/web/metadata/labels/app/x"};

	(void)state;
	world_put_named(&world, KIND_NODE, "k1", "k");
	assert_int_equal(world_put(&world, KIND_POD, WEB), 1);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		cleanup_place struct tree_place p = {0};

		if (tree_walk(&world.tree, bad[i], &p) != -ENOENT)
			fail_msg("found %s", bad[i]);
	}
}

/* 100 names at @path come and go; `steady` ones are there throughout. */
static void change_pods(struct dice *d, unsigned times)
{
	char name[16];

	while (times--) {
		snprintf(name, sizeof(name), "p%u", 40 + dice_roll(d, 60));
		if (store_remove(world.store, KIND_POD, "shop", name) == 0)
			assert_int_equal(world_put_pod(&world, "shop", name, "u", "k1"), 1);
	}
}

static void lists_each_entry_once_while_others_come_and_go(void **state)
{
	static const char *const dirs[] = {"namespaces/shop/pods", "nodes/k1/pods/shop"};
	struct dice dice = {13};
	char name[16];

	(void)state;
	world_put_named(&world, KIND_NODE, "k1", "k");
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		assert_int_equal(world_put_pod(&world, "shop", name, "u", "k1"), 1);
	}
	for (int round = 0; round < 400; round++) {
		cleanup_snapshot struct snapshot seen = {0};
		uint64_t at = 0;

		do {
			at = next_page(dirs[round % 2], at, 1 + dice_roll(&dice, 5), &seen);
			change_pods(&dice, 5);
		} while (at);
		/* Which fails if one is there twice. */
		snapshot_sort(&seen);
		for (int i = 0; i < 40; i++) {
			snprintf(name, sizeof(name), "p%d", i);
			if (!snapshot_find(&seen, name))
				fail_msg("%s was skipped", name);
		}
	}
}

static void a_listing_goes_on_at_every_position(void **state)
{
	static const char *const dirs[] = {"",
					   "namespaces",
					   "namespaces/shop",
					   "namespaces/shop/pods",
					   "namespaces/shop/pods/web",
					   "namespaces/shop/pods/web/metadata",
					   "namespaces/shop/pods/web/containers",
					   "nodes/k1",
					   "nodes/k1/pods",
					   "nodes/k1/pods/shop",
					   ".podfs"};
	char name[16];

	(void)state;
	world_put_named(&world, KIND_NODE, "k1", "k");
	assert_int_equal(world_put(&world, KIND_POD, WEB), 1);
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "x%d", i);
		world_put_pod(&world, "shop", name, "u", "k1");
		world_put_pod(&world, name, name, "u", "k1");
	}
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		cleanup_snapshot struct snapshot whole = {0};
		cleanup_snapshot struct snapshot again = {0};

		next_page(dirs[i], 0, SIZE_MAX, &whole);
		for (size_t n = 0; n < whole.count; n++) {
			cleanup_snapshot struct snapshot head = {0};
			cleanup_snapshot struct snapshot tail = {0};
			uint64_t at = n ? next_page(dirs[i], 0, n, &head) : 0;

			next_page(dirs[i], at, SIZE_MAX, &tail);
			assert_int_equal(head.count + tail.count, whole.count);
			for (size_t k = 0; k < tail.count; k++)
				assert_string_equal(tail.shots[k].path,
						    whole.shots[head.count + k].path);
		}
		list_all(dirs[i], 1, &again);
		assert_int_equal(again.count, whole.count);
	}
}

static int64_t mtime_of(const char *path)
{
	cleanup_place struct tree_place p = {0};
	struct tree_attr attr;

	assert_int_equal(tree_walk(&world.tree, path, &p), 0);
	assert_int_equal(tree_attr(&world.tree, &p, &attr), 0);
	return attr.mtime_ns;
}

static void a_value_is_as_old_as_its_object_until_it_changes(void **state)
{
	const char *pod = "{\"metadata\":{\"name\":\"web\",\"namespace\":\"shop\",\"uid\":\"1\","
			  "\"creationTimestamp\":\"2026-11-23T23:38:57Z\",\"labels\":{\"a\":\"%s\","
			  "\"b\":\"1\"}}}";
	const int64_t created = INT64_C(1795477137000000000);
	char json[512];

	(void)state;
	int64_t start = clock_realtime_ns();
	snprintf(json, sizeof(json), "%s", pod);
	char *label = strstr(json, "%s");
	label[0] = 'x';
	label[1] = 'x';
	assert_int_equal(world_put(&world, KIND_POD, json), 1);
	assert_true(mtime_of("namespaces/shop/pods/web") == created);
	assert_true(mtime_of("namespaces/shop/pods/web/metadata/labels/a") == created);
	assert_true(mtime_of("namespaces/shop/pods") >= start);
	label[0] = 'y';
	assert_int_equal(world_put(&world, KIND_POD, json), 1);
	assert_true(mtime_of("namespaces/shop/pods/web/metadata/labels/a") >= start);
	assert_true(mtime_of("namespaces/shop/pods/web/metadata/labels") >= start);
	assert_true(mtime_of("namespaces/shop/pods/web") >= start);
	assert_true(mtime_of("namespaces/shop/pods/web/object.json") >= start);
	assert_true(mtime_of("namespaces/shop/pods/web/metadata/labels/b") == created);
	assert_true(mtime_of("namespaces/shop/pods/web/metadata/name") == created);
}

static void nodes_that_may_not_be_read_are_not_there(void **state)
{
	(void)state;
	world_put_pod(&world, "shop", "web", "1", "k1");
	store_set_readable(world.store, KIND_NODE, false);
	assert_lists("", ".podfs by-ip by-uid namespaces select");
	assert_lists("namespaces/shop/pods/web", "downward metadata object.json object.yaml spec");
	store_set_readable(world.store, KIND_NODE, true);
	assert_lists("", ".podfs by-ip by-uid namespaces nodes select");
}

struct attrs {
	struct tree_place dir;
	size_t count;
};

static int take_attr(void *ctx, const struct tree_entry *entry)
{
	struct attrs *attrs = ctx;
	cleanup_place struct tree_place p = {0};
	struct tree_attr attr;

	assert_int_equal(tree_place_copy(&attrs->dir, &p), 0);
	assert_int_equal(tree_enter(&p, entry), 0);
	assert_int_equal(tree_attr(&world.tree, &p, &attr), 0);
	assert_int_equal(attr.nlink, attr.type == S_IFDIR ? 2 : 1);
	attrs->count++;
	return 0;
}

static void assert_attrs(const char *path, size_t count)
{
	struct attrs attrs = {0};

	assert_int_equal(tree_walk(&world.tree, path, &attrs.dir), 0);
	assert_int_equal(tree_list(&world.tree, &attrs.dir, 0, take_attr, &attrs), 0);
	assert_int_equal(attrs.count, count);
	tree_place_release(&attrs.dir);
}

#define MANY 20000

static void put_large(int first, const char *image)
{
	cleanup_buf struct buf json = {0};

	buf_addstr(&json, "{\"metadata\":{\"name\":\"web\",\"namespace\":\"shop\",\"uid\":\"1\","
			  "\"annotations\":{\"a\":\"\"");
	for (int i = 0; i < MANY; i++)
		buf_addf(&json, ",\"p%d/k\":\"%s\"", i, image);
	buf_addf(&json, "},\"labels\":{\"image\":\"%s\"", image);
	for (int i = 0; i < MANY; i++)
		buf_addf(&json, ",\"l%d\":\"\"", i);
	buf_addstr(&json, "}},\"spec\":{\"containers\":[{\"name\":\"first\"}");
	for (int i = first; i < MANY; i++)
		buf_addf(&json, ",{\"name\":\"c%d\",\"image\":\"%s\"}", i, image);
	buf_addstr(&json, "]},\"status\":{\"containerStatuses\":[{\"name\":\"first\"}");
	for (int i = 0; i < MANY; i++)
		buf_addf(&json, ",{\"name\":\"c%d\"}", i);
	buf_addstr(&json, "]}}");
	assert_int_equal(world_put(&world, KIND_POD, json.data), 1);
}

/* In quadratic time each of these takes minutes. */
static void large_directories_are_listed_and_compared_in_one_go(void **state)
{
	(void)state;
	put_large(0, "x");
	put_large(1, "y");
	assert_attrs("namespaces/shop/pods/web/containers", MANY);
	assert_attrs("namespaces/shop/pods/web/spec/containers", MANY);
	assert_attrs("namespaces/shop/pods/web/metadata/labels", MANY + 1);
	assert_attrs("namespaces/shop/pods/web/metadata/annotations", MANY + 1);
	assert_int_equal(world_put(&world, KIND_POD, WEB), 1);
	assert_lists("namespaces/shop/pods/web/containers", "init log main");
}

static void prefixes_are_directories_among_files(void **state)
{
	cleanup_place struct tree_place p = {0};
	struct tree_attr attr;

	(void)state;
	put_large(0, "x");
	assert_int_equal(
	    tree_walk(&world.tree, "namespaces/shop/pods/web/metadata/annotations", &p), 0);
	assert_int_equal(tree_attr(&world.tree, &p, &attr), 0);
	assert_int_equal(attr.nlink, 2 + MANY);
	tree_place_release(&p);
	assert_int_equal(
	    tree_walk(&world.tree, "namespaces/shop/pods/web/metadata/annotations/p7", &p), 0);
	assert_int_equal(tree_attr(&world.tree, &p, &attr), 0);
	assert_int_equal(attr.nlink, 2);
}

#define list_test(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    list_test(a_store_with_one_pod_shows_all_of_the_tree),
	    list_test(links_lead_where_the_interface_says),
	    list_test(paths_that_lead_nowhere_are_not_found),
	    list_test(lists_each_entry_once_while_others_come_and_go),
	    list_test(a_listing_goes_on_at_every_position),
	    list_test(a_value_is_as_old_as_its_object_until_it_changes),
	    list_test(nodes_that_may_not_be_read_are_not_there),
	    list_test(large_directories_are_listed_and_compared_in_one_go),
	    list_test(prefixes_are_directories_among_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
