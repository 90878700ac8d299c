/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real handlers, as a kernel finds them: what is found, listed, read and forgotten.
 */
#include <podfs/store/cookie.h>
#include <podfs/store/selection.h>

#include "fuse_kernel.h"

static void assert_reads(uint64_t id, uint64_t off, uint32_t size, const char *want)
{
	const struct fuse_read_in in = {.offset = off, .size = size};

	assert_int_equal(request(FUSE_READ, id, &in, sizeof(in)), 0);
	assert_int_equal(payload_len(), strlen(want));
	assert_memory_equal(payload(), want, strlen(want));
}

static void a_file_is_found_and_read_in_any_piece(void **state)
{
	(void)state;
	uint64_t id = walk("namespaces/shop/pods/web/metadata/name");
	struct fuse_attr attr = getattr(id);
	assert_int_equal(attr.size, 4);
	assert_int_equal(attr.blocks, 1);
	assert_int_equal(attr.mode, S_IFREG | 0444);
	assert_int_equal(attr.nlink, 1);
	assert_reads(id, 0, 4096, "web\n");
	assert_reads(id, 1, 2, "eb");
	assert_reads(id, 4, 4096, "");
	assert_reads(id, 1u << 30, 4096, "");
}

static void the_same_name_is_the_same_node(void **state)
{
	(void)state;
	assert_int_equal(walk("namespaces/shop/pods/web"), walk("namespaces/shop/pods/web"));
	assert_int_equal(inode_count(fs->inodes), 5);
}

static void an_absent_name_is_remembered_as_absent(void **state)
{
	(void)state;
	struct fuse_entry_out e = lookup(FUSE_ROOT_ID, "nothing");
	assert_int_equal(e.nodeid, 0);
	assert_true(e.entry_valid > 3600);
}

static void a_malformed_selector_is_invalid_and_not_remembered(void **state)
{
	(void)state;
	uint64_t id = walk("select");
	assert_int_equal(request(FUSE_LOOKUP, id, "a=", 3), 0);
	assert_int_equal(request(FUSE_LOOKUP, id, "a=,", 4), -EINVAL);
	assert_int_equal(request(FUSE_LOOKUP, walk("namespaces/shop/select"), "=", 2), -EINVAL);
	assert_int_equal(lookup(id, ".a").nodeid, 0);
}

static void another_spelling_of_an_address_is_the_same_node_and_not_remembered(void **state)
{
	static const char pod[] =
	    "{\"metadata\":{\"name\":\"six\",\"namespace\":\"shop\",\"uid\":\"%s\"},"
	    "\"status\":{\"podIP\":\"fd00::1\"}}";
	char json[256];
	uint64_t before = 0;

	(void)state;
	uint64_t id = walk("by-ip");
	assert_true(lookup(id, "fd00::1").entry_valid > 3600);
	assert_int_equal(request(FUSE_LOOKUP, id, "FD00::1", 8), -ENOENT);
	for (unsigned int i = 0; i < 2; i++) {
		snprintf(json, sizeof(json), pod, i ? "u1" : "u2");
		assert_int_equal(world_put(&world, KIND_POD, json), 1);
		struct fuse_entry_out other = lookup(id, "FD00::1");
		struct fuse_entry_out listed = lookup(id, "fd00::1");
		assert_true(listed.entry_valid > 3600);
		assert_int_equal(other.entry_valid, 0);
		assert_int_equal(other.entry_valid_nsec, 0);
		assert_int_equal(other.nodeid, listed.nodeid);
		/* Another pod is another link: the target of the first may be cached. */
		assert_int_not_equal(other.nodeid, before);
		before = other.nodeid;
	}
}

static int64_t selected_since(const char *name)
{
	struct selection *sel;

	store_rdlock(world.store);
	assert_int_equal(selection_get(world.store, name, strlen(name), &sel), 0);
	int64_t since = selection_time(sel, NULL);
	selection_unref(sel);
	store_rdunlock(world.store);
	return since;
}

static void a_selection_is_held_until_the_kernel_forgets_its_folders(void **state)
{
	(void)state;
	uint64_t outer = walk("select/app");
	uint64_t inner = walk("namespaces/shop/select/app");
	int64_t since = selected_since("app");
	forget(outer, 1);
	assert_true(selected_since("app") == since);
	forget(inner, 1);
	assert_true(selected_since("app") > since);
}

