/* SPDX-License-Identifier: Apache-2.0 */
/* The Downward API's files (downward/downward.h) as a part of a pod's directory. */
#include <errno.h>
#include <string.h>

#include "internal.h"

const char *tree_downward_path(const char *path)
{
	path += strlen("downward");
	return *path ? path + 1 : path;
}

struct downward_source tree_downward_source(const struct tree_source *source)
{
	return (struct downward_source){&source->object->view,
					source->node ? &source->node->view : NULL};
}

static struct downward_source source_of(const struct tree_place *p)
{
	const struct tree_source source = {p->opened, p->node_opened};

	return tree_downward_source(&source);
}

int64_t tree_file_time(const struct object *o, enum tree_kind kind, const char *path)
{
	/* Two names, and what is around them. */
	char time_path[2 * (FIELD_NAME_MAX + 1) + 64];
	size_t len = kind == TREE_DOWNWARD_FILE ? downward_time_path(path) : strlen(path);

	if (len < sizeof(time_path) && path[len]) {
		memcpy(time_path, path, len);
		time_path[len] = '\0';
		path = time_path;
	}
	return history_time(&o->history, path, false, o->created_ns);
}

int tree_downward_find(const struct tree_place *dir, const char *name, size_t len,
		       struct tree_entry *ret)
{
	const struct downward_source source = source_of(dir);
	const char *below = tree_downward_path(dir->path.data);
	cleanup_buf struct buf path = {0};
	struct downward_place place;

	buf_addf(&path, "%s%s", below, *below ? "/" : "");
	int r = buf_add(&path, name, len);
	if (r == 0)
		r = downward_find(&source, path.data, &place);
	if (r == 0)
		ret->kind = place.type == DOWNWARD_DIR ? TREE_DOWNWARD_DIR : TREE_DOWNWARD_FILE;
	return r;
}

int tree_downward_list(const struct tree_place *dir, struct downward_list *ret)
{
	const struct downward_source source = source_of(dir);

	return downward_list(&source, tree_downward_path(dir->path.data), ret);
}
