/* SPDX-License-Identifier: Apache-2.0 */
/* From paths to what stands for them: fields, resources/, volumes/ and env/. */
#include <errno.h>

#include "internal.h"

/* A path: its first name, the second one, and all that is behind that. */
struct split {
	struct bytes all;
	struct bytes first;
	struct bytes second;
	struct bytes rest;
};

static struct bytes next_name(struct bytes *path)
{
	const char *slash = path->len ? memchr(path->p, '/', path->len) : NULL;
	struct bytes name = {path->p, slash ? (size_t)(slash - path->p) : path->len};
	size_t skip = name.len + (slash != NULL);

	*path = (struct bytes){path->p + skip, path->len - skip};
	return name;
}

static bool is_folder(struct bytes name)
{
	return bytes_are(name, "env") || bytes_are(name, "resources") || bytes_are(name, "volumes");
}

static struct split split_path(const char *path)
{
	struct bytes left = {path, strlen(path)};
	struct split ret = {.all = left};

	ret.first = next_name(&left);
	ret.second = next_name(&left);
	ret.rest = left;
	return ret;
}

/* Whether a path is of names that are not empty; the file names at the top have no '/'. */
static bool is_path(const struct split *path)
{
	bool slash = path->all.len > path->first.len;

	if (!slash)
		return true;
	if (!is_folder(path->first) || !path->second.len)
		return false;
	return path->all.p[path->all.len - 1] != '/' &&
	       !memmem(path->all.p, path->all.len, "//", 2);
}

/* Writes out %2F and %25. False: another escape, or no memory. */
static bool unescape(struct bytes name, struct buf *out)
{
	for (size_t i = 0; i < name.len; i++) {
		bool slash = name.len - i >= 3 && !memcmp(name.p + i, "%2F", 3);
		bool percent = name.len - i >= 3 && !memcmp(name.p + i, "%25", 3);

		if (name.p[i] == '%' && !slash && !percent)
			return false;
		buf_addch(out, slash ? '/' : name.p[i]);
		i += slash || percent ? 2 : 0;
	}
	return !out->err;
}

static int read_name(const struct downward_source *s, struct bytes name, struct buf *out)
{
	cleanup_buf struct buf plain = {0};

	if (unescape(name, &plain))
		return field_read(s, (struct bytes){plain.data, plain.len}, USE_FILE, out);
	return plain.err ? plain.err : -ENOENT;
}

/* The files of env/ or volumes/, those of the path's container or volume if it has one. */
static int chosen_files(const struct downward_source *s, const struct split *path,
			struct files *ret)
{
	int r = bytes_are(path->first, "env") ? env_files(s, path->second, ret)
					      : volume_files(s, path->second, ret);

	files_sort(ret);
	return r < 0 ? r : files_settle(s, ret);
}

static bool is_chosen(const struct split *path)
{
	return bytes_are(path->first, "env") || bytes_are(path->first, "volumes");
}

static int find_chosen(const struct downward_source *s, const struct split *path,
		       struct downward_place *ret)
{
	cleanup_files struct files files = {0};
	size_t i;

	/* One variable needs no look at the others. */
	if (path->rest.len && bytes_are(path->first, "env")) {
		*ret = (struct downward_place){DOWNWARD_FILE, 0444};
		return env_read(s, path->second, path->rest, NULL);
	}
	int r = chosen_files(s, path, &files);
	return r < 0 ? r : files_find(&files, path->all, ret, &i);
}

static int read_chosen(const struct downward_source *s, const struct split *path, struct buf *out)
{
	cleanup_files struct files files = {0};
	struct downward_place place = {0};
	size_t i;

	if (path->rest.len && bytes_are(path->first, "env"))
		return env_read(s, path->second, path->rest, out);
	int r = chosen_files(s, path, &files);
	if (r == 0)
		r = files_find(&files, path->all, &place, &i);
	if (r < 0 || place.type != DOWNWARD_FILE)
		return r < 0 ? r : -ENOENT;
	return reference_read(s, files.files[i].holder, files.files[i].container, out);
}

/* The container that a path in resources/ is about. 0; -ENOENT; -ENOMEM. */
static int path_container(const struct downward_source *s, const struct split *path, uint32_t *ret)
{
	int r = container_at(s->pod, CONTAINERS_NAMED, path->second, ret);

	return r == 0 && !*ret ? -ENOENT : r;
}

static int find_in_resources(const struct downward_source *s, const struct split *path,
			     struct downward_place *ret)
{
	cleanup_downward_list struct downward_list containers = {0};
	uint32_t container;
	int r;

	*ret = (struct downward_place){.type = DOWNWARD_DIR};
	if (!path->second.len) {
		r = containers_list(s->pod, CONTAINERS_NAMED, &containers);
		return r == 0 && !containers.count ? -ENOENT : r;
	}
	r = path_container(s, path, &container);
	if (r < 0 || !path->rest.len)
		return r;
	*ret = (struct downward_place){DOWNWARD_FILE, 0444};
	return resource_read(s, container, path->rest, NULL);
}

int downward_find(const struct downward_source *s, const char *path, struct downward_place *ret)
{
	struct split split = split_path(path);
	struct downward_place place = {.type = DOWNWARD_DIR};
	int r = 0;

	if (!is_path(&split))
		return -ENOENT;
	if (bytes_are(split.first, "resources")) {
		r = find_in_resources(s, &split, &place);
	} else if (is_chosen(&split)) {
		r = find_chosen(s, &split, &place);
	} else if (split.all.len) {
		place = (struct downward_place){DOWNWARD_FILE, 0444};
		r = read_name(s, split.all, NULL);
	}
	if (r == 0)
		*ret = place;
	return r;
}

int downward_read(const struct downward_source *s, const char *path, struct buf *out)
{
	struct split split = split_path(path);
	uint32_t container;

	if (!is_path(&split))
		return -ENOENT;
	if (is_chosen(&split))
		return read_chosen(s, &split, out);
	if (!bytes_are(split.first, "resources"))
		return read_name(s, split.all, out);
	int r = path_container(s, &split, &container);
	return r < 0 ? r : resource_read(s, container, split.rest, out);
}

static int list_chosen(const struct downward_source *s, const struct split *path,
		       struct downward_list *ret)
{
	cleanup_files struct files files = {0};
	int r = chosen_files(s, path, &files);

	return r < 0 ? r : files_list(&files, path->all, ret);
}

static int list_top(const struct downward_source *s, struct downward_list *ret)
{
	static const char *const folders[] = {"env", "resources", "volumes"};
	int r = fields_list(s, ret);

	for (size_t i = 0; i < ARRAY_SIZE(folders) && r == 0; i++) {
		struct bytes name = {folders[i], strlen(folders[i])};
		struct downward_place place = {0};

		r = downward_find(s, folders[i], &place);
		if (r == 0)
			r = list_add(ret, name, place, 0);
		else if (r == -ENOENT)
			r = 0;
	}
	list_settle(ret);
	return r;
}

int downward_list(const struct downward_source *s, const char *path, struct downward_list *ret)
{
	struct split split = split_path(path);
	struct downward_place place = {0};
	uint32_t container;
	int r = downward_find(s, path, &place);

	list_clear(ret);
	if (r < 0 || place.type != DOWNWARD_DIR)
		return r < 0 ? r : -ENOENT;
	if (!split.all.len)
		return list_top(s, ret);
	if (is_chosen(&split))
		return list_chosen(s, &split, ret);
	if (!split.second.len)
		return containers_list(s->pod, CONTAINERS_NAMED, ret);
	r = path_container(s, &split, &container);
	return r < 0 ? r : resources_list(s, container, ret);
}
