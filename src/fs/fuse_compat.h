/* SPDX-License-Identifier: Apache-2.0 */
/* libfuse, and what differs between its versions. */
#ifndef PODFS_FS_FUSE_COMPAT_H
#define PODFS_FS_FUSE_COMPAT_H

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#endif
