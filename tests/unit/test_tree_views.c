/* SPDX-License-Identifier: Apache-2.0 */
/*
 * select, by-ip and by-uid against a model that looks at every pod: what they
 * list, what they lead to, and what is said when that changes.
 */
#include "world.h"

#include <podfs/store/selection.h>

#define NAMESPACES 3
#define NAMES 6
#define SELECTORS 12

static const char *const namespaces[NAMESPACES] = {"shop", "bank", "a"};
static const char *const addresses[] = {"10.0.0.1", "10.0.0.2", "fd00::1"};
static const char *const hashes[] = {"", "h1", "u0-0", "h2"};

/* A pod as the model knows it: three labels, "" for one that is not there. */
struct pod {
	bool there;
	unsigned int made; /* how often */
	const char *labels[3];
	int address; /* of `addresses`; -1: none */
	bool host_network;
	bool finished;
	int hash;
	int created;
};

static struct pod pods[NAMESPACES][NAMES];
static struct world world;

static const char *value(const struct pod *p, char key)
{
	return p->labels[key - 'a'];
}

static bool has(const struct pod *p, char key)
{
	return *value(p, key);
}

static bool is(const struct pod *p, char key, const char *v)
{
	return !strcmp(value(p, key), v);
}

#define PREDICATE(fn, expression)                                                                  \
	static bool fn(const struct pod *p)                                                        \
	{                                                                                          \
		return expression;                                                                 \
	}

PREDICATE(all, p->there)
PREDICATE(a_is_1, is(p, 'a', "1"))
PREDICATE(has_a, has(p, 'a'))
PREDICATE(no_a, !has(p, 'a'))
PREDICATE(a_is_not_1, !is(p, 'a', "1"))
PREDICATE(a_is_1_or_2, is(p, 'a', "1") || is(p, 'a', "2"))
PREDICATE(a_is_1_and_no_b, is(p, 'a', "1") && !has(p, 'b'))
PREDICATE(b_is_neither, !is(p, 'b', "1") && !is(p, 'b', "3"))
PREDICATE(b_is_more_than_1, has(p, 'b') && atoi(value(p, 'b')) > 1)
PREDICATE(c_is_2, is(p, 'c', "2"))
PREDICATE(none, !p)

static const struct {
	const char *name;
	bool (*selects)(const struct pod *p);
} selectors[SELECTORS] = {
    {" ", all},
    {"a=1", a_is_1},
    {"a==1", a_is_1},
    {"a", has_a},
    {"!a", no_a},
    {"a!=1", a_is_not_1},
    {"a in (1,2)", a_is_1_or_2},
    {"a=1,!b", a_is_1_and_no_b},
    {"b notin (1,3)", b_is_neither},
    {"b>1", b_is_more_than_1},
    {"x.io%2Fc=2", c_is_2},
    {"nobody", none},
};

static void uid_of(size_t ns, size_t name, char *out, size_t size)
{
	snprintf(out, size, "u%zu-%zu%s", ns, name, pods[ns][name].made % 2 ? "" : "-again");
}

static void put(size_t ns, size_t name)
{
	static const char *const keys[] = {"a", "b", "x.io/c"};
	const struct pod *p = &pods[ns][name];
	cleanup_buf struct buf json = {0};
	char uid[32];

	uid_of(ns, name, uid, sizeof(uid));
	buf_addf(&json,
		 "{\"metadata\":{\"name\":\"p%zu\",\"namespace\":\"%s\",\"uid\":\"%s\","
		 "\"creationTimestamp\":\"2026-01-01T00:00:%02dZ\",\"labels\":{",
		 name, namespaces[ns], uid, p->created);
	for (size_t k = 0, n = 0; k < ARRAY_SIZE(keys); k++)
		if (*p->labels[k])
			buf_addf(&json, "%s\"%s\":\"%s\"", n++ ? "," : "", keys[k], p->labels[k]);
	buf_addf(&json, "},\"annotations\":{\"kubernetes.io/config.hash\":\"%s\"}},",
		 hashes[p->hash]);
	buf_addf(&json, "\"spec\":{\"hostNetwork\":%s},\"status\":{\"phase\":\"%s\"",
		 p->host_network ? "true" : "false", p->finished ? "Succeeded" : "Running");
	if (p->address >= 0)
		buf_addf(&json, ",\"podIP\":\"%s\"", addresses[p->address]);
	buf_addstr(&json, "}}");
	assert_true(world_put(&world, KIND_POD, json.data) >= 0);
}

