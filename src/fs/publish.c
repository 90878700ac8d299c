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

/* Of struct inode's `told`. */
enum told {
	TOLD_NOT,
	TOLD_ATTR, /* the folder's attributes are another */
	TOLD_LIST, /* and so is what is in it */
};

struct changing {
	struct fs *fs;
	const struct store_change *change;
	/* The folder from which names were last looked for, NULL: the kernel does not know it. */
	struct inode *base;
	struct buf base_path;
	bool has_base;
};

static void later(struct fs *fs, enum notify_kind kind, uint64_t id, const char *name)
{
	size_t off = fs->pending_names.len;

	if (array_grow(&fs->pending, fs->pending_count, &fs->pending_cap, sizeof(*fs->pending)) <
		0 ||
	    buf_add(&fs->pending_names, name, strlen(name) + 1) < 0) {
		fs->pending_lost = true;
		return;
	}
	fs->pending[fs->pending_count++] = (struct notification){kind, id, off};
}

/* At the end, and once, however many names in the folder changed: its listing is read again when
 * none of them is what it was. */
static void later_dir(struct fs *fs, struct inode *n, enum told told)
{
	if (n->told == TOLD_NOT) {
		if (array_grow(&fs->told, fs->told_count, &fs->told_cap, sizeof(*fs->told)) < 0) {
			fs->pending_lost = true;
			return;
		}
		fs->told[fs->told_count++] = n;
	}
	if (n->told < told)
		n->told = told;
}

static void flush_dirs(struct fs *fs)
{
	for (size_t i = 0; i < fs->told_count; i++) {
		struct inode *n = fs->told[i];

		later(fs, n->told == TOLD_LIST ? NOTIFY_LIST : NOTIFY_ATTR, n->id, "");
		n->told = TOLD_NOT;
	}
	fs->told_count = 0;
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
	later_dir(fs, n, TOLD_LIST);
}

/*
 * The names of one change are mostly below one folder, which is looked for
 * once: what is said of a pod that the kernel never asked for ends here.
 */
static struct inode *base_dir(struct changing *c, const char *path, size_t len)
{
	if (c->has_base && c->base_path.len == len && !memcmp(c->base_path.data, path, len))
		return c->base;
	buf_clear(&c->base_path);
	c->base = inode_walk(c->fs->inodes, path, len);
	c->has_base = len && buf_add(&c->base_path, path, len) == 0;
	return c->base;
}

/* The held directories from @base_len of the path on: their times are later now. */
static struct inode *touch_dirs(struct changing *c, const char *path, size_t base_len,
				size_t dir_len)
{
	struct inode *n = base_dir(c, path, base_len);

	while (n && base_len < dir_len) {
		const char *name = path + base_len + (base_len > 0);
		size_t len = strcspn(name, "/");

		later_dir(c->fs, n, TOLD_ATTR);
		n = inode_child(c->fs->inodes, n, name, len);
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
	struct inode *dir = touch_dirs(c, path, base_len, dir_len);

	if (!dir)
		return;
	struct inode *child = inode_child(c->fs->inodes, dir, name, strlen(name));
	if (child)
		detach(c->fs, child, c->change);
	else if (kind != CHANGE_VALUE)
		later(c->fs, NOTIFY_ENTRY, dir->id, name);
	later_dir(c->fs, dir, kind == CHANGE_VALUE ? TOLD_ATTR : TOLD_LIST);
}

void fs_changed(void *ctx, const struct store_change *change)
{
	struct fs *fs = ctx;
	struct changing c = {.fs = fs, .change = change};

	atomic_fetch_add(&fs->epoch, 1);
	inode_lock(fs->inodes);
	if (tree_changes(fs->tree, change, name_changed, &c) < 0)
		fs->pending_lost = true;
	flush_dirs(fs);
	inode_unlock(fs->inodes);
	buf_release(&c.base_path);
}

void fs_published(void *ctx)
{
	struct fs *fs = ctx;

	if (fs->pending_count)
		notifier_push_all(fs->notifier, fs->pending, fs->pending_count,
				  fs->pending_names.data);
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
