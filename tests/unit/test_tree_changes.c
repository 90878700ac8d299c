/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel keeps what it was told until it is told that it changed. So after
 * every change of the store the whole tree is compared with what it was before,
 * and whatever differs must have been said.
 */
#include "said.h"

static void put_pod(const char *ns, const char *name, const char *uid, const char *node)
{
	assert_int_equal(world_put_pod(&world, ns, name, uid, node), 1);
	check("put pod");
}

static void put_named(enum kind kind, const char *name, const char *uid)
{
	assert_int_equal(world_put_named(&world, kind, name, uid), 1);
	check("put named");
}

static void assert_there(const char *path, bool there)
{
	if (!!snapshot_find(&before, path) != there)
		fail_msg("%s is%s there", path, there ? " not" : "");
}

static void a_pod_comes_and_goes_with_its_folder(void **state)
{
	(void)state;
	put_pod("shop", "web", "1", "");
	assert_there("namespaces/shop/pods/web/object.json", true);
	put_pod("shop", "db", "2", "");
	take_away(KIND_POD, "shop", "web");
	take_away(KIND_POD, "shop", "db");
	assert_there("namespaces/shop", false);
}

static void a_namespace_comes_before_or_after_its_pods(void **state)
{
	(void)state;
	put_pod("shop", "web", "1", "");
	put_named(KIND_NAMESPACE, "shop", "n1");
	assert_there("namespaces/shop/metadata/name", true);
	take_away(KIND_NAMESPACE, "", "shop");
	assert_there("namespaces/shop/metadata", false);
	assert_there("namespaces/shop/pods/web", true);
	put_named(KIND_NAMESPACE, "shop", "n2");
	take_away(KIND_POD, "shop", "web");
	assert_there("namespaces/shop/pods", true);
	put_named(KIND_NAMESPACE, "shop", "n3");
	take_away(KIND_NAMESPACE, "", "shop");
	assert_there("namespaces/shop", false);
}

static void a_pod_is_bound_moved_and_unbound(void **state)
{
	(void)state;
	put_named(KIND_NODE, "k1", "u1");
	put_named(KIND_NODE, "k2", "u2");
	put_pod("shop", "web", "1", "");
	put_pod("shop", "web", "1", "k1");
	assert_there("nodes/k1/pods/shop/web", true);
	assert_there("namespaces/shop/pods/web/node/metadata/name", true);
	put_pod("shop", "db", "2", "k1");
	put_pod("bank", "db", "3", "k1");
	put_pod("shop", "web", "1", "k2");
	assert_there("nodes/k2/pods/shop/web", true);
	assert_there("nodes/k1/pods/shop/web", false);
	put_pod("shop", "web", "1", "k3");
	assert_there("namespaces/shop/pods/web/node", false);
	put_pod("shop", "web", "1", "");
	take_away(KIND_POD, "shop", "db");
	assert_there("nodes/k1/pods/shop", false);
}

static int64_t time_of(const char *path)
{
	const struct shot *shot = snapshot_find(&before, path);

	assert_non_null(shot);
	return shot->mtime_ns;
}

static void each_namespace_of_a_node_has_its_own_time(void **state)
{
	(void)state;
	put_named(KIND_NODE, "k1", "u1");
	put_pod("shop", "web", "1", "k1");
	put_pod("bank", "db", "2", "k1");
	int64_t folders = time_of("nodes/k1/pods");
	int64_t shop = time_of("nodes/k1/pods/shop");
	int64_t bank = time_of("nodes/k1/pods/bank");
	put_pod("bank", "web", "3", "k1");
	assert_true(time_of("nodes/k1/pods/bank") > bank);
	assert_true(time_of("nodes/k1/pods/shop") == shop);
	assert_true(time_of("nodes/k1/pods") == folders);
	take_away(KIND_POD, "shop", "web");
	assert_there("nodes/k1/pods/shop", false);
	assert_true(time_of("nodes/k1/pods") > folders);
}

static void a_node_comes_after_its_pods_and_goes_before_them(void **state)
{
	(void)state;
	put_pod("shop", "web", "1", "k1");
	assert_there("nodes/k1", false);
	put_named(KIND_NODE, "k1", "u1");
	assert_there("nodes/k1/pods/shop/web", true);
	put(KIND_NODE,
	    "{\"metadata\":{\"name\":\"k1\",\"uid\":\"u1\",\"labels\":{\"zone\":\"a\"}}}");
	assert_there("namespaces/shop/pods/web/node/metadata/labels/zone", true);
	put_named(KIND_NODE, "k1", "u2");
	take_away(KIND_NODE, "", "k1");
	assert_there("namespaces/shop/pods/web/node", false);
}