static void a_node_that_was_never_handed_out_is_not_served(void **state)
{
	const struct fuse_getattr_in in = {0};
	const struct fuse_read_in read_in = {.size = 10};

	(void)state;
	assert_int_equal(request(FUSE_GETATTR, 4711, &in, sizeof(in)), -ENOENT);
	assert_int_equal(request(FUSE_READ, 4711, &read_in, sizeof(read_in)), -ENOENT);
	assert_int_equal(request(FUSE_READDIR, 4711, &read_in, sizeof(read_in)), -ENOENT);
	assert_int_equal(request(FUSE_LOOKUP, 4711, "a", 2), 0);
}

static void open_is_left_to_the_kernel(void **state)
{
	const struct fuse_open_in in = {0};

	(void)state;
	uint64_t id = walk("namespaces/shop/pods/web/metadata/name");
	assert_int_equal(request(FUSE_OPEN, id, &in, sizeof(in)), -ENOSYS);
	assert_int_equal(request(FUSE_OPENDIR, FUSE_ROOT_ID, &in, sizeof(in)), -ENOSYS);
}

static void an_open_file_never_changes_and_the_path_leads_to_the_newest(void **state)
{
	(void)state;
	uint64_t old = walk("namespaces/shop/pods/web/metadata/labels/a");
	uint64_t other = walk("namespaces/shop/pods/web/metadata/labels/b");
	uint64_t json = walk("namespaces/shop/pods/web/object.json");
	uint64_t json_size = getattr(json).size;
	struct fuse_attr attr = getattr(old);

	assert_int_equal(world_put(&world, KIND_POD, POD("newest")), 1);
	assert_reads(old, 0, 100, "old\n");
	struct fuse_attr later = getattr(old);
	assert_int_equal(later.ino, attr.ino);
	assert_int_equal(later.size, attr.size);
	assert_int_equal(later.mtime, attr.mtime);
	uint64_t new = walk("namespaces/shop/pods/web/metadata/labels/a");
	assert_int_not_equal(new, old);
	assert_int_not_equal(getattr(new).ino, attr.ino);
	assert_reads(new, 0, 100, "newest\n");
	assert_int_equal(walk("namespaces/shop/pods/web/metadata/labels/b"), other);
	assert_int_equal(getattr(json).size, json_size);
	assert_int_equal(getattr(walk("namespaces/shop/pods/web/object.json")).size, json_size + 3);
}

static void a_folder_of_a_pod_that_is_gone_is_empty_and_its_files_read_on(void **state)
{
	cleanup_snapshot struct snapshot seen = {0};

	(void)state;
	uint64_t pod = walk("namespaces/shop/pods/web");
	uint64_t labels = walk("namespaces/shop/pods/web/metadata/labels");
	uint64_t a = walk("namespaces/shop/pods/web/metadata/labels/a");
	assert_int_equal(store_remove(world.store, KIND_POD, "shop", "web"), 1);
	assert_reads(a, 0, 100, "old\n");
	assert_int_equal(list(labels, false, 4096, &seen), 0);
	assert_int_equal(seen.count, 2);
	assert_int_equal(lookup(pod, "metadata").nodeid, 0);
	assert_true(S_ISDIR(getattr(pod).mode));
	/* Made again, it is another one. */
	assert_int_equal(world_put(&world, KIND_POD, POD("again")), 1);
	assert_int_not_equal(walk("namespaces/shop/pods/web"), pod);
	assert_int_equal(lookup(pod, "metadata").nodeid, 0);
	assert_reads(walk("namespaces/shop/pods/web/metadata/labels/a"), 0, 100, "again\n");
	assert_reads(a, 0, 100, "old\n");
}

