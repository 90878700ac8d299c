/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store against a list of what was put into it, and what its observer is
 * told.
 */
#include "world.h"

#include <podfs/store/cookie.h>

static struct world world;
static struct buf told;
static unsigned published;

static void on_changed(void *ctx, const struct store_change *c)
{
	static const char *const events[] = {
	    [STORE_ADDED] = "+", [STORE_MODIFIED] = "=", [STORE_REMOVED] = "-"};
	const struct object *o = c->object;

	(void)ctx;
	assert_int_equal(c->kind, o->kind);
	assert_int_equal(c->event == STORE_ADDED, c->before == NULL);
	if (c->event == STORE_MODIFIED) {
		assert_ptr_not_equal(c->before, o->version);
		assert_true(c->diff->count > 0);
	}
	buf_addf(&told, "%s%s %s%s%s", events[c->event], kind_name(o->kind), o->namespace,
		 *o->namespace ? "/" : "", o->name);
	if (o->kind == KIND_POD)
		buf_addf(&told, " %s>%s", c->node_before, c->node_after);
	buf_addf(&told, "%s%s\n", c->folder_came ? " came" : "", c->folder_went ? " went" : "");
}

static void on_published(void *ctx)
{
	(void)ctx;
	published++;
}

static int set_up(void **state)
{
	const struct store_observer observer = {NULL, on_changed, on_published};

	(void)state;
	world_init(&world);
	store_observe(world.store, &observer);
	buf_clear(&told);
	buf_addstr(&told, "");
	published = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	world_release(&world);
	buf_release(&told);
	return 0;
}

static void assert_told(const char *want)
{
	assert_string_equal(told.data, want);
	buf_clear(&told);
}

static struct object *pod(const char *ns, const char *name)
{
	const struct store_namespace *n = store_find_namespace(world.store, ns, strlen(ns));

	return n ? store_find_pod(n, name, strlen(name)) : NULL;
}

static void what_was_put_is_found_until_removed(void **state)
{
	(void)state;
	assert_int_equal(world_put_pod(&world, "shop", "web", "1", ""), 1);
	assert_non_null(pod("shop", "web"));
	assert_null(pod("shop", "we"));
	assert_null(pod("bank", "web"));
	assert_int_equal(store_remove(world.store, KIND_POD, "shop", "web"), 1);
	assert_null(pod("shop", "web"));
	assert_int_equal(store_remove(world.store, KIND_POD, "shop", "web"), 0);
	assert_told("+Pod shop/web > came\n-Pod shop/web > went\n");
	assert_int_equal(published, 2);
}

static void the_same_object_again_changes_nothing(void **state)
{
	(void)state;
	assert_int_equal(world_put_pod(&world, "shop", "web", "1", "k1"), 1);
	buf_clear(&told);
	assert_int_equal(world_put_pod(&world, "shop", "web", "1", "k1"), 0);
	assert_told("");
	assert_int_equal(published, 1);
}

static void another_uid_is_another_object(void **state)
{
	(void)state;
	assert_int_equal(world_put_pod(&world, "shop", "web", "1", "k1"), 1);
	struct object *old = object_ref(pod("shop", "web"));
	assert_int_equal(world_put_pod(&world, "shop", "web", "2", "k1"), 1);
	assert_ptr_not_equal(pod("shop", "web"), old);
	assert_string_equal(old->uid, "1");
	assert_told("+Pod shop/web >k1 came\n-Pod shop/web k1> went\n+Pod shop/web >k1 came\n");
	assert_int_equal(published, 2);
	assert_int_equal(old->refs, 1);
	object_unref(old);
}

static void a_folder_stays_while_its_namespace_or_a_pod_of_it_does(void **state)
{
	(void)state;
	world_put_named(&world, KIND_NAMESPACE, "shop", "n");
	world_put_pod(&world, "shop", "web", "1", "");
	store_remove(world.store, KIND_NAMESPACE, "", "shop");
	assert_non_null(store_find_namespace(world.store, "shop", 4));
	world_put_named(&world, KIND_NAMESPACE, "shop", "n");
	store_remove(world.store, KIND_POD, "shop", "web");
	assert_non_null(store_find_namespace(world.store, "shop", 4));
	store_remove(world.store, KIND_NAMESPACE, "", "shop");
	assert_null(store_find_namespace(world.store, "shop", 4));
	assert_told("+Namespace shop came\n+Pod shop/web >\n-Namespace shop\n+Namespace shop\n"
		    "-Pod shop/web >\n-Namespace shop went\n");
}

