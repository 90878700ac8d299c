/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include <podfs/base/buf.h>
#include <podfs/base/log.h>

static char path[] = "/tmp/podfs-test-log.XXXXXX";

/* What the file holds; it is empty afterwards. */
static void read_log(struct buf *out)
{
	char chunk[4096];
	size_t n;
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	buf_clear(out);
	buf_add(out, "", 0);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(out, chunk, n);
	fclose(f);
	assert_int_equal(truncate(path, 0), 0);
}

static int make_file(void **state)
{
	(void)state;
	int fd = mkstemp(path);

	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static int remove_file(void **state)
{
	(void)state;
	log_open(LOG_TO_STDERR, LOG_LEVEL_INFO, NULL);
	return unlink(path);
}

static void level_names_are_read(void **state)
{
	(void)state;
	assert_int_equal(log_level_parse("error"), LOG_LEVEL_ERROR);
	assert_int_equal(log_level_parse("warn"), LOG_LEVEL_WARN);
	assert_int_equal(log_level_parse("info"), LOG_LEVEL_INFO);
	assert_int_equal(log_level_parse("debug"), LOG_LEVEL_DEBUG);
	assert_int_equal(log_level_parse(""), LOG_LEVEL_UNSET);
	assert_int_equal(log_level_parse("Error"), LOG_LEVEL_UNSET);
	assert_int_equal(log_level_parse("warning"), LOG_LEVEL_UNSET);
}

static void only_what_is_important_enough_is_written(void **state)
{
	cleanup_buf struct buf text = {0};

	(void)state;
	for (int level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_DEBUG; level++) {
		size_t lines = 0;

		assert_int_equal(log_open(LOG_TO_FILE, (enum log_level)level, path), 0);
		for (int l = LOG_LEVEL_ERROR; l <= LOG_LEVEL_DEBUG; l++) {
			log_line((enum log_level)l, "x");
			assert_int_equal(!!log_enabled((enum log_level)l), l <= level);
		}
		read_log(&text);
		for (size_t i = 0; i < text.len; i++)
			lines += text.data[i] == '\n';
		assert_int_equal(lines, level);
	}
}

static void a_line_in_a_file_says_when_who_and_what(void **state)
{
	cleanup_buf struct buf text = {0};
	int year, month, day, hour, minute, second, ms;
	int end = 0;

	(void)state;
	assert_int_equal(log_open(LOG_TO_FILE, LOG_LEVEL_INFO, path), 0);
	log_warn("disk %d%% full", 93);
	read_log(&text);
	/* NOLINTNEXTLINE(cert-err34-c): seven numbers of few digits */
	assert_int_equal(sscanf(text.data, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ %n", &year, &month, &day,
				&hour, &minute, &second, &ms, &end),
			 7);
	assert_string_equal(text.data + end, "podfs: warn: disk 93% full\n");
}

static void control_characters_cannot_forge_a_line(void **state)
{
	cleanup_buf struct buf text = {0};
	char all[32] = {0};

	(void)state;
	for (int c = 1; c < 0x20; c++)
		all[c - 1] = (char)c;
	log_info("a%sb\x7f\ncd \xc3\xa9", all);
	read_log(&text);
	assert_int_equal(text.data[text.len - 1], '\n');
	for (size_t i = 0; i + 1 < text.len; i++) {
		assert_true((unsigned char)text.data[i] >= 0x20);
		assert_int_not_equal(text.data[i], 0x7f);
	}
	assert_non_null(strstr(text.data, "cd \xc3\xa9\n"));
}

static void a_long_line_is_cut_and_still_a_line(void **state)
{
	cleanup_buf struct buf text = {0};

	(void)state;
	for (size_t len = 1900; len < 2200; len++) {
		cleanup_buf struct buf message = {0};

		buf_addfill(&message, 'y', len);
		log_error("%s", message.data);
		read_log(&text);
		assert_true(text.len <= 2048);
		assert_int_equal(text.data[text.len - 1], '\n');
		assert_ptr_equal(memchr(text.data, '\n', text.len), text.data + text.len - 1);
		assert_null(memchr(text.data, '\0', text.len));
		assert_non_null(strstr(text.data, "yyy"));
	}
}

static void a_file_is_appended_to_and_private(void **state)
{
	cleanup_buf struct buf text = {0};
	struct stat st;
	char fresh[64];

	(void)state;
	log_info("first");
	assert_int_equal(log_open(LOG_TO_FILE, LOG_LEVEL_INFO, path), 0);
	log_info("second");
	read_log(&text);
	assert_non_null(strstr(text.data, "first"));
	assert_non_null(strstr(text.data, "second"));
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	assert_int_equal(log_open(LOG_TO_FILE, LOG_LEVEL_INFO, fresh), 0);
	assert_int_equal(stat(fresh, &st), 0);
	assert_int_equal(st.st_mode & 0137, 0);
	assert_int_equal(log_open(LOG_TO_FILE, LOG_LEVEL_INFO, path), 0);
	assert_int_equal(unlink(fresh), 0);
}

static void a_file_that_cannot_be_opened_changes_nothing(void **state)
{
	cleanup_buf struct buf text = {0};

	(void)state;
	assert_int_equal(log_open(LOG_TO_FILE, LOG_LEVEL_DEBUG, "/nonexistent/podfs.log"), -ENOENT);
	assert_false(log_enabled(LOG_LEVEL_DEBUG));
	log_info("still here");
	read_log(&text);
	assert_non_null(strstr(text.data, "still here"));
}

static void a_full_disk_does_not_fail_the_caller(void **state)
{
	(void)state;
	if (log_open(LOG_TO_FILE, LOG_LEVEL_INFO, "/dev/full") < 0)
		skip();
	log_error("nowhere to go");
	assert_int_equal(log_open(LOG_TO_FILE, LOG_LEVEL_INFO, path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(level_names_are_read),
	    cmocka_unit_test(only_what_is_important_enough_is_written),
	    cmocka_unit_test(a_line_in_a_file_says_when_who_and_what),
	    cmocka_unit_test(control_characters_cannot_forge_a_line),
	    cmocka_unit_test(a_long_line_is_cut_and_still_a_line),
	    cmocka_unit_test(a_file_is_appended_to_and_private),
	    cmocka_unit_test(a_file_that_cannot_be_opened_changes_nothing),
	    cmocka_unit_test(a_full_disk_does_not_fail_the_caller),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
