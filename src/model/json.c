/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scanner is one loop over three states, with the open containers on a
 * stack of node numbers: no recursion, so hostile nesting costs nothing but the
 * limit. Strings are most of a pod's bytes; they are skipped sixteen at a time
 * until a quote, a backslash, a control character or a byte beyond ASCII.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <podfs/base/plain.h>
#include <podfs/base/utf8.h>
#include <podfs/model/json.h>

struct scan {
	struct json_index *index;
	const char *text;
	size_t len;
	size_t at;
	uint32_t depth;
	uint32_t open[JSON_DEPTH_MAX]; /* the containers we are in */
	uint32_t last[JSON_DEPTH_MAX]; /* the child seen last in each, 0: none yet */
};

static void skip_space(struct scan *s)
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

static bool is_hex4(const char *p, const char *end)
{
	if (end - p < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		char c = p[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
			return false;
	}
	return true;
}

/* At the first byte behind the quote; ends behind the closing one. */
static int scan_string(struct scan *s, uint32_t *ret_len, bool *ret_decode)
{
	const char *p = s->text + s->at;
	const char *end = s->text + s->len;
	bool decode = false;

	for (;;) {
		p = plain_skip(p, end, true);
		if (p == end)
			break;
		unsigned char c = (unsigned char)*p;
		if (c == '"') {
			*ret_len = (uint32_t)(p - s->text - (ptrdiff_t)s->at);
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
				if (!is_hex4(p + 1, end))
					break;
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
				decode = true;
				n = 1;
			}
			p += n;
		}
	}
	s->at = (size_t)(p - s->text);
	return -EINVAL;
}

static bool scan_digits(struct scan *s)
{
	size_t first = s->at;

	while (s->at < s->len && s->text[s->at] >= '0' && s->text[s->at] <= '9')
		s->at++;
	return s->at > first;
}

static bool scan_char(struct scan *s, char c)
{
	if (s->at == s->len || s->text[s->at] != c)
		return false;
	s->at++;
	return true;
}

static int scan_number(struct scan *s)
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

static int scan_word(struct scan *s, const char *word)
{
	size_t n = strlen(word);

	if (s->len - s->at < n || memcmp(s->text + s->at, word, n))
		return -EINVAL;
	s->at += n;
	return 0;
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
static int scan_value(struct scan *s, struct json_node *node, bool *ret_open)
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
	return r;
}

static int scan_key(struct scan *s, struct json_node *node)
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
static void link_child(struct scan *s, uint32_t n)
{
	struct json_node *nodes = s->index->nodes;
	uint32_t level = s->depth - 1;

	if (s->last[level])
		nodes[s->last[level]].next = n;
	s->last[level] = n;
	nodes[s->open[level]].count++;
}

/* Behind a value: closes what ends here. Leaves depth 0 at the end, or a comma behind us. */
static int scan_after(struct scan *s)
{
	while (s->depth) {
		struct json_node *node = &s->index->nodes[s->open[s->depth - 1]];

		skip_space(s);
		if (scan_char(s, ',')) {
			skip_space(s);
			return 0;
		}
		if (!scan_char(s, node->type == JSON_OBJECT ? '}' : ']'))
			return -EINVAL;
		node->len = (uint32_t)s->at - node->off;
		s->depth--;
	}
	return 0;
}

/* Behind a bracket that opened: whether the container is empty, and closed again. */
static bool scan_empty(struct scan *s, const struct json_node *node)
{
	skip_space(s);
	return s->at < s->len && s->text[s->at] == (node->type == JSON_OBJECT ? '}' : ']');
}

static int scan_text(struct scan *s)
{
	struct json_index *index = s->index;

	skip_space(s);
	do {
		uint32_t n = 0;
		bool open;
		int r = new_node(index, &n);
		struct json_node *node = &index->nodes[n];

		if (r == 0 && s->depth && index->nodes[s->open[s->depth - 1]].type == JSON_OBJECT)
			r = scan_key(s, node);
		if (r == 0)
			r = scan_value(s, node, &open);
		if (r < 0)
			return r;
		if (s->depth)
			link_child(s, n);
		if (open) {
			s->open[s->depth] = n;
			s->last[s->depth] = 0;
			s->depth++;
			if (!scan_empty(s, node))
				continue;
		}
		r = scan_after(s);
		if (r < 0)
			return r;
	} while (s->depth);
	skip_space(s);
	return s->at == s->len ? 0 : -EINVAL;
}

int json_scan(struct json_index *index, const char *text, size_t len, size_t *ret_off)
{
	struct scan s = {.index = index, .text = text, .len = len};
	int r;

	index->count = 0;
	index->key_max = 0;
	r = len > JSON_TEXT_MAX ? -E2BIG : scan_text(&s);
	*ret_off = s.at;
	return r;
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
