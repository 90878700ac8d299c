/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel is told, when, and in which order.
 */
#include "fuse_kernel.h"

#define INC_EPOCH 8

/* A notification. */
struct note {
	int code;
	uint64_t id;    /* the node, or the directory of the name */
	char name[256]; /* FUSE_NOTIFY_INVAL_ENTRY */
	int64_t off;    /* FUSE_NOTIFY_INVAL_INODE: -1 is the attributes alone */
};

static struct note next_note(void)
{
	struct note n = {0};

	receive();
	assert_int_equal(out.h.unique, 0);
	n.code = out.h.error;
	if (n.code == FUSE_NOTIFY_INVAL_ENTRY) {
		struct fuse_notify_inval_entry_out entry;

		memcpy(&entry, payload(), sizeof(entry));
		n.id = entry.parent;
		memcpy(n.name, (char *)payload() + sizeof(entry), entry.namelen);
	} else if (n.code == FUSE_NOTIFY_INVAL_INODE) {
		struct fuse_notify_inval_inode_out inode;

		memcpy(&inode, payload(), sizeof(inode));
		n.id = inode.ino;
		n.off = inode.off;
	}
	return n;
}

static bool is_name(const struct note *n, uint64_t dir, const char *name)
{
	return n->code == FUSE_NOTIFY_INVAL_ENTRY && n->id == dir && !strcmp(n->name, name);
}

static bool is_node(const struct note *n, uint64_t id, int64_t off)
{
	return n->code == FUSE_NOTIFY_INVAL_INODE && n->id == id && n->off == off;
}

/* Waits for the notification that drops @name in @parent. */
static void assert_dropped(uint64_t parent, const char *name)
{
	struct note n;

	do
		n = next_note();
	while (!is_name(&n, parent, name));
}

