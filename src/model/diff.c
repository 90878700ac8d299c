/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include <podfs/base/array.h>
#include <podfs/base/bytes.h>
#include <podfs/model/diff.h>

struct walk {
	const struct view *old;
	const struct view *new;
	struct diff *diff;
	struct buf path;
};

void diff_release(struct diff *diff)
{
	buf_release(&diff->paths);
	free(diff->changes);
	*diff = (struct diff){0};
}

static int add_change(struct diff *diff, enum change_kind kind, bool unnoted, const char *path)
{
	size_t off = diff->paths.len;

	if (array_grow(&diff->changes, diff->count, &diff->cap, sizeof(*diff->changes)) < 0)
		return -ENOMEM;
	int r = buf_add(&diff->paths, path, strlen(path) + 1);
	if (r < 0)
		return r;
	diff->changes[diff->count++] = (struct change){kind, unnoted, (uint32_t)off};
	return 0;
}

int diff_add(struct diff *diff, enum change_kind kind, const char *path)
{
	return add_change(diff, kind, false, path);
}

int diff_add_unnoted(struct diff *diff, enum change_kind kind, const char *path)
{
	return add_change(diff, kind, true, path);
}

static int push(struct walk *w, const struct field_list *list, size_t i)
{
	if (w->path.len)
		buf_addch(&w->path, '/');
	return buf_add(&w->path, field_entry_name(list, i), list->entries[i].name_len);
}

static void pop(struct walk *w, size_t len)
{
	w->path.len = len;
	w->path.data[len] = '\0';
}

static bool same_text(const struct walk *w, struct field old, struct field new)
{
	const char *a;
	const char *b;
	size_t a_len;
	size_t b_len;

	field_raw(w->old, old, &a, &a_len);
	field_raw(w->new, new, &b, &b_len);
	return a && b && bytes_equal(a, a_len, b, b_len);
}

static int compare_files(struct walk *w, struct field old, struct field new)
{
	cleanup_buf struct buf a = {0};
	cleanup_buf struct buf b = {0};

	/* The texts differ; what they say may still be the same ("\u003c" and "<"). */
	field_value(w->old, old, &a);
	field_value(w->new, new, &b);
	if (a.err || b.err)
		return -ENOMEM;
	if (bytes_equal(a.data, a.len, b.data, b.len))
		return 0;
	return diff_add(w->diff, CHANGE_VALUE, w->path.data);
}

static int compare_lists(struct walk *w, const struct field_list *was, const struct field_list *is);

static int compare_dirs(struct walk *w, const struct field_list *was, size_t i,
			const struct field_list *is, size_t j)
{
	cleanup_field_list struct field_list old = {0};
	cleanup_field_list struct field_list new = {0};
	int r = field_list_below(w->old, was, i, &old);

	if (r == 0)
		r = field_list_below(w->new, is, j, &new);
	return r < 0 ? r : compare_lists(w, &old, &new);
}

/* What the old and the new entry that have the name in `path` are. */
static int compare_entries(struct walk *w, const struct field_list *was, size_t i,
			   const struct field_list *is, size_t j)
{
	struct field old = was->entries[i].field;
	struct field new = is->entries[j].field;

	/* Equal text with unequal styles: the same elements, named otherwise. */
	if (old.style == new.style && same_text(w, old, new))
		return 0;
	if (field_is_dir(old) && field_is_dir(new))
		return compare_dirs(w, was, i, is, j);
	if (!field_is_dir(old) && !field_is_dir(new))
		return compare_files(w, old, new);
	int r = diff_add(w->diff, CHANGE_REMOVED, w->path.data);
	return r < 0 ? r : diff_add(w->diff, CHANGE_ADDED, w->path.data);
}

static int report(struct walk *w, const struct field_list *list, size_t i, enum change_kind kind)
{
	size_t len = w->path.len;
	int r = push(w, list, i);

	if (r == 0)
		r = diff_add(w->diff, kind, w->path.data);
	pop(w, len);
	return r;
}

static int compare_names(const struct field_list *a, size_t i, const struct field_list *b, size_t j)
{
	if (i == a->count || j == b->count)
		return i == a->count ? 1 : -1;
	return bytes_compare(field_entry_name(a, i), a->entries[i].name_len, field_entry_name(b, j),
			     b->entries[j].name_len);
}

static int compare_lists(struct walk *w, const struct field_list *was, const struct field_list *is)
{
	size_t i = 0;
	size_t j = 0;
	int r = 0;

	while (r == 0 && (i < was->count || j < is->count)) {
		int order = compare_names(was, i, is, j);
		size_t len = w->path.len;

		if (order < 0) {
			r = report(w, was, i++, CHANGE_REMOVED);
		} else if (order > 0) {
			r = report(w, is, j++, CHANGE_ADDED);
		} else {
			r = push(w, is, j);
			if (r == 0)
				r = compare_entries(w, was, i, is, j);
			pop(w, len);
			i++;
			j++;
		}
	}
	return r;
}

int diff_views(const struct view *old, const struct view *new, struct diff *ret)
{
	cleanup_field_list struct field_list was = {0};
	cleanup_field_list struct field_list is = {0};
	struct walk w = {.old = old, .new = new, .diff = ret};

	ret->count = 0;
	buf_clear(&ret->paths);
	/* So that the path is a string from the start. */
	int r = buf_reserve(&w.path, 256);
	if (r == 0)
		r = field_list(old, field_root(), &was);
	if (r == 0)
		r = field_list(new, field_root(), &is);
	if (r == 0)
		r = compare_lists(&w, &was, &is);
	buf_release(&w.path);
	return r;
}