static size_t on_node(const char *node, const char *ns)
{
	const struct store_node_namespace *found = store_find_node_namespace(
	    store_find_node(world.store, node, strlen(node)), ns, strlen(ns));

	return found ? found->pods.count : 0;
}

static void a_pod_is_at_its_node_as_long_as_it_is_bound_to_it(void **state)
{
	(void)state;
	world_put_pod(&world, "shop", "web", "1", "");
	assert_null(store_find_node(world.store, "k1", 2));
	world_put_pod(&world, "shop", "web", "1", "k1");
	assert_int_equal(on_node("k1", "shop"), 1);
	assert_null(store_find_node(world.store, "k1", 2)->object);
	world_put_named(&world, KIND_NODE, "k1", "u");
	world_put_pod(&world, "shop", "web", "1", "k2");
	assert_int_equal(on_node("k1", "shop"), 0);
	assert_int_equal(on_node("k2", "shop"), 1);
	store_remove(world.store, KIND_NODE, "", "k1");
	assert_null(store_find_node(world.store, "k1", 2));
	store_remove(world.store, KIND_POD, "shop", "web");
	assert_null(store_find_node(world.store, "k2", 2));
	assert_told(
	    "+Pod shop/web > came\n=Pod shop/web >k1\n+Node k1\n=Pod shop/web k1>k2\n-Node k1\n"
	    "-Pod shop/web k2> went\n");
}

static void a_list_removes_what_is_not_in_it(void **state)
{
	(void)state;
	world_put_pod(&world, "shop", "a", "1", "");
	world_put_pod(&world, "shop", "b", "2", "");
	world_put_pod(&world, "bank", "c", "3", "");
	world_put_named(&world, KIND_NODE, "k1", "u");
	buf_clear(&told);
	store_list_begin(world.store, KIND_POD);
	world_put_pod(&world, "shop", "b", "2", "");
	world_put_pod(&world, "shop", "d", "4", "");
	store_list_end(world.store, KIND_POD);
	assert_null(pod("shop", "a"));
	assert_non_null(pod("shop", "b"));
	assert_null(pod("bank", "c"));
	assert_non_null(pod("shop", "d"));
	assert_non_null(store_find_node(world.store, "k1", 2));
	assert_null(store_find_namespace(world.store, "bank", 4));
}

static void a_list_that_failed_removes_nothing(void **state)
{
	(void)state;
	world_put_pod(&world, "shop", "a", "1", "");
	store_list_begin(world.store, KIND_POD);
	store_list_begin(world.store, KIND_POD);
	world_put_pod(&world, "shop", "a", "1", "");
	store_list_end(world.store, KIND_POD);
	assert_non_null(pod("shop", "a"));
	store_list_begin(world.store, KIND_POD);
	world_put_pod(&world, "shop", "b", "1", "");
	assert_non_null(pod("shop", "a"));
}

static void a_version_outlives_its_object_for_who_holds_it(void **state)
{
	cleanup_buf struct buf text = {0};
	(void)state;
	world_put_pod(&world, "shop", "web", "1", "");
	struct version *v = version_ref(pod("shop", "web")->version);
	world_put_pod(&world, "shop", "web", "1", "k1");
	struct version *newer = version_ref(pod("shop", "web")->version);
	assert_true(newer->seq > v->seq);
	store_remove(world.store, KIND_POD, "shop", "web");
	opened_cache_clear();
	assert_int_equal(v->refs, 1);
	assert_int_equal(newer->refs, 1);
	assert_int_equal(version_read(v, &text), 0);
	assert_null(strstr(text.data, "k1"));
	assert_int_equal(version_read(newer, &text), 0);
	assert_non_null(strstr(text.data, "k1"));
	version_unref(v);
	version_unref(newer);
}