static void assert_node_dropped(uint64_t id, int64_t off)
{
	struct note n;

	do
		n = next_note();
	while (!is_node(&n, id, off));
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

/* Takes in what a change makes the kernel be told: how many notifications, and the ids and names.
 */
struct heard {
	struct note notes[64];
	size_t count;
};

static void hear(struct heard *ret)
{
	static const char end[] = "that is all";

	ret->count = 0;
	notifier_push(fs->notifier, NOTIFY_ENTRY, 4711, end);
	for (;;) {
		struct note n = next_note();

		if (is_name(&n, 4711, end))
			return;
		assert_true(ret->count < ARRAY_SIZE(ret->notes));
		ret->notes[ret->count++] = n;
	}
}

static unsigned int times_named(const struct heard *h, uint64_t parent, const char *name)
{
	unsigned int n = 0;

	for (size_t i = 0; i < h->count; i++)
		n += is_name(&h->notes[i], parent, name);
	return n;
}

static unsigned int times_told(const struct heard *h, uint64_t id)
{
	unsigned int n = 0;

	for (size_t i = 0; i < h->count; i++)
		n += h->notes[i].code == FUSE_NOTIFY_INVAL_INODE && h->notes[i].id == id;
	return n;
}

#define BEAT(version, when)                                                                        \
	"{\"metadata\":{\"name\":\"web\",\"namespace\":\"shop\",\"uid\":\"1\","                    \
	"\"resourceVersion\":"                                                                     \
	"\"" version                                                                               \
	"\",\"labels\":{\"a\":\"1\",\"b\":\"1\"}},\"status\":{\"conditions\":[{\"type\":"          \
	"\"Ready\",\"lastProbeTime\":\"" when "\"}]}}"

static void a_heartbeat_drops_what_it_changed_and_nothing_else(void **state)
{
	struct heard h;

	(void)state;
	assert_int_equal(world_put(&world, KIND_POD, BEAT("1", "12:00")), 1);
	uint64_t pod = walk("namespaces/shop/pods/web");
	uint64_t metadata = walk("namespaces/shop/pods/web/metadata");
	uint64_t labels = walk("namespaces/shop/pods/web/metadata/labels");
	uint64_t downward = walk("namespaces/shop/pods/web/downward");
	uint64_t ready = walk("namespaces/shop/pods/web/status/conditions/Ready");
	uint64_t a = walk("namespaces/shop/pods/web/metadata/labels/a");
	walk("namespaces/shop/pods/web/metadata/resourceVersion");
	walk("namespaces/shop/pods/web/status/conditions/Ready/type");
	walk("namespaces/shop/pods/web/status/conditions/Ready/lastProbeTime");
	walk("namespaces/shop/pods/web/downward/metadata.labels");
	walk("namespaces/shop/pods/web/object.json");
	drain();
	assert_int_equal(world_put(&world, KIND_POD, BEAT("2", "12:01")), 1);
	hear(&h);
	assert_int_equal(times_named(&h, ready, "lastProbeTime"), 1);
	assert_int_equal(times_named(&h, metadata, "resourceVersion"), 1);
	assert_int_equal(times_named(&h, pod, "object.json"), 1);
	for (size_t i = 0; i < h.count; i++) {
		assert_int_not_equal(h.notes[i].id, labels);
		assert_int_not_equal(h.notes[i].id, downward);
	}
	/* Three names, and the times of the folders on the way to them, each once. */
	assert_int_equal(times_told(&h, pod), 1);
	assert_int_equal(times_told(&h, metadata), 1);
	assert_int_equal(times_told(&h, ready), 1);
	assert_int_equal(h.count, 3 + 5);
	assert_int_equal(walk("namespaces/shop/pods/web/metadata/labels/a"), a);
}

static void a_folder_is_told_once_and_after_the_names_in_it(void **state)
{
	struct heard h;

	(void)state;
	uint64_t labels = walk("namespaces/shop/pods/web/metadata/labels");
	walk("namespaces/shop/pods/web/metadata/labels/a");
	walk("namespaces/shop/pods/web/metadata/labels/b");
	drain();
	/* A value that changed, a name that went and one that came. */
	assert_int_equal(world_put(&world, KIND_POD, POD("new\",\"c\":\"2\",\"d\":\"3")), 1);
	hear(&h);
	assert_int_equal(times_told(&h, labels), 1);
	size_t at = 0;
	while (!is_node(&h.notes[at], labels, 0))
		at++;
	for (size_t i = at; i < h.count; i++)
		assert_int_equal(h.notes[i].code, FUSE_NOTIFY_INVAL_INODE);
	assert_int_equal(times_named(&h, labels, "a"), 1);
	assert_int_equal(times_named(&h, labels, "c"), 1);
	assert_int_equal(times_named(&h, labels, "d"), 1);
}

static void nothing_is_told_of_a_pod_that_the_kernel_never_asked_for(void **state)
{
	struct heard h;

	(void)state;
	walk("namespaces/shop/pods");
	drain();
	assert_int_equal(world_put(&world, KIND_POD, POD("new")), 1);
	assert_int_equal(world_put(&world, KIND_POD, BEAT("2", "12:01")), 1);
	hear(&h);
	assert_int_equal(h.count, 0);
}

/* --- a reply that a change overtakes --- */

static uint64_t watched;

/* The kernel hears of the change before it has the reply, which does not know of it. */
static void add_a_pod(void)
{
	assert_int_equal(world_put_pod(&world, "shop", "db", "2", ""), 1);
	assert_node_dropped(watched, 0);
}

static void change_a_label(void)
{
	assert_int_equal(world_put(&world, KIND_POD, POD("new")), 1);
	assert_node_dropped(watched, -1);
}

static void a_lookup_that_a_change_overtook_is_told_again(void **state)
{
	(void)state;
	uint64_t shop = walk("namespaces/shop");
	watched = walk("namespaces/shop/pods");
	before_reply = add_a_pod;
	assert_int_equal(lookup(shop, "pods").attr.nlink, 3);
	/* First something that waits until the kernel has taken the reply in. */
	assert_dropped(shop, FS_NO_NAME);
	assert_node_dropped(watched, -1);
	assert_int_equal(lookup(shop, "pods").attr.nlink, 4);
}

static void a_listing_that_a_change_overtook_is_told_again(void **state)
{
	const struct fuse_read_in in = {.size = 4096};

	(void)state;
	uint64_t pods = walk("namespaces/shop/pods");
	watched = walk("namespaces/shop/pods/web");
	before_reply = change_a_label;
	assert_int_equal(request(FUSE_READDIRPLUS, pods, &in, sizeof(in)), 0);
	assert_true(payload_len() > 0);
	assert_dropped(pods, FS_NO_NAME);
	assert_node_dropped(watched, -1);
}

static uint64_t told(void)
{
	return fs->notified.entries + fs->notified.inodes + fs->notified.waiting;
}

static void what_nothing_overtook_is_not_told_again(void **state)
{
	const struct fuse_read_in in = {.size = 4096};

	(void)state;
	uint64_t pods = walk("namespaces/shop/pods");
	assert_int_equal(world_put(&world, KIND_POD, POD("new")), 1);
	drain();
	gate_close();
	uint64_t before = told();
	walk("namespaces/shop/pods/web/metadata");
	assert_int_equal(request(FUSE_READDIRPLUS, pods, &in, sizeof(in)), 0);
	assert_int_equal(told(), before);
}

/* --- the queue --- */

/* Nothing more is sent from now on: the notifier stands before the gate with this. */
static void hold_notifier(void)
{
	gate_close();
	notifier_push(fs->notifier, NOTIFY_ENTRY, 4711, "first");
	gate_wait_held();
}

static void what_waits_is_told_once_and_a_listing_after_the_names_in_it(void **state)
{
	(void)state;
	hold_notifier();
	notifier_push(fs->notifier, NOTIFY_ENTRY, 5, "x");
	notifier_push(fs->notifier, NOTIFY_LIST, 5, NULL);
	notifier_push(fs->notifier, NOTIFY_ATTR, 6, NULL);
	notifier_push(fs->notifier, NOTIFY_ENTRY, 5, "y");
	notifier_push(fs->notifier, NOTIFY_LIST, 5, NULL);
	notifier_push(fs->notifier, NOTIFY_ENTRY, 5, "x");
	notifier_push(fs->notifier, NOTIFY_ENTRY, 6, "x");
	gate_open();
	struct note n = next_note();
	assert_true(is_name(&n, 4711, "first"));
	n = next_note();
	assert_true(is_name(&n, 5, "x"));
	n = next_note();
	assert_true(is_node(&n, 6, -1));
	n = next_note();
	assert_true(is_name(&n, 5, "y"));
	n = next_note();
	assert_true(is_node(&n, 5, 0));
	n = next_note();
	assert_true(is_name(&n, 6, "x"));
}

/* Every node that the kernel knows in these tests: what it was told of each. */
struct known {
	const char *name;
	uint64_t parent;
	uint64_t id;
	bool is_dir;
	unsigned names;  /* its name in its parent */
	unsigned nodes;  /* its content and attributes */
	unsigned orders; /* the name that no directory has */
};

static struct known known[8];

static void know(const char *path)
{
	struct known *k = known;

	*k++ = (struct known){"", 0, FUSE_ROOT_ID, true, 0, 0, 0};
	for (const char *p = path; *p; k++) {
		size_t n = strcspn(p, "/");
		cleanup_free char *name = strndup(p, n);

		assert_true(k < known + ARRAY_SIZE(known));
		*k = (struct known){p, k[-1].id, lookup(k[-1].id, name).nodeid, p[n], 0, 0, 0};
		p += n + (p[n] == '/');
	}
}

static void count_note(const struct note *n)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		struct known *k = &known[i];
		size_t len = strcspn(k->name, "/");

		k->nodes += is_node(n, k->id, 0);
		k->orders += is_name(n, k->id, FS_NO_NAME);
		k->names += n->code == FUSE_NOTIFY_INVAL_ENTRY && n->id == k->parent && len &&
			    strlen(n->name) == len && !memcmp(n->name, k->name, len);
	}
}

