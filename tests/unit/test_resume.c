/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <podfs/base/memory.h>

#include "resume.h"

static struct kube_resume point_of(unsigned int n)
{
	struct kube_resume p = {.fell_back = n % 2 != 0};

	for (size_t i = 0; i < KUBE_N_RESOURCES; i++)
		snprintf(p.versions[i], sizeof(p.versions[i]), "%u", n);
	snprintf(p.namespace, sizeof(p.namespace), "ns-%u", n);
	return p;
}

static void what_was_said_last_is_there_for_the_next(void **state)
{
	int memory = memory_new();
	const struct kube_resume first = point_of(1);
	const struct kube_resume second = point_of(2);
	struct resume *r;

	(void)state;
	assert_int_equal(resume_open(memory, &r), 0);
	assert_null(resume_point(r));
	resume_set(r, &first);
	resume_set(r, &second);
	resume_set(r, &second);
	resume_close(r);
	assert_int_equal(resume_open(memory, &r), 0);
	assert_memory_equal(resume_point(r), &second, sizeof(second));
	resume_close(r);
	close(memory);
}

/* All in it is of one moment, whenever whoever says it is killed. */
static void a_point_is_whole_when_its_process_was_killed(void **state)
{
	int memory = memory_new();
	struct resume *r;

	(void)state;
	assert_int_equal(resume_open(memory, &r), 0);
	for (int life = 0; life < 40; life++) {
		pid_t pid = fork();

		if (pid == 0) {
			for (unsigned int n = 0;; n++) {
				const struct kube_resume p = point_of(n);

				resume_set(r, &p);
			}
		}
		while (!resume_point(r))
			sched_yield();
		usleep((useconds_t)(life * 37));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		const struct kube_resume *p = resume_point(r);
		const struct kube_resume whole =
		    point_of((unsigned int)strtoul(p->versions[0], NULL, 10));
		assert_memory_equal(p, &whole, sizeof(whole));
	}
	resume_close(r);
	close(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_was_said_last_is_there_for_the_next),
	    cmocka_unit_test(a_point_is_whole_when_its_process_was_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