static void values_without_a_file_are_counted(void **state)
{
	cleanup_buf struct buf json = {0};
	struct store_counts counts;

	(void)state;
	buf_addstr(&json, "{\"metadata\":{\"name\":\"k1\"},\"spec\":{\"");
	buf_addfill(&json, 'x', 256);
	buf_addstr(&json, "\":1,\"a\":2}}");
	assert_int_equal(world_put(&world, KIND_NODE, json.data), 1);
	store_counts(world.store, &counts);
	assert_int_equal(counts.left_out, 1);
	world_put_named(&world, KIND_NODE, "k1", "");
	store_counts(world.store, &counts);
	assert_int_equal(counts.left_out, 0);
}

static void cookies_are_constant_and_leave_room(void **state)
{
	struct dice dice = {11};

	(void)state;
	/* From an independent program: they must not change from run to run, or version to version.
	 */
	assert_true(cookie_of("pods", 4) == UINT64_C(0x6f054f9093767dd5));
	assert_true(cookie_of("kube-system", 11) == UINT64_C(0x2a550b066a5fef58));
	assert_true(cookie_of("", 0) == UINT64_C(0x1c525a3dc5efd59f));
	for (int i = 0; i < 10000; i++) {
		uint32_t name = dice_roll(&dice, UINT32_MAX);
		uint64_t cookie = cookie_of((const char *)&name, sizeof(name));

		assert_true(cookie >= COOKIE_MIN && cookie <= INT64_MAX - 16);
	}
}

/* The naive model: every object that should be there. */
struct known {
	enum kind kind;
	char ns[8];
	char name[8];
	char node[8];
	unsigned uid;
	bool there;
	bool in_list;
};

static struct known all[3 * 6 * 3];
static size_t n_all;

static struct known *any(struct dice *d)
{
	return &all[dice_roll(d, (uint32_t)n_all)];
}

static void make_model(void)
{
	n_all = 0;
	for (int ns = 0; ns < 3; ns++) {
		struct known *n = &all[n_all++];

		*n = (struct known){.kind = KIND_NAMESPACE};
		snprintf(n->name, sizeof(n->name), "n%d", ns);
		n = &all[n_all++];
		*n = (struct known){.kind = KIND_NODE};
		snprintf(n->name, sizeof(n->name), "k%d", ns);
		for (int i = 0; i < 6; i++) {
			n = &all[n_all++];
			*n = (struct known){.kind = KIND_POD};
			snprintf(n->ns, sizeof(n->ns), "n%d", ns);
			snprintf(n->name, sizeof(n->name), "p%d", i);
		}
	}
}

static void put_known(struct dice *d, struct known *k)
{
	bool other = dice_one_in(d, 3);

	if (!k->there || dice_one_in(d, 6)) {
		k->uid++;
		other = true;
	}
	if (k->kind == KIND_POD && other) {
		k->node[0] = '\0';
		if (dice_roll(d, 4))
			snprintf(k->node, sizeof(k->node), "k%u", dice_roll(d, 3));
	}
	char uid[16];
	snprintf(uid, sizeof(uid), "%u", k->uid);
	int r = k->kind == KIND_POD ? world_put_pod(&world, k->ns, k->name, uid, k->node)
				    : world_put_named(&world, k->kind, k->name, uid);
	assert_true(r == 0 || r == 1);
	if (!other)
		assert_int_equal(r, 0);
	k->there = true;
	k->in_list = true;
}

static void list_known(struct dice *d, enum kind kind)
{
	store_list_begin(world.store, kind);
	for (size_t i = 0; i < n_all; i++) {
		all[i].in_list = false;
		if (all[i].kind == kind && dice_roll(d, 3))
			put_known(d, &all[i]);
	}
	store_list_end(world.store, kind);
	for (size_t i = 0; i < n_all; i++)
		if (all[i].kind == kind && !all[i].in_list)
			all[i].there = false;
}

static struct object *find_known(const struct known *k)
{
	const struct store_namespace *ns;
	const struct store_node *node;

	switch (k->kind) {
	case KIND_POD:
		return pod(k->ns, k->name);
	case KIND_NODE:
		node = store_find_node(world.store, k->name, strlen(k->name));
		return node ? node->object : NULL;
	default:
		ns = store_find_namespace(world.store, k->name, strlen(k->name));
		return ns ? ns->object : NULL;
	}
}

static void check_order(const struct collection *c)
{
	for (size_t i = 1; i < c->count; i++) {
		const struct object *a = c->items[i - 1];
		const struct object *b = c->items[i];

		assert_true(a->cookie <= b->cookie);
	}
}

