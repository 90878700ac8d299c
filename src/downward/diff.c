/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all of downward/ depends on is a few parts of two objects. Their texts
 * are compared first: most changes of a pod (its conditions, its containers'
 * states) and of a node (its heartbeat) end there.
 */
#include <errno.h>

#include "internal.h"

enum part {
	PART_IDENTITY = 1,
	PART_LABELS = 2,
	PART_ANNOTATIONS = 4,
	PART_PLACE = 8, /* where it runs, under which addresses and as whom */
	PART_CONTAINERS = 16,
	PART_VOLUMES = 32,
	PART_NODE = 64, /* what it has to give */
};

#define PARTS_MAPS (PART_LABELS | PART_ANNOTATIONS)
#define PARTS_FIELDS (PART_IDENTITY | PARTS_MAPS | PART_PLACE)
#define PARTS_RESOURCES (PART_CONTAINERS | PART_NODE)

static const struct {
	enum part part;
	bool of_node;
	const char *folder;
	const char *member;
} texts[] = {
    {PART_IDENTITY, false, "metadata", "name"},
    {PART_IDENTITY, false, "metadata", "namespace"},
    {PART_IDENTITY, false, "metadata", "uid"},
    {PART_LABELS, false, "metadata", "labels"},
    {PART_ANNOTATIONS, false, "metadata", "annotations"},
    {PART_PLACE, false, "spec", "nodeName"},
    {PART_PLACE, false, "spec", "serviceAccountName"},
    {PART_PLACE, false, "spec", "hostNetwork"},
    {PART_PLACE, false, "status", "hostIP"},
    {PART_PLACE, false, "status", "hostIPs"},
    {PART_PLACE, false, "status", "podIP"},
    {PART_PLACE, false, "status", "podIPs"},
    {PART_PLACE, true, "status", "addresses"},
    {PART_CONTAINERS, false, "spec", "containers"},
    {PART_CONTAINERS, false, "spec", "initContainers"},
    {PART_CONTAINERS, false, "spec", "ephemeralContainers"},
    {PART_CONTAINERS, false, "spec", "resources"},
    {PART_VOLUMES, false, "spec", "volumes"},
    {PART_NODE, true, "status", "allocatable"},
};

bool same_text(const struct view *a, uint32_t x, const struct view *b, uint32_t y)
{
	if (!x || !y)
		return !x && !y;
	const struct json_node *m = node_at(a, x);
	const struct json_node *n = node_at(b, y);
	return m->type == n->type &&
	       bytes_equal(a->text + m->off, m->len, b->text + n->off, n->len);
}

/* A folder in two views; what is in two of one text needs no look. */
struct folder {
	const char *name;
	uint32_t old;
	uint32_t new;
	bool same;
};

static struct folder find_folder(const struct view *old, const struct view *new, const char *name)
{
	struct folder f = {
	    .name = name,
	    .old = json_member(&old->index, old->text, 0, name),
	    .new = json_member(&new->index, new->text, 0, name),
	};

	f.same = same_text(old, f.old, new, f.new);
	return f;
}

/* The parts of a pod or of a Node that differ. A Node that is known differs from one that is not.
 */
static unsigned int differing_parts(const struct view *old, const struct view *new, bool of_node)
{
	struct folder f = {.name = ""};
	unsigned int parts = 0;

	if (old == new)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (texts[i].of_node != of_node)
			continue;
		if (!old || !new) {
			parts |= texts[i].part;
			continue;
		}
		if (strcmp(f.name, texts[i].folder) != 0)
			f = find_folder(old, new, texts[i].folder);
		if (!f.same && !(parts & texts[i].part) &&
		    !same_text(old, node_member(old, f.old, texts[i].member), new,
			       node_member(new, f.new, texts[i].member)))
			parts |= texts[i].part;
	}
	return parts;
}

bool downward_node_matters(const struct view *old, const struct view *new)
{
	return differing_parts(old, new, true);
}

