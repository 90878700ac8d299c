/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plain: skips the bytes of a JSON string that mean themselves.
 */
#ifndef PODFS_BASE_PLAIN_H
#define PODFS_BASE_PLAIN_H

#include <stdbool.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Whether a string's byte needs a look: a quote, a backslash, a control character. */
static inline bool plain_is_not(char c)
{
	return c == '"' || c == '\\' || (unsigned char)c < 0x20;
}

/* The first byte in [p, end) that needs a look, or with @ascii is not ASCII; or @end. */
static inline const char *plain_skip(const char *p, const char *end, bool ascii)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"');
	const __m128i backslash = _mm_set1_epi8('\\');
	const __m128i control = _mm_set1_epi8(0x1f);

	while (end - p >= 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
		__m128i hit = _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, backslash));

		hit = _mm_or_si128(hit, _mm_cmpeq_epi8(_mm_min_epu8(v, control), v));
		/* The mask is made of high bits, which what is not ASCII has itself. */
		if (ascii)
			hit = _mm_or_si128(hit, v);
		int mask = _mm_movemask_epi8(hit);
		if (mask)
			return p + __builtin_ctz((unsigned)mask);
		p += 16;
	}
#endif
	while (p < end && !plain_is_not(*p) && !(ascii && (unsigned char)*p >= 0x80))
		p++;
	return p;
}

#endif