#define LIMITS "namespaces/shop/pods/web/downward/resources/main/"

static void put_node(const char *cpu, const char *heartbeat)
{
	cleanup_buf struct buf json = {0};

	buf_addf(&json,
		 "{\"metadata\":{\"name\":\"k1\",\"uid\":\"u1\"},\"status\":{\"allocatable\":"
		 "{\"cpu\":\"%s\",\"memory\":\"7Gi\"},\"conditions\":[{\"type\":\"Ready\","
		 "\"lastHeartbeatTime\":\"%s\"}]}}",
		 cpu, heartbeat);
	put(KIND_NODE, json.data);
}

static void assert_data(const char *path, const char *data)
{
	const struct shot *shot = snapshot_find(&before, path);

	assert_non_null(shot);
	assert_int_equal(shot->len, strlen(data));
	assert_memory_equal(shot->data, data, shot->len);
}

static size_t said_below(const char *path)
{
	size_t n = 0;

	for (size_t i = 0; i < n_said; i++)
		n += path_within(said[i].path, path);
	return n;
}

static void what_a_node_gives_its_pods_changes_with_it(void **state)
{
	(void)state;
	put(KIND_POD, "{\"metadata\":{\"name\":\"web\",\"namespace\":\"shop\",\"uid\":\"1\"},"
		      "\"spec\":{\"nodeName\":\"k1\",\"containers\":[{\"name\":\"main\"}]}}");
	assert_there(LIMITS "limits.cpu", false);
	assert_there(LIMITS "requests.cpu", true);
	put_node("3920m", "1");
	assert_data(LIMITS "limits.cpu", "4");
	int64_t cpu = time_of(LIMITS "limits.cpu");
	int64_t memory = time_of(LIMITS "limits.memory");
	put_node("5", "1");
	assert_data(LIMITS "limits.cpu", "5");
	assert_true(time_of(LIMITS "limits.cpu") > cpu);
	assert_int_equal(time_of(LIMITS "limits.memory"), memory);
	take_away(KIND_NODE, "", "k1");
	assert_there(LIMITS "limits.memory", false);
}

static void a_nodes_heartbeat_says_nothing_of_its_pods(void **state)
{
	(void)state;
	put_pod("shop", "web", "1", "k1");
	put_node("4", "1");
	doing = "heartbeat";
	assert_int_equal(
	    world_put(&world, KIND_NODE,
		      "{\"metadata\":{\"name\":\"k1\",\"uid\":\"u1\"},\"status\":{"
		      "\"allocatable\":{\"cpu\":\"4\",\"memory\":\"7Gi\"},\"conditions\":"
		      "[{\"type\":\"Ready\",\"lastHeartbeatTime\":\"2\"}]}}"),
	    1);
	assert_true(said_below("nodes/k1") > 0);
	assert_int_equal(said_below("namespaces"), 0);
	check("heartbeat");
}

static void a_pod_made_again_is_another_one(void **state)
{
	(void)state;
	put_named(KIND_NODE, "k1", "u1");
	put_pod("shop", "web", "1", "k1");
	put_pod("shop", "web", "2", "k1");
	put_pod("shop", "web", "3", "");
}

#define POD "{\"metadata\":{\"name\":\"p\",\"namespace\":\"n\",\"uid\":\"u\""

static void self_is_there_while_its_pod_is_and_is_not_on_the_hosts_network(void **state)
{
	(void)state;
	assert_there("self", false);
	put_pod("bank", "a", "1", "");
	put_pod("shop", "b", "2", "");
	assert_there("self", false);
	put_pod("shop", "a", "3", "k1");
	assert_there("self", true);
	put_pod("shop", "a", "4", "k1");
	assert_string_equal(snapshot_find(&before, "self")->data, "namespaces/shop/pods/a");
	put(KIND_POD, "{\"metadata\":{\"name\":\"a\",\"namespace\":\"shop\",\"uid\":\"4\"},"
		      "\"spec\":{\"hostNetwork\":true}}");
	assert_there("self", false);
	put(KIND_POD, "{\"metadata\":{\"name\":\"a\",\"namespace\":\"shop\",\"uid\":\"4\"},"
		      "\"spec\":{\"hostNetwork\":false}}");
	assert_there("self", true);
	take_away(KIND_POD, "shop", "a");
	assert_there("self", false);
}