/* Fills the queue until it gives way. */
static void overflow(void)
{
	size_t count = 0;
	char name[32];

	hold_notifier();
	do {
		snprintf(name, sizeof(name), "many-%zu", count++);
		notifier_push(fs->notifier, NOTIFY_ENTRY, 4711, name);
	} while (fs->notified.waiting);
	assert_true(count > 1000);
	notifier_push(fs->notifier, NOTIFY_ENTRY, 4711, "last");
	gate_open();
}

/* Takes in what the kernel is told then; how often it was told to drop all names at once. */
static unsigned take_sweep(void)
{
	unsigned epochs = 0;
	struct note n = next_note();

	assert_true(is_name(&n, 4711, "first"));
	for (n = next_note(); !is_name(&n, 4711, "last"); n = next_note()) {
		assert_int_not_equal(n.id, 4711);
		epochs += n.code == INC_EPOCH;
		count_note(&n);
	}
	assert_int_equal(fs->notified.sweeps, 1);
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		assert_int_equal(known[i].nodes, 1);
		assert_int_equal(known[i].orders, known[i].is_dir);
	}
	return epochs;
}

#define KNOWN "namespaces/shop/pods/web/metadata/labels/a"

static void a_full_queue_gives_way_to_a_sweep(void **state)
{
	(void)state;
	know(KNOWN);
	overflow();
	assert_int_equal(take_sweep(), 1);
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		assert_int_equal(known[i].names, 0);
}

/*
 * Each name that it may have: one that changed meanwhile still leads to the old
 * node there, for that it has to go was in the queue.
 */
static void an_older_kernel_is_told_each_name_in_a_sweep(void **state)
{
	(void)state;
	know(KNOWN);
	hold_notifier();
	assert_int_equal(world_put(&world, KIND_POD, POD("new")), 1);
	overflow();
	assert_int_equal(take_sweep(), 0);
	for (size_t i = 1; i < ARRAY_SIZE(known); i++)
		assert_int_equal(known[i].names, 1);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
#define OLDER_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up_older, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_kernel_is_told_to_drop_names_that_changed),
	    TEST(a_heartbeat_drops_what_it_changed_and_nothing_else),
	    TEST(a_folder_is_told_once_and_after_the_names_in_it),
	    TEST(nothing_is_told_of_a_pod_that_the_kernel_never_asked_for),
	    TEST(a_lookup_that_a_change_overtook_is_told_again),
	    TEST(a_listing_that_a_change_overtook_is_told_again),
	    TEST(what_nothing_overtook_is_not_told_again),
	    TEST(what_waits_is_told_once_and_a_listing_after_the_names_in_it),
	    TEST(a_full_queue_gives_way_to_a_sweep),
	    OLDER_TEST(an_older_kernel_is_told_each_name_in_a_sweep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
