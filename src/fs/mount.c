/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/fuse.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <podfs/base/cleanup.h>
#include <podfs/fs/mount.h>

#include "libfuse.h"

struct mount {
	struct fuse_session *session; /* mounts and unmounts, and takes no requests */
	bool mounted;
	int adopted;            /* the descriptor of a mount that is not the session's; -1 */
	const char *mountpoint; /* of that one */
};

int mount_new(const struct fs_options *options, struct mount **ret, struct error *ret_error)
{
	static const struct fuse_lowlevel_ops none;
	struct mount *m = calloc(1, sizeof(*m));

	if (!m)
		return error_set(ret_error, -ENOMEM, "out of memory");
	int r = libfuse_session(options, &none, NULL, &m->session, ret_error);
	if (r < 0) {
		free(m);
		return r;
	}
	m->adopted = -1;
	*ret = m;
	return 0;
}

/* What to do about a mount that was refused: libfuse's words are all there is to go by. */
static const char *hint(void)
{
	if (strstr(libfuse_message(), "user_allow_other"))
		return "root must put user_allow_other into /etc/fuse.conf for that";
	return "an ordinary user needs fusermount3 (package fuse3) and must own the mount point; "
	       "a container needs CAP_SYS_ADMIN";
}

/* The kernel has asked it by the time the mount is there. */
static int take_init(int fd, struct fs_head *head)
{
	cleanup_free char *request = malloc(FUSE_MIN_READ_BUFFER);
	ssize_t n;

	if (!request)
		return -ENOMEM;
	do
		n = read(fd, request, FUSE_MIN_READ_BUFFER);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	const struct fuse_in_header *h = (const void *)request;
	if ((size_t)n < sizeof(*h) || (size_t)n > FS_INIT_MAX || h->opcode != FUSE_INIT)
		return -EPROTO;
	memcpy(head->init, request, (size_t)n);
	head->init_len = (uint32_t)n;
	return 0;
}

int mount_open(struct mount *m, const char *mountpoint, struct fs_head *head,
	       struct error *ret_error)
{
	libfuse_clear_message();
	if (fuse_session_mount(m->session, mountpoint) < 0) {
		const char *why = libfuse_message();

		error_set(ret_error, -EPERM, "cannot mount on %s: %s", mountpoint,
			  *why ? why : "fusermount3 refused it, see above");
		error_hint(ret_error, "%s", hint());
		return -EPERM;
	}
	m->mounted = true;
	snprintf(head->mountpoint, sizeof(head->mountpoint), "%s", mountpoint);
	int r = take_init(mount_fd(m), head);
	if (r == -ENODEV)
		error_set(ret_error, r, "%s was unmounted at once", mountpoint);
	else if (r < 0)
		error_set(ret_error, r, "cannot mount on %s: the kernel does not begin: %s",
			  mountpoint, strerror(-r));
	return r;
}

int mount_adopt(struct mount *m, int fd, const struct fs_head *head, struct error *ret_error)
{
	struct pollfd look = {.fd = fd};

	if (head->layout != FS_LAYOUT || !head->init_len || !*head->mountpoint)
		return error_set(ret_error, -ESTALE,
				 "what an earlier podfs has left cannot be read");
	if (poll(&look, 1, 0) > 0 && look.revents & POLLERR)
		return error_set(ret_error, -ENOTCONN, "%s was unmounted", head->mountpoint);
	m->adopted = fd;
	m->mountpoint = head->mountpoint;
	return 0;
}

int mount_fd(const struct mount *m)
{
	return m->adopted >= 0 ? m->adopted : fuse_session_fd(m->session);
}

/* libfuse unmounts what it has mounted itself. */
static void unmount_adopted(const struct mount *m)
{
	char program[] = "fusermount3";
	char quiet[] = "-quz";
	char dashes[] = "--";
	char *argv[] = {program, quiet, dashes, (char *)(uintptr_t)m->mountpoint, NULL};
	pid_t pid;

	if (umount2(m->mountpoint, MNT_DETACH | UMOUNT_NOFOLLOW) == 0 || errno != EPERM)
		return;
	if (posix_spawnp(&pid, program, NULL, NULL, argv, environ) == 0)
		waitpid(pid, NULL, 0);
}

void mount_close(struct mount *m)
{
	if (!m)
		return;
	if (m->mounted)
		fuse_session_unmount(m->session);
	if (m->adopted >= 0) {
		struct pollfd look = {.fd = m->adopted};

		/* If it was taken away, there may be another one in its place. */
		if (poll(&look, 1, 0) == 0)
			unmount_adopted(m);
		close(m->adopted);
	}
	fuse_session_destroy(m->session);
	free(m);
}
