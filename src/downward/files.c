/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include <podfs/base/array.h>

#include "internal.h"

void files_release(struct files *files)
{
	buf_release(&files->paths);
	free(files->files);
	*files = (struct files){0};
}

int files_add(struct files *files, size_t path_off, struct file file)
{
	if (files->paths.err ||
	    array_grow(&files->files, files->count, &files->cap, sizeof(*files->files)) < 0)
		return -ENOMEM;
	file.path_off = (uint32_t)path_off;
	file.path_len = (uint32_t)(files->paths.len - path_off);
	files->files[files->count++] = file;
	return 0;
}

/* As lists of names: what is in `a` comes before `a-b`, though '/' is not before '-'. */
static int compare_paths(struct bytes a, struct bytes b)
{
	size_t n = a.len < b.len ? a.len : b.len;

	for (size_t i = 0; i < n; i++) {
		if (a.p[i] == b.p[i])
			continue;
		if (a.p[i] == '/' || b.p[i] == '/')
			return a.p[i] == '/' ? -1 : 1;
		return (unsigned char)a.p[i] < (unsigned char)b.p[i] ? -1 : 1;
	}
	return (a.len > b.len) - (a.len < b.len);
}

/* By path; of one path the file added last first. */
static int compare_files(const void *a, const void *b, void *paths)
{
	const struct file *x = a;
	const struct file *y = b;
	int order = compare_paths((struct bytes){(char *)paths + x->path_off, x->path_len},
				  (struct bytes){(char *)paths + y->path_off, y->path_len});

	return order ? order : (x->path_off < y->path_off) - (x->path_off > y->path_off);
}

static bool is_below(struct bytes path, struct bytes dir)
{
	return !dir.len ||
	       (path.len > dir.len && path.p[dir.len] == '/' && !memcmp(path.p, dir.p, dir.len));
}

void files_sort(struct files *files)
{
	size_t kept = 0;

	if (files->count)
		qsort_r(files->files, files->count, sizeof(*files->files), compare_files,
			files->paths.data);
	for (size_t i = 0; i < files->count; i++) {
		struct bytes path = file_path(files, i);
		struct bytes last = kept ? file_path(files, kept - 1) : (struct bytes){0};

		if (!kept || !bytes_equal(path.p, path.len, last.p, last.len))
			files->files[kept++] = files->files[i];
	}
	files->count = kept;
}

/* Whether a file has a value: 0; -ENOENT; -ENOMEM. */
static int has_value(const struct downward_source *s, const struct file *file)
{
	return reference_read(s, file->holder, file->container, NULL);
}

int files_settle(const struct downward_source *s, struct files *files)
{
	size_t kept = 0;

	for (size_t i = 0; i < files->count; i++) {
		if (kept && is_below(file_path(files, i), file_path(files, kept - 1)))
			continue;
		int r = has_value(s, &files->files[i]);
		if (r == -ENOMEM)
			return r;
		if (r == 0)
			files->files[kept++] = files->files[i];
	}
	files->count = kept;
	return 0;
}

/* The first file that is not before @path. */
static size_t lower_bound(const struct files *files, struct bytes path)
{
	size_t lo = 0;
	size_t hi = files->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (compare_paths(file_path(files, mid), path) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int files_is_shown(const struct downward_source *s, const struct files *files, size_t i)
{
	struct bytes path = file_path(files, i);
	int r = has_value(s, &files->files[i]);

	for (size_t len = 0; len < path.len && r == 0; len++) {
		struct bytes above = {path.p, len};
		size_t at = path.p[len] == '/' ? lower_bound(files, above) : i;

		if (at == i)
			continue;
		struct bytes found = file_path(files, at);
		if (bytes_equal(found.p, found.len, above.p, above.len)) {
			r = has_value(s, &files->files[at]);
			r = r == 0 ? -ENOENT : r == -ENOENT ? 0 : r;
		}
	}
	return r;
}

int files_find(const struct files *files, struct bytes path, struct downward_place *ret,
	       size_t *ret_i)
{
	size_t i = lower_bound(files, path);

	if (i == files->count)
		return -ENOENT;
	struct bytes found = file_path(files, i);
	*ret_i = i;
	if (bytes_equal(found.p, found.len, path.p, path.len))
		*ret = (struct downward_place){DOWNWARD_FILE, files->files[i].mode};
	else if (is_below(found, path))
		*ret = (struct downward_place){.type = DOWNWARD_DIR};
	else
		return -ENOENT;
	return 0;
}

int files_list(const struct files *files, struct bytes path, struct downward_list *ret)
{
	size_t skip = path.len ? path.len + 1 : 0;
	struct bytes last = {0};

	for (size_t i = lower_bound(files, path); i < files->count; i++) {
		struct bytes at = file_path(files, i);

		if (!is_below(at, path))
			break;
		const char *slash = memchr(at.p + skip, '/', at.len - skip);
		struct bytes name = {at.p + skip,
				     slash ? (size_t)(slash - at.p) - skip : at.len - skip};
		struct downward_place place = {slash ? DOWNWARD_DIR : DOWNWARD_FILE,
					       slash ? 0 : files->files[i].mode};

		if (last.p && bytes_equal(name.p, name.len, last.p, last.len))
			continue;
		last = name;
		if (list_add(ret, name, place, 0) < 0)
			return -ENOMEM;
	}
	return 0;
}
