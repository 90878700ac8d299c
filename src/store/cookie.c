/* SPDX-License-Identifier: Apache-2.0 */
#include <podfs/base/hash.h>
#include <podfs/store/cookie.h>

uint64_t cookie_of(const char *name, size_t len)
{
	static const struct hash_key key = {UINT64_C(0x706f646673206469),
					    UINT64_C(0x7265637420656e74)};
	uint64_t h = hash_bytes(&key, name, len) >> 1;

	if (h < COOKIE_MIN)
		return COOKIE_MIN;
	return h > COOKIE_END - 16 ? COOKIE_END - 16 : h;
}
