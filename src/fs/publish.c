/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a change to what the kernel must drop.
 *
 * Under the store's lock the nodes whose names now lead elsewhere are detached,
 * so that a lookup which comes next makes new ones, and what to tell the kernel
 * is written down. It is told after the lock is free again.
 */
#include <errno.h>
#include <string.h>

#include <podfs/base/array.h>
#include <podfs/base/clock.h>

#include "internal.h"

static void later(struct fs *fs, enum notify_kind kind, uint64_t id, const char *name)
{
	if (array_grow(&fs->pending, fs->pending_count, &fs->pending_cap, sizeof(*fs->pending)) <
	    0) {
		fs->pending_lost = true;
		return;
	}
	size_t off = fs->pending_names.len;
	if (buf_add(&fs->pending_names, name, strlen(name) + 1) < 0) {
		fs->pending_lost = true;
		return;
	}
	fs->pending[fs->pending_count++] = (struct pending){kind, id, off};
}

/* The Node of which a pod's file showed something before the change, or NULL. */
static struct version *node_before(const struct fs *fs, const struct object *pod,
				   const struct store_change *change)
{
	const struct store_node *node;

	if (pod == change->object)
		return change->node_was;
	node = tree_pod_node(fs->tree, pod);
	return node ? node->object->version : NULL;
}

/*
 * What a file that loses its name goes on to show; of a directory, when it was
 * emptied. NULL: a link, or no memory.
 */
static struct pin *make_pin(struct fs *fs, const struct inode *n, const struct store_change *change)
{
	cleanup_buf struct buf path = {0};
	struct object *object = inode_object(fs->inodes, n);
	struct pin *pin;

	if (!n->is_dir && (!object || tree_is_link(n->kind)))
		return NULL;
	pin = pin_new();
	if (pin && n->is_dir) {
		pin->mtime_ns = clock_realtime_ns();
		return pin;
	}
	if (!pin || inode_object_path(fs->inodes, n, &path) < 0) {
		pin_unref(pin);
		fs->pending_lost = true;
		return NULL;
	}
	pin->version = version_ref(object == change->object ? change->before : object->version);
	if (n->kind == TREE_DOWNWARD_FILE) {
		struct version *node = node_before(fs, object, change);

		pin->node_version = node ? version_ref(node) : NULL;
	}
	pin->mtime_ns = tree_file_time(object, n->kind, path.data);
	return pin;
}

/* From the top down: when the kernel drops a directory, most of what is below goes with it. */
static void detach(struct fs *fs, struct inode *n, const struct store_change *change)
{
	later(fs, NOTIFY_ENTRY, inode_parent(fs->inodes, n)->id, inode_name(fs->inodes, n));
	if (inode_detach(fs->inodes, n, make_pin(fs, n, change)) < 0)
		fs->pending_lost = true;
	if (!n->is_dir)
		return;
	struct inode *c;
	while ((c = inode_next_child(fs->inodes, n, NULL)) && c->attached)
		detach(fs, c, change);
	later(fs, NOTIFY_LIST, n->id, "");
}

struct changing {
	struct fs *fs;
	const struct store_change *change;
};

/* The held directories from @base_len of the path on: their times are later now. */
static struct inode *touch_dirs(struct fs *fs, const char *path, size_t base_len, size_t dir_len)
{
	struct inode *n = inode_walk(fs->inodes, path, base_len);

	while (n && base_len < dir_len) {
		const char *name = path + base_len + (base_len > 0);
		size_t len = strcspn(name, "/");

		later(fs, NOTIFY_ATTR, n->id, "");
		n = inode_child(fs->inodes, n, name, len);
		base_len = (size_t)(name - path) + len;
	}
	return n;
}

static void name_changed(void *ctx, enum change_kind kind, const char *path, size_t base_len)
{
	struct changing *c = ctx;
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	size_t dir_len = slash ? (size_t)(slash - path) : 0;
	struct inode *dir = touch_dirs(c->fs, path, base_len, dir_len);

	if (!dir)
		return;
	struct inode *child = inode_child(c->fs->inodes, dir, name, strlen(name));
	if (child)
		detach(c->fs, child, c->change);
	else if (kind != CHANGE_VALUE)
		later(c->fs, NOTIFY_ENTRY, dir->id, name);
	later(c->fs, kind == CHANGE_VALUE ? NOTIFY_ATTR : NOTIFY_LIST, dir->id, "");
}

void fs_changed(void *ctx, const struct store_change *change)
{
	struct fs *fs = ctx;
	struct changing c = {fs, change};

	atomic_fetch_add(&fs->epoch, 1);
	inode_lock(fs->inodes);
	if (tree_changes(fs->tree, change, name_changed, &c) < 0)
		fs->pending_lost = true;
	inode_unlock(fs->inodes);
}

void fs_published(void *ctx)
{
	struct fs *fs = ctx;

	for (size_t i = 0; i < fs->pending_count; i++) {
		const struct pending *p = &fs->pending[i];

		notifier_push(fs->notifier, p->kind, p->id, fs->pending_names.data + p->name_off);
	}
	fs->pending_count = 0;
	buf_clear(&fs->pending_names);
	if (fs->pending_lost)
		notifier_sweep(fs->notifier, SWEEP_NAMES);
	fs->pending_lost = false;
}

void fs_told_dirs(struct fs *fs, uint64_t epoch, uint64_t parent, const uint64_t *ids, size_t count)
{
	if (!count || atomic_load(&fs->epoch) == epoch)
		return;
	/* Dropping a name of the parent waits until the kernel has taken the reply in. */
	notifier_push(fs->notifier, NOTIFY_ENTRY, parent, FS_NO_NAME);
	for (size_t i = 0; i < count; i++)
		notifier_push(fs->notifier, NOTIFY_ATTR, ids[i], NULL);
}
