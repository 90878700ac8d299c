/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <podfs/base/cleanup.h>

#include "service.h"

#define KEPT_FIRST 3

/* Room for one descriptor, aligned as the kernel wants it. */
union control {
	struct cmsghdr head;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static void attach(struct msghdr *msg, union control *control, int fd)
{
	msg->msg_control = control->bytes;
	msg->msg_controllen = sizeof(control->bytes);
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
}

static void tell(const char *state, int with)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	struct iovec iov = {(void *)(uintptr_t)state, strlen(state)};
	struct msghdr msg = {.msg_name = &to, .msg_iov = &iov, .msg_iovlen = 1};
	union control control = {0};
	size_t len = path ? strlen(path) : 0;

	if (!len || len >= sizeof(to.sun_path) || (*path != '/' && *path != '@'))
		return;
	memcpy(to.sun_path, path, len);
	/* The abstract namespace. */
	if (*path == '@')
		to.sun_path[0] = '\0';
	msg.msg_namelen = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	if (with >= 0)
		attach(&msg, &control, with);
	cleanup_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	/* systemd will notice that it has not heard of us. */
	if (fd >= 0)
		(void)!sendmsg(fd, &msg, MSG_NOSIGNAL);
}

void service_tell(const char *state)
{
	tell(state, -1);
}

void service_keep(int fd, const char *name)
{
	char state[64];

	/* It would stop to keep a descriptor of /dev/fuse when that becomes readable. */
	snprintf(state, sizeof(state), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
	tell(state, fd);
}

void service_keep_no_longer(const char *name)
{
	char state[64];

	snprintf(state, sizeof(state), "FDSTOREREMOVE=1\nFDNAME=%s", name);
	tell(state, -1);
}

int service_kept(const char *name)
{
	const char *pid = getenv("LISTEN_PID");
	const char *count = getenv("LISTEN_FDS");
	const char *names = getenv("LISTEN_FDNAMES");
	size_t len = strlen(name);

	if (!pid || !count || !names || strtol(pid, NULL, 10) != getpid())
		return -1;
	long n = strtol(count, NULL, 10);
	for (int i = 0; i < n && names; i++) {
		size_t this = strcspn(names, ":");

		if (this == len && !strncmp(names, name, len))
			return fcntl(KEPT_FIRST + i, F_DUPFD_CLOEXEC, 0);
		names = names[this] ? names + this + 1 : NULL;
	}
	return -1;
}
