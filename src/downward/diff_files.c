/* SPDX-License-Identifier: Apache-2.0 */
/* Two sorted sets of files, walked together: a directory's files follow each other in both. */
#include <errno.h>

#include "internal.h"

struct side {
	const struct downward_source *source;
	const struct files *files;
};

struct walk {
	struct side old;
	struct side new;
	struct diff *diff;
	struct map_diffs *maps;
	struct buf a; /* two values */
	struct buf b;
};

/* The files from `at` on that have one name at one place of their paths. */
struct child {
	struct bytes path; /* as far as that name */
	bool is_dir;
	size_t end; /* the first that has it not */
};

static struct child child_at(const struct files *files, size_t at, size_t end, size_t skip)
{
	struct bytes path = file_path(files, at);
	const char *slash = memchr(path.p + skip, '/', path.len - skip);
	struct child child = {.path = path, .is_dir = slash, .end = at + 1};

	if (!slash)
		return child;
	child.path.len = (size_t)(slash - path.p);
	for (; child.end < end; child.end++) {
		struct bytes next = file_path(files, child.end);

		if (next.len <= child.path.len || next.p[child.path.len] != '/' ||
		    memcmp(next.p + skip, path.p + skip, child.path.len - skip) != 0)
			break;
	}
	return child;
}

static int read_file(const struct side *side, size_t i, struct buf *ret)
{
	const struct file *file = &side->files->files[i];

	buf_clear(ret);
	return reference_read(side->source, file->holder, file->container, ret);
}

static int replace(struct walk *w, struct bytes path)
{
	int r = report(w->diff, CHANGE_REMOVED, path);

	return r < 0 ? r : report(w->diff, CHANGE_ADDED, path);
}

/* Two files that show the same field, if it is one of labels or annotations. As its callee. */
static int compare_maps(struct walk *w, size_t i, size_t j, bool *ret)
{
	struct bytes was =
	    reference_field(w->old.source->pod, w->old.files->files[i].holder, &w->a);
	struct bytes is = reference_field(w->new.source->pod, w->new.files->files[j].holder, &w->b);

	if (w->a.err || w->b.err)
		return -ENOMEM;
	return bytes_equal(was.p, was.len, is.p, is.len) ? map_diffs_compare(w->maps, is, ret)
							 : -ENOENT;
}

static int compare_both(struct walk *w, size_t i, size_t j, struct bytes path)
{
	bool differs = false;

	if (w->old.files->files[i].mode != w->new.files->files[j].mode)
		return replace(w, path);
	int r = compare_maps(w, i, j, &differs);
	if (r == -ENOENT) {
		r = read_file(&w->old, i, &w->a);
		if (r == 0)
			r = read_file(&w->new, j, &w->b);
		differs = !bytes_equal(w->a.data, w->a.len, w->b.data, w->b.len);
	}
	return r == 0 && differs ? report(w->diff, CHANGE_VALUE, path) : r;
}

/* What is below one directory: the files [i, old_end) and [j, new_end). */
static int compare_dirs(struct walk *w, size_t i, size_t old_end, size_t j, size_t new_end,
			size_t skip)
{
	int r = 0;

	while (r == 0 && (i < old_end || j < new_end)) {
		struct child was = {0};
		struct child is = {0};
		int order = i == old_end ? 1 : -1;

		if (i < old_end)
			was = child_at(w->old.files, i, old_end, skip);
		if (j < new_end)
			is = child_at(w->new.files, j, new_end, skip);
		if (i < old_end && j < new_end)
			order = bytes_compare(was.path.p + skip, was.path.len - skip,
					      is.path.p + skip, is.path.len - skip);
		if (order < 0)
			r = report(w->diff, CHANGE_REMOVED, was.path);
		else if (order > 0)
			r = report(w->diff, CHANGE_ADDED, is.path);
		else if (was.is_dir != is.is_dir)
			r = replace(w, is.path);
		else if (is.is_dir)
			r = compare_dirs(w, i, was.end, j, is.end, is.path.len + 1);
		else
			r = compare_both(w, i, j, is.path);
		i = order <= 0 ? was.end : i;
		j = order >= 0 ? is.end : j;
	}
	return r;
}

int files_diff(const struct downward_source *old, const struct files *was,
	       const struct downward_source *new, const struct files *is, struct map_diffs *maps,
	       struct diff *diff)
{
	struct walk w = {
	    .old = {old, was},
	    .new = {new, is},
	    .diff = diff,
	    .maps = maps,
	};
	int r = compare_dirs(&w, 0, was->count, 0, is->count, 0);

	buf_release(&w.a);
	buf_release(&w.b);
	return r;
}

int files_diff_maps(const struct downward_source *new, const struct files *files,
		    struct map_diffs *maps, struct diff *diff)
{
	cleanup_buf struct buf scratch = {0};
	int r = 0;

	for (size_t i = 0; i < files->count && r == 0; i++) {
		struct bytes path = reference_field(new->pod, files->files[i].holder, &scratch);
		bool differs = false;

		r = map_diffs_compare(maps, path, &differs);
		if (r == 0 && differs)
			r = files_is_shown(new, files, i);
		if (r == 0 && differs)
			r = report(diff, CHANGE_VALUE, file_path(files, i));
		if (r == -ENOENT)
			r = 0;
	}
	return scratch.err ? scratch.err : r;
}
