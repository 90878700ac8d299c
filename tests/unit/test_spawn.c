/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "spawn.h"

static void a_command_line_comes_back_as_it_was(void **state)
{
	char words[][8] = {"podfs", "--token", "", "a b\nc"};
	char *argv[] = {words[0], words[1], words[2], words[3], NULL};
	char dir[] = "/tmp/podfs-test.XXXXXX";
	char before[PATH_MAX];
	char there[PATH_MAX];
	char now[PATH_MAX];
	char **taken;
	int argc;

	(void)state;
	assert_non_null(getcwd(before, sizeof(before)));
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	assert_non_null(getcwd(there, sizeof(there)));
	int fd = arguments_keep(4, argv);
	assert_true(fd >= 0);
	assert_int_equal(chdir("/"), 0);
	/* As often as there are workers. */
	for (int n = 0; n < 2; n++) {
		assert_int_equal(arguments_take(fd, &argc, &taken), 0);
		assert_int_equal(argc, 4);
		for (int i = 0; i < argc; i++)
			assert_string_equal(taken[i], argv[i]);
		assert_null(taken[argc]);
		assert_non_null(getcwd(now, sizeof(now)));
		assert_string_equal(now, there);
		free(taken);
	}
	assert_int_equal(write(fd, "x", 1), -1);
	close(fd);
	assert_int_equal(chdir(before), 0);
	rmdir(dir);
}

static void a_directory_that_is_gone_is_done_without(void **state)
{
	char word[] = "podfs";
	char *argv[] = {word, NULL};
	char dir[] = "/tmp/podfs-test.XXXXXX";
	char before[PATH_MAX];
	char **taken;
	int argc;

	(void)state;
	assert_non_null(getcwd(before, sizeof(before)));
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	int fd = arguments_keep(1, argv);
	assert_int_equal(chdir(before), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(arguments_take(fd, &argc, &taken), 0);
	assert_int_equal(argc, 1);
	free(taken);
	close(fd);
}

static void what_is_no_command_line_is_refused(void **state)
{
	char **taken;
	int argc;
	int fds[2];

	(void)state;
	assert_int_equal(arguments_take(-1, &argc, &taken), -EBADF);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(arguments_take(fds[0], &argc, &taken), -EINVAL);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_command_line_comes_back_as_it_was),
	    cmocka_unit_test(a_directory_that_is_gone_is_done_without),
	    cmocka_unit_test(what_is_no_command_line_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
