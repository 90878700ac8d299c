/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listings. An entry's offset is its cookie (store/cookie.h), so that nothing
 * is kept between two requests. The last one's is the end: the kernel always
 * asks what is behind it, and nobody has to look.
 *
 * With attributes, each entry is a lookup. Files that must be rendered to know
 * their size, and those made anew for each reader, are listed by their names
 * alone (node id 0): the kernel asks when somebody wants to know.
 */
#include <errno.h>
#include <linux/fuse.h>
#include <string.h>
#include <sys/stat.h>

#include <podfs/store/cookie.h>

#include "internal.h"
#include "slots.h"

struct reply {
	fuse_req_t req;
	struct fs *fs;
	struct fs_spot dir;
	bool plus;
	char *data;
	size_t size;
	size_t len;
	size_t last;     /* where the last entry begins */
	uint64_t epoch;  /* of the attributes */
	uint64_t *nodes; /* the node of each entry that has one; directories from the front, */
	size_t dirs;     /* others from the back */
	size_t others;
	size_t room;
};

#define REPLY_FULL 1

/* No entry with attributes is shorter, so that many fit at most. */
#define ENTRY_MIN 128

static uint32_t entry_type(const struct tree_entry *entry)
{
	if (tree_is_link(entry->kind))
		return S_IFLNK;
	return tree_is_dir(entry->kind, entry->field) ? S_IFDIR : S_IFREG;
}

static size_t put(struct reply *r, const char *name, struct fuse_entry_param *e, uint64_t cookie)
{
	char *at = r->data + r->len;
	size_t room = r->size - r->len;

	return r->plus ? fuse_add_direntry_plus(r->req, at, room, name, e, (off_t)cookie)
		       : fuse_add_direntry(r->req, at, room, name, &e->attr, (off_t)cookie);
}

static int add_name(struct reply *r, const char *name, struct fuse_entry_param *e, uint64_t cookie)
{
	size_t n = put(r, name, e, cookie);

	if (n > r->size - r->len)
		return REPLY_FULL;
	r->last = r->len;
	r->len += n;
	return 0;
}

/* A node that the kernel knows keeps its number, also when its folder's object comes later. */
static uint64_t entry_ino(const struct reply *r, const struct tree_entry *entry)
{
	uint64_t ino = 0;

	inode_lock(r->fs->inodes);
	const struct inode *n =
	    inode_child(r->fs->inodes, r->dir.inode, entry->name, entry->name_len);
	if (n)
		ino = n->ino;
	inode_unlock(r->fs->inodes);
	return ino ? ino : tree_entry_ino(&r->dir.place, entry);
}

static int add_entry(void *ctx, const struct tree_entry *entry)
{
	struct reply *r = ctx;
	char name[FIELD_NAME_MAX + 1];
	struct fuse_entry_param e = {
	    .attr.st_mode = entry_type(entry),
	    .attr.st_ino = 0,
	};

	if (entry->name_len > FIELD_NAME_MAX)
		return 0;
	memcpy(name, entry->name, entry->name_len);
	name[entry->name_len] = '\0';
	if (r->plus && !tree_is_volatile(entry->kind) && !tree_is_rendered(entry->kind)) {
		int err = fs_entry(r->fs, &r->dir, entry, &e);

		if (err < 0)
			return err;
	} else {
		e.attr.st_ino = entry_ino(r, entry);
	}
	int full = add_name(r, name, &e, entry->cookie);
	/* It did not fit: the kernel never learns of it. */
	if (full && e.ino) {
		slot_took_back();
		fs_forget(r->fs, e.ino, 1);
	} else if (e.ino && S_ISDIR(e.attr.st_mode)) {
		r->nodes[r->dirs++] = e.ino;
	} else if (e.ino) {
		r->nodes[r->room - ++r->others] = e.ino;
	}
	return full;
}

static int add_dots(struct reply *r, off_t off)
{
	const struct inode *n = r->dir.inode;
	const struct inode *up = inode_parent(r->fs->inodes, n);
	struct fuse_entry_param dot = {.attr.st_mode = S_IFDIR, .attr.st_ino = n->ino};
	struct fuse_entry_param dotdot = {.attr.st_mode = S_IFDIR,
					  .attr.st_ino = up ? up->ino : n->ino};
	int full = 0;

	if (off < COOKIE_DOT)
		full = add_name(r, ".", &dot, COOKIE_DOT);
	if (!full && off < COOKIE_DOTDOT)
		full = add_name(r, "..", &dotdot, COOKIE_DOTDOT);
	return full;
}

static void mark_end(struct reply *r)
{
	const uint64_t end = COOKIE_END;
	size_t at = r->plus ? offsetof(struct fuse_direntplus, dirent.off)
			    : offsetof(struct fuse_dirent, off);

	if (r->len)
		memcpy(r->data + r->last + at, &end, sizeof(end));
}

static int fill(struct reply *r, uint64_t id, off_t off)
{
	store_rdlock(r->fs->tree->store);
	r->epoch = atomic_load(&r->fs->epoch);
	int err = fs_spot_open(r->fs, id, &r->dir);
	if (err == 0)
		err = add_dots(r, off);
	if (err == 0 && r->dir.attached)
		err = tree_list(r->fs->tree, &r->dir.place, (uint64_t)off, add_entry, r);
	tree_place_release(&r->dir.place);
	store_rdunlock(r->fs->tree->store);
	if (err == 0)
		mark_end(r);
	/* What is in the buffer has been counted: it must reach the kernel. */
	return err < 0 && !r->len ? err : 0;
}

/* Interrupted: the kernel took none of it. */
static void take_back(struct reply *r)
{
	for (size_t i = 0; i < r->dirs; i++)
		fs_forget(r->fs, r->nodes[i], 1);
	for (size_t i = 0; i < r->others; i++)
		fs_forget(r->fs, r->nodes[r->room - 1 - i], 1);
}

static void readdir_reply(struct reply *r, uint64_t id, off_t off)
{
	int err = -ENOMEM;

	if (off == COOKIE_END) {
		fuse_reply_buf(r->req, NULL, 0);
		return;
	}
	r->fs = fuse_req_userdata(r->req);
	r->data = malloc(r->size);
	r->room = r->size / ENTRY_MIN + 1;
	r->nodes = malloc(r->room * sizeof(*r->nodes));
	if (r->data && r->nodes)
		err = off < 0 ? -EINVAL : fill(r, id, off);
	if (err < 0)
		fuse_reply_err(r->req, -err);
	else if (fuse_reply_buf(r->req, r->data, r->len) == -ENOENT)
		take_back(r);
	else
		fs_told_dirs(r->fs, r->epoch, id, r->nodes, r->dirs);
	free(r->nodes);
	free(r->data);
}

void fs_readdir(fuse_req_t req, fuse_ino_t id, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct reply r = {.req = req, .size = size};

	fs_count(fuse_req_userdata(req), FS_READDIR);
	readdir_reply(&r, id, off);
}

void fs_readdirplus(fuse_req_t req, fuse_ino_t id, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	struct reply r = {.req = req, .size = size, .plus = true};

	fs_count(fuse_req_userdata(req), FS_READDIRPLUS);
	readdir_reply(&r, id, off);
}
