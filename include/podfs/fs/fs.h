/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fs: the tree, mounted.
 *
 * The kernel keeps every entry, attribute, listing and page until it is told
 * otherwise, so what is warm costs no request. Each version of a value is an
 * inode of its own: a change makes the old node nameless and tells the kernel
 * to drop the name.
 *
 * Workers answer from memory and wait for nobody but, for some microseconds,
 * the writer of the store. The functions here are [loop], but for fs_stats().
 */
#ifndef PODFS_FS_FS_H
#define PODFS_FS_FS_H

#include <stdatomic.h>
#include <sys/types.h>

#include <podfs/base/error.h>
#include <podfs/tree/tree.h>

#define FS_WORKERS_MAX 8

enum fs_opcode {
	FS_LOOKUP,
	FS_FORGET,
	FS_GETATTR,
	FS_READLINK,
	FS_OPEN,
	FS_READ,
	FS_OPENDIR,
	FS_READDIR,
	FS_READDIRPLUS,
	FS_STATFS,
	FS_OPCODES,
};

struct fs_options {
	uid_t uid;
	gid_t gid;
	mode_t umask;
	const char *fuse_options; /* what else -o said, for libfuse; "" */
	unsigned int workers;     /* 0: as many as there are processors, at least 2 */
};

struct fs_counters {
	atomic_uint_fast64_t requests[FS_OPCODES];
};

/* What is counted for .podfs/metrics. [any thread] */
struct fs_stats {
	uint64_t requests[FS_OPCODES];
	uint64_t notified_entries;
	uint64_t notified_inodes;
	uint64_t notified_unknown;
	uint64_t notifications_waiting;
	uint64_t sweeps;
	uint64_t inodes;
};

/* "LOOKUP", ... */
const char *fs_opcode_name(enum fs_opcode op);

/**
 * Splits -o's value: uid, gid and umask are ours, the rest is libfuse's.
 *
 * @arg   "allow_other,uid=1000"
 * @rest  what is left, joined by ','.
 *
 * 0; -EINVAL: a number is none; -ENOMEM.
 */
int fs_options_parse(struct fs_options *o, const char *arg, struct buf *rest);

struct fs;

/**
 * @tree        must live until fs_free(), as @options' strings.
 * @memory      base/memory.h; nobody else serves from it.
 * @takes_over  somebody has: the store is what he knew, and so is the inode table.
 *
 * 0; -EINVAL: libfuse does not know an option; -ENOMEM; -errno.
 */
int fs_new(struct tree *tree, const struct fs_options *options, int memory, bool takes_over,
	   struct fs **ret, struct error *ret_error);

/**
 * Checks a mount point before anything else is done: is it a directory, is
 * nothing of ours mounted there, is there a /dev/fuse.
 */
int fs_check_mountpoint(const char *mountpoint, struct error *ret_error);

/**
 * Serves a mount (fs/mount.h) whose INIT is in the memory. The tree's observer is registered first,
 * so that nothing is missed.
 *
 * @fd        of /dev/fuse; taken over in any case.
 * @ended_cb  [worker] called once when the mount was taken away from outside.
 *
 * 0 or -errno with @ret_error filled.
 */
int fs_serve(struct fs *fs, int fd, void (*ended_cb)(void *ctx), void *ctx,
	     struct error *ret_error);

/* Ends all threads. The mount stays; what the kernel asks from now on waits for another one. */
void fs_stop(struct fs *fs);

/**
 * From now on (or no longer) everything but .podfs and the root fails with EIO, also what the
 * kernel has cached and what is open.
 */
void fs_deny(struct fs *fs, bool deny);

void fs_stats(struct fs *fs, struct fs_stats *ret);
void fs_free(struct fs *fs);

#endif
