/* SPDX-License-Identifier: Apache-2.0 */
/* The inode table of a process that died, with what the store knows again. */
#include <errno.h>

#include <podfs/base/log.h>
#include <podfs/store/recover.h>

#include "internal.h"

static struct object *find_object(void *ctx, const char *path)
{
	struct fs *fs = ctx;
	cleanup_place struct tree_place place = {0};

	if (tree_walk(fs->tree, path, &place) < 0 || !place.object)
		return NULL;
	return object_ref(place.object);
}

static struct selection *find_selection(void *ctx, const char *path)
{
	struct fs *fs = ctx;
	cleanup_place struct tree_place place = {0};

	if (tree_walk(fs->tree, path, &place) < 0 || !place.selection)
		return NULL;
	selection_ref(place.selection);
	return place.selection;
}

static struct version *find_version(void *ctx, uint64_t seq)
{
	(void)ctx;
	return store_version(seq);
}

int fs_recover(struct fs *fs, int memory)
{
	const struct inode_finders find = {fs, find_object, find_selection, find_version};
	struct inode_recovered found;

	store_rdlock(fs->tree->store);
	fs->inodes = inode_table_recover(memory, &find, &found);
	store_rdunlock(fs->tree->store);
	if (!fs->inodes)
		return -ENOMEM;
	log_info("took over %llu inodes", (unsigned long long)found.nodes);
	if (found.dropped || found.lost)
		log_error("%llu inodes were damaged, and what %llu show is gone",
			  (unsigned long long)found.dropped, (unsigned long long)found.lost);
	return 0;
}
