/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turns: whether a diff turns one document's projection into another's, and says nothing else.
 */
#ifndef PODFS_TESTS_TURNS_H
#define PODFS_TESTS_TURNS_H

#include "docs.h"
#include "snapshot.h"

#include <podfs/model/diff.h>

static inline void take(const struct view *view, struct field dir, struct buf *path,
			struct snapshot *ret)
{
	cleanup_field_list struct field_list list = {0};
	size_t len = path->len;

	assert_int_equal(field_list(view, dir, &list), 0);
	for (size_t i = 0; i < list.count; i++) {
		cleanup_buf struct buf value = {0};
		struct field f = list.entries[i].field;

		buf_addf(path, "%s%.*s", len ? "/" : "", (int)list.entries[i].name_len,
			 field_entry_name(&list, i));
		if (!field_is_dir(f))
			field_value(view, f, &value);
		snapshot_add(ret, path->data, field_is_dir(f) ? 'd' : 'f', value.data, value.len);
		if (field_is_dir(f))
			take(view, f, path, ret);
		path->len = len;
	}
}

static inline void take_all(const struct doc *d, struct snapshot *ret)
{
	cleanup_buf struct buf path = {0};

	take(&d->view, field_root(), &path, ret);
	snapshot_sort(ret);
}

static inline void remove_below(struct snapshot *s, const char *path)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->count; i++) {
		if (path_within(s->shots[i].path, path)) {
			free(s->shots[i].path);
			free(s->shots[i].data);
		} else {
			s->shots[kept++] = s->shots[i];
		}
	}
	s->count = kept;
}

/* A change may only say what is so: and what it says is done to @at, with bytes from @new. */
static inline void apply(struct snapshot *at, const struct snapshot *new, enum change_kind kind,
			 const char *path)
{
	const struct shot *was = snapshot_find(at, path);

	if (kind == CHANGE_ADDED) {
		if (was)
			fail_msg("added, but it is there: %s", path);
		for (size_t i = 0; i < new->count; i++)
			if (path_within(new->shots[i].path, path))
				snapshot_add(at, new->shots[i].path, new->shots[i].type,
					     new->shots[i].data, new->shots[i].len);
		snapshot_sort(at);
		assert_non_null(snapshot_find(at, path));
		return;
	}
	if (!was)
		fail_msg("not there: %s", path);
	if (kind == CHANGE_REMOVED) {
		remove_below(at, path);
		return;
	}
	const struct shot *is = snapshot_find(new, path);
	assert_int_equal(kind, CHANGE_VALUE);
	if (!is || was->type != 'f' || is->type != 'f' || shot_same(was, is))
		fail_msg("no other value: %s", path);
	remove_below(at, path);
	snapshot_add(at, is->path, 'f', is->data, is->len);
	snapshot_sort(at);
}

static inline void assert_turns_into(const struct doc *old, const struct doc *new)
{
	cleanup_snapshot struct snapshot at = {0};
	cleanup_snapshot struct snapshot want = {0};
	cleanup_diff struct diff diff = {0};

	take_all(old, &at);
	take_all(new, &want);
	assert_int_equal(diff_views(&old->view, &new->view, &diff), 0);
	for (size_t i = 0; i < diff.count; i++)
		apply(&at, &want, diff.changes[i].kind, diff_path(&diff, i));
	if (at.count != want.count)
		fail_msg("%s\n%s", old->text.data, new->text.data);
	for (size_t i = 0; i < at.count && at.shots && want.shots; i++)
		if (strcmp(at.shots[i].path, want.shots[i].path) != 0 ||
		    !shot_same(&at.shots[i], &want.shots[i]))
			fail_msg("%s in\n%s\n%s", want.shots[i].path, old->text.data,
				 new->text.data);
}

#endif
