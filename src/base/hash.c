/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <podfs/base/hash.h>

struct sip {
	uint64_t v0, v1, v2, v3;
};

static uint64_t rotl(uint64_t x, int n)
{
	return (x << n) | (x >> (64 - n));
}

static void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotl(s->v1, 13) ^ s->v0;
	s->v0 = rotl(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotl(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotl(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotl(s->v1, 17) ^ s->v2;
	s->v2 = rotl(s->v2, 32);
}

static void sip_word(struct sip *s, uint64_t m)
{
	s->v3 ^= m;
	sip_round(s);
	s->v0 ^= m;
}

uint64_t hash_bytes(const struct hash_key *key, const void *p, size_t len)
{
	/* The constants spell the initial state of SipHash's specification. */
	struct sip s = {
	    key->k0 ^ UINT64_C(0x736f6d6570736575),
	    key->k1 ^ UINT64_C(0x646f72616e646f6d),
	    key->k0 ^ UINT64_C(0x6c7967656e657261),
	    key->k1 ^ UINT64_C(0x7465646279746573),
	};
	const unsigned char *b = p;
	size_t left = len;
	uint64_t m;

	for (; left >= 8; left -= 8, b += 8) {
		memcpy(&m, b, 8);
		sip_word(&s, le64toh(m));
	}
	m = (uint64_t)len << 56;
	for (size_t i = 0; i < left; i++)
		m |= (uint64_t)b[i] << (8 * i);
	sip_word(&s, m);
	s.v2 ^= 0xff;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

static struct hash_key process_key;
static pthread_once_t process_key_once = PTHREAD_ONCE_INIT;

static void make_process_key(void)
{
	if (getrandom(&process_key, sizeof(process_key), GRND_NONBLOCK) ==
	    (ssize_t)sizeof(process_key))
		return;
	/* No entropy yet, at boot: the time still differs from run to run. */
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	process_key.k0 = hash_u64((uint64_t)now.tv_nsec);
	process_key.k1 = hash_u64((uint64_t)now.tv_sec ^ process_key.k0);
}

const struct hash_key *hash_process_key(void)
{
	pthread_once(&process_key_once, make_process_key);
	return &process_key;
}
