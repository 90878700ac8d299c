/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is alive: nodes against a naive model of them, in every order of coming,
 * forgetting and detaching.
 */
#include "resident.h"

#include <podfs/base/cleanup.h>

#include "fs/inode_table.h"

static struct inode_table *table;
static int memory;

static struct inode *add_of(struct inode *parent, const char *name, enum tree_kind kind,
			    struct object *object, struct pin *pin)
{
	const struct tree_entry entry = {.name = name,
					 .name_len = strlen(name),
					 .kind = kind,
					 .field = {.style = kind == TREE_FIELD ? FIELD_FILE : 0}};
	struct inode *n = inode_add(table, parent, &entry, object, 77, pin);

	assert_non_null(n);
	return n;
}

static struct inode *add(struct inode *parent, const char *name, enum tree_kind kind,
			 struct pin *pin)
{
	return add_of(parent, name, kind, NULL, pin);
}

static struct inode *add_dir(struct inode *parent, const char *name)
{
	return add(parent, name, TREE_NAMESPACE, NULL);
}

static struct inode *root(void)
{
	return inode_get(table, INODE_ROOT);
}

static int set_up(void **state)
{
	(void)state;
	memory = memory_new();
	table = inode_table_new(memory);
	return table ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	inode_table_free(table);
	close(memory);
	return 0;
}

static void the_root_is_there_and_stays(void **state)
{
	(void)state;
	assert_non_null(root());
	inode_forget(table, INODE_ROOT, 1);
	inode_forget(table, INODE_ROOT, 1000);
	assert_non_null(root());
	assert_int_equal(inode_count(table), 1);
	assert_ptr_equal(inode_walk(table, "", 0), root());
}

static void a_node_lives_until_every_lookup_is_given_back(void **state)
{
	struct inode *n = add_dir(root(), "a");
	uint64_t id = n->id;

	(void)state;
	inode_ref(n);
	inode_ref(n);
	inode_forget(table, id, 2);
	assert_ptr_equal(inode_get(table, id), n);
	inode_forget(table, id, 1);
	assert_null(inode_get(table, id));
	assert_null(inode_child(table, root(), "a", 1));
	assert_int_equal(inode_count(table), 1);
}

static void a_forget_of_an_unknown_id_is_ignored(void **state)
{
	(void)state;
	struct inode *n = add_dir(root(), "a");
	uint64_t id = n->id;
	inode_forget(table, id, 1);
	inode_forget(table, id, 1);
	inode_forget(table, 0, 1);
	inode_forget(table, UINT64_MAX, 5);
	assert_int_equal(inode_count(table), 1);
}

static void ids_are_never_used_twice(void **state)
{
	uint64_t last = INODE_ROOT;

	(void)state;
	for (int i = 0; i < 5000; i++) {
		struct inode *n = add_dir(root(), "a");

		assert_true(n->id > last);
		last = n->id;
		inode_forget(table, n->id, 1);
	}
}

static void a_parent_outlives_its_children(void **state)
{
	(void)state;
	struct inode *a = add_dir(root(), "a");
	struct inode *b = add_dir(a, "b");
	struct inode *c = add_dir(b, "c");
	uint64_t ids[] = {a->id, b->id, c->id};

	inode_forget(table, ids[0], 1);
	inode_forget(table, ids[1], 1);
	assert_non_null(inode_get(table, ids[0]));
	assert_ptr_equal(inode_walk(table, "a/b/c", 5), c);
	inode_forget(table, ids[2], 1);
	assert_null(inode_get(table, ids[0]));
	assert_null(inode_get(table, ids[1]));
	assert_int_equal(inode_count(table), 1);
}

static void a_name_is_found_whole_and_only_below_its_parent(void **state)
{
	(void)state;
	struct inode *a = add_dir(root(), "a");
	struct inode *ab = add_dir(root(), "ab");
	struct inode *b = add_dir(a, "b");

	assert_ptr_equal(inode_child(table, root(), "abc", 1), a);
	assert_ptr_equal(inode_child(table, root(), "abc", 2), ab);
	assert_null(inode_child(table, root(), "abc", 3));
	assert_null(inode_child(table, root(), "b", 1));
	assert_null(inode_child(table, ab, "b", 1));
	assert_ptr_equal(inode_walk(table, "a/b/c", 3), b);
	assert_null(inode_walk(table, "a/b/c", 5));
	assert_null(inode_walk(table, "ab/b", 4));
}

