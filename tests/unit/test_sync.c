/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Before anything is mounted: which failures end the program, which are waited out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sync.h"

static struct kube_state state;
static bool complete;

static enum exit_code check(void)
{
	struct error e = {0};

	complete = false;
	return sync_check(&state, &complete, &e);
}

static int clear(void **unused)
{
	(void)unused;
	state = (struct kube_state){.server = "https://x", .identity = "nobody"};
	return 0;
}

static void ends_with_what_will_not_pass(void **unused)
{
	static const struct {
		enum kube_failure failure;
		enum exit_code code;
	} failures[] = {
	    {KUBE_FAILURE_UNREACHABLE, EXIT_CODE_UNREACHABLE},
	    {KUBE_FAILURE_TLS, EXIT_CODE_TLS},
	    {KUBE_FAILURE_UNAUTHORIZED, EXIT_CODE_UNAUTHORIZED},
	    {KUBE_FAILURE_FORBIDDEN, EXIT_CODE_FORBIDDEN},
	    {KUBE_FAILURE_REJECTED, EXIT_CODE_OTHER},
	    {KUBE_FAILURE_LOCAL, EXIT_CODE_CONFIG},
	    {KUBE_FAILURE_SERVER, EXIT_CODE_OK},
	};

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
		state.resources[KUBE_PODS].failure = failures[i].failure;
		state.resources[KUBE_PODS].verb = "list";
		assert_int_equal(check(), failures[i].code);
		assert_false(complete);
	}
}

static void does_without_what_is_forbidden_but_for_pods(void **unused)
{
	(void)unused;
	for (int r = 0; r < KUBE_N_RESOURCES; r++)
		state.resources[r].synced = true;
	state.resources[KUBE_NODES].synced = false;
	assert_int_equal(check(), EXIT_CODE_OK);
	assert_false(complete);
	state.resources[KUBE_NODES].failure = KUBE_FAILURE_FORBIDDEN;
	assert_int_equal(check(), EXIT_CODE_OK);
	assert_true(complete);
}

/* One connection that breaks in the middle of a hundred pages, and all that shared it. */
static void goes_on_when_a_connection_breaks_that_was_there(void **unused)
{
	(void)unused;
	for (int r = 0; r < KUBE_N_RESOURCES; r++)
		state.resources[r].failure = KUBE_FAILURE_UNREACHABLE;
	state.resources[KUBE_NODES].http_status = 200;
	assert_int_equal(check(), EXIT_CODE_OK);
	assert_false(complete);
	state.resources[KUBE_NODES].http_status = 0;
	state.resources[KUBE_PODS].last_event_ms = 1;
	assert_int_equal(check(), EXIT_CODE_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(ends_with_what_will_not_pass, clear),
	    cmocka_unit_test_setup(does_without_what_is_forbidden_but_for_pods, clear),
	    cmocka_unit_test_setup(goes_on_when_a_connection_breaks_that_was_there, clear),
	};

	return cmocka_run_group_tests_name("sync", tests, NULL, NULL);
}
