/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scanner is one loop over three states, with the open containers on a
 * stack of node numbers: no recursion, so hostile nesting costs nothing but the
 * limit. Strings are most of a pod's bytes; they are skipped sixteen at a time
 * until a quote, a backslash, a control character or a byte beyond ASCII.
 *
 * A text that ends in the middle of a step is no fault yet: the step is done
 * again when there is more of it. A fault that is found at the very end is one
 * only if the text ends there for good. Of a string, which may be long, it is
 * noted how far it was read.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <podfs/base/plain.h>
#include <podfs/base/utf8.h>
#include <podfs/model/json.h>

/* No rune is longer. */
#define UTF8_MAX 4

static void skip_space(struct json_scan *s)
{
	while (s->at < s->len) {
		char c = s->text[s->at];

		if (c != ' ' && c != '\n' && c != '\t' && c != '\r')
			return;
		s->at++;
	}
}

static bool is_escape(char c)
{
	switch (c) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
	case 'u':
		return true;
	default:
		return false;
	}
}

/* How many of the next four bytes are hexadecimal digits, before any that is none. */
static size_t hex_digits(const char *p, const char *end)
{
	size_t n = 0;

	for (; n < 4 && p + n < end; n++) {
		char c = p[n];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
			break;
	}
	return n;
}

/* At the first byte behind the quote; ends behind the closing one. */
static int scan_string(struct json_scan *s, uint32_t *ret_len, bool *ret_decode)
{
	const char *start = s->text + s->at;
	const char *end = s->text + s->len;
	const char *p = start;
	const char *good = start; /* so far it has been read */
	bool decode = false;
	bool good_decode = false;
	bool cut = false; /* behind `good` is what may be the beginning of a rune */

	if (s->string_at == s->at) {
		p = s->text + s->string_good;
		decode = s->string_decode;
	}
	for (;;) {
		p = plain_skip(p, end, true);
		if (!cut) {
			good = p;
			good_decode = decode;
		}
		if (p == end)
			break;
		unsigned char c = (unsigned char)*p;
		if (c == '"') {
			*ret_len = (uint32_t)(p - start);
			*ret_decode = decode;
			s->at = (size_t)(p - s->text) + 1;
			return 0;
		}
		if (c == '\\') {
			decode = true;
			p++;
			if (p == end || !is_escape(*p))
				break;
			if (*p == 'u') {
				size_t n = hex_digits(p + 1, end);

				if (n < 4) {
					p = p + 1 + n == end ? end : p;
					break;
				}
				p += 4;
			}
			p++;
		} else if (c < 0x20) {
			break;
		} else if (c < 0x80) {
			p++;
		} else {
			uint32_t rune;
			size_t n = utf8_read(p, (size_t)(end - p), &rune);

			if (!n) {
				cut |= end - p < UTF8_MAX;
				decode = true;
				n = 1;
			}
			p += n;
		}
	}
	s->string_at = s->at;
	s->string_good = (size_t)(good - s->text);
	s->string_decode = good_decode;
	s->at = (size_t)(p - s->text);
	return -EINVAL;
}

static bool scan_digits(struct json_scan *s)
{
	size_t first = s->at;

	while (s->at < s->len && s->text[s->at] >= '0' && s->text[s->at] <= '9')
		s->at++;
	return s->at > first;
}

static bool scan_char(struct json_scan *s, char c)
{
	if (s->at == s->len || s->text[s->at] != c)
		return false;
	s->at++;
	return true;
}

static int scan_number(struct json_scan *s)
{
	scan_char(s, '-');
	if (!scan_char(s, '0') && !scan_digits(s))
		return -EINVAL;
	if (scan_char(s, '.') && !scan_digits(s))
		return -EINVAL;
	if (scan_char(s, 'e') || scan_char(s, 'E')) {
		if (!scan_char(s, '+'))
			scan_char(s, '-');
		if (!scan_digits(s))
			return -EINVAL;
	}
	return 0;
}

