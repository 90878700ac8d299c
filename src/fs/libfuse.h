/* SPDX-License-Identifier: Apache-2.0 */
/* libfuse: sessions made from our options, and what the library says when it refuses. */
#ifndef PODFS_FS_LIBFUSE_H
#define PODFS_FS_LIBFUSE_H

#include <podfs/fs/fs.h>

#include "fuse_compat.h"

/* 0; -EINVAL: an option is not known, or not kept; -ENOMEM. With @ret_error filled. */
int libfuse_session(const struct fs_options *options, const struct fuse_lowlevel_ops *ops,
		    void *userdata, struct fuse_session **ret, struct error *ret_error);

/* What the library said last in this thread, a line; "": nothing since it was cleared. */
const char *libfuse_message(void);
void libfuse_clear_message(void);

#endif
