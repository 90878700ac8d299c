/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <podfs/base/buf.h>

static void a_zeroed_buffer_is_empty(void **state)
{
	cleanup_buf struct buf b = {0};
	size_t len = 77;

	(void)state;
	buf_clear(&b);
	buf_consume(&b, 3);
	assert_int_equal(b.len, 0);
	assert_int_equal(b.err, 0);
	char *taken = buf_take(&b, &len);
	assert_non_null(taken);
	assert_string_equal(taken, "");
	assert_int_equal(len, 0);
	free(taken);
}

static void reserving_makes_a_string_of_nothing(void **state)
{
	cleanup_buf struct buf b = {0};

	(void)state;
	assert_int_equal(buf_reserve(&b, 10), 0);
	assert_string_equal(b.data, "");
	assert_true(b.cap > 10);
}

static void every_way_of_adding_appends_and_terminates(void **state)
{
	cleanup_buf struct buf b = {0};

	(void)state;
	assert_int_equal(buf_addstr(&b, "one"), 0);
	assert_int_equal(buf_addch(&b, ' '), 0);
	assert_int_equal(buf_add(&b, "two!", 3), 0);
	assert_int_equal(buf_addfill(&b, '.', 3), 0);
	assert_int_equal(buf_addf(&b, "%s=%d", "x", 42), 0);
	assert_int_equal(buf_add(&b, NULL, 0), 0);
	assert_int_equal(buf_addfill(&b, '.', 0), 0);
	assert_int_equal(b.len, strlen("one two...x=42"));
	assert_string_equal(b.data, "one two...x=42");
	assert_int_equal(strlen(b.data), b.len);
}

static void nul_bytes_count_like_any_other(void **state)
{
	cleanup_buf struct buf b = {0};

	(void)state;
	buf_add(&b, "a\0b", 3);
	buf_addch(&b, '\0');
	assert_int_equal(b.len, 4);
	assert_memory_equal(b.data, "a\0b\0\0", 5);
}

static void growing_keeps_every_byte(void **state)
{
	cleanup_buf struct buf b = {0};

	(void)state;
	for (int i = 0; i < 20000; i++) {
		buf_addf(&b, "%d,", i % 10);
		assert_true(b.cap > b.len);
	}
	assert_int_equal(b.len, 40000);
	for (size_t i = 0; i < b.len; i++)
		assert_int_equal(b.data[i], i % 2 ? ',' : (int)('0' + i / 2 % 10));
}

static void growth_is_geometric(void **state)
{
	cleanup_buf struct buf b = {0};
	size_t growths = 0;

	(void)state;
	for (size_t cap = 0; b.len < 1 << 20;) {
		buf_addch(&b, 'x');
		growths += b.cap != cap;
		cap = b.cap;
	}
	assert_true(growths < 40);
}

static void an_error_sticks_until_cleared(void **state)
{
	cleanup_buf struct buf b = {0};

	(void)state;
	buf_addstr(&b, "kept");
	assert_int_equal(buf_reserve(&b, SIZE_MAX), -ENOMEM);
	assert_int_equal(buf_addstr(&b, "lost"), -ENOMEM);
	assert_int_equal(buf_addch(&b, 'x'), -ENOMEM);
	assert_int_equal(buf_addfill(&b, 'x', 4), -ENOMEM);
	assert_int_equal(buf_addf(&b, "%d", 1), -ENOMEM);
	assert_int_equal(b.err, -ENOMEM);
	assert_string_equal(b.data, "kept");
	assert_null(buf_take(&b, NULL));
	buf_clear(&b);
	assert_int_equal(buf_addstr(&b, "new"), 0);
	assert_string_equal(b.data, "new");
}

static void a_size_that_would_wrap_is_out_of_memory(void **state)
{
	static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 4, SIZE_MAX / 2};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		cleanup_buf struct buf b = {0};

		buf_addstr(&b, "abc");
		assert_int_equal(buf_addfill(&b, 'x', sizes[i]), -ENOMEM);
		assert_string_equal(b.data, "abc");
	}
}

static void consuming_removes_from_the_front(void **state)
{
	cleanup_buf struct buf b = {0};

	(void)state;
	buf_addstr(&b, "abcdef");
	buf_consume(&b, 0);
	assert_string_equal(b.data, "abcdef");
	buf_consume(&b, 2);
	assert_string_equal(b.data, "cdef");
	assert_int_equal(b.len, 4);
	buf_consume(&b, 99);
	assert_string_equal(b.data, "");
	assert_int_equal(b.len, 0);
	buf_addstr(&b, "again");
	assert_string_equal(b.data, "again");
}

static void taking_leaves_an_empty_buffer(void **state)
{
	cleanup_buf struct buf b = {0};
	size_t len;

	(void)state;
	buf_addstr(&b, "mine");
	char *taken = buf_take(&b, &len);
	assert_string_equal(taken, "mine");
	assert_int_equal(len, 4);
	assert_null(b.data);
	assert_int_equal(b.len, 0);
	buf_addstr(&b, "next");
	assert_string_equal(b.data, "next");
	free(taken);
}

static void what_is_not_in_use_is_given_back(void **state)
{
	cleanup_buf struct buf b = {0};

	(void)state;
	buf_fit(&b);
	assert_null(b.data);
	assert_int_equal(buf_reserve(&b, 1000), 0);
	buf_addstr(&b, "text");
	buf_fit(&b);
	assert_int_equal(b.cap, 5);
	assert_string_equal(b.data, "text");
	buf_addstr(&b, " and more");
	assert_string_equal(b.data, "text and more");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_zeroed_buffer_is_empty),
	    cmocka_unit_test(reserving_makes_a_string_of_nothing),
	    cmocka_unit_test(every_way_of_adding_appends_and_terminates),
	    cmocka_unit_test(nul_bytes_count_like_any_other),
	    cmocka_unit_test(growing_keeps_every_byte),
	    cmocka_unit_test(growth_is_geometric),
	    cmocka_unit_test(an_error_sticks_until_cleared),
	    cmocka_unit_test(a_size_that_would_wrap_is_out_of_memory),
	    cmocka_unit_test(consuming_removes_from_the_front),
	    cmocka_unit_test(taking_leaves_an_empty_buffer),
	    cmocka_unit_test(what_is_not_in_use_is_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
