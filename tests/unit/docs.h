/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docs: JSON documents for tests, indexed, and nasty ones made by dice.
 */
#ifndef PODFS_TESTS_DOCS_H
#define PODFS_TESTS_DOCS_H

#include "unit.h"

#include <podfs/model/field.h>

struct doc {
	struct buf text;
	struct view view;
};

static inline void doc_release(struct doc *d)
{
	buf_release(&d->text);
	json_index_release(&d->view.index);
	*d = (struct doc){0};
}
#define cleanup_doc cleanup_(doc_release)

/* Indexes what is in `text`, which must be JSON. */
static inline void doc_index(struct doc *d)
{
	size_t off = 0;

	assert_int_equal(d->text.err, 0);
	d->view.text = d->text.data;
	d->view.len = d->text.len;
	int r = json_scan(&d->view.index, d->text.data, d->text.len, &off);
	if (r)
		fail_msg("%d at %zu in %s", r, off, d->text.data);
}

static inline void doc_parse(struct doc *d, const char *text)
{
	buf_clear(&d->text);
	buf_addstr(&d->text, text);
	doc_index(d);
}

/* Keys that are trouble somewhere, as they are written between quotes. */
static inline const char *doc_random_key(struct dice *dice)
{
	static char longest[256];
	static char too_long[257];
	static char long_escaped[87];
	static const char *const keys[] = {
	    "a",
	    "b",
	    "metadata",
	    "labels",
	    "annotations",
	    "containers",
	    "containerStatuses",
	    "initContainers",
	    "env",
	    "conditions",
	    "podIPs",
	    "name",
	    "name",
	    "type",
	    "ip",
	    "spec",
	    "status",
	    "kind",
	    "apiVersion",
	    ".",
	    "..",
	    "...",
	    ".value",
	    "%",
	    "%2F",
	    "%2E",
	    "a/b",
	    "a/c",
	    "a/b/c",
	    "a/",
	    "a/.value",
	    "a/..",
	    "/",
	    "/a",
	    "",
	    "0",
	    "1",
	    "\\u0061",
	    "a\\/b",
	    "\\u0000",
	    "\\ud800",
	    "\\u00e9",
	    "\xc3\xa9",
	    "\xff",
	    " ",
	    "\\n",
	    longest,
	    too_long,
	    long_escaped,
	};

	memset(longest, 'l', 255);
	memset(too_long, 'm', 256);
	memset(long_escaped, '%', 86); /* 258 bytes as a name */
	return keys[dice_roll(dice, ARRAY_SIZE(keys))];
}

static inline void doc_random_value(struct dice *dice, unsigned depth, struct buf *out);

static inline void doc_random_object(struct dice *dice, unsigned depth, struct buf *out);
static inline void doc_random_array(struct dice *dice, unsigned depth, struct buf *out);

/* Keys whose values are special have such values most of the time. */
static inline void doc_random_member(struct dice *dice, unsigned depth, uint32_t i, struct buf *out)
{
	static const char *const maps[] = {"metadata", "labels", "annotations"};
	static const char *const lists[] = {"containers", "containerStatuses", "initContainers",
					    "env",        "conditions",        "podIPs"};
	static const char *const label_keys[] = {"a",   "a",        "b", "a/b",
						 "a/c", "a/.value", "/", "a/"};
	const char *key = doc_random_key(dice);

	buf_addf(out, "%s\"%s\":", i ? "," : "", key);
	for (size_t k = 0; k < ARRAY_SIZE(maps) && depth < 6; k++) {
		if (strcmp(key, maps[k]) != 0 || dice_one_in(dice, 4))
			continue;
		if (k == 0 || dice_one_in(dice, 2)) {
			doc_random_object(dice, depth + 1, out);
			return;
		}
		buf_addch(out, '{');
		for (uint32_t n = dice_roll(dice, 5), l = 0; l < n; l++) {
			buf_addf(out, "%s\"%s\":", l ? "," : "",
				 label_keys[dice_roll(dice, ARRAY_SIZE(label_keys))]);
			doc_random_value(dice, 5, out);
		}
		buf_addch(out, '}');
		return;
	}
	for (size_t k = 0; k < ARRAY_SIZE(lists) && depth < 6; k++) {
		if (strcmp(key, lists[k]) != 0 || dice_one_in(dice, 4))
			continue;
		doc_random_array(dice, depth + 1, out);
		return;
	}
	doc_random_value(dice, depth + 1, out);
}

