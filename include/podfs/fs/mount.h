/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount: the mount itself, without anybody who serves it.
 *
 * It is there as long as its descriptor of /dev/fuse is open in any process,
 * whoever reads requests from it. Not thread-safe.
 */
#ifndef PODFS_FS_MOUNT_H
#define PODFS_FS_MOUNT_H

#include <podfs/fs/fs.h>
#include <podfs/fs/head.h>

struct mount;

/* Checks the options and mounts nothing yet. 0; -EINVAL; -ENOMEM; with @ret_error filled. */
int mount_new(const struct fs_options *options, struct mount **ret, struct error *ret_error);

/**
 * Mounts, and takes the kernel's first request, INIT, into @head for those who will serve.
 *
 * 0; -ENODEV: it was unmounted at once; -errno; with @ret_error filled.
 */
int mount_open(struct mount *m, const char *mountpoint, struct fs_head *head,
	       struct error *ret_error);

/**
 * Takes over a mount that an earlier process has made, with what it has left in @head.
 *
 * @fd  of /dev/fuse; taken over on success.
 *
 * 0; -ENOTCONN: it was unmounted; -ESTALE: it was made by a program that this one cannot follow.
 */
int mount_adopt(struct mount *m, int fd, const struct fs_head *head, struct error *ret_error);

/* Of /dev/fuse; it stays the mount's. */
int mount_fd(const struct mount *m);

/* Unmounts, if it is mounted, and frees. NULL is ignored. */
void mount_close(struct mount *m);

#endif
