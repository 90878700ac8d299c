/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot: all paths of a tree with what is there, sorted by path.
 */
#ifndef PODFS_TESTS_SNAPSHOT_H
#define PODFS_TESTS_SNAPSHOT_H

#include "unit.h"

#include <podfs/base/buf.h>

struct shot {
	char *path;
	char type; /* 'd', 'f' or 'l' */
	char *data;
	size_t len;
	int64_t mtime_ns;
	uint32_t nlink;
};

struct snapshot {
	struct shot *shots;
	size_t count;
	size_t cap;
};

static inline void snapshot_release(struct snapshot *s)
{
	for (size_t i = 0; i < s->count; i++) {
		free(s->shots[i].path);
		free(s->shots[i].data);
	}
	free(s->shots);
	*s = (struct snapshot){0};
}
#define cleanup_snapshot cleanup_(snapshot_release)

static inline struct shot *snapshot_add(struct snapshot *s, const char *path, char type,
					const void *data, size_t len)
{
	if (s->count == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 64;
		s->shots = realloc(s->shots, s->cap * sizeof(*s->shots));
		assert_non_null(s->shots);
	}
	struct shot *shot = &s->shots[s->count++];
	*shot =
	    (struct shot){.path = strdup(path), .type = type, .data = malloc(len + 1), .len = len};
	assert_non_null(shot->path);
	assert_non_null(shot->data);
	if (len)
		memcpy(shot->data, data, len);
	shot->data[len] = '\0';
	return shot;
}

static inline int shot_compare(const void *a, const void *b)
{
	const struct shot *x = a;
	const struct shot *y = b;

	return strcmp(x->path, y->path);
}

/* No path may be there twice. */
static inline void snapshot_sort(struct snapshot *s)
{
	if (s->count)
		qsort(s->shots, s->count, sizeof(*s->shots), shot_compare);
	for (size_t i = 1; i < s->count; i++)
		if (!strcmp(s->shots[i - 1].path, s->shots[i].path))
			fail_msg("twice: %s", s->shots[i].path);
}

static inline struct shot *snapshot_find(const struct snapshot *s, const char *path)
{
	char *key = strdup(path);
	const struct shot wanted = {.path = key};
	struct shot *found = NULL;

	assert_non_null(key);
	if (s->count)
		found = bsearch(&wanted, s->shots, s->count, sizeof(*s->shots), shot_compare);
	free(key);
	return found;
}

static inline bool shot_same(const struct shot *a, const struct shot *b)
{
	return a->type == b->type && a->len == b->len && !memcmp(a->data, b->data, a->len);
}

/* Whether @path is @top or below it; everything is below "". */
static inline bool path_within(const char *path, const char *top)
{
	size_t n = strlen(top);

	return !n || (!strncmp(path, top, n) && (path[n] == '/' || !path[n]));
}

#endif