static void a_detached_node_keeps_its_id_but_not_its_name(void **state)
{
	(void)state;
	struct inode *old = add(root(), "f", TREE_FIELD, NULL);
	struct pin *pin = pin_new();

	assert_non_null(pin);
	buf_addstr(&pin->content, "old");
	assert_int_equal(inode_detach(table, old, pin), 0);
	assert_ptr_equal(inode_get(table, old->id), old);
	assert_ptr_equal(inode_pin(table, old), pin);
	assert_null(inode_child(table, root(), "f", 1));
	struct inode *new = add(root(), "f", TREE_FIELD, NULL);
	assert_ptr_equal(inode_child(table, root(), "f", 1), new);
	inode_forget(table, old->id, 1);
	assert_ptr_equal(inode_child(table, root(), "f", 1), new);
}

static void a_node_with_content_of_its_own_has_no_name(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct pin *pin = pin_new();

		assert_non_null(pin);
		struct inode *n = add(root(), "status", TREE_SELF_STATUS, pin);
		assert_false(n->attached);
		assert_null(inode_child(table, root(), "status", 6));
	}
	assert_int_equal(inode_count(table), 4);
}

static void content_outlives_its_node_for_whoever_replies_with_it(void **state)
{
	(void)state;
	struct pin *pin = pin_new();

	assert_non_null(pin);
	buf_addstr(&pin->content, "said once");
	struct inode *n = add(root(), "status", TREE_SELF_STATUS, pin);
	struct pin *held = pin_ref(inode_pin(table, n));
	inode_forget(table, n->id, 1);
	assert_int_equal(inode_count(table), 1);
	assert_string_equal(held->content.data, "said once");
	pin_unref(held);
}

static void a_node_holds_its_objects_version_no_longer_than_itself(void **state)
{
	const struct version_text text = {KIND_POD, 0, "{}", 2};
	struct version *v = version_new(&text);
	struct pin *pin = pin_new();

	(void)state;
	assert_non_null(v);
	assert_non_null(pin);
	struct inode *n = add(root(), "f", TREE_FIELD, NULL);
	pin->version = version_ref(v);
	assert_int_equal(inode_detach(table, n, pin), 0);
	assert_int_equal(v->refs, 2);
	inode_forget(table, n->id, 1);
	assert_int_equal(v->refs, 1);
	version_unref(v);
}

static void paths_are_from_the_root_and_from_the_objects_directory(void **state)
{
	cleanup_buf struct buf path = {0};

	(void)state;
	struct inode *namespaces = add(root(), "namespaces", TREE_NAMESPACES, NULL);
	struct inode *ns = add(namespaces, "shop", TREE_NAMESPACE, NULL);
	struct inode *pods = add(ns, "pods", TREE_PODS, NULL);
	struct inode *pod = add(pods, "web", TREE_POD, NULL);
	struct inode *node = add(pod, "node", TREE_POD_NODE, NULL);
	struct inode *name = add(node, "name", TREE_FIELD, NULL);
	struct inode *phase = add(pod, "phase", TREE_FIELD, NULL);

	assert_int_equal(inode_path(table, name, &path), 0);
	assert_string_equal(path.data, "namespaces/shop/pods/web/node/name");
	buf_clear(&path);
	assert_int_equal(inode_object_path(table, name, &path), 0);
	assert_string_equal(path.data, "name");
	buf_clear(&path);
	assert_int_equal(inode_object_path(table, phase, &path), 0);
	assert_string_equal(path.data, "phase");
	buf_clear(&path);
	assert_int_equal(inode_object_path(table, pods, &path), 0);
	assert_string_equal(path.data, "pods");
	buf_clear(&path);
	assert_int_equal(inode_path(table, root(), &path), 0);
	assert_string_equal(path.data, "");
}

