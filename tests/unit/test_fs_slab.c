/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory below the inode table: records that stay where they are, pages
 * that go back, and a hash table that is as large as what is in it.
 */
#include "resident.h"

#include <podfs/base/cleanup.h>

#include "fs/chains.h"
#include "fs/slab.h"

#define SIZE 40u
#define MANY 20000u

static struct slab slab;
static int memory;
static uint32_t slots[MANY];

static int set_up(void **state)
{
	(void)state;
	slab = (struct slab){0};
	memory = memory_new();
	return slab_init(&slab, memory, MEMORY_NODES, SIZE, 64u << 20);
}

static int tear_down(void **state)
{
	(void)state;
	slab_release(&slab);
	close(memory);
	return 0;
}

/* Its number in the middle of it: the start is not as it was when it has been free. */
static void mark(uint32_t slot, uint32_t i)
{
	uint32_t *at = slab_at(&slab, slot);

	for (uint32_t word = 0; word < SIZE / 4; word++) {
		assert_int_equal(at[word], 0);
		at[word] = i;
	}
}

static void assert_marked(uint32_t slot, uint32_t i)
{
	const uint32_t *at = slab_at(&slab, slot);

	for (uint32_t word = 0; word < SIZE / 4; word++)
		assert_int_equal(at[word], i);
}

static void records_are_zero_and_stay_what_they_are(void **state)
{
	struct dice dice = {4};

	(void)state;
	memset(slots, 0, sizeof(slots));
	for (int step = 0; step < 200000; step++) {
		uint32_t i = dice_roll(&dice, MANY);

		if (slots[i]) {
			assert_marked(slots[i], i);
			slab_free(&slab, slots[i]);
			slots[i] = 0;
		} else {
			slots[i] = slab_new(&slab);
			assert_true(slots[i] != 0);
			assert_int_equal(slab_slot(&slab, slab_at(&slab, slots[i])), slots[i]);
			mark(slots[i], i);
		}
	}
	for (uint32_t i = 0; i < MANY; i++)
		if (slots[i])
			assert_marked(slots[i], i);
}

static void pages_without_records_go_back_and_are_used_again(void **state)
{
	(void)state;
	for (int round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < MANY; i++)
			slots[i] = slab_new(&slab);
		size_t full = resident_pages(&slab.pages);
		assert_true(full >= MANY / slab.per_page);
		assert_true(full <= MANY / slab.per_page + 2);
		/* One that stays keeps its page, and no other. */
		for (uint32_t i = 0; i < MANY; i++)
			if (i != MANY / 2)
				slab_free(&slab, slots[i]);
		assert_true(resident_pages(&slab.pages) < 20);
		slab_free(&slab, slots[MANY / 2]);
	}
}

static void a_walk_meets_every_record(void **state)
{
	uint32_t met = 0;

	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		slots[i] = slab_new(&slab);
		mark(slots[i], 1);
	}
	for (uint32_t i = 0; i < MANY; i += 2) {
		*((uint32_t *)slab_at(&slab, slots[i]) + 1) = 0;
		slab_free(&slab, slots[i]);
	}
	for (uint32_t slot = 0; (slot = slab_seek(&slab, slot)); slot++)
		met += *((const uint32_t *)slab_at(&slab, slot) + 1);
	assert_int_equal(met, MANY / 2);
}

static void a_full_slab_says_so_and_goes_on_when_there_is_room(void **state)
{
	struct slab small = {0};
	uint32_t slot;
	uint32_t last = 0;
	uint32_t count = 0;

	(void)state;
	assert_int_equal(slab_init(&small, memory, MEMORY_HOLDS, SIZE, 1u << 20), 0);
	for (; (slot = slab_new(&small)); count++)
		last = slot;
	assert_true(count > 100 * (uint32_t)small.per_page);
	slab_free(&small, last);
	assert_int_equal(slab_new(&small), last);
	assert_int_equal(slab_new(&small), 0);
	slab_release(&small);
}

/* --- a table: an item's slot is its number, and its number gives its hash --- */

static uint32_t nexts[MANY + 1];
static bool in_table[MANY + 1];

static uint32_t *item_next(void *ctx, uint32_t slot)
{
	(void)ctx;
	return &nexts[slot];
}

/* Some share all bits, and the longest chains are long. */
static uint64_t item_hash(void *ctx, uint32_t slot)
{
	(void)ctx;
	return slot % 50 ? slot * UINT64_C(0x9e3779b97f4a7c15) >> 20 : 7;
}

static const struct chains_of of_items = {item_next, item_hash};

static bool is_found(const struct chains *t, uint32_t slot)
{
	uint32_t at = chains_first(t, item_hash(NULL, slot));

	while (at && at != slot)
		at = nexts[at];
	return at;
}

static void what_is_in_a_table_is_found_whatever_its_size_becomes(void **state)
{
	struct dice dice = {5};
	struct chains t = {0};

	(void)state;
	memset(in_table, 0, sizeof(in_table));
	assert_int_equal(chains_init(&t, MANY, &of_items, NULL), 0);
	uint32_t least = t.buckets;
	for (int phase = 0; phase < 6; phase++) {
		/* It grows, then shrinks. */
		for (uint32_t i = 0; i < 3 * MANY; i++) {
			uint32_t slot = 1 + dice_roll(&dice, MANY);
			bool want = phase % 2 ? dice_one_in(&dice, 20) : !dice_one_in(&dice, 20);

			if (want && !in_table[slot])
				chains_add(&t, slot);
			if (!want && in_table[slot])
				chains_remove(&t, slot);
			in_table[slot] = want;
		}
		for (uint32_t slot = 1; slot <= MANY; slot++)
			assert_int_equal(is_found(&t, slot), in_table[slot]);
		if (phase % 2)
			assert_int_equal(t.buckets, least);
		else
			assert_true(t.buckets > 8 * least);
	}
	chains_release(&t);
}

#define slab_test(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    slab_test(records_are_zero_and_stay_what_they_are),
	    slab_test(pages_without_records_go_back_and_are_used_again),
	    slab_test(a_walk_meets_every_record),
	    slab_test(a_full_slab_says_so_and_goes_on_when_there_is_room),
	    cmocka_unit_test(what_is_in_a_table_is_found_whatever_its_size_becomes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