static void label_links_follow_the_maps_they_lead_to(void **state)
{
	(void)state;
	put(KIND_POD, POD "}}");
	assert_there("namespaces/n/pods/p/labels", false);
	put(KIND_POD, POD ",\"labels\":{}}}");
	assert_there("namespaces/n/pods/p/labels", true);
	put(KIND_POD, POD ",\"labels\":{\"a\":\"1\"},\"annotations\":{\"a\":\"1\"}}}");
	put(KIND_POD, POD ",\"labels\":null,\"annotations\":{\"a\":\"1\"}}}");
	put(KIND_POD, POD ",\"labels\":\"none\",\"annotations\":[]}}");
	put(KIND_POD, POD ",\"labels\":{\"a/b\":\"1\"}}}");
	put(KIND_POD, POD ",\"labels\":{\"a/b\":\"1\",\"a\":\"2\"}}}");
	put(KIND_POD, POD "}}");
}

static void containers_come_go_and_change_their_list(void **state)
{
	static const char *const bodies[] = {
	    "\"spec\":{\"containers\":[{\"name\":\"a\"}]}",
	    "\"spec\":{\"containers\":[{\"name\":\"a\"}]},\"status\":{\"containerStatuses\":[{"
	    "\"name\":\"a\"}]}",
	    "\"spec\":{\"containers\":[{\"name\":\"a\"}],\"initContainers\":[{\"name\":\"b\"}]},"
	    "\"status\":{\"initContainerStatuses\":[{\"name\":\"b\"}]}",
	    "\"spec\":{\"containers\":[{\"name\":\"b\"}],\"initContainers\":[{\"name\":\"a\"}]},"
	    "\"status\":{\"initContainerStatuses\":[{\"name\":\"b\"}]}",
	    "\"spec\":{\"containers\":[]}",
	    "\"spec\":{\"ephemeralContainers\":[{\"name\":\"e\"}]}",
	    "\"spec\":{\"containers\":[{\"name\":\"a\"},{\"name\":\"a\"}],\"ephemeralContainers\":["
	    "{\"name\":\"e\"}]}",
	    "\"spec\":{}",
	    "\"status\":{\"containerStatuses\":[{\"name\":\"a\"}]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(bodies); j++) {
			char json[512];

			snprintf(json, sizeof(json), POD "},%s}", bodies[i]);
			put(KIND_POD, json);
			snprintf(json, sizeof(json), POD "},%s}", bodies[j]);
			put(KIND_POD, json);
		}
	}
}

static void a_list_named_otherwise_with_the_same_names_counts(void **state)
{
	(void)state;
	/* 0 and 1 are these containers' names, and then their places. */
	put(KIND_POD, POD "},\"spec\":{\"containers\":[{\"name\":\"0\"},{\"name\":\"1\"}]}}");
	assert_there("namespaces/n/pods/p/containers/1", true);
	put(KIND_POD, POD "},\"spec\":{\"containers\":[{\"name\":\"0\"},{\"name\":\"\"}]}}");
	assert_there("namespaces/n/pods/p/containers", false);
	put(KIND_POD, POD "},\"spec\":{\"containers\":[{\"name\":\"0\"},{\"name\":\"1\"}]}}");
	assert_there("namespaces/n/pods/p/containers/1", true);
	/* The same bytes in every file, too. */
	put(KIND_POD, POD "},\"spec\":{\"containers\":[{\"name\":\"0\"},{\"name\":1}]}}");
	assert_there("namespaces/n/pods/p/containers", false);
}

static void fields_called_like_fixed_names_do_not_disturb_them(void **state)
{
	(void)state;
	put(KIND_POD,
	    POD "},\"labels\":{\"x\":\"1\"},\"node\":1,\"containers\":[1],\"object.json\":2}");
	put(KIND_POD,
	    POD ",\"labels\":{\"a\":\"1\"}},\"labels\":{\"x\":\"2\"},\"object.yaml\":{}}");
	put(KIND_POD, POD ",\"labels\":{\"a\":\"1\"}},\"labels\":\"x\",\"annotations\":\"y\"}");
	put(KIND_NODE,
	    "{\"metadata\":{\"name\":\"k\",\"uid\":\"u\"},\"pods\":{\"x\":1},\"object.json\":{}}");
	put(KIND_NAMESPACE,
	    "{\"metadata\":{\"name\":\"n\",\"uid\":\"u\"},\"pods\":[1,2],\"node\":1}");
}

/*
 * Random objects: few names, so that they meet; content with all that decides
 * where something is found, and some that is not meant to be there at all.
 */