static void lookups_are_counted_beyond_32_bits(void **state)
{
	struct inode *n = add_dir(root(), "a");
	uint64_t id = n->id;

	(void)state;
	n->lookups = UINT32_MAX;
	inode_ref(n);
	inode_ref(n);
	assert_true(inode_lookups(n) == UINT64_C(0x100000001));
	inode_forget(table, id, UINT64_C(0x100000000));
	assert_true(inode_lookups(n) == 1);
	n->lookups = 0;
	n->lookups_high = 1;
	inode_forget(table, id, UINT64_C(0xffffffff));
	assert_true(inode_lookups(n) == 1);
	inode_forget(table, id, 1);
	assert_int_equal(inode_count(table), 1);
}

static struct object *new_object(void)
{
	struct object *o = calloc(1, sizeof(*o));

	assert_non_null(o);
	o->refs = 1;
	return o;
}

static void nodes_of_one_object_share_a_reference_to_it(void **state)
{
	struct object *web = new_object();
	struct object *db = new_object();

	(void)state;
	struct inode *pod = add_of(root(), "web", TREE_POD, web, NULL);
	struct inode *name = add_of(pod, "name", TREE_FIELD, web, NULL);
	struct inode *uid = add_of(pod, "uid", TREE_FIELD, web, NULL);
	struct inode *link = add_of(pod, "labels", TREE_LINK, web, NULL);
	struct inode *other = add_of(pod, "other", TREE_FIELD, db, NULL);
	assert_int_equal(web->refs, 2);
	assert_int_equal(db->refs, 2);
	assert_ptr_equal(inode_object(table, name), web);
	assert_ptr_equal(inode_object(table, other), db);
	/* Neither has content of its own. */
	assert_null(inode_object(table, pod));
	assert_null(inode_object(table, link));
	assert_int_equal(inode_detach(table, name, NULL), 0);
	assert_null(inode_object(table, name));
	assert_ptr_equal(inode_object(table, uid), web);
	uint64_t ids[] = {pod->id, name->id, uid->id, link->id};
	inode_forget(table, other->id, 1);
	assert_int_equal(db->refs, 1);
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		assert_int_equal(web->refs, 2);
		inode_forget(table, ids[i], 1);
	}
	assert_int_equal(web->refs, 1);
	free(web);
	free(db);
}

static void nodes_that_are_left_at_the_end_give_back_what_they_hold(void **state)
{
	struct object *o = new_object();
	const struct version_text text = {KIND_POD, 0, "{}", 2};
	struct version *v = version_new(&text);

	(void)state;
	assert_non_null(v);
	struct inode *pod = add_of(root(), "web", TREE_POD, o, NULL);
	struct inode *f = add_of(pod, "f", TREE_FIELD, o, NULL);
	struct pin *pin = pin_new();
	assert_non_null(pin);
	pin->version = version_ref(v);
	assert_int_equal(inode_detach(table, f, pin), 0);
	inode_table_free(table);
	assert_int_equal(o->refs, 1);
	assert_int_equal(v->refs, 1);
	free(o);
	version_unref(v);
	close(memory);
	assert_int_equal(set_up(state), 0);
}

/* How many nodes a sweep's walk sees, and whether each of @ids is among them, once. */
static size_t summarize(const uint64_t *ids, size_t count, unsigned int *seen)
{
	static struct inode_summary some[7];
	uint32_t at = 0;
	size_t all = 0;
	size_t n;

	memset(seen, 0, count * sizeof(*seen));
	while ((n = inode_summaries(table, &at, some, ARRAY_SIZE(some)))) {
		all += n;
		for (size_t i = 0; i < n; i++)
			for (size_t j = 0; j < count; j++)
				seen[j] += some[i].id == ids[j];
		/* They come and go meanwhile. */
		inode_forget(table, add_dir(root(), "brief")->id, 1);
	}
	return all;
}

static void a_walk_over_all_nodes_sees_each_once_though_others_come_and_go(void **state)
{
	enum { COUNT = 500 };
	uint64_t ids[COUNT];
	unsigned int seen[COUNT];
	struct inode *dir = root();
	char name[16];

	(void)state;
	for (int i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		struct inode *n = add_dir(dir, name);
		ids[i] = n->id;
		if (i % 50 == 0)
			dir = n;
		if (i % 3 == 0)
			assert_int_equal(inode_detach(table, n, NULL), 0);
	}
	assert_int_equal(summarize(ids, COUNT, seen), COUNT + 1);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(seen[i], 1);
}