static int scan_word(struct json_scan *s, const char *word)
{
	size_t start = s->at;

	while (*word && scan_char(s, *word))
		word++;
	if (!*word)
		return 0;
	if (s->at < s->len)
		s->at = start;
	return -EINVAL;
}

/* The next node, all zero. */
static int new_node(struct json_index *index, uint32_t *ret)
{
	if (index->count == index->cap) {
		if (index->cap >= JSON_NODES_MAX)
			return -E2BIG;
		uint32_t cap = index->cap ? index->cap * 2 : 256;
		struct json_node *nodes = realloc(index->nodes, cap * sizeof(*nodes));

		if (!nodes)
			return -ENOMEM;
		index->nodes = nodes;
		index->cap = cap;
	}
	*ret = index->count++;
	index->nodes[*ret] = (struct json_node){0};
	return 0;
}

/* At a value's first byte; a container is left open. */
static int scan_value(struct json_scan *s, struct json_node *node, bool *ret_open)
{
	int r = 0;

	*ret_open = false;
	if (s->at == s->len)
		return -EINVAL;
	char c = s->text[s->at];
	node->off = (uint32_t)s->at;
	switch (c) {
	case '{':
	case '[':
		if (s->depth == JSON_DEPTH_MAX)
			return -E2BIG;
		node->type = c == '{' ? JSON_OBJECT : JSON_ARRAY;
		s->at++;
		*ret_open = true;
		return 0;
	case '"': {
		uint32_t len = 0;
		bool decode = false;

		node->type = JSON_STRING;
		s->at++;
		node->off++;
		r = scan_string(s, &len, &decode);
		node->len = len;
		node->decode = decode;
		return r;
	}
	case 't':
		node->type = JSON_TRUE;
		r = scan_word(s, "true");
		break;
	case 'f':
		node->type = JSON_FALSE;
		r = scan_word(s, "false");
		break;
	case 'n':
		node->type = JSON_NULL;
		r = scan_word(s, "null");
		break;
	default:
		node->type = JSON_NUMBER;
		r = scan_number(s);
	}
	node->len = (uint32_t)s->at - node->off;
	/* In a container something must follow, which may be more of a number. */
	return r == 0 && node->type == JSON_NUMBER && s->depth && s->at == s->len ? -EINVAL : r;
}

static int scan_key(struct json_scan *s, struct json_node *node)
{
	uint32_t len = 0;
	bool decode = false;

	if (!scan_char(s, '"'))
		return -EINVAL;
	node->key_off = (uint32_t)s->at;
	int r = scan_string(s, &len, &decode);
	if (r < 0)
		return r;
	if (len >= 1u << 24)
		return -E2BIG;
	node->key_len = len & 0xffffff;
	node->key_decode = decode;
	if (len > s->index->key_max)
		s->index->key_max = len;
	skip_space(s);
	if (!scan_char(s, ':'))
		return -EINVAL;
	skip_space(s);
	return 0;
}

/* Hangs node @n into the container we are in. */
static void link_child(struct json_scan *s, uint32_t n)
{
	struct json_node *nodes = s->index->nodes;
	uint32_t level = s->depth - 1;

	if (s->last[level])
		nodes[s->last[level]].next = n;
	s->last[level] = n;
	nodes[s->open[level]].count++;
}

/* Behind a bracket that opened. */
static int scan_opened(struct json_scan *s)
{
	const struct json_node *node = &s->index->nodes[s->open[s->depth - 1]];

	skip_space(s);
	if (s->at == s->len)
		return -EINVAL;
	s->step = s->text[s->at] == (node->type == JSON_OBJECT ? '}' : ']') ? JSON_SCAN_AFTER
									    : JSON_SCAN_VALUE;
	return 0;
}