static void take_away(size_t ns, size_t name)
{
	char pod[16];

	snprintf(pod, sizeof(pod), "p%zu", name);
	assert_int_equal(store_remove(world.store, KIND_POD, namespaces[ns], pod), 1);
	pods[ns][name].there = false;
}

/* What is expected, and what is there: lines "path -> target". */
static void expect_link(struct snapshot *s, const char *path, const char *target)
{
	snapshot_add(s, path, 'l', target, strlen(target));
}

static void expect_selections(struct snapshot *s)
{
	cleanup_buf struct buf path = {0};
	cleanup_buf struct buf target = {0};

	for (size_t i = 0; i < SELECTORS; i++) {
		for (size_t n = 0; n < NAMESPACES * NAMES; n++) {
			size_t ns = n / NAMES;
			size_t name = n % NAMES;

			if (!pods[ns][name].there || !selectors[i].selects(&pods[ns][name]))
				continue;
			buf_clear(&path);
			buf_clear(&target);
			buf_addf(&path, "select/%s/%s/p%zu", selectors[i].name, namespaces[ns],
				 name);
			buf_addf(&target, "../../../namespaces/%s/pods/p%zu", namespaces[ns], name);
			expect_link(s, path.data, target.data);
			buf_clear(&path);
			buf_clear(&target);
			buf_addf(&path, "namespaces/%s/select/%s/p%zu", namespaces[ns],
				 selectors[i].name, name);
			buf_addf(&target, "../../pods/p%zu", name);
			expect_link(s, path.data, target.data);
		}
	}
}

/* Who of two pods has a name that both claim. */
static bool is_younger(size_t n, size_t than)
{
	const struct pod *p = &pods[n / NAMES][n % NAMES];
	const struct pod *q = &pods[than / NAMES][than % NAMES];
	char p_uid[32];
	char q_uid[32];

	if (p->created != q->created)
		return p->created > q->created;
	uid_of(n / NAMES, n % NAMES, p_uid, sizeof(p_uid));
	uid_of(than / NAMES, than % NAMES, q_uid, sizeof(q_uid));
	return strcmp(p_uid, q_uid) < 0;
}

static void expect_name(struct snapshot *s, const char *folder, const char *name, size_t n)
{
	char path[64];
	char target[64];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	snprintf(target, sizeof(target), "../namespaces/%s/pods/p%zu", namespaces[n / NAMES],
		 n % NAMES);
	expect_link(s, path, target);
}

static void expect_names(struct snapshot *s)
{
	const size_t nobody = SIZE_MAX;
	char uid[32];

	for (int a = 0; a < (int)ARRAY_SIZE(addresses); a++) {
		size_t best = nobody;

		for (size_t n = 0; n < NAMESPACES * NAMES; n++) {
			const struct pod *p = &pods[n / NAMES][n % NAMES];

			if (p->there && p->address == a && !p->host_network && !p->finished &&
			    (best == nobody || is_younger(n, best)))
				best = n;
		}
		if (best != nobody)
			expect_name(s, "by-ip", addresses[a], best);
	}
	for (size_t n = 0; n < NAMESPACES * NAMES; n++) {
		uid_of(n / NAMES, n % NAMES, uid, sizeof(uid));
		if (pods[n / NAMES][n % NAMES].there)
			expect_name(s, "by-uid", uid, n);
	}
	for (int h = 1; h < (int)ARRAY_SIZE(hashes); h++) {
		size_t best = nobody;
		bool taken = false;

		for (size_t n = 0; n < NAMESPACES * NAMES; n++) {
			const struct pod *p = &pods[n / NAMES][n % NAMES];

			uid_of(n / NAMES, n % NAMES, uid, sizeof(uid));
			taken |= p->there && !strcmp(uid, hashes[h]);
			if (p->there && p->hash == h && (best == nobody || is_younger(n, best)))
				best = n;
		}
		if (best != nobody && !taken)
			expect_name(s, "by-uid", hashes[h], best);
	}
}

