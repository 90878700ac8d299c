/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept of selections stays below its limit, whatever is asked for and in which order.
 */
#include "world.h"

#include <podfs/store/selection.h>

#include "store/internal.h"
#include "store/selections.h"

#define NAMESPACES 400
#define SMALL 500
#define LARGE 2000

static struct world world;
static struct selection *held[SMALL + LARGE];

static void put_labelled(int ns, const char *labels)
{
	cleanup_buf struct buf json = {0};

	buf_addf(&json,
		 "{\"metadata\":{\"name\":\"p\",\"namespace\":\"ns-%d\",\"uid\":\"u-%d\","
		 "\"labels\":{%s}}}",
		 ns, ns, labels);
	assert_int_equal(world_put(&world, KIND_POD, json.data), 1);
}

static int set_up(void **state)
{
	(void)state;
	world_init(&world);
	for (int i = 0; i < NAMESPACES; i++)
		put_labelled(i, i ? "\"all\":\"1\"" : "\"one\":\"1\"");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		selection_unref(take_ptr(held[i]));
	world_release(&world);
	return 0;
}

static size_t folders_of(struct selection *sel)
{
	struct folder_set *set;

	assert_int_equal(selection_folders(sel, &set), 0);
	size_t count = folder_set_items(set)->count;
	folder_set_unref(sel, set);
	return count;
}

/* Selections of other names that select the same. */
static void hold(size_t from, size_t count, const char *selector, size_t folders)
{
	for (size_t i = from; i < from + count; i++) {
		char name[64];

		int len = snprintf(name, sizeof(name), "%s,!x%zu", selector, i);
		store_rdlock(world.store);
		assert_int_equal(selection_get(world.store, name, (size_t)len, &held[i]), 0);
		assert_int_equal(folders_of(held[i]), folders);
		store_rdunlock(world.store);
	}
}

static void large_sets_push_out_as_many_small_ones_as_it_takes(void **state)
{
	const struct selections *all = world.store->selections;

	(void)state;
	hold(0, SMALL, "one", 1);
	assert_true(all->set_bytes < FOLDER_SETS_MAX);
	hold(SMALL, LARGE, "all", NAMESPACES - 1);
	assert_true(all->set_bytes <= FOLDER_SETS_MAX);
	/* It came near the limit at all, and what was pushed out is found again. */
	assert_true(all->set_bytes > FOLDER_SETS_MAX / 2);
	store_rdlock(world.store);
	assert_int_equal(folders_of(held[0]), 1);
	store_rdunlock(world.store);
}

static void a_set_that_grows_counts_for_more(void **state)
{
	const struct selections *all = world.store->selections;

	(void)state;
	hold(0, 1, "one", 1);
	size_t before = all->set_bytes;
	for (int i = 1; i < NAMESPACES; i++)
		put_labelled(i, "\"one\":\"1\"");
	assert_true(all->set_bytes > before + NAMESPACES * sizeof(void *));
	store_rdlock(world.store);
	assert_int_equal(folders_of(held[0]), NAMESPACES);
	store_rdunlock(world.store);
	for (int i = 1; i < NAMESPACES; i++)
		put_labelled(i, "\"all\":\"1\"");
	assert_true(all->set_bytes < before + NAMESPACES * 2 * sizeof(void *));
}

static void more_than_a_limit_are_not_held_at_once(void **state)
{
	struct selection *all[SELECTIONS_MAX];
	struct selection *more = NULL;
	struct store_counts counts;
	char name[32];

	(void)state;
	store_rdlock(world.store);
	for (size_t i = 0; i < SELECTIONS_MAX; i++) {
		int len = snprintf(name, sizeof(name), "a=%zu", i);

		assert_int_equal(selection_get(world.store, name, (size_t)len, &all[i]), 0);
	}
	assert_int_equal(selections_held(world.store), SELECTIONS_MAX);
	assert_int_equal(selection_get(world.store, "b=1", 3, &more), -ENFILE);
	assert_null(more);
	selections_count(world.store, &counts);
	assert_int_equal(counts.selections, SELECTIONS_MAX);
	assert_int_equal(counts.selections_refused, 1);
	/* One that is there is found, and one that goes makes room. */
	assert_int_equal(selection_get(world.store, "a=1", 3, &more), 0);
	assert_ptr_equal(more, all[1]);
	selection_unref(more);
	selection_unref(all[0]);
	assert_int_equal(selection_get(world.store, "b=1", 3, &all[0]), 0);
	store_rdunlock(world.store);
	for (size_t i = 0; i < SELECTIONS_MAX; i++)
		selection_unref(all[i]);
	assert_int_equal(selections_held(world.store), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(more_than_a_limit_are_not_held_at_once, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(large_sets_push_out_as_many_small_ones_as_it_takes,
					    set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_set_that_grows_counts_for_more, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
