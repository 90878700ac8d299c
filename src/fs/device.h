/* SPDX-License-Identifier: Apache-2.0 */
/* device: what libfuse does not know of /dev/fuse. */
#ifndef PODFS_FS_DEVICE_H
#define PODFS_FS_DEVICE_H

#include <stdbool.h>

#include <podfs/fs/head.h>

/* Whether the kernel that sent this INIT can send requests again. */
bool device_resends(const struct fs_head *head);

/* What was taken, by whomever, and not answered comes again: before anybody reads. 0 or -errno. */
int device_resend(int fd);

/* Another descriptor of the same mount, with requests of its own. Or -errno. */
int device_clone(int fd, int flags);

#endif