/* The links in the views. */
static void look(struct snapshot *ret)
{
	cleanup_snapshot struct snapshot all = {0};

	world_look(&world, &all);
	for (size_t i = 0; i < all.count; i++) {
		const struct shot *shot = &all.shots[i];

		if (shot->type == 'l' &&
		    (strstr(shot->path, "select/") || path_within(shot->path, "by-ip") ||
		     path_within(shot->path, "by-uid")))
			expect_link(ret, shot->path, shot->data);
	}
	snapshot_sort(ret);
}

static void check(void)
{
	cleanup_snapshot struct snapshot got = {0};
	cleanup_snapshot struct snapshot want = {0};

	look(&got);
	expect_selections(&want);
	expect_names(&want);
	snapshot_sort(&want);
	for (size_t i = 0; i < want.count; i++) {
		const struct shot *shot = snapshot_find(&got, want.shots[i].path);

		if (!shot)
			fail_msg("missing: %s", want.shots[i].path);
		if (!shot_same(shot, &want.shots[i]))
			fail_msg("%s -> %s, want %s", shot->path, shot->data, want.shots[i].data);
	}
	assert_int_equal(got.count, want.count);
}

static int set_up(void **state)
{
	static char paths[SELECTORS * (NAMESPACES + 1)][64];
	static const char *unlisted[SELECTORS * (NAMESPACES + 1)];
	size_t n = 0;

	(void)state;
	memset(pods, 0, sizeof(pods));
	world_init(&world);
	for (size_t i = 0; i < SELECTORS; i++) {
		snprintf(paths[n++], sizeof(paths[0]), "select/%s", selectors[i].name);
		for (size_t ns = 0; ns < NAMESPACES; ns++)
			snprintf(paths[n++], sizeof(paths[0]), "namespaces/%s/select/%s",
				 namespaces[ns], selectors[i].name);
	}
	for (size_t i = 0; i < n; i++)
		unlisted[i] = paths[i];
	world_look_up(&world, unlisted, n);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	world_release(&world);
	return 0;
}

static void shuffle(struct dice *d, struct pod *p, bool new)
{
	static const char *const values[] = {"", "1", "2", "3"};

	if (new) {
		p->made += dice_one_in(d, 2);
		p->created = (int)dice_roll(d, 3);
	}
	p->there = true;
	for (size_t k = 0; k < ARRAY_SIZE(p->labels); k++)
		if (new || dice_one_in(d, 3))
			p->labels[k] = values[dice_roll(d, ARRAY_SIZE(values))];
	p->address = (int)dice_roll(d, ARRAY_SIZE(addresses) + 1) - 1;
	p->host_network = dice_one_in(d, 5);
	p->finished = dice_one_in(d, 5);
	p->hash = dice_one_in(d, 3) ? (int)dice_roll(d, ARRAY_SIZE(hashes)) : 0;
}

static void they_show_what_is_selected_through_all_changes(void **state)
{
	struct dice d = {5};

	(void)state;
	for (unsigned int i = 0; i < 2500; i++) {
		size_t ns = dice_roll(&d, NAMESPACES);
		size_t name = dice_roll(&d, NAMES);
		struct pod *p = &pods[ns][name];

		if (p->there && dice_one_in(&d, 3)) {
			take_away(ns, name);
		} else {
			shuffle(&d, p, !p->there);
			put(ns, name);
		}
		check();
	}
}

static struct pod *a_pod(size_t ns, size_t name, const char *a)
{
	struct pod *p = &pods[ns][name];

	*p = (struct pod){.there = true, .labels = {a, "", ""}, .address = -1};
	return p;
}

