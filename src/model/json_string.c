/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of JSON strings. Escapes are decoded as Go's encoding/json does it: a
 * lone surrogate and every byte that is not UTF-8 become U+FFFD.
 */
#include <podfs/base/utf8.h>
#include <podfs/model/json.h>

static uint32_t read_hex4(const char *p)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++) {
		char c = p[i];
		uint32_t digit = (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);

		v = v << 4 | digit;
	}
	return v;
}

/* At the `u` of an escape the scanner has checked; how many bytes it and its pair take. */
static size_t read_unicode(const char *p, const char *end, uint32_t *ret_rune)
{
	uint32_t high = read_hex4(p + 1);

	*ret_rune = high;
	if (high < 0xd800 || high > 0xdfff)
		return 5;
	if (high <= 0xdbff && end - p >= 11 && p[5] == '\\' && p[6] == 'u') {
		uint32_t low = read_hex4(p + 7);

		if (low >= 0xdc00 && low <= 0xdfff) {
			*ret_rune = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
			return 11;
		}
	}
	*ret_rune = UTF8_REPLACEMENT;
	return 5;
}

static char simple_escape(char c)
{
	switch (c) {
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return c;
	}
}

/* How many bytes from @p on mean themselves: up to an escape, or to what is not UTF-8. */
static size_t plain_run(const char *p, const char *end)
{
	const char *at = p;
	uint32_t rune;

	while (at < end && *at != '\\') {
		size_t n = (unsigned char)*at < 0x80 ? 1 : utf8_read(at, (size_t)(end - at), &rune);

		if (!n)
			break;
		at += n;
	}
	return (size_t)(at - p);
}

/* Behind the backslash of an escape; where it ends. */
static const char *add_escape(struct buf *out, const char *p, const char *end)
{
	uint32_t rune;
	char utf8[4];

	if (*p != 'u') {
		buf_addch(out, simple_escape(*p));
		return p + 1;
	}
	p += read_unicode(p, end, &rune);
	buf_add(out, utf8, utf8_write(utf8, rune));
	return p;
}

int json_decode(struct buf *out, const char *text, size_t len)
{
	const char *p = text;
	const char *end = text + len;
	char bad[4];
	size_t bad_len = utf8_write(bad, UTF8_REPLACEMENT);

	/* No escape is shorter than its value, but a bad byte becomes three. */
	buf_reserve(out, len);
	while (p < end) {
		size_t n = plain_run(p, end);

		buf_add(out, p, n);
		p += n;
		if (p == end)
			break;
		if (*p == '\\') {
			p = add_escape(out, p + 1, end);
		} else {
			buf_add(out, bad, bad_len);
			p++;
		}
	}
	return out->err;
}

int json_string(struct buf *out, const char *text, const struct json_node *node)
{
	if (node->decode)
		return json_decode(out, text + node->off, node->len);
	return buf_add(out, text + node->off, node->len);
}

int json_key(struct buf *out, const char *text, const struct json_node *node)
{
	if (node->key_decode)
		return json_decode(out, text + node->key_off, node->key_len);
	return buf_add(out, text + node->key_off, node->key_len);
}