static const char *pick(struct dice *d, const char *const *from, uint32_t n)
{
	return from[dice_roll(d, n)];
}

static void add_containers(struct dice *d, const char *list, struct buf *out)
{
	static const char *const names[] = {"a", "b", "c", "a.b", "0", "1", "x/y"};
	uint32_t n = dice_roll(d, 4);
	uint32_t first = dice_roll(d, ARRAY_SIZE(names));

	buf_addf(out, ",\"%s\":[", list);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = dice_one_in(d, 12) ? first : first + i;

		buf_addf(out, "%s{\"name\":\"%s\",\"n\":%u}", i ? "," : "",
			 names[at % ARRAY_SIZE(names)], dice_roll(d, 3));
	}
	buf_addch(out, ']');
}

static void add_labels(struct dice *d, const char *map, struct buf *out)
{
	static const char *const keys[] = {
	    "a", "b", "k8s.io/a", "k8s.io/b", "k8s.io", "a/b", "kubernetes.io/config.hash"};

	if (dice_one_in(d, 8)) {
		buf_addf(out, ",\"%s\":%s", map, dice_one_in(d, 2) ? "null" : "\"x\"");
		return;
	}
	buf_addf(out, ",\"%s\":{", map);
	for (uint32_t n = dice_roll(d, 4), i = 0; i < n; i++)
		buf_addf(out, "%s\"%s\":\"%u\"", i ? "," : "", keys[dice_roll(d, ARRAY_SIZE(keys))],
			 dice_roll(d, 3));
	buf_addch(out, '}');
}

static void add_stray(struct dice *d, struct buf *out)
{
	static const char *const keys[] = {"labels",      "annotations", "node",
					   "containers",  "pods",        "object.json",
					   "object.yaml", "data",        "select"};

	if (!dice_one_in(d, 6))
		return;
	buf_addf(out, ",\"%s\":", pick(d, keys, ARRAY_SIZE(keys)));
	doc_random_value(d, 4, out);
}

static void add_addresses(struct dice *d, struct buf *out)
{
	static const char *const phases[] = {"Running", "Running", "Succeeded", "Failed",
					     "Pending"};
	static const char *const addresses[] = {
	    "10.0.0.1", "10.0.0.2", "fd00::1", "FD00::0:1", "::ffff:10.0.0.1", "none", ""};

	buf_addf(out, "\"phase\":\"%s\"", pick(d, phases, ARRAY_SIZE(phases)));
	if (dice_roll(d, 3))
		buf_addf(out, ",\"podIP\":\"%s\"", pick(d, addresses, ARRAY_SIZE(addresses)));
	if (dice_one_in(d, 3))
		buf_addf(out, ",\"podIPs\":[{\"ip\":\"%s\"},{\"ip\":\"%s\"}]",
			 pick(d, addresses, ARRAY_SIZE(addresses)),
			 pick(d, addresses, ARRAY_SIZE(addresses)));
}

static void make_object(struct dice *d, enum kind kind, struct buf *out)
{
	static const char *const names[] = {"a", "b", "b.c"};
	static const char *const namespaces[] = {"shop", "bank", "b"};
	static const char *const nodes[] = {"", "k1", "k2", "b"};
	bool is_pod = kind == KIND_POD;
	const char *const *of = is_pod ? names : kind == KIND_NODE ? nodes + 1 : namespaces;

	buf_clear(out);
	buf_addf(out, "{\"metadata\":{\"name\":\"%s\",\"uid\":\"u%u\",\"resourceVersion\":\"%u\"",
		 pick(d, of, 3), dice_roll(d, 10) / 9, dice_roll(d, 1000));
	if (dice_one_in(d, 3))
		buf_addf(out, ",\"creationTimestamp\":\"2026-01-01T00:00:0%uZ\"", dice_roll(d, 3));
	if (is_pod)
		buf_addf(out, ",\"namespace\":\"%s\"", pick(d, namespaces, 3));
	if (dice_roll(d, 3))
		add_labels(d, "labels", out);
	if (dice_roll(d, 3))
		add_labels(d, "annotations", out);
	buf_addf(out, "},\"spec\":{\"nodeName\":\"%s\"", pick(d, nodes, ARRAY_SIZE(nodes)));
	if (dice_one_in(d, 4))
		buf_addf(out, ",\"hostNetwork\":%s", dice_one_in(d, 3) ? "false" : "true");
	if (dice_roll(d, 4))
		add_containers(d, "containers", out);
	if (dice_one_in(d, 2))
		add_containers(d, "initContainers", out);
	if (dice_one_in(d, 4))
		add_containers(d, "ephemeralContainers", out);
	if (dice_one_in(d, 6))
		buf_addf(out, ",\"hostNetwork\":true");
	buf_addstr(out, "},\"status\":{");
	add_addresses(d, out);
	if (dice_one_in(d, 2))
		add_containers(d, "containerStatuses", out);
	if (dice_one_in(d, 3))
		add_containers(d, "initContainerStatuses", out);
	buf_addch(out, '}');
	add_stray(d, out);
	buf_addch(out, '}');
}

