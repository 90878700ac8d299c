/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stays as it is goes out in runs; for most annotations that is all of them.
 */
#include <stdbool.h>
#include <stdint.h>

#include <podfs/base/cleanup.h>
#include <podfs/base/utf8.h>
#include <podfs/model/go_quote.h>

#include "isprint_table.h"

/* Printable begins at the first number, ends before the second, and so on. */
static bool is_printable(uint32_t rune)
{
	size_t low = 0, high = ARRAY_SIZE(isprint_turns);

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (isprint_turns[mid] <= rune)
			low = mid + 1;
		else
			high = mid;
	}
	return low % 2;
}

static bool is_plain(char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* The letter after the backslash; 0 if there is none for @rune. */
static char letter_of(uint32_t rune)
{
	switch (rune) {
	case '"':
	case '\\':
		return (char)rune;
	case '\a':
		return 'a';
	case '\b':
		return 'b';
	case '\f':
		return 'f';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	case '\v':
		return 'v';
	default:
		return 0;
	}
}

/* @bytes: how many the code point took; 0 if @first is a byte that is none. */
static int add_escaped(struct buf *out, char first, uint32_t rune, size_t bytes)
{
	static const char hex[] = "0123456789abcdef";
	char letter = bytes ? letter_of(rune) : 0;
	char text[] = "\\U00000000";
	size_t digits = bytes <= 1 ? 2 : rune < 0x10000 ? 4 : 8;

	if (letter) {
		text[1] = letter;
		return buf_add(out, text, 2);
	}
	if (!bytes)
		rune = (unsigned char)first;
	text[1] = digits == 2 ? 'x' : digits == 4 ? 'u' : 'U';
	for (size_t i = 0; i < digits; i++)
		text[2 + i] = hex[rune >> 4 * (digits - 1 - i) & 0xf];
	return buf_add(out, text, 2 + digits);
}

int go_quote(struct buf *out, const char *s, size_t len)
{
	size_t done = 0;
	size_t i = 0;

	buf_reserve(out, len + 2);
	buf_addch(out, '"');
	while (i < len) {
		uint32_t rune;

		if (is_plain(s[i])) {
			i++;
			continue;
		}
		size_t n = utf8_read(s + i, len - i, &rune);
		if (n > 1 && is_printable(rune)) {
			i += n;
			continue;
		}
		buf_add(out, s + done, i - done);
		add_escaped(out, s[i], rune, n);
		i += n ? n : 1;
		done = i;
	}
	buf_add(out, s + done, i - done);
	return buf_addch(out, '"');
}
