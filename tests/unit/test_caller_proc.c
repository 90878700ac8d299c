/* SPDX-License-Identifier: Apache-2.0 */
/* The cgroups of real threads, and of what only looks like a proc filesystem. */
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <podfs/caller/proc.h>

static char dir[] = "/tmp/podfs-proc.XXXXXX";

static void write_file(const char *tid, const char *text, size_t times)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, tid);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/%s/cgroup", dir, tid);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	while (times--)
		fputs(text, f);
	fclose(f);
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command); /* NOLINT(cert-env33-c,concurrency-mt-unsafe) */
}

static void ours_is_what_the_kernel_says(void **state)
{
	(void)state;
	cleanup_buf struct buf text = {0};

	assert_int_equal(proc_cgroup("/proc", getpid(), &text), 0);
	FILE *f = fopen("/proc/self/cgroup", "r");
	assert_non_null(f);
	char *want = NULL;
	size_t cap = 0;
	assert_int_equal(getdelim(&want, &cap, '\0', f), text.len);
	assert_string_equal(text.data, want);
	buf_clear(&text);
	assert_int_equal(proc_own_cgroup("/proc", &text), 0);
	assert_string_equal(text.data, want);
	assert_int_equal(proc_own_cgroup(dir, &text), -ENOENT);
	free(want);
	fclose(f);
}

static void *ask_for_itself(void *arg)
{
	int *result = arg;
	cleanup_buf struct buf text = {0};

	*result = proc_cgroup("/proc", gettid(), &text);
	return NULL;
}

static void a_thread_has_one_that_is_not_its_process(void **state)
{
	(void)state;
	pthread_t thread;
	int result = -1;

	assert_int_equal(pthread_create(&thread, NULL, ask_for_itself, &result), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(result, 0);
}

static void a_thread_that_has_ended_has_none(void **state)
{
	(void)state;
	cleanup_buf struct buf text = {0};
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	assert_true(child > 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(proc_cgroup("/proc", child, &text), -ENOENT);
	assert_int_equal(proc_cgroup("/proc", 0, &text), -ENOENT);
	assert_int_equal(proc_cgroup("/proc", -1, &text), -ENOENT);
}

static void a_text_is_read_whole_up_to_a_limit(void **state)
{
	(void)state;
	static const char line[] =
	    "1:name=systemd:/0123456789012345678901234567890123456789012345\n";
	const size_t fits = PROC_CGROUP_MAX / (sizeof(line) - 1);
	cleanup_buf struct buf text = {0};

	write_file("1", line, fits);
	assert_int_equal(proc_cgroup(dir, 1, &text), 0);
	assert_int_equal(text.len, fits * (sizeof(line) - 1));
	assert_int_equal(strlen(text.data), text.len);
	buf_clear(&text);
	write_file("2", line, fits + 1);
	assert_int_equal(proc_cgroup(dir, 2, &text), -E2BIG);
	buf_clear(&text);
	write_file("3", "", 0);
	assert_int_equal(proc_cgroup(dir, 3, &text), -ENOENT);
}

static void a_child_in_a_cgroup_namespace_of_its_own_knows_it(void **state)
{
	(void)state;
	int status;
	bool here = proc_cgroup_is_namespaced("/proc");
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		_exit(unshare(CLONE_NEWCGROUP) < 0 ? 77 : proc_cgroup_is_namespaced("/proc"));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 1);
	assert_int_equal(proc_cgroup_is_namespaced("/proc"), here);
	assert_false(proc_cgroup_is_namespaced(dir));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ours_is_what_the_kernel_says),
	    cmocka_unit_test(a_thread_has_one_that_is_not_its_process),
	    cmocka_unit_test(a_thread_that_has_ended_has_none),
	    cmocka_unit_test(a_text_is_read_whole_up_to_a_limit),
	    cmocka_unit_test(a_child_in_a_cgroup_namespace_of_its_own_knows_it),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