static inline void doc_random_object(struct dice *dice, unsigned depth, struct buf *out)
{
	uint32_t n = dice_roll(dice, depth == 0 ? 7 : 5);

	buf_addch(out, '{');
	for (uint32_t i = 0; i < n; i++)
		doc_random_member(dice, depth, i, out);
	buf_addch(out, '}');
}

static inline void doc_random_array(struct dice *dice, unsigned depth, struct buf *out)
{
	static const char *const by[] = {"name", "type", "ip"};
	uint32_t n = dice_roll(dice, 4);
	bool keyed = dice_one_in(dice, 2);
	const char *key = by[dice_roll(dice, 3)];

	buf_addch(out, '[');
	for (uint32_t i = 0; i < n; i++) {
		if (i)
			buf_addch(out, ',');
		if (keyed) {
			buf_addf(out, "{\"%s\":\"%s\",\"%s\":", key, doc_random_key(dice),
				 doc_random_key(dice));
			doc_random_value(dice, depth + 1, out);
			buf_addch(out, '}');
		} else {
			doc_random_value(dice, depth + 1, out);
		}
	}
	buf_addch(out, ']');
}

static inline void doc_random_value(struct dice *dice, unsigned depth, struct buf *out)
{
	static const char *const scalars[] = {
	    "null",
	    "true",
	    "false",
	    "0",
	    "-1",
	    "1.5e3",
	    "\"\"",
	    "\"x\"",
	    "\"\\u003c\"",
	    "\"<\"",
	    "\"true\"",
	    "\"a\\nb\"",
	    "\"/\"",
	    "12",
	    "\"12\"",
	    "\"\\ud83d\\ude00\"",
	    "\"\xf0\x9f\x98\x80\"",
	    "\"\xff\"",
	};

	if (depth < 6 && dice_one_in(dice, 3))
		doc_random_object(dice, depth, out);
	else if (depth < 6 && dice_one_in(dice, 3))
		doc_random_array(dice, depth, out);
	else
		buf_addstr(out, scalars[dice_roll(dice, ARRAY_SIZE(scalars))]);
}

/* An object of all kinds of trouble, indexed. */
static inline void doc_random(struct dice *dice, struct doc *d)
{
	buf_clear(&d->text);
	doc_random_object(dice, 0, &d->text);
	doc_index(d);
}

/* Where a value is in the text, with its quotes. */
static inline void doc_span(const struct view *view, uint32_t n, size_t *ret_start, size_t *ret_end)
{
	const struct json_node *node = &view->index.nodes[n];
	size_t quote = node->type == JSON_STRING;

	*ret_start = node->off - quote;
	*ret_end = (size_t)node->off + node->len + quote;
}

/* @from with one value replaced, or a member more, or one key changed. */
static inline void doc_mutate(struct dice *dice, const struct doc *from, struct doc *to)
{
	const struct view *view = &from->view;
	uint32_t n = dice_roll(dice, view->index.count);
	const struct json_node *node = &view->index.nodes[n];
	size_t start;
	size_t end;

	doc_span(view, n, &start, &end);
	buf_clear(&to->text);
	if (n && node->key_off && dice_one_in(dice, 4)) {
		buf_add(&to->text, view->text, node->key_off);
		buf_addstr(&to->text, doc_random_key(dice));
		buf_addstr(&to->text, view->text + node->key_off + node->key_len);
	} else if (node->type == JSON_OBJECT && dice_one_in(dice, 2)) {
		buf_add(&to->text, view->text, end - 1);
		buf_addf(&to->text, "%s\"%s\":", node->count ? "," : "", doc_random_key(dice));
		doc_random_value(dice, 3, &to->text);
		buf_addstr(&to->text, view->text + end - 1);
	} else if (node->type == JSON_ARRAY && dice_one_in(dice, 2)) {
		buf_add(&to->text, view->text, end - 1);
		if (node->count)
			buf_addch(&to->text, ',');
		doc_random_value(dice, 3, &to->text);
		buf_addstr(&to->text, view->text + end - 1);
	} else if (n) {
		buf_add(&to->text, view->text, start);
		doc_random_value(dice, 3, &to->text);
		buf_addstr(&to->text, view->text + end);
	} else {
		doc_random_object(dice, 0, &to->text);
	}
	doc_index(to);
}

#endif
