/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refuse: answers a mount that nobody serves, so that nobody waits for ever.
 *
 * Every request fails with EIO. FORGETs are kept for whoever serves next.
 */
#ifndef PODFS_FS_REFUSE_H
#define PODFS_FS_REFUSE_H

#include <podfs/fs/head.h>

/*
 * Begins: what a worker had taken and not answered comes again, if the kernel can do that.
 *
 * @mount_fd  stays the caller's.
 *
 * A descriptor for poll() and refuse_some(), which never blocks; or -errno.
 */
int refuse_begin(int mount_fd);

/* Answers what is there. 0; -ENODEV: the mount is gone; -errno. */
int refuse_some(int fd, struct fs_head *head);

#endif