/* How many pods are on it. */
static size_t check_node(const struct store_node *node)
{
	size_t pods = 0;

	for (size_t i = 0; i < node->namespaces.count; i++) {
		const struct store_node_namespace *share = node->namespaces.items[i];

		assert_true(share->pods.count > 0);
		assert_ptr_equal(share->ns, store_find_namespace(world.store, share->ns->name,
								 strlen(share->ns->name)));
		for (size_t j = 0; j < share->pods.count; j++) {
			const struct object *pod = share->pods.items[j];

			assert_string_equal(pod->namespace, share->ns->name);
			assert_string_equal(pod->node_name, node->name);
		}
		check_order(&share->pods);
		pods += share->pods.count;
	}
	return pods;
}

static void check_known(void)
{
	size_t folders = 0;
	size_t nodes = 0;
	struct store_counts counts;
	uint64_t count[KIND_COUNT] = {0};
	uint64_t bytes = 0;

	for (size_t i = 0; i < n_all; i++) {
		const struct known *k = &all[i];
		const struct object *o = find_known(k);
		size_t in_folder = 0;
		size_t on_node = 0;

		assert_int_equal(o != NULL, k->there);
		if (o) {
			assert_int_equal(strtoul(o->uid, NULL, 10), k->uid);
			assert_string_equal(o->node_name, k->node);
			assert_int_equal(o->refs, 1);
			count[k->kind]++;
			bytes += o->version->len;
		}
		if (k->kind == KIND_POD)
			continue;
		for (size_t j = 0; j < n_all; j++) {
			in_folder += all[j].there && !strcmp(all[j].ns, k->name);
			on_node += all[j].there && all[j].kind == KIND_POD &&
				   !strcmp(all[j].node, k->name);
		}
		if (k->kind == KIND_NAMESPACE) {
			const struct store_namespace *ns =
			    store_find_namespace(world.store, k->name, strlen(k->name));

			assert_int_equal(ns != NULL, k->there || in_folder);
			folders += ns != NULL;
			if (ns) {
				assert_int_equal(ns->pods.count, in_folder);
				check_order(&ns->pods);
			}
		} else {
			const struct store_node *node =
			    store_find_node(world.store, k->name, strlen(k->name));

			assert_int_equal(node != NULL, k->there || on_node);
			nodes += node != NULL;
			if (node) {
				assert_int_equal(check_node(node), on_node);
			}
		}
	}
	assert_int_equal(store_namespaces(world.store)->count, folders);
	assert_int_equal(store_nodes(world.store)->count, nodes);
	store_counts(world.store, &counts);
	for (int kind = KIND_UNSET + 1; kind < KIND_COUNT; kind++)
		assert_int_equal(counts.objects[kind], count[kind]);
	assert_int_equal(counts.bytes, bytes);
}

static void agrees_with_a_naive_model(void **state)
{
	static const enum kind kinds[] = {KIND_POD, KIND_NODE, KIND_NAMESPACE};
	struct dice dice = {12};

	(void)state;
	make_model();
	for (int step = 0; step < 20000; step++) {
		struct known *k = any(&dice);

		if (dice_one_in(&dice, 50)) {
			list_known(&dice, kinds[dice_roll(&dice, 3)]);
		} else if (dice_one_in(&dice, 3)) {
			assert_int_equal(store_remove(world.store, k->kind, k->ns, k->name),
					 k->there);
			k->there = false;
			if (k->kind == KIND_POD)
				k->node[0] = '\0';
		} else {
			put_known(&dice, k);
		}
		buf_clear(&told);
		check_known();
	}
}

#define store_test(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    store_test(what_was_put_is_found_until_removed),
	    store_test(the_same_object_again_changes_nothing),
	    store_test(another_uid_is_another_object),
	    store_test(a_folder_stays_while_its_namespace_or_a_pod_of_it_does),
	    store_test(a_pod_is_at_its_node_as_long_as_it_is_bound_to_it),
	    store_test(a_list_removes_what_is_not_in_it),
	    store_test(a_list_that_failed_removes_nothing),
	    store_test(a_version_outlives_its_object_for_who_holds_it),
	    store_test(values_without_a_file_are_counted),
	    store_test(cookies_are_constant_and_leave_room),
	    store_test(agrees_with_a_naive_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