/* Behind a value: a comma, or the container ends. */
static int scan_after(struct json_scan *s)
{
	struct json_node *node = &s->index->nodes[s->open[s->depth - 1]];

	skip_space(s);
	if (scan_char(s, ',')) {
		s->step = JSON_SCAN_VALUE;
		return 0;
	}
	if (!scan_char(s, node->type == JSON_OBJECT ? '}' : ']'))
		return -EINVAL;
	node->len = (uint32_t)s->at - node->off;
	s->depth--;
	return 0;
}

/* A value, with its key if it has one. */
static int scan_node(struct json_scan *s)
{
	struct json_index *index = s->index;
	uint32_t n = 0;
	bool open = false;

	skip_space(s);
	int r = new_node(index, &n);
	if (r < 0)
		return r;
	struct json_node *node = &index->nodes[n];
	if (s->depth && index->nodes[s->open[s->depth - 1]].type == JSON_OBJECT)
		r = scan_key(s, node);
	if (r == 0)
		r = scan_value(s, node, &open);
	if (r < 0) {
		index->count = n;
		return r;
	}
	if (s->depth)
		link_child(s, n);
	s->step = open ? JSON_SCAN_OPENED : JSON_SCAN_AFTER;
	if (open) {
		s->open[s->depth] = n;
		s->last[s->depth] = 0;
		s->depth++;
	}
	return 0;
}

static int scan_step(struct json_scan *s)
{
	switch (s->step) {
	case JSON_SCAN_OPENED:
		return scan_opened(s);
	case JSON_SCAN_AFTER:
		return scan_after(s);
	default:
		return scan_node(s);
	}
}

void json_scan_start(struct json_scan *s, struct json_index *index)
{
	index->count = 0;
	index->key_max = 0;
	s->index = index;
	s->step = JSON_SCAN_VALUE;
	s->at = 0;
	s->again = 0;
	s->depth = 0;
	s->string_at = SIZE_MAX;
}

int json_scan_more(struct json_scan *s, const char *text, size_t len)
{
	int r = 0;

	if (len > JSON_TEXT_MAX)
		return -E2BIG;
	s->text = text;
	s->len = len;
	s->at = s->again;
	while (r == 0 && (s->depth || s->step == JSON_SCAN_VALUE)) {
		r = scan_step(s);
		if (r == 0)
			s->again = s->at;
	}
	if (r == 0)
		return 1;
	return r == -EINVAL && s->at == len ? 0 : r;
}

int json_scan(struct json_index *index, const char *text, size_t len, size_t *ret_off)
{
	struct json_scan s;

	json_scan_start(&s, index);
	int r = json_scan_more(&s, text, len);
	if (r > 0)
		skip_space(&s);
	*ret_off = s.at;
	return r < 0 ? r : r > 0 && s.at == len ? 0 : -EINVAL;
}

void json_index_release(struct json_index *index)
{
	free(index->nodes);
	*index = (struct json_index){0};
}

/* No escape is longer, for what is ASCII. */
#define ESCAPE_MAX 6

static bool decodes_to(const char *text, size_t len, const char *key)
{
	cleanup_buf struct buf plain = {0};

	return json_decode(&plain, text, len) == 0 && plain.len == strlen(key) &&
	       !memcmp(plain.data, key, plain.len);
}

bool json_key_is(const char *text, const struct json_node *node, const char *key)
{
	size_t n = strlen(key);

	if (node->key_decode)
		return node->key_len > n && node->key_len <= n * ESCAPE_MAX &&
		       decodes_to(text + node->key_off, node->key_len, key);
	return node->key_len == n && !memcmp(text + node->key_off, key, n);
}

uint32_t json_member(const struct json_index *index, const char *text, uint32_t n, const char *key)
{
	uint32_t found = 0;

	if (index->nodes[n].type != JSON_OBJECT)
		return 0;
	for (uint32_t c = json_first(index, n); c; c = index->nodes[c].next)
		if (json_key_is(text, &index->nodes[c], key))
			found = c;
	return found;
}
