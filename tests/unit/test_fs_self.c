/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /self, as a kernel finds it: a link for each caller, or one that is like any other.
 */
#include "fuse_kernel.h"

/* What --self=caller does, in small: threads below 100 are in the pod. */
static pid_t last_tid;

static int self_of(void *ctx, pid_t tid, struct buf *target)
{
	(void)ctx;
	last_tid = tid;
	return tid < 100 ? buf_addf(target, "namespaces/shop/pods/web-%ld", (long)tid) : -ENOENT;
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

/* A lookup of /self by some thread: the reply's error. */
static int look_for_self(uint32_t tid, struct fuse_entry_out *ret)
{
	asking = tid;
	int r = request(FUSE_LOOKUP, FUSE_ROOT_ID, "self", sizeof("self"));
	asking = 0;
	assert_int_equal(last_tid, tid);
	if (r == 0)
		memcpy(ret, payload(), sizeof(*ret));
	return r;
}

static void assert_leads(uint64_t id, const char *want)
{
	assert_int_equal(request(FUSE_READLINK, id, NULL, 0), 0);
	assert_int_equal(payload_len(), strlen(want));
	assert_memory_equal(payload(), want, payload_len());
}

static void self_by_caller_is_another_link_for_each_lookup(void **state)
{
	(void)state;
	struct fuse_entry_out a;
	struct fuse_entry_out b;
	struct fuse_entry_out again;

	world.tree.own.caller = self_of;
	assert_int_equal(look_for_self(7, &a), 0);
	assert_int_equal(look_for_self(42, &b), 0);
	assert_int_equal(look_for_self(7, &again), 0);
	assert_true(a.nodeid != b.nodeid && a.nodeid != again.nodeid && b.nodeid != again.nodeid);
	assert_int_equal(a.entry_valid, 0);
	assert_int_equal(a.entry_valid_nsec, 0);
	assert_int_equal(a.attr.mode, S_IFLNK | 0777);
	/* Whoever reads it, it leads where it led whoever looked it up. */
	asking = 42;
	assert_leads(a.nodeid, "namespaces/shop/pods/web-7");
	assert_leads(b.nodeid, "namespaces/shop/pods/web-42");
	struct fuse_attr attr = getattr(a.nodeid);
	asking = 0;
	assert_int_equal(attr.mode, S_IFLNK | 0777);
	assert_int_equal(attr.size, strlen("namespaces/shop/pods/web-7"));
	assert_int_equal(attr.nlink, 1);
	assert_int_equal(attr.ino, a.attr.ino);
	forget(a.nodeid, 1);
	forget(b.nodeid, 1);
	forget(again.nodeid, 1);
	assert_int_equal(inode_count(fs->inodes), 1);
}

static void that_self_is_absent_for_one_caller_is_not_remembered(void **state)
{
	(void)state;
	struct fuse_entry_out e;

	world.tree.own.caller = self_of;
	assert_int_equal(look_for_self(100, &e), -ENOENT);
	assert_int_equal(look_for_self(7, &e), 0);
	assert_int_equal(look_for_self(100, &e), -ENOENT);
}

static void self_by_caller_is_not_listed_and_a_fixed_one_is(void **state)
{
	(void)state;
	struct snapshot seen = {0};

	world.tree.own = (struct tree_own){.namespace = "shop", .pod = "web"};
	list(FUSE_ROOT_ID, true, 4096, &seen);
	assert_non_null(snapshot_find(&seen, "self"));
	snapshot_release(&seen);
	struct fuse_entry_out e = lookup(FUSE_ROOT_ID, "self");
	assert_true(e.entry_valid > 0);
	assert_leads(e.nodeid, "namespaces/shop/pods/web");
	assert_int_equal(getattr(e.nodeid).size, strlen("namespaces/shop/pods/web"));
	world.tree.own.caller = self_of;
	list(FUSE_ROOT_ID, true, 4096, &seen);
	assert_null(snapshot_find(&seen, "self"));
	snapshot_release(&seen);
}

static void self_leads_nowhere_once_its_pod_is_gone(void **state)
{
	(void)state;
	world.tree.own = (struct tree_own){.namespace = "shop", .pod = "web"};
	struct fuse_entry_out e = lookup(FUSE_ROOT_ID, "self");
	assert_int_equal(store_remove(world.store, KIND_POD, "shop", "web"), 1);
	assert_dropped(FUSE_ROOT_ID, "self");
	assert_int_equal(request(FUSE_READLINK, e.nodeid, NULL, 0), -ESTALE);
	assert_int_equal(getattr(e.nodeid).mode, S_IFLNK | 0777);
	assert_int_equal(lookup(FUSE_ROOT_ID, "self").nodeid, 0);
	/* A name looked up before it exists is told of, too. */
	assert_int_equal(world_put(&world, KIND_POD, POD("new")), 1);
	assert_dropped(FUSE_ROOT_ID, "self");
	assert_leads(lookup(FUSE_ROOT_ID, "self").nodeid, "namespaces/shop/pods/web");
}

static void a_denied_self_is_no_exception(void **state)
{
	(void)state;
	struct fuse_entry_out e;

	world.tree.own.caller = self_of;
	assert_int_equal(look_for_self(7, &e), 0);
	atomic_store(&fs->denying, true);
	assert_int_equal(request(FUSE_LOOKUP, FUSE_ROOT_ID, "self", sizeof("self")), -EIO);
	assert_int_equal(request(FUSE_READLINK, e.nodeid, NULL, 0), -EIO);
	atomic_store(&fs->denying, false);
}

#define self_test(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    self_test(self_by_caller_is_another_link_for_each_lookup),
	    self_test(that_self_is_absent_for_one_caller_is_not_remembered),
	    self_test(self_by_caller_is_not_listed_and_a_fixed_one_is),
	    self_test(self_leads_nowhere_once_its_pod_is_gone),
	    self_test(a_denied_self_is_no_exception),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
