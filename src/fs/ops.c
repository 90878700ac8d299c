/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The requests, one function each that returns -errno and one that makes the
 * single reply. Nothing is touched after a reply, and no lock is held across.
 *
 * A node is added under the store's shared lock, in which its value was read:
 * so a change is either seen by the reader or finds the node and detaches it.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <podfs/base/clock.h>

#include "internal.h"
#include "slots.h"

void fs_count(struct fs *fs, enum fs_opcode op)
{
	atomic_fetch_add_explicit(&fs->counters.requests[op], 1, memory_order_relaxed);
}

static struct fs *fs_of(fuse_req_t req, enum fs_opcode op)
{
	struct fs *fs = fuse_req_userdata(req);

	fs_count(fs, op);
	return fs;
}

void fs_fill_stat(const struct fs *fs, const struct tree_attr *attr, struct stat *ret)
{
	struct timespec when = clock_timespec(attr->mtime_ns);

	*ret = (struct stat){
	    .st_ino = attr->ino,
	    .st_mode =
		attr->type | (attr->type == S_IFLNK ? attr->mode : attr->mode & ~fs->options.umask),
	    .st_nlink = attr->nlink,
	    .st_uid = fs->options.uid,
	    .st_gid = fs->options.gid,
	    .st_size = (off_t)attr->size,
	    .st_blocks = (blkcnt_t)((attr->size + 511) / 512),
	    .st_blksize = 4096,
	    .st_atim = when,
	    .st_mtim = when,
	    .st_ctim = when,
	};
}

int fs_spot_open(struct fs *fs, uint64_t id, struct fs_spot *ret)
{
	cleanup_buf struct buf path = {0};

	*ret = (struct fs_spot){0};
	inode_lock(fs->inodes);
	ret->inode = inode_get(fs->inodes, id);
	if (ret->inode)
		ret->attached = ret->inode->attached;
	inode_unlock(fs->inodes);
	if (!ret->inode)
		return -ENOENT;
	if (fs_is_denied(fs, ret->inode->kind))
		return -EIO;
	if (!ret->attached)
		return 0;
	int r = inode_path(fs->inodes, ret->inode, &path);
	return r < 0 ? r : tree_walk(fs->tree, path.data, &ret->place);
}

/* The attached node of that name, or a new one, with one lookup more. 0 or -ENOMEM. */
static int take_inode(struct fs *fs, const struct fs_spot *dir, const struct tree_entry *entry,
		      const struct tree_place *place, struct fuse_entry_param *e)
{
	inode_lock(fs->inodes);
	struct inode *n = inode_child(fs->inodes, dir->inode, entry->name, entry->name_len);
	if (n)
		inode_ref(n);
	else
		n = inode_add(fs->inodes, dir->inode, entry, place->object, e->attr.st_ino, NULL);
	if (n && inode_hold(fs->inodes, n, place->selection) < 0) {
		inode_forget(fs->inodes, n->id, 1);
		n = NULL;
	}
	if (n) {
		e->ino = n->id;
		e->attr.st_ino = n->ino;
		slot_looked_up(n->id);
	}
	inode_unlock(fs->inodes);
	return n ? 0 : -ENOMEM;
}

int fs_entry(struct fs *fs, const struct fs_spot *dir, const struct tree_entry *entry,
	     struct fuse_entry_param *ret)
{
	cleanup_place struct tree_place place = {0};
	struct tree_attr attr = {0};
	int r = tree_place_copy(&dir->place, &place);

	if (r == 0)
		r = tree_enter(&place, entry);
	if (r == 0)
		r = tree_attr(fs->tree, &place, &attr);
	if (r < 0)
		return r;
	*ret = (struct fuse_entry_param){.attr_timeout = FS_TIMEOUT,
					 .entry_timeout = entry->uncached ? 0 : FS_TIMEOUT};
	fs_fill_stat(fs, &attr, &ret->attr);
	return take_inode(fs, dir, entry, &place, ret);
}

void fs_forget(struct fs *fs, uint64_t id, uint64_t n)
{
	inode_lock(fs->inodes);
	inode_forget(fs->inodes, id, n);
	inode_unlock(fs->inodes);
}

/* What is made for this lookup by thread @tid alone: a node that nobody else gets. */
static int lookup_volatile(struct fs *fs, struct inode *dir, const struct tree_entry *entry,
			   pid_t tid, struct fuse_entry_param *ret)
{
	struct pin *pin = pin_new();
	bool is_link = tree_is_link(entry->kind);
	struct tree_attr attr = {
	    .type = is_link ? S_IFLNK : S_IFREG,
	    .mode = is_link ? 0777 : 0444,
	    .nlink = 1,
	};

	if (!pin)
		return -ENOMEM;
	int r = tree_read_volatile(fs->tree, entry->kind, tid, &pin->content);
	if (r < 0) {
		pin_unref(pin);
		return r;
	}
	pin->mtime_ns = clock_realtime_ns();
	attr.mtime_ns = pin->mtime_ns;
	attr.size = pin->content.len;
	inode_lock(fs->inodes);
	struct inode *n = inode_add(fs->inodes, dir, entry, NULL, 0, pin);
	if (n) {
		/* No two of them are the same file. */
		n->ino = n->id;
		attr.ino = n->id;
		slot_looked_up(n->id);
	}
	inode_unlock(fs->inodes);
	if (!n) {
		pin_unref(pin);
		return -ENOMEM;
	}
	*ret = (struct fuse_entry_param){.ino = attr.ino, .attr_timeout = FS_TIMEOUT};
	fs_fill_stat(fs, &attr, &ret->attr);
	return 0;
}

