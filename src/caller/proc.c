/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include <podfs/caller/proc.h>

#define PIECE 4096

/* The number of the first cgroup namespace, which the kernel fixes (CGROUP_NS_INIT_INO). */
#define FIRST_CGROUP_NAMESPACE 0xeffffffbu

static int read_all(const char *path, struct buf *ret)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	for (;;) {
		if (buf_reserve(ret, PIECE) < 0)
			return -ENOMEM;
		ssize_t n = read(fd, ret->data + ret->len, PIECE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == ESRCH ? -ENOENT : -errno;
		if (n == 0)
			break;
		ret->len += (size_t)n;
		ret->data[ret->len] = '\0';
		if (ret->len > PROC_CGROUP_MAX)
			return -E2BIG;
	}
	return ret->len ? 0 : -ENOENT;
}

int proc_cgroup(const char *proc, pid_t tid, struct buf *ret)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%ld/cgroup", proc, (long)tid) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	return read_all(path, ret);
}

int proc_own_cgroup(const char *proc, struct buf *ret)
{
	char path[PATH_MAX];

	/* Not by getpid(): `proc` may be of another pid namespace. */
	if (snprintf(path, sizeof(path), "%s/self/cgroup", proc) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	return read_all(path, ret);
}

bool proc_cgroup_is_namespaced(const char *proc)
{
	char path[PATH_MAX];
	struct stat st;

	return snprintf(path, sizeof(path), "%s/self/ns/cgroup", proc) < (int)sizeof(path) &&
	       stat(path, &st) == 0 && st.st_ino != FIRST_CGROUP_NAMESPACE;
}
