/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of downwardAPI volumes, and of projected volumes' downwardAPI sources.
 *
 * Paths are cleaned as the kubelet does ("this//labels" is this/labels). What
 * the API server would not have let in, or no file can be called, is left out.
 */
#include <errno.h>

#include "internal.h"

#define MODE_DEFAULT 0644
#define MODE_MAX 0777
#define PATH_LEN_MAX 4096

/* A mode in JSON: a decimal number. */
static mode_t mode_at(const struct view *pod, uint32_t n, mode_t otherwise)
{
	const struct json_node *node = node_at(pod, n);
	mode_t mode = 0;

	if (!n || node->type != JSON_NUMBER)
		return otherwise;
	for (uint32_t i = 0; i < node->len; i++) {
		char c = pod->text[node->off + i];

		if (c < '0' || c > '9')
			return otherwise;
		mode = mode * 10 + (mode_t)(c - '0');
		if (mode > MODE_MAX)
			return otherwise;
	}
	return mode;
}

/* Appends "/" and each name of a path. False: it is none. */
static bool add_path(struct buf *paths, struct bytes path)
{
	size_t start = paths->len;
	size_t next;

	if (!path.len || path.len > PATH_LEN_MAX || path.p[0] == '/' ||
	    memchr(path.p, '\0', path.len))
		return false;
	for (size_t i = 0; i < path.len; i = next + 1) {
		const char *slash = memchr(path.p + i, '/', path.len - i);
		struct bytes name = {path.p + i, 0};

		next = slash ? (size_t)(slash - path.p) : path.len;
		name.len = next - i;
		if (bytes_are(name, "..") || name.len > FIELD_NAME_MAX)
			return false;
		if (!name.len || bytes_are(name, "."))
			continue;
		/* What the cleaned path begins with counts: "./..x" is refused, too. */
		if (paths->len == start && name.len >= 2 && !memcmp(name.p, "..", 2))
			return false;
		buf_addch(paths, '/');
		buf_add(paths, name.p, name.len);
	}
	return paths->len > start;
}

static int add_item(const struct view *pod, struct bytes volume, uint32_t item, mode_t mode,
		    struct files *ret)
{
	cleanup_buf struct buf scratch = {0};
	struct bytes path = node_string(pod, node_member(pod, item, "path"), &scratch);
	size_t off = ret->paths.len;

	if (scratch.err)
		return scratch.err;
	buf_addstr(&ret->paths, "volumes/");
	buf_add(&ret->paths, volume.p, volume.len);
	if (add_path(&ret->paths, path))
		return files_add(
		    ret, off,
		    (struct file){.mode = mode_at(pod, node_member(pod, item, "mode"), mode),
				  .holder = item});
	ret->paths.len = off;
	return ret->paths.err;
}

static int add_items(const struct view *pod, struct bytes volume, uint32_t source, mode_t mode,
		     struct files *ret)
{
	uint32_t items = node_member(pod, source, "items");
	int r = 0;

	for (uint32_t c = node_first(pod, items); c && r == 0; c = node_at(pod, c)->next)
		r = add_item(pod, volume, c, mode, ret);
	return r;
}

static int add_volume(const struct view *pod, struct bytes name, uint32_t volume, struct files *ret)
{
	uint32_t downward = node_member(pod, volume, "downwardAPI");
	uint32_t projected = node_member(pod, volume, "projected");
	mode_t mode = mode_at(pod, node_member(pod, downward, "defaultMode"), MODE_DEFAULT);
	int r = add_items(pod, name, downward, mode, ret);

	mode = mode_at(pod, node_member(pod, projected, "defaultMode"), MODE_DEFAULT);
	uint32_t sources = node_member(pod, projected, "sources");
	for (uint32_t c = node_first(pod, sources); c && r == 0; c = node_at(pod, c)->next)
		r = add_items(pod, name, node_member(pod, c, "downwardAPI"), mode, ret);
	return r;
}

int volume_files(const struct downward_source *s, struct bytes only, struct files *ret)
{
	cleanup_downward_list struct downward_list volumes = {0};
	uint32_t list = view_member(s->pod, "spec", "volumes");
	int r = 0;

	for (uint32_t c = node_first(s->pod, list); c; c = node_at(s->pod, c)->next)
		if (list_add_named(&volumes, s->pod, c) < 0)
			return -ENOMEM;
	list_settle(&volumes);
	for (size_t i = 0; i < volumes.count && r == 0; i++) {
		const struct downward_entry *e = &volumes.entries[i];
		struct bytes name = {downward_entry_name(&volumes, i), e->name_len};

		if (!only.len || bytes_equal(name.p, name.len, only.p, only.len))
			r = add_volume(s->pod, name, e->node, ret);
	}
	return r;
}