static size_t table_bytes(void)
{
	size_t pages = resident_pages(&table->nodes.pages) + resident_pages(&table->nodes.empty) +
		       resident_pages(&table->holds.pages) + resident_pages(&table->by_id.heads) +
		       resident_pages(&table->names.all.heads);

	for (size_t i = 0; i < NAMES_CLASSES; i++)
		pages += resident_pages(&table->names.slabs[i].pages);
	return pages * REGION_PAGE;
}

/* Pods of 400 nodes each, with names that all of them have and some that are their own. */
static void memory_follows_what_the_kernel_holds(void **state)
{
	enum { PODS = 500, FOLDERS = 20, FILES = 20 };
	enum { ALL = PODS * (1 + FOLDERS * FILES) };
	static uint64_t ids[ALL];
	size_t empty = table_bytes();
	size_t count = 0;
	char name[64];

	(void)state;
	for (int round = 0; round < 2; round++) {
		count = 0;
		for (int i = 0; i < PODS; i++) {
			snprintf(name, sizeof(name), "web-frontend-7d4b9c6f5-%05d", i);
			struct inode *pod = add_dir(root(), name);
			struct inode *dir = pod;
			ids[count++] = pod->id;
			for (int f = 0; f < FOLDERS * FILES; f++) {
				snprintf(name, sizeof(name), "field-%d", f);
				struct inode *n = add_dir(f % FILES ? dir : pod, name);
				dir = f % FILES ? dir : n;
				ids[count++] = n->id;
			}
		}
		assert_int_equal(inode_count(table), ALL + 1);
		assert_true((table_bytes() - empty) / ALL < 64);
		for (size_t i = 0; i < count; i++)
			inode_forget(table, ids[i], 1);
		assert_int_equal(inode_count(table), 1);
		/* Some pages of each kind stay, so that what comes next finds them. */
		assert_true(table_bytes() - empty < 800000);
	}
}

/* A model without any cleverness: an array of all nodes there ever were. */
#define MODEL_MAX 60000

struct model {
	uint64_t id;
	uint64_t parent; /* index + 1 in the model; 0: the root */
	uint64_t lookups;
	uint64_t children;
	bool attached;
	bool alive;
	char name[8];
};

static struct model models[MODEL_MAX];
static size_t n_models;
static size_t n_alive;

static void model_reap(size_t i)
{
	for (;;) {
		struct model *m = &models[i];

		if (!m->alive || m->lookups || m->children)
			return;
		m->alive = false;
		n_alive--;
		if (!m->parent)
			return;
		i = m->parent - 1;
		models[i].children--;
	}
}

static struct inode *model_node(uint64_t parent)
{
	return parent ? inode_get(table, models[parent - 1].id) : root();
}

static size_t any_alive(struct dice *d)
{
	for (int tries = 0; tries < 50; tries++) {
		/* Mostly young ones: old ones are mostly gone. */
		size_t span = n_models < 300 ? n_models : 300;
		size_t i = n_models - 1 - dice_roll(d, (uint32_t)span);

		if (models[i].alive)
			return i;
	}
	return MODEL_MAX;
}

static void look_up(struct dice *d)
{
	size_t p = n_models && dice_roll(d, 4) ? any_alive(d) : MODEL_MAX;
	uint64_t parent = p == MODEL_MAX ? 0 : p + 1;
	char name[8];
	size_t found = MODEL_MAX;

	snprintf(name, sizeof(name), "n%u", dice_roll(d, 40));
	for (size_t i = n_models > 2000 ? n_models - 2000 : 0; i < n_models; i++)
		if (models[i].alive && models[i].attached && models[i].parent == parent &&
		    !strcmp(models[i].name, name))
			found = i;
	struct inode *dir = model_node(parent);
	assert_non_null(dir);
	struct inode *n = inode_child(table, dir, name, strlen(name));
	if (found < MODEL_MAX) {
		assert_non_null(n);
		assert_int_equal(n->id, models[found].id);
		inode_ref(n);
		models[found].lookups++;
		return;
	}
	/* One that fell out of the window above may still be there. */
	if (n || n_models == MODEL_MAX)
		return;
	n = add_dir(dir, name);
	struct model *m = &models[n_models++];
	*m = (struct model){
	    .id = n->id, .parent = parent, .lookups = 1, .attached = true, .alive = true};
	memcpy(m->name, name, sizeof(name));
	if (parent)
		models[parent - 1].children++;
	n_alive++;
}