static int lookup(const char *dir, const char *name, struct tree_entry *ret)
{
	cleanup_place struct tree_place p = {0};

	store_rdlock(world.store);
	assert_int_equal(tree_walk(&world.tree, dir, &p), 0);
	int r = tree_find(&world.tree, &p, name, strlen(name), ret);
	store_rdunlock(world.store);
	return r;
}

static void a_selector_is_found_if_it_is_one(void **state)
{
	static const char *const dirs[] = {"select", "namespaces/shop/select"};
	struct tree_entry e;

	(void)state;
	a_pod(0, 0, "1");
	put(0, 0);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		assert_int_equal(lookup(dirs[i], "a=1", &e), 0);
		assert_int_equal(e.kind, TREE_SELECTION);
		assert_int_equal(lookup(dirs[i], "zz=none", &e), 0);
		assert_int_equal(lookup(dirs[i], "a=1,", &e), -EINVAL);
		assert_int_equal(lookup(dirs[i], "%", &e), -EINVAL);
		assert_int_equal(lookup(dirs[i], ".a", &e), -ENOENT);
		assert_int_equal(lookup(dirs[i], ".", &e), -ENOENT);
	}
	assert_int_equal(lookup("select/a=1", "shop", &e), 0);
	assert_int_equal(lookup("select/a=1", "bank", &e), -ENOENT);
	assert_int_equal(lookup("select/a=1", "p0", &e), -ENOENT);
	assert_int_equal(lookup("select/a=1/shop", "p0", &e), 0);
	assert_int_equal(lookup("select/a=2", "shop", &e), -ENOENT);
	assert_int_equal(lookup("namespaces/shop/select/a=1", "p0", &e), 0);
	assert_int_equal(lookup("namespaces/shop/select/a=2", "p0", &e), -ENOENT);
}

static void an_address_is_found_in_any_spelling(void **state)
{
	struct tree_entry e;

	(void)state;
	a_pod(0, 0, "")->address = 2;
	put(0, 0);
	a_pod(0, 1, "")->address = 0;
	put(0, 1);
	assert_int_equal(lookup("by-ip", "fd00::1", &e), 0);
	assert_false(e.uncached);
	assert_int_equal(lookup("by-ip", "FD00:0::01", &e), 0);
	assert_true(e.uncached);
	assert_int_equal(e.name_len, 7);
	assert_int_equal(lookup("by-ip", "::ffff:10.0.0.1", &e), 0);
	assert_true(e.uncached);
	assert_string_equal(e.pod->name, "p1");
	/* A spelling that leads nowhere is not to be remembered either; no address never will be
	 * one. */
	assert_int_equal(lookup("by-ip", "FD00:0::02", &e), -ENOENT);
	assert_true(e.uncached);
	assert_int_equal(lookup("by-ip", "fd00::2", &e), -ENOENT);
	assert_false(e.uncached);
	assert_int_equal(lookup("by-ip", "web", &e), -ENOENT);
	assert_false(e.uncached);
}

static char said[4096];

static void say(void *ctx, enum change_kind kind, const char *path, size_t base_len)
{
	(void)ctx;
	if (path_within(path, "select") || path_within(path, "by-ip") || strstr(path, "/select"))
		snprintf(said + strlen(said), sizeof(said) - strlen(said), "%c%.*s|%s\n",
			 " =+-"[kind], (int)base_len, path, path + base_len);
}

static void on_changed(void *ctx, const struct store_change *change)
{
	(void)ctx;
	assert_int_equal(tree_changes(&world.tree, change, say, NULL), 0);
}

static void assert_said(const char *want)
{
	assert_string_equal(said, want);
	said[0] = '\0';
}

