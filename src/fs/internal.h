/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this module share. */
#ifndef PODFS_FS_INTERNAL_H
#define PODFS_FS_INTERNAL_H

#include <pthread.h>

#include <podfs/fs/fs.h>
#include <podfs/fs/head.h>

#include "inode.h"
#include "notify.h"

struct fs {
	struct tree *tree;
	struct inode_table *inodes;
	struct fs_options options;
	struct fuse_session *session;
	struct notifier *notifier;
	struct fs_counters counters;
	struct notify_counters notified;
	struct fs_head *head;
	struct slots *slots;
	bool starting;     /* the session gives its answer to INIT */
	bool init_differs; /* which is not the one that the kernel has */
	bool serving;
	bool stuck; /* the notifier did not end: nothing may be freed */
	atomic_bool denying;
	atomic_uint_fast64_t selections; /* how often one was looked up */
	atomic_uint_fast64_t epoch;      /* counts changes of the store; written under its lock */
	atomic_flag ended;               /* ended_cb was called, or will not be */
	void (*ended_cb)(void *ctx);
	void *ended_ctx;

	pthread_t workers[FS_WORKERS_MAX];
	unsigned int worker_count;
	atomic_uint threads; /* of these, how many have begun */

	/* [loop] During a change: folders of which the kernel is to be told. */
	struct inode **told;
	size_t told_count;
	size_t told_cap;

	/* [loop] From a change until it is published, when the store's lock is free. */
	struct notification *pending;
	size_t pending_count;
	size_t pending_cap;
	struct buf pending_names;
	bool pending_lost;
};

/* The kernel keeps what it was told until it is told otherwise; in seconds. */
#define FS_TIMEOUT 31536000.0

/* A name that no directory of ours has, so that nothing is lost by dropping it. */
#define FS_NO_NAME ".none"

extern const struct fuse_lowlevel_ops fs_ops;

void fs_fill_stat(const struct fs *fs, const struct tree_attr *attr, struct stat *ret);

/* A node and, while names lead to it, where it is. */
struct fs_spot {
	struct inode *inode;
	struct tree_place place;
	bool attached; /* if not there is no place: a directory is empty */
};

/* Under the store's lock. 0; -ENOENT; -EIO: denied; -ENOMEM. The place is released in any case. */
int fs_spot_open(struct fs *fs, uint64_t id, struct fs_spot *ret);

/*
 * The node for an entry of @dir and what to tell the kernel of it, with one
 * lookup more. Under the store's lock. 0 or -ENOMEM.
 */
int fs_entry(struct fs *fs, const struct fs_spot *dir, const struct tree_entry *entry,
	     struct fuse_entry_param *ret);

/* Whether requests for a node of that kind are refused now. */
bool fs_is_denied(struct fs *fs, enum tree_kind kind);

/* Type, links and size of a file. Not under the store's lock. 0 or -errno. */
int fs_content_size(struct fs *fs, uint64_t id, struct tree_attr *attr);

/* Answers a READ. */
void fs_read(struct fs *fs, fuse_req_t req, uint64_t id, size_t size, off_t off);

void fs_forget(struct fs *fs, uint64_t id, uint64_t n);

void fs_readdir(fuse_req_t req, fuse_ino_t id, size_t size, off_t off, struct fuse_file_info *fi);
void fs_readdirplus(fuse_req_t req, fuse_ino_t id, size_t size, off_t off,
		    struct fuse_file_info *fi);
void fs_count(struct fs *fs, enum fs_opcode op);

/*
 * A reply told the kernel of directories whose attributes were read at @epoch.
 * If something changed since, what the notifier said may have come before the
 * reply, when the kernel did not know them yet: so it is said again.
 */
void fs_told_dirs(struct fs *fs, uint64_t epoch, uint64_t parent, const uint64_t *ids,
		  size_t count);

void fs_sweep(void *ctx, enum sweep what);

/* Takes over the inode table that is in the memory. 0 or -ENOMEM. */
int fs_recover(struct fs *fs, int memory);

/* The store's observer. */
void fs_changed(void *ctx, const struct store_change *change);
void fs_published(void *ctx);

#endif