/* One try of a lookup, under the store's lock. */
struct attempt {
	struct fs_spot dir;
	struct tree_entry entry;
	struct opened *rendered; /* the version whose text is ready, or NULL; a reference */
	bool last;               /* no more tries */
};

/*
 * Whether the entry's size takes rendering, which is not done under the lock:
 * the version to render is left in @a for that.
 */
static bool must_render(struct attempt *a)
{
	struct opened *opened = a->dir.place.opened;

	if (!tree_is_rendered(a->entry.kind) || a->last ||
	    (a->rendered && a->rendered->version == opened->version))
		return false;
	opened_unrefp(&a->rendered);
	a->rendered = opened_ref(opened);
	return true;
}

static int try_lookup(struct fs *fs, uint64_t parent, const char *name, struct attempt *a,
		      struct fuse_entry_param *ret)
{
	int r = fs_spot_open(fs, parent, &a->dir);

	if (r == 0)
		r = a->dir.attached
			? tree_find(fs->tree, &a->dir.place, name, strlen(name), &a->entry)
			: -ENOENT;
	if (r == 0 && fs_is_denied(fs, a->entry.kind))
		r = -EIO;
	if (r == 0 && tree_is_volatile(a->entry.kind))
		r = -EAGAIN;
	if (r == 0 && must_render(a))
		r = -EAGAIN;
	if (r == 0)
		r = fs_entry(fs, &a->dir, &a->entry, ret);
	tree_place_release(&a->dir.place);
	return r;
}

/* So often the kernel is asked to drop selections, while there are many. */
#define SELECTIONS_EVERY 1024

static void count_selection(struct fs *fs)
{
	uint64_t before = atomic_fetch_add_explicit(&fs->selections, 1, memory_order_relaxed);

	if (before % SELECTIONS_EVERY == 0 && selections_held(fs->tree->store) > SELECTIONS_MANY)
		notifier_sweep(fs->notifier, SWEEP_SELECTIONS);
}

/* A version may be replaced while it is rendered; then it is done again, but not for ever. */
#define RENDER_TRIES 3

static int do_lookup(struct fs *fs, uint64_t parent, const char *name, pid_t tid,
		     struct fuse_entry_param *ret, uint64_t *ret_epoch)
{
	struct attempt a = {0};
	int r = -EAGAIN;

	*ret = (struct fuse_entry_param){0};
	if (strlen(name) > FIELD_NAME_MAX)
		return -ENAMETOOLONG;
	for (int tries = 0; r == -EAGAIN; tries++) {
		const struct buf *text;

		a.last = tries == RENDER_TRIES;
		store_rdlock(fs->tree->store);
		*ret_epoch = atomic_load(&fs->epoch);
		r = try_lookup(fs, parent, name, &a, ret);
		store_rdunlock(fs->tree->store);
		if (r != -EAGAIN)
			break;
		/* What is said about the filesystem asks the store itself. */
		if (tree_is_volatile(a.entry.kind))
			r = lookup_volatile(fs, a.dir.inode, &a.entry, tid, ret);
		else if (tree_render(a.rendered, a.entry.kind, &text) < 0)
			r = -ENOMEM;
	}
	opened_unrefp(&a.rendered);
	if ((r == 0 || r == -ENFILE) && a.entry.kind == TREE_SELECTION)
		count_selection(fs);
	/* That a name is absent is kept, too: node id 0; but not for one caller, nor untold. */
	if (r == -ENOENT && !a.entry.uncached && !tree_is_volatile(a.entry.kind))
		*ret = (struct fuse_entry_param){.entry_timeout = FS_TIMEOUT};
	return r;
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fs *fs = fs_of(req, FS_LOOKUP);
	struct fuse_entry_param e;
	uint64_t epoch = 0;
	int r = do_lookup(fs, parent, name, fuse_req_ctx(req)->pid, &e, &epoch);

	if (r == -ENOENT && e.entry_timeout > 0) {
		fuse_reply_entry(req, &e);
	} else if (r < 0) {
		fuse_reply_err(req, -r);
	} else if (fuse_reply_entry(req, &e) == -ENOENT) {
		/* Interrupted: the kernel did not take it. */
		fs_forget(fs, e.ino, 1);
	} else if (S_ISDIR(e.attr.st_mode)) {
		fs_told_dirs(fs, epoch, parent, &e.ino, 1);
	}
}

