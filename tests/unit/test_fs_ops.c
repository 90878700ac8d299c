/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real handlers over a socket pair: the test is the kernel. It sends
 * requests and reads replies and notifications, without a mount.
 */
#include "world.h"

#include <linux/fuse.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <podfs/store/selection.h>

#include "fs/internal.h"

static struct world world;
static struct fs *fs;
static int kernel; /* our end of the pair */
static uint64_t last_unique;

/* One reply, or notification if `unique` is 0. */
static union {
	struct fuse_out_header h;
	char bytes[70000];
} out;

static ssize_t io_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	(void)userdata;
	return writev(fd, iov, count);
}

static ssize_t io_read(int fd, void *buf, size_t len, void *userdata)
{
	(void)userdata;
	return read(fd, buf, len);
}

static void *payload(void)
{
	return out.bytes + sizeof(out.h);
}

static size_t payload_len(void)
{
	return out.h.len - sizeof(out.h);
}

static void receive(void)
{
	ssize_t n = recv(kernel, out.bytes, sizeof(out.bytes), 0);

	assert_true(n >= (ssize_t)sizeof(out.h));
	assert_int_equal(out.h.len, n);
}

/* Lets the handlers take what was sent. */
static void serve(void)
{
	struct fuse_buf buf = {0};

	assert_true(fuse_session_receive_buf(fs->session, &buf) > 0);
	fuse_session_process_buf(fs->session, &buf);
	free(buf.mem);
}

static void send_request(uint32_t op, uint64_t node, const void *body, size_t len)
{
	struct fuse_in_header h = {.len = (uint32_t)(sizeof(h) + len),
				   .opcode = op,
				   .unique = ++last_unique,
				   .nodeid = node};
	struct iovec iov[] = {{&h, sizeof(h)}, {(void *)(uintptr_t)body, len}};

	assert_int_equal(writev(kernel, iov, 2), h.len);
	serve();
}

/* The reply's error: 0 or negative. */
static int request(uint32_t op, uint64_t node, const void *body, size_t len)
{
	send_request(op, node, body, len);
	do {
		receive();
	} while (!out.h.unique);
	assert_int_equal(out.h.unique, last_unique);
	return out.h.error;
}

static struct fuse_entry_out lookup(uint64_t parent, const char *name)
{
	struct fuse_entry_out e;

	assert_int_equal(request(FUSE_LOOKUP, parent, name, strlen(name) + 1), 0);
	assert_int_equal(payload_len(), sizeof(e));
	memcpy(&e, payload(), sizeof(e));
	return e;
}

/* Every name on the way is one lookup more. */
static uint64_t walk(const char *path)
{
	uint64_t id = FUSE_ROOT_ID;

	while (*path) {
		char name[256];
		size_t n = strcspn(path, "/");

		snprintf(name, sizeof(name), "%.*s", (int)n, path);
		id = lookup(id, name).nodeid;
		if (!id)
			fail_msg("no %s", path);
		path += n + (path[n] == '/');
	}
	return id;
}

static void forget(uint64_t id, uint64_t n)
{
	const struct fuse_forget_in in = {.nlookup = n};

	send_request(FUSE_FORGET, id, &in, sizeof(in));
}

static struct fuse_attr getattr(uint64_t id)
{
	const struct fuse_getattr_in in = {0};
	struct fuse_attr_out attr;

	assert_int_equal(request(FUSE_GETATTR, id, &in, sizeof(in)), 0);
	memcpy(&attr, payload(), sizeof(attr));
	return attr.attr;
}

static void assert_reads(uint64_t id, uint64_t off, uint32_t size, const char *want)
{
	const struct fuse_read_in in = {.offset = off, .size = size};

	assert_int_equal(request(FUSE_READ, id, &in, sizeof(in)), 0);
	assert_int_equal(payload_len(), strlen(want));
	assert_memory_equal(payload(), want, strlen(want));
}

