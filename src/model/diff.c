/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

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

int diff_add(struct diff *diff, enum change_kind kind, const char *path)
{
	size_t off = diff->paths.len;

	if (diff->count == diff->cap) {
		size_t cap = diff->cap ? diff->cap * 2 : 16;
		struct change *changes = realloc(diff->changes, cap * sizeof(*changes));

		if (!changes)
			return -ENOMEM;
		diff->changes = changes;
		diff->cap = cap;
	}
	int r = buf_add(&diff->paths, path, strlen(path) + 1);
	if (r < 0)
		return r;
	diff->changes[diff->count++] = (struct change){kind, (uint32_t)off};
	return 0;
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
	return a && b && a_len == b_len && !memcmp(a, b, a_len);
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
	if (a.len == b.len && !memcmp(a.data, b.data, a.len))
		return 0;
	return diff_add(w->diff, CHANGE_VALUE, w->path.data);
}

static int compare_dirs(struct walk *w, struct field old, struct field new);

static int compare_places(struct walk *w, struct field old, struct field new)
{
	/* Equal text with unequal styles: the same elements, named otherwise. */
	if (old.style == new.style && same_text(w, old, new))
		return 0;
	if (field_is_dir(old) && field_is_dir(new))
		return compare_dirs(w, old, new);
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
	size_t a_len = a->entries[i].name_len;
	size_t b_len = b->entries[j].name_len;
	int order =
	    memcmp(field_entry_name(a, i), field_entry_name(b, j), a_len < b_len ? a_len : b_len);

	return order ? order : (a_len > b_len) - (a_len < b_len);
}

static int compare_dirs(struct walk *w, struct field old, struct field new)
{
	cleanup_field_list struct field_list was = {0};
	cleanup_field_list struct field_list is = {0};
	size_t i = 0;
	size_t j = 0;
	int r = field_list(w->old, old, &was);

	if (r == 0)
		r = field_list(w->new, new, &is);
	while (r == 0 && (i < was.count || j < is.count)) {
		int order = i == was.count  ? 1
			    : j == is.count ? -1
					    : compare_names(&was, i, &is, j);

		if (order < 0) {
			r = report(w, &was, i++, CHANGE_REMOVED);
		} else if (order > 0) {
			r = report(w, &is, j++, CHANGE_ADDED);
		} else {
			size_t len = w->path.len;

			r = push(w, &is, j);
			if (r == 0)
				r = compare_places(w, was.entries[i].field, is.entries[j].field);
			pop(w, len);
			i++;
			j++;
		}
	}
	return r;
}

int diff_views(const struct view *old, const struct view *new, struct diff *ret)
{
	struct walk w = {.old = old, .new = new, .diff = ret};

	ret->count = 0;
	buf_clear(&ret->paths);
	/* So that the path is a string from the start. */
	int r = buf_reserve(&w.path, 256);
	if (r == 0)
		r = compare_places(&w, field_root(), field_root());
	buf_release(&w.path);
	return r;
}
