/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sweep: the kernel drops all it was ever told. It costs every reader its
 * cache, so it is for when it is not known any more what is untrue, or when
 * nothing may be shown.
 *
 * But for selections: of them the kernel has what readers once thought of, and
 * each costs the writer. It drops those names; folders that are in use stay.
 */
#include <linux/fuse.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

/* Since Linux 6.16; not in Debian 12's header. */
#define NOTIFY_INC_EPOCH 8

/*
 * Drops all names, those of directories in use only when they are looked up
 * again: working directories and bind mounts live on. False: an older kernel.
 */
static bool drop_all_names(struct fuse_session *se)
{
	const struct fuse_out_header head = {.len = sizeof(head), .error = NOTIFY_INC_EPOCH};

	return write(fuse_session_fd(se), &head, sizeof(head)) == (ssize_t)sizeof(head);
}

static void sweep_inode(struct fs *fs, const struct inode_summary *n, bool name)
{
	if (name && n->parent)
		fuse_lowlevel_notify_inval_entry(fs->session, n->parent, n->name, strlen(n->name));
	/* Dropping any name waits for listings of the directory that are under way. */
	if (n->is_dir)
		fuse_lowlevel_notify_inval_entry(fs->session, n->id, FS_NO_NAME,
						 strlen(FS_NO_NAME));
	fuse_lowlevel_notify_inval_inode(fs->session, n->id, 0, 0);
	atomic_fetch_add_explicit(&fs->notified.inodes, 1, memory_order_relaxed);
}

static void drop_selection(struct fs *fs, const struct inode_summary *n)
{
	if (n->kind != TREE_SELECTION)
		return;
	fuse_lowlevel_notify_inval_entry(fs->session, n->parent, n->name, strlen(n->name));
	atomic_fetch_add_explicit(&fs->notified.entries, 1, memory_order_relaxed);
}

void fs_sweep(void *ctx, enum sweep what)
{
	struct fs *fs = ctx;
	struct inode_summary some[64];
	uint32_t at = 0;
	size_t count;
	bool names = what == SWEEP_NAMES && !drop_all_names(fs->session);

	/* A node that comes meanwhile is made from what is true now. */
	while ((count = inode_summaries(fs->inodes, &at, some, ARRAY_SIZE(some))))
		for (size_t i = 0; i < count; i++) {
			if (what == SWEEP_SELECTIONS)
				drop_selection(fs, &some[i]);
			else
				sweep_inode(fs, &some[i], names);
		}
}
