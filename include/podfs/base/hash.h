/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash: SipHash-1-3 of short byte strings.
 *
 * Names come from other people's clusters, so a hash table over them needs a
 * keyed hash. The algorithm is the one published by Aumasson and Bernstein.
 */
#ifndef PODFS_BASE_HASH_H
#define PODFS_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
	uint64_t k0;
	uint64_t k1;
};

/* Of @len bytes under @key. */
uint64_t hash_bytes(const struct hash_key *key, const void *p, size_t len);

/* A key that differs between runs, for tables in memory. Never fails. */
const struct hash_key *hash_process_key(void);

/* Mixes a 64-bit number, for keys that nobody outside chooses. */
static inline uint64_t hash_u64(uint64_t x)
{
	x ^= x >> 32;
	x *= UINT64_C(0x9e3779b97f4a7c15);
	x ^= x >> 29;
	return x;
}

#endif