static const enum kind kinds[] = {KIND_POD, KIND_POD,  KIND_POD,
				  KIND_POD, KIND_NODE, KIND_NAMESPACE};

static struct object *any_object(struct dice *d, enum kind kind)
{
	const struct collection *c =
	    kind == KIND_NODE ? store_nodes(world.store) : store_namespaces(world.store);

	if (!c->count)
		return NULL;
	void *item = c->items[dice_roll(d, (uint32_t)c->count)];
	if (kind == KIND_NODE)
		return ((struct store_node *)item)->object;
	const struct store_namespace *ns = item;
	if (kind == KIND_NAMESPACE)
		return ns->object;
	return ns->pods.count ? ns->pods.items[dice_roll(d, (uint32_t)ns->pods.count)] : NULL;
}

/* One value somewhere in an object is another, unless that makes it another object. */
static void edit(struct dice *d, enum kind kind)
{
	cleanup_doc struct doc was = {0};
	cleanup_doc struct doc is = {0};
	cleanup_packed struct packed p = {0};
	const char *fault;
	const struct object *o = any_object(d, kind);

	if (!o)
		return;
	assert_int_equal(version_read(o->version, &was.text), 0);
	doc_index(&was);
	doc_mutate(d, &was, &is);
	if (packed_from_json(&world.index, kind, is.text.data, is.text.len, &p, &fault) < 0 ||
	    strcmp(p.name, o->name) != 0 || strcmp(p.namespace, o->namespace) != 0)
		return;
	free(last_json);
	last_json = strdup(is.text.data);
	assert_true(store_put(world.store, &p) >= 0);
	check("edit");
}

static void list_again(struct dice *d, enum kind kind)
{
	cleanup_buf struct buf json = {0};

	store_list_begin(world.store, kind);
	for (uint32_t n = dice_roll(d, 6); n > 0; n--) {
		make_object(d, kind, &json);
		assert_true(world_put(&world, kind, json.data) >= 0);
		check("put in a list");
	}
	store_list_end(world.store, kind);
	check("list");
}

static void step(struct dice *d)
{
	cleanup_buf struct buf json = {0};
	enum kind kind = kinds[dice_roll(d, ARRAY_SIZE(kinds))];
	const struct object *o;

	switch (dice_roll(d, 8)) {
	case 0:
		o = any_object(d, kind);
		if (o)
			take_away(kind, o->namespace, o->name);
		break;
	case 1:
		if (dice_one_in(d, 6))
			list_again(d, kind);
		break;
	case 2:
	case 3:
		make_object(d, kind, &json);
		put(kind, json.data);
		break;
	default:
		edit(d, kind);
	}
}

static void everything_that_changes_is_said(void **state)
{
	const char *rounds = getenv("PODFS_TEST_ROUNDS");
	struct dice dice = {7};

	(void)state;
	for (unsigned long n = rounds ? strtoul(rounds, NULL, 10) : 3000; n > 0; n--)
		step(&dice);
}

#define world_test(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    world_test(a_pod_comes_and_goes_with_its_folder),
	    world_test(a_namespace_comes_before_or_after_its_pods),
	    world_test(a_pod_is_bound_moved_and_unbound),
	    world_test(each_namespace_of_a_node_has_its_own_time),
	    world_test(a_node_comes_after_its_pods_and_goes_before_them),
	    world_test(what_a_node_gives_its_pods_changes_with_it),
	    world_test(a_nodes_heartbeat_says_nothing_of_its_pods),
	    world_test(a_pod_made_again_is_another_one),
	    world_test(self_is_there_while_its_pod_is_and_is_not_on_the_hosts_network),
	    world_test(label_links_follow_the_maps_they_lead_to),
	    world_test(containers_come_go_and_change_their_list),
	    world_test(a_list_named_otherwise_with_the_same_names_counts),
	    world_test(fields_called_like_fixed_names_do_not_disturb_them),
	    world_test(everything_that_changes_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