int report(struct diff *diff, enum change_kind kind, struct bytes path)
{
	cleanup_buf struct buf full = {0};

	buf_addstr(&full, "downward/");
	if (buf_add(&full, path.p, path.len) < 0)
		return -ENOMEM;
	return diff_add(diff, kind, full.data);
}

static int diff_field(const struct downward_source *old, const struct downward_source *new,
		      const char *path, struct diff *diff)
{
	struct bytes name = {path, strlen(path)};
	cleanup_buf struct buf a = {0};
	cleanup_buf struct buf b = {0};
	int was = field_read(old, name, USE_FILE, &a);
	int is = field_read(new, name, USE_FILE, &b);

	if (was == -ENOMEM || is == -ENOMEM)
		return -ENOMEM;
	if (was != is)
		return report(diff, is ? CHANGE_REMOVED : CHANGE_ADDED, name);
	return bytes_equal(a.data, a.len, b.data, b.len) ? 0 : report(diff, CHANGE_VALUE, name);
}

/* What the fields depend on, in the order of field_path(). */
static const enum part field_parts[FIELD_COUNT] = {
    PART_IDENTITY, PART_IDENTITY, PART_IDENTITY, PART_LABELS, PART_ANNOTATIONS, PART_PLACE,
    PART_PLACE,    PART_PLACE,    PART_PLACE,    PART_PLACE,  PART_PLACE,
};

static bool is_map(enum part part)
{
	return part & PARTS_MAPS;
}

static int diff_map(struct map_diffs *maps, const char *path, struct diff *diff)
{
	struct bytes name = {path, strlen(path)};
	bool differs = false;
	int r = map_diffs_compare(maps, name, &differs);

	return r == 0 && differs ? report(diff, CHANGE_VALUE, name) : r;
}

static int diff_fields(const struct downward_source *old, const struct downward_source *new,
		       unsigned int parts, struct map_diffs *maps, struct diff *diff)
{
	int r = 0;

	for (size_t i = 0; i < FIELD_COUNT && r == 0; i++) {
		if (!(parts & field_parts[i]))
			continue;
		r = is_map(field_parts[i]) ? diff_map(maps, field_path(i), diff)
					   : diff_field(old, new, field_path(i), diff);
	}
	if (r == 0 && (parts & PART_LABELS))
		r = map_diffs_keys(maps, "labels", diff);
	if (r == 0 && (parts & PART_ANNOTATIONS))
		r = map_diffs_keys(maps, "annotations", diff);
	return r;
}

/* All files of env/ and of volumes/, sorted. */
static int collect(const struct downward_source *s, struct files *ret)
{
	const struct bytes all = {0};
	int r = env_files(s, all, ret);

	if (r == 0)
		r = volume_files(s, all, ret);
	if (r == 0)
		files_sort(ret);
	return r;
}

static int diff_files(const struct downward_source *old, const struct downward_source *new,
		      unsigned int parts, struct map_diffs *maps, struct diff *diff)
{
	cleanup_files struct files was = {0};
	cleanup_files struct files is = {0};
	int r = collect(new, &is);

	/* Which files there are does not depend on labels and annotations. */
	if (r == 0 && !(parts & ~PARTS_MAPS))
		return files_diff_maps(new, &is, maps, diff);
	if (r == 0)
		r = files_settle(new, &is);
	if (r == 0)
		r = collect(old, &was);
	if (r == 0)
		r = files_settle(old, &was);
	return r < 0 ? r : files_diff(old, &was, new, &is, maps, diff);
}

int downward_diff(const struct downward_source *old, const struct downward_source *new,
		  struct diff *ret)
{
	unsigned int parts = differing_parts(old->pod, new->pod, false) |
			     differing_parts(old->node, new->node, true);
	cleanup_map_diffs struct map_diffs maps = {.old = old->pod, .new = new->pod};
	int r = 0;

	if (!parts)
		return 0;
	if (parts & PARTS_FIELDS)
		r = diff_fields(old, new, parts, &maps, ret);
	if (r == 0 && (parts & PARTS_RESOURCES))
		r = resources_diff(old, new, ret);
	return r < 0 ? r : diff_files(old, new, parts, &maps, ret);
}