static void a_listing_names_each_entry_once_in_pieces_of_any_size(void **state)
{
	char name[32];

	(void)state;
	for (int i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "pod-%d", i);
		assert_int_equal(world_put_pod(&world, "shop", name, "u", ""), 1);
	}
	uint64_t pods = walk("namespaces/shop/pods");
	for (uint32_t size = 300; size < 5000; size += 457) {
		cleanup_snapshot struct snapshot plain = {0};
		cleanup_snapshot struct snapshot plus = {0};

		assert_int_equal(list(pods, false, size, &plain), 0);
		assert_int_equal(plain.count, 63);
		assert_int_equal(list(pods, true, size, &plus), 61);
		assert_int_equal(plus.count, 63);
	}
}

/* How many entries of a reply lead to the end, which only its last may; where that one leads. */
static unsigned int ends_in_reply(bool plus, uint64_t *ret_last)
{
	size_t head = plus ? sizeof(struct fuse_entry_out) : 0;
	unsigned int ends = 0;

	for (size_t at = 0; at < payload_len();) {
		struct fuse_dirent d;

		assert_int_equal(ends, 0);
		memcpy(&d, (char *)payload() + at + head, offsetof(struct fuse_dirent, name));
		*ret_last = d.off;
		ends += d.off == COOKIE_END;
		at += FUSE_DIRENT_ALIGN(head + offsetof(struct fuse_dirent, name) + d.namelen);
	}
	return ends;
}

static void the_last_entry_leads_to_the_end_where_nothing_is(void **state)
{
	static const uint32_t ops[] = {FUSE_READDIR, FUSE_READDIRPLUS};

	(void)state;
	for (int i = 0; i < 20; i++) {
		char name[32];

		snprintf(name, sizeof(name), "pod-%d", i);
		assert_int_equal(world_put_pod(&world, "shop", name, "u", ""), 1);
	}
	uint64_t pods = walk("namespaces/shop/pods");
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		struct fuse_read_in in = {.size = 700};
		unsigned int pieces = 0;
		unsigned int ends = 0;

		for (; !ends; pieces++) {
			assert_int_equal(request(ops[i], pods, &in, sizeof(in)), 0);
			assert_true(payload_len() > 0);
			ends = ends_in_reply(i == 1, &in.offset);
		}
		assert_true(pieces > 1);
		assert_int_equal(request(ops[i], pods, &in, sizeof(in)), 0);
		assert_int_equal(payload_len(), 0);
	}
}

static void an_empty_folder_has_its_dots_and_an_end(void **state)
{
	const struct fuse_read_in in = {.size = 4096};
	uint64_t last = 0;

	(void)state;
	assert_int_equal(request(FUSE_READDIR, walk("select"), &in, sizeof(in)), 0);
	assert_int_equal(payload_len(), 2 * FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + 2));
	assert_int_equal(ends_in_reply(false, &last), 1);
}

static void readdirplus_takes_a_lookup_for_each_entry_and_forget_gives_it_back(void **state)
{
	cleanup_snapshot struct snapshot seen = {0};

	(void)state;
	uint64_t pods = walk("namespaces/shop/pods");
	uint64_t before = inode_count(fs->inodes);
	for (int i = 0; i < 20; i++) {
		char name[32];

		snprintf(name, sizeof(name), "pod-%d", i);
		assert_int_equal(world_put_pod(&world, "shop", name, "u", ""), 1);
	}
	/* Small pieces, so that entries which do not fit are taken back. */
	assert_int_equal(list(pods, true, 700, &seen), 21);
	assert_int_equal(inode_count(fs->inodes), before + 21);
	for (size_t i = 0; i < seen.count; i++)
		if (seen.shots[i].mtime_ns)
			forget((uint64_t)seen.shots[i].mtime_ns, 1);
	assert_int_equal(inode_count(fs->inodes), before);
}

static void a_listing_gives_the_number_that_stat_gives(void **state)
{
	const struct fuse_read_in in = {.size = 4096};
	const size_t dots = 2 * FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + 2);
	struct fuse_dirent d;

	(void)state;
	uint64_t namespaces = walk("namespaces");
	uint64_t shop = walk("namespaces/shop");
	/* The folder was there before its Namespace, whose uid is part of new numbers. */
	assert_int_equal(world_put_named(&world, KIND_NAMESPACE, "shop", "n"), 1);
	assert_int_equal(request(FUSE_READDIR, namespaces, &in, sizeof(in)), 0);
	assert_int_equal(payload_len(), dots + FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + 4));
	memcpy(&d, (char *)payload() + dots, sizeof(d));
	assert_int_equal(d.ino, getattr(shop).ino);
}

