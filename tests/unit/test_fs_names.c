/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names that many nodes have, kept once and as long as somebody has them.
 */
#include "unit.h"

#include <podfs/base/cleanup.h>

#include "fs/names.h"

static struct names names;
static int memory;

static int set_up(void **state)
{
	(void)state;
	names = (struct names){0};
	memory = memory_new();
	return names_init(&names, memory);
}

static int tear_down(void **state)
{
	(void)state;
	names_release(&names);
	close(memory);
	return 0;
}

static void a_name_has_one_number_while_somebody_has_it(void **state)
{
	(void)state;
	uint32_t a = names_get(&names, "metadata", 8);
	uint32_t b = names_get(&names, "metadata/labels", 8);
	assert_true(a != 0);
	assert_int_equal(a, b);
	assert_string_equal(names_text(&names, a), "metadata");
	names_unref(&names, a);
	assert_int_equal(names_find(&names, "metadata", 8), a);
	names_unref(&names, a);
	assert_int_equal(names_find(&names, "metadata", 8), 0);
	assert_int_equal(names.all.count, 0);
}

static void part_of_a_name_is_another_name(void **state)
{
	(void)state;
	uint32_t a = names_get(&names, "abc", 3);
	uint32_t b = names_get(&names, "abc", 2);
	assert_int_not_equal(a, b);
	assert_int_equal(names_find(&names, "abcd", 4), 0);
	assert_int_equal(names_find(&names, "a", 1), 0);
}

static void names_of_every_length_are_kept(void **state)
{
	char text[300];
	uint32_t numbers[256] = {0};

	(void)state;
	memset(text, 'x', sizeof(text));
	for (size_t len = 1; len <= 255; len++)
		numbers[len] = names_get(&names, text, len);
	for (size_t len = 1; len <= 255; len++) {
		assert_int_equal(strlen(names_text(&names, numbers[len])), len);
		assert_int_equal(names_find(&names, text, len), numbers[len]);
	}
	assert_int_equal(names_get(&names, text, 256), 0);
	for (size_t len = 1; len <= 255; len++)
		names_unref(&names, numbers[len]);
	assert_int_equal(names.all.count, 0);
}

static void many_names_are_all_found(void **state)
{
	enum { MANY = 30000 };
	static uint32_t numbers[MANY];
	char text[64];

	(void)state;
	for (int i = 0; i < MANY; i++) {
		int len = snprintf(text, sizeof(text), "%*d", 1 + i % 60, i);
		numbers[i] = names_get(&names, text, (size_t)len);
	}
	for (int i = 0; i < MANY; i++) {
		int len = snprintf(text, sizeof(text), "%*d", 1 + i % 60, i);
		assert_int_equal(names_find(&names, text, (size_t)len), numbers[i]);
		assert_string_equal(names_text(&names, numbers[i]), text);
	}
}

#define names_test(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    names_test(a_name_has_one_number_while_somebody_has_it),
	    names_test(part_of_a_name_is_another_name),
	    names_test(names_of_every_length_are_kept),
	    names_test(many_names_are_all_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