/* All children of a node: first the attached ones, each of them once. */
static void assert_children(uint64_t parent)
{
	struct inode *dir = model_node(parent);
	const struct inode *n = NULL;
	uint64_t want = 0;
	uint64_t count = 0;
	bool attached = true;

	for (size_t i = 0; i < n_models; i++)
		want += models[i].alive && models[i].parent == parent;
	while ((n = inode_next_child(table, dir, n))) {
		assert_true(attached || !n->attached);
		attached = n->attached;
		assert_ptr_equal(inode_parent(table, n), dir);
		assert_true(count++ < want);
	}
	assert_int_equal(count, want);
}

static void agrees_with_a_naive_model(void **state)
{
	struct dice dice = {10};

	(void)state;
	n_models = 0;
	n_alive = 0;
	for (int step = 0; step < 100000; step++) {
		size_t i;

		switch (dice_roll(&dice, 5)) {
		case 0:
		case 1:
			look_up(&dice);
			break;
		case 2:
			i = n_models ? any_alive(&dice) : MODEL_MAX;
			if (i == MODEL_MAX || !models[i].attached || dice_roll(&dice, 4))
				break;
			assert_int_equal(inode_detach(table, inode_get(table, models[i].id), NULL),
					 0);
			models[i].attached = false;
			break;
		default:
			i = n_models ? any_alive(&dice) : MODEL_MAX;
			if (i == MODEL_MAX || !models[i].lookups)
				break;
			uint64_t n = 1 + dice_roll(&dice, (uint32_t)models[i].lookups);
			inode_forget(table, models[i].id, n);
			models[i].lookups -= n;
			model_reap(i);
		}
		assert_int_equal(inode_count(table), n_alive + 1);
	}
	for (size_t i = 0; i < n_models; i++) {
		struct inode *n = inode_get(table, models[i].id);

		assert_int_equal(n != NULL, models[i].alive);
		if (n) {
			assert_int_equal(inode_lookups(n), models[i].lookups);
			assert_int_equal(n->attached, models[i].attached);
		}
	}
	assert_true(n_models > 1000);
	for (size_t i = 0; i < n_models; i++)
		if (models[i].alive)
			assert_children(i + 1);
	assert_children(0);
	/* All of it given back, from the oldest to the youngest: nothing is left. */
	for (size_t i = 0; i < n_models; i++)
		if (models[i].alive && models[i].lookups)
			inode_forget(table, models[i].id, models[i].lookups);
	assert_int_equal(inode_count(table), 1);
}

static void many_nodes_are_all_found(void **state)
{
	enum { MANY = 20000 };
	char name[16];

	(void)state;
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		add_dir(root(), name);
	}
	assert_int_equal(inode_count(table), MANY + 1);
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		struct inode *n = inode_child(table, root(), name, strlen(name));
		assert_non_null(n);
		assert_ptr_equal(inode_get(table, n->id), n);
	}
}

#define inode_test(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    inode_test(the_root_is_there_and_stays),
	    inode_test(a_node_lives_until_every_lookup_is_given_back),
	    inode_test(a_forget_of_an_unknown_id_is_ignored),
	    inode_test(ids_are_never_used_twice),
	    inode_test(a_parent_outlives_its_children),
	    inode_test(a_name_is_found_whole_and_only_below_its_parent),
	    inode_test(a_detached_node_keeps_its_id_but_not_its_name),
	    inode_test(a_node_with_content_of_its_own_has_no_name),
	    inode_test(content_outlives_its_node_for_whoever_replies_with_it),
	    inode_test(a_node_holds_its_objects_version_no_longer_than_itself),
	    inode_test(paths_are_from_the_root_and_from_the_objects_directory),
	    inode_test(lookups_are_counted_beyond_32_bits),
	    inode_test(nodes_of_one_object_share_a_reference_to_it),
	    inode_test(nodes_that_are_left_at_the_end_give_back_what_they_hold),
	    inode_test(a_walk_over_all_nodes_sees_each_once_though_others_come_and_go),
	    inode_test(memory_follows_what_the_kernel_holds),
	    inode_test(agrees_with_a_naive_model),
	    inode_test(many_nodes_are_all_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
