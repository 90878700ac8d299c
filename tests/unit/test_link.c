/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link.h"

static int ends[2];

static int set_up(void **state)
{
	(void)state;
	return link_pair(ends);
}

static int tear_down(void **state)
{
	(void)state;
	close(ends[0]);
	close(ends[1]);
	return 0;
}

static void messages_come_whole_and_in_order(void **state)
{
	enum link_message message;
	int32_t value;
	int fd;

	(void)state;
	assert_int_equal(link_send(ends[0], LINK_SYNCED, 0, -1), 0);
	assert_int_equal(link_send(ends[0], LINK_ENDING, -7, -1), 0);
	assert_int_equal(link_receive(ends[1], &message, &value, &fd), 0);
	assert_int_equal(message, LINK_SYNCED);
	assert_int_equal(link_receive(ends[1], &message, &value, &fd), 0);
	assert_int_equal(message, LINK_ENDING);
	assert_int_equal(value, -7);
	assert_int_equal(fd, -1);
}

static void a_descriptor_goes_along(void **state)
{
	enum link_message message;
	int32_t value;
	int pipe_ends[2];
	int fd;
	char c;

	(void)state;
	assert_int_equal(pipe(pipe_ends), 0);
	assert_int_equal(link_send(ends[0], LINK_MOUNTED, 0, pipe_ends[1]), 0);
	close(pipe_ends[1]);
	assert_int_equal(link_receive(ends[1], &message, &value, &fd), 0);
	assert_int_equal(message, LINK_MOUNTED);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(read(pipe_ends[0], &c, 1), 1);
	assert_int_equal(c, 'x');
	close(fd);
	close(pipe_ends[0]);
}

static void an_end_that_is_gone_is_known(void **state)
{
	enum link_message message;
	int32_t value;
	int fd;

	(void)state;
	close(ends[0]);
	assert_int_equal(link_receive(ends[1], &message, &value, &fd), -EPIPE);
	assert_int_equal(link_send(ends[1], LINK_SYNCED, 0, -1), -EPIPE);
	ends[0] = dup(ends[1]);
}

static void what_is_no_message_is_refused(void **state)
{
	enum link_message message;
	int32_t value;
	int fd;

	(void)state;
	assert_int_equal(send(ends[0], "abc", 3, 0), 3);
	assert_int_equal(link_receive(ends[1], &message, &value, &fd), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(messages_come_whole_and_in_order, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_descriptor_goes_along, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(an_end_that_is_gone_is_known, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_is_no_message_is_refused, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
