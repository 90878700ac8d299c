/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Go quoting (src/model/go_quote.c): a naive reader of Go's string literals gets the bytes back;
 * the text is one line of printable UTF-8, in the shortest form Go has for each byte; and quoting
 * byte by byte what is ASCII gives the same.
 *
 * Input: the string.
 */
#include <podfs/base/utf8.h>
#include <podfs/model/go_quote.h>

#include "fuzz.h"

static unsigned int digit(char c)
{
	fuzz_check((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'));
	return (unsigned int)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static uint32_t number(const char *p, size_t len)
{
	uint32_t n = 0;

	for (size_t i = 0; i < len; i++)
		n = n << 4 | digit(p[i]);
	return n;
}

static void add_rune(struct buf *out, uint32_t rune)
{
	char utf8[4];

	fuzz_check(rune <= 0x10ffff && (rune < 0xd800 || rune > 0xdfff));
	buf_add(out, utf8, utf8_write(utf8, rune));
}

/* At the letter behind a backslash; what it took. */
static size_t unescape(const char *p, size_t left, struct buf *out)
{
	static const char letters[] = "abfnrtv\\\"";
	static const char values[] = "\a\b\f\n\r\t\v\\\"";
	const char *letter = *p ? strchr(letters, *p) : NULL;
	size_t digits = *p == 'x' ? 2 : *p == 'u' ? 4 : 8;

	if (letter) {
		buf_addch(out, values[letter - letters]);
		return 1;
	}
	fuzz_check(strchr("xuU", *p) && *p && left > digits);
	uint32_t n = number(p + 1, digits);
	if (*p == 'x') {
		/* Of ASCII what has no letter, or a byte that is no UTF-8. */
		fuzz_check(n < 0x20 || n >= 0x7f);
		buf_addch(out, (char)n);
	} else {
		fuzz_check(*p == 'u' ? n >= 0x80 && n < 0x10000 : n >= 0x10000);
		add_rune(out, n);
	}
	return 1 + digits;
}

static void unquote(const char *p, size_t len, struct buf *out)
{
	fuzz_check(len >= 2 && p[0] == '"' && p[len - 1] == '"');
	for (size_t i = 1; i < len - 1;) {
		uint32_t rune;
		size_t n = utf8_read(p + i, len - 1 - i, &rune);

		fuzz_check(n && rune >= 0x20 && rune != 0x7f && rune != '"');
		if (rune == '\\') {
			i += 1 + unescape(p + i + 1, len - 1 - i, out);
		} else {
			/* Controls of Latin-1, and line and paragraph separators, are never raw. */
			fuzz_check((rune < 0x80 || rune > 0xa0) && rune != 0x2028 &&
				   rune != 0x2029);
			buf_add(out, p + i, n);
			i += n;
		}
	}
}

/* Every code point alone is quoted as it is among others. */
static void check_pieces(const char *s, size_t len, const struct buf *whole)
{
	cleanup_buf struct buf pieces = {0};

	buf_addch(&pieces, '"');
	for (size_t i = 0; i < len;) {
		cleanup_buf struct buf one = {0};
		uint32_t rune;
		size_t n = utf8_read(s + i, len - i, &rune);

		n = n ? n : 1;
		char *exact = fuzz_copy((struct fuzz_input){s + i, n}, false);
		go_quote(&one, exact, n);
		buf_add(&pieces, one.data + 1, one.len - 2);
		free(exact);
		i += n;
	}
	buf_addch(&pieces, '"');
	fuzz_check(pieces.len == whole->len && !memcmp(pieces.data, whole->data, whole->len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_begin(data, size);
	char *s = fuzz_copy(in, false);
	cleanup_buf struct buf quoted = {0};
	cleanup_buf struct buf back = {0};

	fuzz_check(go_quote(&quoted, s, in.len) == 0);
	unquote(quoted.data, quoted.len, &back);
	fuzz_check(back.len == in.len && (!in.len || !memcmp(back.data, s, in.len)));
	check_pieces(s, in.len, &quoted);
	free(s);
	return 0;
}