/* All names of a directory, in pieces of @size; how many node ids came with them. */
static size_t list(uint64_t id, bool plus, uint32_t size, struct snapshot *seen)
{
	struct fuse_read_in in = {.size = size};
	size_t ids = 0;

	for (;;) {
		assert_int_equal(
		    request(plus ? FUSE_READDIRPLUS : FUSE_READDIR, id, &in, sizeof(in)), 0);
		if (!payload_len())
			break;
		size_t head = plus ? sizeof(struct fuse_entry_out) : 0;
		for (size_t at = 0; at < payload_len();) {
			const char *p = (char *)payload() + at;
			struct fuse_entry_out e = {0};
			struct fuse_dirent d;
			char name[256];

			memcpy(&e, p, head);
			memcpy(&d, p + head, offsetof(struct fuse_dirent, name));
			snprintf(name, sizeof(name), "%.*s", (int)d.namelen,
				 p + head + offsetof(struct fuse_dirent, name));
			assert_true(d.off > in.offset);
			in.offset = d.off;
			if (e.nodeid) {
				ids++;
				assert_int_equal(e.attr.ino, d.ino);
			}
			struct shot *shot = snapshot_add(seen, name, 'f', NULL, 0);
			shot->mtime_ns = (int64_t)e.nodeid;
			at += FUSE_DIRENT_ALIGN(head + offsetof(struct fuse_dirent, name) +
						d.namelen);
		}
	}
	snapshot_sort(seen);
	return ids;
}

#define POD(label)                                                                                 \
	"{\"metadata\":{\"name\":\"web\",\"namespace\":\"shop\",\"uid\":\"1\",\"labels\":{\"a\":"  \
	"\"" label "\",\"b\":\"1\"}}}"

static int set_up(void **state)
{
	static const struct fuse_custom_io io = {.writev = io_writev, .read = io_read};
	const struct fs_options options = {.fuse_options = ""};
	const struct fuse_init_in init = {.major = 7, .minor = 38, .max_readahead = 65536};
	struct error e = {0};
	int fds[2];

	(void)state;
	world_init(&world);
	assert_int_equal(fs_new(&world.tree, &options, &fs, &e), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	kernel = fds[0];
	assert_int_equal(fuse_session_custom_io(fs->session, &io, fds[1]), 0);
	const struct notify_options notify = {fs->session, &fs->notified, fs_sweep, fs};
	assert_int_equal(notifier_start(&notify, &fs->notifier), 0);
	const struct store_observer observer = {fs, fs_changed, fs_published};
	store_observe(world.store, &observer);
	assert_int_equal(request(FUSE_INIT, 0, &init, sizeof(init)), 0);
	assert_int_equal(world_put(&world, KIND_POD, POD("old")), 1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	store_observe(world.store, NULL);
	assert_true(notifier_stop(fs->notifier));
	notifier_free(fs->notifier);
	close(kernel);
	fs_free(fs);
	world_release(&world);
	return 0;
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

/* Waits for the notification that drops @name in @parent. */
static void assert_dropped(uint64_t parent, const char *name)
{
	struct fuse_notify_inval_entry_out drop;

	for (;;) {
		receive();
		assert_int_equal(out.h.unique, 0);
		if (out.h.error != FUSE_NOTIFY_INVAL_ENTRY)
			continue;
		memcpy(&drop, payload(), sizeof(drop));
		if (drop.parent == parent && drop.namelen == strlen(name) &&
		    !memcmp((char *)payload() + sizeof(drop), name, drop.namelen))
			return;
	}
}

static void the_kernel_is_told_to_drop_names_that_changed(void **state)
{
	(void)state;
	uint64_t labels = walk("namespaces/shop/pods/web/metadata/labels");
	uint64_t pods = walk("namespaces/shop/pods");
	walk("namespaces/shop/pods/web/metadata/labels/a");
	assert_int_equal(world_put(&world, KIND_POD, POD("new")), 1);
	assert_dropped(labels, "a");
	assert_int_equal(world_put_pod(&world, "shop", "db", "2", ""), 1);
	assert_dropped(pods, "db");
	assert_int_equal(store_remove(world.store, KIND_POD, "shop", "web"), 1);
	assert_dropped(pods, "web");
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
	    ops_test(readdirplus_takes_a_lookup_for_each_entry_and_forget_gives_it_back),
	    ops_test(a_listing_gives_the_number_that_stat_gives),
	    ops_test(what_is_forgotten_is_gone),
	    ops_test(each_lookup_of_the_status_is_a_file_of_its_own),
	    ops_test(links_are_read),
	    ops_test(the_kernel_is_told_to_drop_names_that_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
