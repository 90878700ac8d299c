/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <podfs/base/cleanup.h>

#include "device.h"

/* Since Linux 6.9; not in Debian 12's header. */
#define INIT_HAS_RESEND (UINT32_C(1) << 7) /* of flags2 */
#define NOTIFY_RESEND 7

bool device_resends(const struct fs_head *head)
{
	const struct fuse_init_in *in = (const void *)(head->init + sizeof(struct fuse_in_header));

	return head->init_len >= sizeof(struct fuse_in_header) + sizeof(*in) &&
	       in->flags & FUSE_INIT_EXT && in->flags2 & INIT_HAS_RESEND;
}

int device_resend(int fd)
{
	const struct fuse_out_header head = {.len = sizeof(head), .error = NOTIFY_RESEND};

	return write(fd, &head, sizeof(head)) < 0 ? -errno : 0;
}

int device_clone(int fd, int flags)
{
	uint32_t from = (uint32_t)fd;
	cleanup_close int own = open("/dev/fuse", O_RDWR | O_CLOEXEC | flags);

	if (own < 0 || ioctl(own, FUSE_DEV_IOC_CLONE, &from) < 0)
		return -errno;
	return take_fd(&own);
}
