/* SPDX-License-Identifier: Apache-2.0 */
#include "jspan.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

enum { DEPTH_MAX = 200 };

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static const char *skip_space(const char *p, const char *end)
{
	while (p < end && is_space(*p))
		p++;
	return p;
}

/* `p` is behind the opening quote; the result is behind the closing one. */
static const char *skip_string(const char *p, const char *end)
{
	while (p < end) {
		const char *q = memchr(p, '"', (size_t)(end - p));
		const char *b;

		if (!q)
			return end;
		for (b = q; b > p && b[-1] == '\\'; b--)
			;
		if ((q - b) % 2 == 0)
			return q + 1;
		p = q + 1;
	}
	return end;
}

struct jspan jspan_at(const char *p, const char *end)
{
	const char *start;
	int depth = 0;

	p = skip_space(p, end);
	start = p;
	while (p < end) {
		char c = *p;

		if (c == '"') {
			p = skip_string(p + 1, end);
			if (!depth)
				break;
			continue;
		}
		if (c == '{' || c == '[') {
			depth++;
		} else if (c == '}' || c == ']') {
			if (depth == 0)
				break;
			if (--depth == 0) {
				p++;
				break;
			}
		} else if (depth == 0 && (c == ',' || is_space(c))) {
			break;
		}
		p++;
	}
	if (p == start)
		return (struct jspan){0};
	return (struct jspan){start, (size_t)(p - start)};
}

/* Steps behind the comma of the container; NULL at its end. */
static const char *next_item(struct jspan c, const char *it, char open)
{
	const char *end;

	if (!c.p || *c.p != open)
		return NULL;
	end = c.p + c.len;
	if (!it) {
		it = skip_space(c.p + 1, end);
	} else {
		it = skip_space(it, end);
		if (it >= end || *it != ',')
			return NULL;
		it = skip_space(it + 1, end);
	}
	return it >= end || *it == '}' || *it == ']' ? NULL : it;
}

bool jspan_member(struct jspan obj, const char **it, struct jspan *ret_key, struct jspan *ret_value)
{
	const char *p = next_item(obj, *it, '{');
	const char *end, *after;

	if (!p || *p != '"')
		return false;
	end = obj.p + obj.len;
	after = skip_string(p + 1, end);
	*ret_key = (struct jspan){p + 1, (size_t)(after - p) - 2};
	p = skip_space(after, end);
	*ret_value = jspan_at(p + 1, end);
	*it = ret_value->p + ret_value->len;
	return ret_value->p;
}

bool jspan_element(struct jspan array, const char **it, struct jspan *ret_value)
{
	const char *p = next_item(array, *it, '[');

	if (!p)
		return false;
	*ret_value = jspan_at(p, array.p + array.len);
	*it = ret_value->p + ret_value->len;
	return ret_value->p;
}

struct jspan jspan_get(struct jspan obj, const char *key)
{
	size_t n = strlen(key);
	const char *it = NULL;
	struct jspan k, v;

	while (jspan_member(obj, &it, &k, &v))
		if (k.len == n && !memcmp(k.p, key, n))
			return v;
	return (struct jspan){0};
}

struct jspan jspan_path(struct jspan obj, const char *path)
{
	while (obj.p && *path) {
		size_t n = strcspn(path, ".");
		char key[64];

		if (n >= sizeof(key))
			return (struct jspan){0};
		memcpy(key, path, n);
		key[n] = '\0';
		obj = jspan_get(obj, key);
		path += n + (path[n] == '.');
	}
	return obj;
}

bool jspan_is(struct jspan v, const char *string)
{
	size_t n = strlen(string);

	return v.p && v.len == n + 2 && v.p[0] == '"' && !memcmp(v.p + 1, string, n);
}

static unsigned hex4(const char *p)
{
	char digits[5] = {p[0], p[1], p[2], p[3], '\0'};

	return (unsigned)strtoul(digits, NULL, 16);
}

