/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <podfs/model/history.h>

#define CREATED 100

static struct history history;

static void note(enum change_kind kind, const char *path, int64_t time)
{
	cleanup_diff struct diff diff = {0};

	assert_int_equal(diff_add(&diff, kind, path), 0);
	assert_int_equal(history_add(&history, &diff, time), 0);
}

static int64_t of_file(const char *path)
{
	return history_time(&history, path, false, CREATED);
}

static int64_t of_dir(const char *path)
{
	return history_time(&history, path, true, CREATED);
}

static int forget(void **state)
{
	(void)state;
	history_release(&history);
	return 0;
}

static void nothing_known_is_the_time_of_creation(void **state)
{
	(void)state;
	assert_int_equal(of_file("a"), CREATED);
	assert_int_equal(of_dir(""), CREATED);
}

static void a_value_is_as_new_as_its_last_change(void **state)
{
	(void)state;
	note(CHANGE_VALUE, "metadata/labels/a", 200);
	note(CHANGE_VALUE, "metadata/labels/a", 300);
	assert_int_equal(of_file("metadata/labels/a"), 300);
	assert_int_equal(of_file("metadata/labels/ab"), CREATED);
	assert_int_equal(of_file("metadata/labels/b"), CREATED);
	assert_int_equal(of_file("metadata/label"), CREATED);
}

static void a_folder_is_as_new_as_the_newest_below_it(void **state)
{
	(void)state;
	note(CHANGE_VALUE, "metadata/labels/a", 200);
	note(CHANGE_VALUE, "spec/x", 300);
	assert_int_equal(of_dir(""), 300);
	assert_int_equal(of_dir("metadata"), 200);
	assert_int_equal(of_dir("metadata/labels"), 200);
	assert_int_equal(of_dir("meta"), CREATED);
	assert_int_equal(of_dir("status"), CREATED);
}

static void what_is_added_is_new_with_all_below_it(void **state)
{
	(void)state;
	note(CHANGE_ADDED, "spec/containers/a", 200);
	assert_int_equal(of_dir("spec/containers/a"), 200);
	assert_int_equal(of_file("spec/containers/a/image"), 200);
	assert_int_equal(of_dir("spec/containers"), 200);
	assert_int_equal(of_file("spec/containers/ab/image"), CREATED);
	assert_int_equal(of_file("spec/replicas"), CREATED);
}

static void what_is_removed_counts_for_its_folder_alone(void **state)
{
	(void)state;
	note(CHANGE_REMOVED, "metadata/labels/a", 200);
	assert_int_equal(of_dir("metadata/labels"), 200);
	assert_int_equal(of_dir("metadata"), 200);
	assert_int_equal(of_dir(""), 200);
	assert_int_equal(of_file("metadata/labels/b"), CREATED);
	note(CHANGE_REMOVED, "spec", 300);
	assert_int_equal(of_dir(""), 300);
	assert_int_equal(of_dir("metadata"), 200);
	assert_int_equal(of_file("metadata/name"), CREATED);
}

static void the_latest_64_changes_are_kept_apart(void **state)
{
	char path[64];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		snprintf(path, sizeof(path), "spec/a%d/f%d", i % 7, i);
		note(CHANGE_VALUE, path, 1000 + i);
		for (int back = 0; back < 64 && back <= i; back++) {
			snprintf(path, sizeof(path), "spec/a%d/f%d", (i - back) % 7, i - back);
			assert_int_equal(of_file(path), 1000 + i - back);
		}
		/* What never changed is not newer than those. */
		assert_true(of_file("spec/a0/x") <= 1000 + (i < 64 ? 0 : i - 64));
		assert_int_equal(of_dir(""), 1000 + i);
		assert_true(history.count <= HISTORY_MAX);
	}
}

static void an_older_change_counts_for_its_folder(void **state)
{
	char path[64];

	(void)state;
	for (int i = 0; i < HISTORY_MAX; i++) {
		snprintf(path, sizeof(path), "metadata/annotations/f%d", i);
		note(CHANGE_VALUE, path, 1000 + i);
	}
	for (int i = 0; i < 10; i++) {
		snprintf(path, sizeof(path), "status/f%d", i);
		note(CHANGE_VALUE, path, 2000 + i);
	}
	/* Some of the first have no time of their own any more, but they did change. */
	assert_true(of_file("metadata/annotations/f0") >= 1000);
	assert_true(of_file("metadata/annotations/f0") < 1064);
	assert_int_equal(of_file("metadata/name"), CREATED);
	assert_int_equal(of_file("spec/x"), CREATED);
	assert_int_equal(of_dir("spec"), CREATED);
}

static void no_time_ever_goes_back(void **state)
{
	static const char *const parts[] = {"a", "b", "c", "d"};
	enum { PATHS = 4 * 4 * 16 };
	static int64_t last[PATHS];
	struct dice dice = {9};
	char path[64];

	(void)state;
	for (int step = 0; step < 3000; step++) {
		uint32_t n = dice_roll(&dice, PATHS);

		snprintf(path, sizeof(path), "%s/%s/f%u", parts[n % 4], parts[n / 4 % 4], n / 16);
		note(dice_one_in(&dice, 4) ? CHANGE_ADDED : CHANGE_VALUE, path, 1000 + step);
		last[n] = 1000 + step;
		for (uint32_t i = 0; i < PATHS; i++) {
			snprintf(path, sizeof(path), "%s/%s/f%u", parts[i % 4], parts[i / 4 % 4],
				 i / 16);
			int64_t time = of_file(path);
			if (time < last[i])
				fail_msg("%s: %lld after %lld", path, (long long)time,
					 (long long)last[i]);
			last[i] = time > last[i] && last[i] ? time : last[i];
		}
	}
}

#define history_test(fn) cmocka_unit_test_teardown(fn, forget)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    history_test(nothing_known_is_the_time_of_creation),
	    history_test(a_value_is_as_new_as_its_last_change),
	    history_test(a_folder_is_as_new_as_the_newest_below_it),
	    history_test(what_is_added_is_new_with_all_below_it),
	    history_test(what_is_removed_counts_for_its_folder_alone),
	    history_test(the_latest_64_changes_are_kept_apart),
	    history_test(an_older_change_counts_for_its_folder),
	    history_test(no_time_ever_goes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