static void what_is_forgotten_is_gone(void **state)
{
	(void)state;
	uint64_t namespaces = walk("namespaces");
	uint64_t shop = walk("namespaces/shop");
	forget(namespaces, 2);
	assert_int_equal(inode_count(fs->inodes), 3);
	forget(shop, 1);
	assert_int_equal(inode_count(fs->inodes), 1);
}

static void each_lookup_of_the_status_is_a_file_of_its_own(void **state)
{
	(void)state;
	struct fuse_entry_out a = lookup(walk(".podfs"), "status");
	struct fuse_entry_out b = lookup(walk(".podfs"), "status");
	assert_int_not_equal(a.nodeid, b.nodeid);
	assert_int_equal(a.entry_valid, 0);
	assert_int_equal(a.attr.size, 5);
	assert_reads(a.nodeid, 0, 100, "said\n");
	assert_reads(b.nodeid, 2, 2, "id");
}

static void links_are_read(void **state)
{
	(void)state;
	uint64_t id = walk("namespaces/shop/pods/web/labels");
	assert_int_equal(request(FUSE_READLINK, id, NULL, 0), 0);
	assert_int_equal(payload_len(), strlen("metadata/labels"));
	assert_memory_equal(payload(), "metadata/labels", payload_len());
}

static void a_folder_has_no_bytes_and_only_a_link_has_a_target(void **state)
{
	const struct fuse_read_in in = {.size = 10};

	(void)state;
	uint64_t pod = walk("namespaces/shop/pods/web");
	uint64_t file = walk("namespaces/shop/pods/web/metadata/name");
	assert_int_equal(request(FUSE_READ, pod, &in, sizeof(in)), -EISDIR);
	assert_int_equal(request(FUSE_READLINK, FUSE_ROOT_ID, NULL, 0), -EINVAL);
	assert_int_equal(request(FUSE_READLINK, file, NULL, 0), -EINVAL);
	assert_int_equal(store_remove(world.store, KIND_POD, "shop", "web"), 1);
	assert_int_equal(request(FUSE_READ, pod, &in, sizeof(in)), -EISDIR);
	assert_int_equal(request(FUSE_READLINK, pod, NULL, 0), -EINVAL);
}

static void a_file_of_no_bytes_is_read(void **state)
{
	const struct fuse_read_in in = {.size = 10};

	(void)state;
	uint64_t file = walk("namespaces/shop/pods/web/downward/metadata.annotations");
	assert_int_equal(request(FUSE_READ, file, &in, sizeof(in)), 0);
	assert_int_equal(payload_len(), 0);
}

#define ops_test(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    ops_test(a_file_is_found_and_read_in_any_piece),
	    ops_test(the_same_name_is_the_same_node),
	    ops_test(an_absent_name_is_remembered_as_absent),
	    ops_test(a_malformed_selector_is_invalid_and_not_remembered),
	    ops_test(another_spelling_of_an_address_is_the_same_node_and_not_remembered),
	    ops_test(a_selection_is_held_until_the_kernel_forgets_its_folders),
	    ops_test(a_node_that_was_never_handed_out_is_not_served),
	    ops_test(open_is_left_to_the_kernel),
	    ops_test(an_open_file_never_changes_and_the_path_leads_to_the_newest),
	    ops_test(a_folder_of_a_pod_that_is_gone_is_empty_and_its_files_read_on),
	    ops_test(a_listing_names_each_entry_once_in_pieces_of_any_size),
	    ops_test(the_last_entry_leads_to_the_end_where_nothing_is),
	    ops_test(an_empty_folder_has_its_dots_and_an_end),
	    ops_test(readdirplus_takes_a_lookup_for_each_entry_and_forget_gives_it_back),
	    ops_test(a_listing_gives_the_number_that_stat_gives),
	    ops_test(what_is_forgotten_is_gone),
	    ops_test(each_lookup_of_the_status_is_a_file_of_its_own),
	    ops_test(links_are_read),
	    ops_test(a_folder_has_no_bytes_and_only_a_link_has_a_target),
	    ops_test(a_file_of_no_bytes_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
