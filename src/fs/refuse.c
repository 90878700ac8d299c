/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <string.h>
#include <unistd.h>

#include <podfs/fs/refuse.h>

#include "device.h"
#include "slots.h"

int refuse_begin(int mount_fd)
{
	/* The mount's own descriptor blocks, as those who serve want it. */
	int fd = device_clone(mount_fd, O_NONBLOCK);

	/* An older kernel has ended them itself. */
	if (fd >= 0)
		device_resend(fd);
	return fd;
}

/* What does not fit is lost: then a node stays for as long as the mount. */
static void keep_forget(struct fs_head *head, uint64_t id, uint64_t count)
{
	if (head->forget_count < FS_FORGETS_MAX)
		head->forgets[head->forget_count++] = (struct fs_forget){id, count};
}

static void keep_forgets(struct fs_head *head, const void *body, size_t len)
{
	const struct fuse_batch_forget_in *batch = body;
	const struct fuse_forget_one *all = (const void *)(batch + 1);

	for (uint32_t i = 0; i < batch->count && sizeof(*batch) + (i + 1) * sizeof(*all) <= len;
	     i++)
		keep_forget(head, all[i].nodeid, all[i].nlookup);
}

static void deal_with(int fd, struct fs_head *head, const char *request, size_t len)
{
	const struct fuse_in_header *in = (const void *)request;
	const void *body = in + 1;
	const struct fuse_out_header out = {
	    .len = sizeof(out), .error = -EIO, .unique = in->unique};

	if (in->opcode == FUSE_FORGET)
		keep_forget(head, in->nodeid, ((const struct fuse_forget_in *)body)->nlookup);
	else if (in->opcode == FUSE_BATCH_FORGET)
		keep_forgets(head, body, len - sizeof(*in));
	else if (in->opcode != FUSE_INTERRUPT && write(fd, &out, sizeof(out)) < 0)
		return; /* Whoever asked is gone. */
}

int refuse_some(int fd, struct fs_head *head)
{
	static _Alignas(8) char request[SLOT_REQUEST];
	ssize_t n;

	while ((n = read(fd, request, sizeof(request))) >= 0 || errno == EINTR || errno == ENOENT)
		if (n >= (ssize_t)sizeof(struct fuse_in_header))
			deal_with(fd, head, request, (size_t)n);
	return errno == EAGAIN ? 0 : -errno;
}
