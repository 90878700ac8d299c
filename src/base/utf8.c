/* SPDX-License-Identifier: Apache-2.0 */
#include <podfs/base/utf8.h>

size_t utf8_read(const char *s, size_t len, uint32_t *ret_rune)
{
	const unsigned char *b = (const unsigned char *)s;
	uint32_t rune;
	uint32_t least;
	size_t n;

	*ret_rune = UTF8_REPLACEMENT;
	if (b[0] < 0x80) {
		*ret_rune = b[0];
		return 1;
	}
	if (b[0] >= 0xc2 && b[0] <= 0xdf) {
		n = 2;
		rune = b[0] & 0x1f;
		least = 0x80;
	} else if (b[0] >= 0xe0 && b[0] <= 0xef) {
		n = 3;
		rune = b[0] & 0x0f;
		least = 0x800;
	} else if (b[0] >= 0xf0 && b[0] <= 0xf4) {
		n = 4;
		rune = b[0] & 0x07;
		least = 0x10000;
	} else {
		return 0;
	}
	if (len < n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((b[i] & 0xc0) != 0x80)
			return 0;
		rune = rune << 6 | (b[i] & 0x3f);
	}
	if (rune < least || rune > 0x10ffff || (rune >= 0xd800 && rune <= 0xdfff))
		return 0;
	*ret_rune = rune;
	return n;
}

size_t utf8_write(char *out, uint32_t rune)
{
	if (rune < 0x80) {
		out[0] = (char)rune;
		return 1;
	}
	if (rune < 0x800) {
		out[0] = (char)(0xc0 | rune >> 6);
		out[1] = (char)(0x80 | (rune & 0x3f));
		return 2;
	}
	if (rune < 0x10000) {
		out[0] = (char)(0xe0 | rune >> 12);
		out[1] = (char)(0x80 | (rune >> 6 & 0x3f));
		out[2] = (char)(0x80 | (rune & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | rune >> 18);
	out[1] = (char)(0x80 | (rune >> 12 & 0x3f));
	out[2] = (char)(0x80 | (rune >> 6 & 0x3f));
	out[3] = (char)(0x80 | (rune & 0x3f));
	return 4;
}
