/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <podfs/base/cleanup.h>
#include <podfs/base/hash.h>

/* SipHash-1-3 of the bytes 0, 1, 2, ... under the key 00 01 .. 0f, from an independent program. */
static const struct {
	size_t len;
	uint64_t hash;
} known[] = {
    {0, UINT64_C(0xabac0158050fc4dc)},   {1, UINT64_C(0xc9f49bf37d57ca93)},
    {7, UINT64_C(0xd3927d989bb11140)},   {8, UINT64_C(0x369095118d299a8e)},
    {9, UINT64_C(0x25a48eb36c063de4)},   {15, UINT64_C(0xd320d86d2a519956)},
    {16, UINT64_C(0xcc4fdd1a7d908b66)},  {17, UINT64_C(0x9cf2689063dbd80c)},
    {31, UINT64_C(0x2370dd1f8c21d1bc)},  {63, UINT64_C(0x9d199062b7bbb3a8)},
    {300, UINT64_C(0x4016a23bda5a2224)},
};

static void known_answers(void **state)
{
	const struct hash_key key = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		/* Every alignment, and nothing behind the end. */
		for (size_t shift = 0; shift < 8; shift++) {
			unsigned char *bytes = malloc(known[i].len + shift + 1);

			assert_non_null(bytes);
			for (size_t b = 0; b < known[i].len; b++)
				bytes[shift + b] = (unsigned char)b;
			assert_true(hash_bytes(&key, bytes + shift, known[i].len) == known[i].hash);
			free(bytes);
		}
	}
}

static void the_key_matters(void **state)
{
	const struct hash_key keys[] = {{0, 0}, {1, 0}, {0, 1}};

	(void)state;
	uint64_t a = hash_bytes(&keys[0], "pods", 4);
	assert_true(a != hash_bytes(&keys[1], "pods", 4));
	assert_true(a != hash_bytes(&keys[2], "pods", 4));
}

static void zeros_of_different_lengths_differ(void **state)
{
	static const unsigned char zeros[64];
	uint64_t seen[65];

	(void)state;
	for (size_t n = 0; n <= 64; n++) {
		seen[n] = hash_bytes(hash_process_key(), zeros, n);
		for (size_t i = 0; i < n; i++)
			assert_true(seen[i] != seen[n]);
	}
}

static void the_process_key_stays_the_same(void **state)
{
	const struct hash_key before = *hash_process_key();

	(void)state;
	assert_memory_equal(&before, hash_process_key(), sizeof(before));
	assert_true(before.k0 || before.k1);
}

static void mixed_numbers_do_not_collide(void **state)
{
	static bool taken[1 << 16];
	size_t collisions = 0;

	(void)state;
	/* Ids are 1, 2, 3, ...: they must spread over the buckets of a table. */
	for (uint64_t i = 1; i <= 1 << 14; i++) {
		uint64_t bucket = hash_u64(i) & ((1 << 16) - 1);

		collisions += taken[bucket];
		taken[bucket] = true;
	}
	assert_true(collisions < (1 << 14) / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(known_answers),
	    cmocka_unit_test(the_key_matters),
	    cmocka_unit_test(zeros_of_different_lengths_differ),
	    cmocka_unit_test(the_process_key_stays_the_same),
	    cmocka_unit_test(mixed_numbers_do_not_collide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
