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

static void note_folded(const struct diff *diff, int64_t time)
{
	cleanup_diff struct diff scratch = {0};
	const struct diff *folded;

	/* Used before: what was in it must not show. */
	assert_int_equal(diff_add(&scratch, CHANGE_VALUE, "older"), 0);
	assert_int_equal(history_fold(diff, &scratch, &folded), 0);
	assert_true(folded->count <= HISTORY_MAX);
	assert_int_equal(folded == diff, diff->count <= HISTORY_MAX);
	assert_int_equal(history_add(&history, folded, time), 0);
}

static void a_large_diff_counts_for_the_folders_its_changes_have_in_common(void **state)
{
	static const enum change_kind kinds[] = {CHANGE_VALUE, CHANGE_ADDED, CHANGE_REMOVED};
	cleanup_diff struct diff diff = {0};
	char path[64];

	(void)state;
	diff_add(&diff, CHANGE_VALUE, "first");
	for (int i = 0; i < 20000; i++) {
		snprintf(path, sizeof(path), "metadata/annotations/p%d/k%d", i / 2, i);
		diff_add(&diff, kinds[i % 3], path);
	}
	for (int i = 0; i < 84; i++) {
		snprintf(path, sizeof(path), "spec/c%d/d/image", i);
		diff_add(&diff, CHANGE_VALUE, path);
	}
	note_folded(&diff, 200);
	/* The latest 64 are apart, the others count for the deepest folders that are few enough. */
	assert_int_equal(of_file("first"), 200);
	assert_int_equal(of_file("metadata/annotations/p77/k155"), 200);
	assert_int_equal(of_file("metadata/annotations/other"), 200);
	assert_int_equal(of_dir("metadata/annotations"), 200);
	assert_int_equal(of_file("metadata/name"), CREATED);
	assert_int_equal(of_file("status/phase"), CREATED);
	assert_int_equal(of_file("second"), CREATED);
	for (int i = 0; i < 84; i++) {
		snprintf(path, sizeof(path), "spec/c%d/d/image", i);
		assert_int_equal(of_file(path), 200);
		snprintf(path, sizeof(path), "spec/c%d/d/name", i);
		assert_int_equal(of_file(path), i < 20 ? 200 : CREATED);
	}
}

static void the_end_of_a_large_diff_is_kept_apart(void **state)
{
	cleanup_diff struct diff diff = {0};
	char path[64];

	(void)state;
	for (int i = 0; i <= HISTORY_MAX; i++) {
		snprintf(path, sizeof(path), i <= HISTORY_MAX / 2 ? "a%d" : "z/y%d/x", i);
		diff_add(&diff, CHANGE_VALUE, path);
	}
	/* As many as that have nothing in common but the object. */
	note_folded(&diff, 200);
	assert_int_equal(of_file("b"), 200);
	history_release(&history);
	diff.count = HISTORY_MAX;
	note_folded(&diff, 200);
	assert_int_equal(of_file("a1"), 200);
	assert_int_equal(of_file("b"), CREATED);
	assert_int_equal(of_file("z/y100/x"), 200);
	assert_int_equal(of_file("z/y100/w"), CREATED);
}

/* Whether what is read from these bytes is the history. */
static bool reads_back(const struct buf *bytes)
{
	struct history read = {0};
	bool same =
	    history_read(&read, bytes->data, bytes->len) == 0 && read.count == history.count;

	for (uint16_t i = 0; same && i < read.count; i++)
		same = read.entries[i].time_ns == history.entries[i].time_ns &&
		       read.entries[i].below == history.entries[i].below &&
		       !strcmp(read.entries[i].path, history.entries[i].path);
	history_release(&read);
	return same;
}

static void it_is_read_as_it_was_written(void **state)
{
	struct dice dice = {1};

	(void)state;
	for (int i = 0; i < 400; i++) {
		static const int64_t times[] = {0,         1,         -1,
						INT64_MAX, INT64_MIN, 1800000000000000000};
		cleanup_buf struct buf bytes = {0};
		char path[64];

		assert_int_equal(history_write(&history, &bytes), 0);
		assert_true(reads_back(&bytes));
		snprintf(path, sizeof(path), "%s/%u/%u", i % 2 ? "status" : "metadata",
			 dice_roll(&dice, 6), dice_roll(&dice, 300));
		note(i % 5 ? CHANGE_VALUE : CHANGE_ADDED, i % 50 ? path : "",
		     times[dice_roll(&dice, ARRAY_SIZE(times))]);
	}
}

static void what_was_noted_together_takes_few_bytes(void **state)
{
	cleanup_buf struct buf bytes = {0};

	(void)state;
	for (int i = 0; i < 20; i++) {
		char path[64];

		snprintf(path, sizeof(path), "status/conditions/Ready/value-%02d", i);
		note(CHANGE_VALUE, path, 1800000000000000000);
	}
	assert_int_equal(history_write(&history, &bytes), 0);
	assert_true(bytes.len < 150);
}

static void what_is_no_history_is_none(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} wrong[] = {
	    {"\x80", 1}, /* a number without an end */
	    {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00", 13}, /* one too long */
	    {"\x00\x00", 2},                                              /* no path */
	    {"\x00\x01\x00", 3},         /* more in common than there was */
	    {"\x00\x00\x04", 3},         /* a path that is cut off */
	    {"\x00\x00\x04\x61\x00", 5}, /* a NUL */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(history_read(&history, wrong[i].bytes, wrong[i].len), -EINVAL);
		history_release(&history);
	}
	/* More entries than there can be. */
	char many[3 * (HISTORY_MAX + 1)] = {0};
	assert_int_equal(history_read(&history, many, sizeof(many)), -EINVAL);
	assert_int_equal(history.count, HISTORY_MAX);
}

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
	    history_test(a_large_diff_counts_for_the_folders_its_changes_have_in_common),
	    history_test(the_end_of_a_large_diff_is_kept_apart),
	    history_test(it_is_read_as_it_was_written),
	    history_test(what_was_noted_together_takes_few_bytes),
	    history_test(what_is_no_history_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
