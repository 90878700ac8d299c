/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <sys/mman.h>
#include <unistd.h>

#include <podfs/base/cleanup.h>
#include <podfs/base/memory.h>

#define PAGE 4096u

static char *map(int fd, enum memory_area area, size_t size)
{
	void *base;

	assert_int_equal(memory_map(fd, area, size, &base), 0);
	return base;
}

static void an_area_is_the_same_for_all_who_map_it(void **state)
{
	cleanup_close int fd = memory_new();

	(void)state;
	assert_true(fd >= 0);
	char *one = map(fd, MEMORY_NODES, 4 * PAGE);
	char *other = map(fd, MEMORY_NODES, 4 * PAGE);
	assert_int_equal(other[PAGE], 0);
	one[PAGE] = 'x';
	assert_int_equal(other[PAGE], 'x');
	munmap(one, 4 * PAGE);
	munmap(other, 4 * PAGE);
}

static void areas_do_not_overlap(void **state)
{
	cleanup_close int fd = memory_new();
	char *bases[MEMORY_AREAS];

	(void)state;
	for (unsigned int a = MEMORY_HEAD; a < MEMORY_AREAS; a++) {
		size_t size = memory_area_size(a);

		bases[a] = map(fd, a, size);
		bases[a][0] = (char)a;
		bases[a][size - 1] = (char)(a + 100);
	}
	for (unsigned int a = MEMORY_HEAD; a < MEMORY_AREAS; a++) {
		size_t size = memory_area_size(a);

		assert_int_equal(bases[a][0], (char)a);
		assert_int_equal(bases[a][size - 1], (char)(a + 100));
		munmap(bases[a], size);
	}
}

static void what_is_dropped_is_zero_and_no_memory(void **state)
{
	cleanup_close int fd = memory_new();

	(void)state;
	char *base = map(fd, MEMORY_HOLDS, 8 * PAGE);
	assert_int_equal(memory_next(fd, MEMORY_HOLDS, 0), memory_area_size(MEMORY_HOLDS));
	base[2 * PAGE] = 'a';
	base[5 * PAGE] = 'b';
	assert_int_equal(memory_next(fd, MEMORY_HOLDS, 0), 2 * PAGE);
	assert_int_equal(memory_next(fd, MEMORY_HOLDS, 3 * PAGE), 5 * PAGE);
	memory_drop(fd, MEMORY_HOLDS, 2 * PAGE, 3 * PAGE);
	assert_int_equal(base[2 * PAGE], 0);
	assert_int_equal(base[5 * PAGE], 'b');
	memory_drop(fd, MEMORY_HOLDS, 0, 8 * PAGE);
	assert_int_equal(memory_next(fd, MEMORY_HOLDS, 0), memory_area_size(MEMORY_HOLDS));
	munmap(base, 8 * PAGE);
}

static void what_is_reserved_can_be_used_bit_by_bit(void **state)
{
	cleanup_close int fd = memory_new();
	void *base;

	(void)state;
	assert_int_equal(memory_end(fd, MEMORY_NODES), 0);
	assert_int_equal(memory_reserve(fd, MEMORY_NODES, memory_area_size(MEMORY_NODES), &base),
			 0);
	assert_int_equal(memory_use(base, 2 * PAGE, 4 * PAGE), 0);
	((char *)base)[3 * PAGE] = 'x';
	assert_int_equal(memory_end(fd, MEMORY_NODES), 4 * PAGE);
	assert_int_equal(memory_end(fd, MEMORY_HOLDS), 0);
	munmap(base, memory_area_size(MEMORY_NODES));
}

static void its_pages_cannot_be_taken_away(void **state)
{
	cleanup_close int fd = memory_new();
	void *base;

	(void)state;
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(memory_map(fd, MEMORY_HOLDS, memory_area_size(MEMORY_HOLDS) + PAGE, &base),
			 -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_area_is_the_same_for_all_who_map_it),
	    cmocka_unit_test(areas_do_not_overlap),
	    cmocka_unit_test(what_is_dropped_is_zero_and_no_memory),
	    cmocka_unit_test(what_is_reserved_can_be_used_bit_by_bit),
	    cmocka_unit_test(its_pages_cannot_be_taken_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