static void op_forget(fuse_req_t req, fuse_ino_t id, uint64_t n)
{
	struct fs *fs = fs_of(req, FS_FORGET);

	slot_forgets();
	fs_forget(fs, id, n);
	fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	struct fs *fs = fs_of(req, FS_FORGET);

	inode_lock(fs->inodes);
	for (size_t i = 0; i < count; i++) {
		slot_forgets();
		inode_forget(fs->inodes, forgets[i].ino, forgets[i].nlookup);
	}
	inode_unlock(fs->inodes);
	fuse_reply_none(req);
}

/* A link that no name leads to any more, or that was made for one caller. */
static void lost_link_attr(const struct pin *pin, struct tree_attr *attr)
{
	attr->type = S_IFLNK;
	attr->mode = 0777;
	attr->nlink = 1;
	attr->size = pin ? pin->content.len : 0;
}

static int do_getattr(struct fs *fs, uint64_t id, struct stat *ret)
{
	struct fs_spot at;
	struct tree_attr attr = {.type = S_IFDIR, .mode = 0555};
	const struct pin *pin = NULL; /* what stays once it is there, as the node does */

	store_rdlock(fs->tree->store);
	int r = fs_spot_open(fs, id, &at);
	bool is_link = at.inode && tree_is_link(at.inode->kind);
	bool is_file = at.inode && !at.inode->is_dir && !is_link;
	if (r == 0 && at.attached && is_file)
		attr.mtime_ns = tree_file_time(at.place.object, at.place.kind, at.place.path.data);
	else if (r == 0 && at.attached)
		r = tree_attr(fs->tree, &at.place, &attr);
	else if (r == 0 && (pin = inode_pin(fs->inodes, at.inode)))
		attr.mtime_ns = pin->mtime_ns;
	tree_place_release(&at.place);
	store_rdunlock(fs->tree->store);
	/* How long a file is may take rendering it: not under the lock. */
	if (r == 0 && is_file)
		r = fs_content_size(fs, id, &attr);
	else if (r == 0 && is_link && !at.attached)
		lost_link_attr(pin, &attr);
	if (r < 0)
		return r;
	attr.ino = at.inode->ino;
	fs_fill_stat(fs, &attr, ret);
	return 0;
}

static void op_getattr(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req, FS_GETATTR);
	struct stat st;
	int r = do_getattr(fs, id, &st);

	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_attr(req, &st, FS_TIMEOUT);
}

static int do_readlink(struct fs *fs, uint64_t id, struct buf *target)
{
	const struct pin *pin;
	struct fs_spot at;

	store_rdlock(fs->tree->store);
	int r = fs_spot_open(fs, id, &at);
	if (r == 0 && !tree_is_link(at.inode->kind))
		r = -EINVAL;
	else if (r == 0 && at.attached)
		r = tree_readlink(&at.place, target);
	else if (r == 0 && (pin = inode_pin(fs->inodes, at.inode)))
		r = buf_add(target, pin->content.data, pin->content.len);
	else if (r == 0)
		r = -ESTALE;
	tree_place_release(&at.place);
	store_rdunlock(fs->tree->store);
	return r;
}

static void op_readlink(fuse_req_t req, fuse_ino_t id)
{
	cleanup_buf struct buf target = {0};
	int r = do_readlink(fs_of(req, FS_READLINK), id, &target);

	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_readlink(req, target.data);
}

/* Answered once: from then on the kernel opens files and folders by itself. */
static void op_open(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi)
{
	fs_of(req, FS_OPEN);
	fuse_reply_err(req, ENOSYS);
}

static void op_opendir(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi)
{
	fs_of(req, FS_OPENDIR);
	fuse_reply_err(req, ENOSYS);
}

static void op_read(fuse_req_t req, fuse_ino_t id, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	fs_read(fs_of(req, FS_READ), req, id, size, off);
}

/* As procfs: nothing that could fill up. */
static void op_statfs(fuse_req_t req, fuse_ino_t id)
{
	const struct statvfs st = {.f_bsize = 4096, .f_frsize = 4096, .f_namemax = FIELD_NAME_MAX};

	fs_of(req, FS_STATFS);
	fuse_reply_statfs(req, &st);
}

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	/* Sizes never change, so nothing must be asked before a cached page is used. */
	conn->want &= ~(unsigned int)(FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_SPLICE_READ |
				      FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
	if (conn->max_write > SLOT_WRITE_MAX)
		conn->max_write = SLOT_WRITE_MAX;
	conn->want |= conn->capable & (FUSE_CAP_EXPLICIT_INVAL_DATA | FUSE_CAP_CACHE_SYMLINKS |
				       FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO |
				       FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_ASYNC_READ |
				       FUSE_CAP_NO_OPEN_SUPPORT | FUSE_CAP_NO_OPENDIR_SUPPORT);
}

const struct fuse_lowlevel_ops fs_ops = {
    .init = op_init,
    .lookup = op_lookup,
    .forget = op_forget,
    .forget_multi = op_forget_multi,
    .getattr = op_getattr,
    .readlink = op_readlink,
    .open = op_open,
    .read = op_read,
    .opendir = op_opendir,
    .readdir = fs_readdir,
    .readdirplus = fs_readdirplus,
    .statfs = op_statfs,
};
