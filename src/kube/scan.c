/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <podfs/base/plain.h>

#include "scan.h"

/* Inside a string; returns where it goes on outside, or @end. */
static const char *feed_string(struct scan *s, const char *p, const char *end)
{
	while (p < end) {
		if (!s->escaped)
			p = plain_skip(p, end, false);
		if (p == end)
			break;
		char c = *p++;
		if ((unsigned char)c < 0x20) {
			s->broken = true;
			break;
		}
		if (s->escaped) {
			s->escaped = false;
		} else if (c == '"') {
			s->in_string = false;
			s->closed = true;
			break;
		} else {
			s->escaped = true;
		}
	}
	return p;
}

static bool ends_scalar(char c)
{
	return c == ',' || c == '}' || c == ']' || scan_is_space(c);
}

static const char *feed_scalar(const char *p, const char *end, bool *ret_done)
{
	while (p < end && !ends_scalar(*p))
		p++;
	*ret_done = p < end;
	return p;
}

/* Outside strings: stops behind a quote or behind the brace that ends the value. */
static const char *feed_structure(struct scan *s, const char *p, const char *end, bool *ret_done)
{
	while (p < end) {
		switch (*p++) {
		case '"':
			s->in_string = true;
			s->broken = s->closed;
			return p;
		case '{':
		case '[':
			s->broken = s->closed;
			if (s->broken)
				return p;
			if (++s->depth > s->max_depth)
				s->max_depth = s->depth;
			break;
		case ',':
		case ':':
			s->closed = false;
			break;
		case '}':
		case ']':
			s->closed = true;
			if (s->depth)
				s->depth--;
			if (!s->depth) {
				*ret_done = true;
				return p;
			}
			break;
		default:
			break;
		}
	}
	return p;
}

size_t scan_feed(struct scan *s, const char *p, size_t n, bool *ret_done)
{
	*ret_done = false;
	if (!n)
		return 0;
	const char *start = p;
	const char *end = p + n;
	if (!s->started) {
		s->started = true;
		s->scalar = *p != '"' && *p != '{' && *p != '[';
	}
	if (s->scalar)
		return (size_t)(feed_scalar(p, end, ret_done) - start);
	while (p < end && !*ret_done && !s->broken) {
		if (s->in_string) {
			p = feed_string(s, p, end);
			*ret_done = !s->in_string && !s->depth;
		} else {
			p = feed_structure(s, p, end, ret_done);
		}
	}
	return (size_t)(p - start);
}

static const char *skip_space(const char *p, const char *end)
{
	while (p < end && scan_is_space(*p))
		p++;
	return p;
}

/* The value at @p; NULL if it does not end. */
static const char *value_end(const char *p, const char *end)
{
	struct scan s = {0};
	bool done;
	size_t n = scan_feed(&s, p, (size_t)(end - p), &done);

	return done ? p + n : NULL;
}

/* How much of a value there must be. */
enum extent {
	EXTENT_WHOLE,
	EXTENT_BEGUN, /* a map or a list may go on behind the text */
	EXTENT_START, /* its end is not looked for */
};

static bool find_member(const char *text, size_t len, const char *key, enum extent extent,
			const char **ret, size_t *ret_len)
{
	const char *end = text + len;
	const char *p = skip_space(text, end);
	size_t key_len = strlen(key);

	if (p == end || *p++ != '{')
		return false;
	for (;;) {
		p = skip_space(p, end);
		if (p == end || *p != '"')
			return false;
		const char *name = p;
		p = value_end(p, end);
		if (!p)
			return false;
		bool found = (size_t)(p - name) == key_len + 2 && !memcmp(name + 1, key, key_len);
		p = skip_space(p, end);
		if (p == end || *p != ':')
			return false;
		p = skip_space(p + 1, end);
		const char *value = p;
		if (found && extent == EXTENT_START) {
			*ret = value;
			*ret_len = (size_t)(end - value);
			return value < end;
		}
		p = p < end ? value_end(p, end) : NULL;
		if (!p && found && extent == EXTENT_BEGUN && value && value < end &&
		    (*value == '{' || *value == '['))
			p = end;
		if (!p)
			return false;
		if (found) {
			*ret = value;
			*ret_len = (size_t)(p - value);
			return true;
		}
		p = skip_space(p, end);
		if (p == end || *p++ != ',')
			return false;
	}
}

bool scan_member(const char *text, size_t len, const char *key, const char **ret, size_t *ret_len)
{
	return find_member(text, len, key, EXTENT_WHOLE, ret, ret_len);
}

bool scan_member_begun(const char *text, size_t len, const char *key, const char **ret,
		       size_t *ret_len)
{
	return find_member(text, len, key, EXTENT_BEGUN, ret, ret_len);
}

bool scan_member_start(const char *text, size_t len, const char *key, const char **ret,
		       size_t *ret_len)
{
	return find_member(text, len, key, EXTENT_START, ret, ret_len);
}

bool scan_member_string(const char *text, size_t len, const char *key, const char **ret,
			size_t *ret_len)
{
	const char *value;
	size_t n;

	if (!scan_member(text, len, key, &value, &n) || n < 2 || *value != '"' ||
	    memchr(value, '\\', n))
		return false;
	*ret = value + 1;
	*ret_len = n - 2;
	return true;
}