/* No more, too: a folder that is said to be gone while it is there would lose who is in it. */
static void what_comes_and_goes_is_said_and_nothing_else(void **state)
{
	const struct store_observer observer = {NULL, on_changed, NULL};
	static const char *const only[] = {"select/a=1"};

	(void)state;
	world_release(&world);
	world_init(&world);
	world_look_up(&world, only, 1);
	store_observe(world.store, &observer);
	said[0] = '\0';
	for (unsigned int listed = 0; listed < 2; listed++) {
		a_pod(0, 0, "1");
		put(0, 0);
		assert_said("+select/a=1|/shop\n+namespaces/shop/select/a=1|/p0\n");
		a_pod(0, 1, "1");
		put(0, 1);
		assert_said("+select/a=1/shop|/p1\n+namespaces/shop/select/a=1|/p1\n");
		a_pod(0, 2, "2");
		put(0, 2);
		pods[0][0].finished = true;
		put(0, 0);
		assert_said("");
		a_pod(0, 0, "2");
		put(0, 0);
		assert_said("-select/a=1/shop|/p0\n-namespaces/shop/select/a=1|/p0\n");
		take_away(0, 2);
		assert_said("");
		take_away(0, 1);
		assert_said("-select/a=1|/shop\n-namespaces/shop/select/a=1|/p1\n");
		take_away(0, 0);
		assert_said("");
		/* The second time it is known how many there are. */
		store_rdlock(world.store);
		struct folder_set *set;
		assert_int_equal(selection_folders(world.held[0].selection, &set), 0);
		folder_set_unref(world.held[0].selection, set);
		store_rdunlock(world.store);
	}
	store_observe(world.store, NULL);
}

/* The folder was there before the Namespace, and whoever is in its select/ stays there. */
static void a_field_called_select_says_nothing(void **state)
{
	static const char *const only[] = {"namespaces/shop/select"};
	const struct store_observer observer = {NULL, on_changed, NULL};

	(void)state;
	world_release(&world);
	world_init(&world);
	a_pod(0, 0, "1");
	put(0, 0);
	world_look_up(&world, only, 1);
	store_observe(world.store, &observer);
	said[0] = '\0';
	assert_true(
	    world_put(&world, KIND_NAMESPACE,
		      "{\"metadata\":{\"name\":\"shop\",\"uid\":\"n\"},\"select\":{\"a\":1}}") > 0);
	assert_null(strstr(said, "select"));
	store_observe(world.store, NULL);
}

static void an_address_that_moves_on_is_said(void **state)
{
	const struct store_observer observer = {NULL, on_changed, NULL};

	(void)state;
	store_observe(world.store, &observer);
	said[0] = '\0';
	a_pod(0, 0, "")->address = 0;
	pods[0][0].created = 1;
	pods[0][0].labels[0] = "x";
	put(0, 0);
	assert_non_null(strstr(said, "+by-ip|/10.0.0.1\n"));
	said[0] = '\0';
	/* An older pod claims it, too: nothing changes until the younger one is done. */
	a_pod(1, 0, "x")->address = 0;
	put(1, 0);
	assert_null(strstr(said, "by-ip"));
	pods[0][0].finished = true;
	put(0, 0);
	assert_non_null(strstr(said, "-by-ip|/10.0.0.1\n+by-ip|/10.0.0.1\n"));
	said[0] = '\0';
	pods[1][0].host_network = true;
	put(1, 0);
	assert_said("-by-ip|/10.0.0.1\n");
	store_observe(world.store, NULL);
}

static void a_selection_nobody_holds_is_forgotten(void **state)
{
	struct selection *first;
	struct selection *second;

	(void)state;
	store_rdlock(world.store);
	assert_int_equal(selection_get(world.store, "a=7", 3, &first), 0);
	assert_int_equal(selection_get(world.store, "a=7", 3, &second), 0);
	assert_ptr_equal(first, second);
	assert_int_equal(selection_get(world.store, "a==7", 4, &second), 0);
	assert_ptr_not_equal(first, second);
	selection_unref(second);
	selection_unref(first);
	selection_unref(first);
	store_rdunlock(world.store);
}

#define views_test(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    views_test(they_show_what_is_selected_through_all_changes),
	    views_test(a_selector_is_found_if_it_is_one),
	    views_test(an_address_is_found_in_any_spelling),
	    views_test(what_comes_and_goes_is_said_and_nothing_else),
	    views_test(a_field_called_select_says_nothing),
	    views_test(an_address_that_moves_on_is_said),
	    views_test(a_selection_nobody_holds_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
