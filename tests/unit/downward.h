/* SPDX-License-Identifier: Apache-2.0 */
/*
 * downward: a pod and its node for the tests of downward/, and what is there.
 *
 * In documents written in C a backtick stands for a quote.
 */
#ifndef PODFS_TESTS_DOWNWARD_H
#define PODFS_TESTS_DOWNWARD_H

#include "docs.h"

#include <podfs/downward/downward.h>

struct setting {
	struct doc pod;
	struct doc node;
	struct downward_source source;
};

static inline void setting_release(struct setting *s)
{
	doc_release(&s->pod);
	doc_release(&s->node);
}
#define cleanup_setting cleanup_(setting_release)

static inline void doc_write(struct doc *d, const char *text)
{
	cleanup_buf struct buf quoted = {0};

	buf_addstr(&quoted, text);
	for (size_t i = 0; i < quoted.len; i++)
		if (quoted.data[i] == '`')
			quoted.data[i] = '"';
	doc_parse(d, quoted.data);
}

/* Appends texts, up to a NULL, with commas between them. */
static inline void add_joined(struct buf *out, const char *const *items)
{
	for (size_t i = 0; items[i]; i++)
		buf_addf(out, "%s%s", i ? "," : "", items[i]);
}

/* @node: NULL if it may not be read. */
static inline void setting_write(struct setting *s, const char *pod, const char *node)
{
	doc_write(&s->pod, pod);
	if (node)
		doc_write(&s->node, node);
	s->source = (struct downward_source){&s->pod.view, node ? &s->node.view : NULL};
}

static inline void expect_bytes(const struct setting *s, const char *path, const char *want,
				size_t len)
{
	cleanup_buf struct buf got = {0};
	struct downward_place place = {0};
	int r = downward_find(&s->source, path, &place);

	if (r || place.type != DOWNWARD_FILE)
		fail_msg("%s: find: %d, type %d", path, r, (int)place.type);
	r = downward_read(&s->source, path, &got);
	if (r || got.len != len || (len && memcmp(got.data, want, len) != 0))
		fail_msg("%s: %d, got '%.*s', want '%.*s'", path, r, (int)got.len,
			 got.data ? got.data : "", (int)len, want);
}

static inline void expect_text(const struct setting *s, const char *path, const char *want)
{
	expect_bytes(s, path, want, strlen(want));
}

static inline void expect_mode(const struct setting *s, const char *path, mode_t want)
{
	struct downward_place place = {0};

	assert_int_equal(downward_find(&s->source, path, &place), 0);
	if (place.mode != want)
		fail_msg("%s: mode %o, want %o", path, (unsigned)place.mode, (unsigned)want);
}

static inline void expect_nothing(const struct setting *s, const char *path)
{
	cleanup_buf struct buf got = {0};
	struct downward_place place;

	if (downward_find(&s->source, path, &place) != -ENOENT)
		fail_msg("%s is there", path);
	if (downward_read(&s->source, path, &got) != -ENOENT || got.len)
		fail_msg("%s can be read", path);
}

/* @want: the names, each with a space behind it; a directory's with '/' before that. */
static inline void expect_list(const struct setting *s, const char *path, const char *want)
{
	cleanup_downward_list struct downward_list list = {0};
	cleanup_buf struct buf got = {0};
	int r = downward_list(&s->source, path, &list);

	buf_reserve(&got, 1);
	for (size_t i = 0; i < list.count; i++)
		buf_addf(&got, "%s%s ", downward_entry_name(&list, i),
			 list.entries[i].place.type == DOWNWARD_DIR ? "/" : "");
	if (r || strcmp(got.data, want) != 0)
		fail_msg("%s: %d, got '%s', want '%s'", path, r, got.data, want);
}

#endif