static void put_utf8(struct buf *out, unsigned c)
{
	if (c < 0x80) {
		buf_putc(out, (char)c);
	} else if (c < 0x800) {
		buf_putc(out, (char)(0xc0 | c >> 6));
		buf_putc(out, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buf_putc(out, (char)(0xe0 | c >> 12));
		buf_putc(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_putc(out, (char)(0x80 | (c & 0x3f)));
	} else {
		buf_putc(out, (char)(0xf0 | c >> 18));
		buf_putc(out, (char)(0x80 | (c >> 12 & 0x3f)));
		buf_putc(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_putc(out, (char)(0x80 | (c & 0x3f)));
	}
}

void jspan_decode(struct jspan v, struct buf *out)
{
	const char *p = v.p + 1, *end = v.p + v.len - 1;

	while (p < end) {
		const char *b = memchr(p, '\\', (size_t)(end - p));
		unsigned c;

		buf_add(out, p, (size_t)((b ? b : end) - p));
		if (!b || b + 1 >= end)
			return;
		p = b + 2;
		switch (b[1]) {
		case 'n':
			buf_putc(out, '\n');
			break;
		case 't':
			buf_putc(out, '\t');
			break;
		case 'r':
			buf_putc(out, '\r');
			break;
		case 'b':
			buf_putc(out, '\b');
			break;
		case 'f':
			buf_putc(out, '\f');
			break;
		case 'u':
			if (end - p < 4)
				return;
			c = hex4(p);
			p += 4;
			if (c >= 0xd800 && c < 0xdc00 && end - p >= 6 && p[0] == '\\' &&
			    p[1] == 'u') {
				unsigned low = hex4(p + 2);

				if (low >= 0xdc00 && low < 0xe000) {
					c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
					p += 6;
				}
			}
			put_utf8(out, c >= 0xd800 && c < 0xe000 ? 0xfffd : c);
			break;
		default:
			buf_putc(out, b[1]);
		}
	}
}

char *jspan_dup(struct jspan v)
{
	struct buf b = {0};

	if (!v.p)
		return NULL;
	if (*v.p != '"')
		return xstrndup(v.p, v.len);
	jspan_decode(v, &b);
	return buf_steal(&b);
}

int64_t jspan_int(struct jspan v, int64_t otherwise)
{
	if (!v.p || (*v.p != '-' && (*v.p < '0' || *v.p > '9')))
		return otherwise;
	return strtoll(v.p, NULL, 10);
}

static const char *check_string(const char *p, const char *end)
{
	for (; p < end; p++) {
		if ((unsigned char)*p < 0x20)
			return NULL;
		if (*p == '"')
			return p + 1;
		if (*p != '\\')
			continue;
		if (++p >= end || !strchr("\"\\/bfnrtu", *p))
			return NULL;
		if (*p == 'u') {
			if (end - p < 5 || strspn(p + 1, "0123456789abcdefABCDEF") < 4)
				return NULL;
			p += 4;
		}
	}
	return NULL;
}

static const char *check_number(const char *p, const char *end)
{
	const char *start;

	p += p < end && *p == '-';
	start = p;
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	if (p == start || (*start == '0' && p - start > 1))
		return NULL;
	if (p < end && *p == '.') {
		start = ++p;
		while (p < end && *p >= '0' && *p <= '9')
			p++;
		if (p == start)
			return NULL;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		p += p < end && (*p == '-' || *p == '+');
		start = p;
		while (p < end && *p >= '0' && *p <= '9')
			p++;
		if (p == start)
			return NULL;
	}
	return p;
}

static const char *check_value(const char *p, const char *end, int depth)
{
	static const char *const words[] = {"true", "false", "null"};
	char close;

	p = skip_space(p, end);
	if (p >= end || depth > DEPTH_MAX)
		return NULL;
	if (*p == '"')
		return check_string(p + 1, end);
	if (*p != '{' && *p != '[') {
		for (size_t i = 0; i < ARRAY_SIZE(words); i++)
			if ((size_t)(end - p) >= strlen(words[i]) &&
			    !memcmp(p, words[i], strlen(words[i])))
				return p + strlen(words[i]);
		return check_number(p, end);
	}
	close = *p == '{' ? '}' : ']';
	p = skip_space(p + 1, end);
	if (p < end && *p == close)
		return p + 1;
	for (;;) {
		if (close == '}') {
			p = skip_space(p, end);
			if (p >= end || *p != '"' || !(p = check_string(p + 1, end)))
				return NULL;
			p = skip_space(p, end);
			if (p >= end || *p++ != ':')
				return NULL;
		}
		p = check_value(p, end, depth + 1);
		if (!p)
			return NULL;
		p = skip_space(p, end);
		if (p < end && *p == close)
			return p + 1;
		if (p >= end || *p++ != ',')
			return NULL;
	}
}

bool json_valid(const char *p, size_t len)
{
	const char *end = p + len;
	const char *after = check_value(p, end, 0);

	return after && skip_space(after, end) == end;
}
