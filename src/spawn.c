/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <podfs/base/buf.h>
#include <podfs/base/cleanup.h>

#include "spawn.h"

/* Should memory become short, the worker goes first: it can be replaced. */
#define OOM_SCORE_MORE 100

int arguments_keep(int argc, char **argv)
{
	cleanup_close int fd = memfd_create("podfs-arguments", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	cleanup_buf struct buf all = {0};
	char cwd[PATH_MAX];

	if (fd < 0)
		return -errno;
	if (!getcwd(cwd, sizeof(cwd)))
		cwd[0] = '\0';
	buf_add(&all, cwd, strlen(cwd) + 1);
	for (int i = 0; i < argc; i++)
		buf_add(&all, argv[i], strlen(argv[i]) + 1);
	if (all.err)
		return all.err;
	ssize_t n = write(fd, all.data, all.len);
	size_t len = all.len;
	explicit_bzero(all.data, all.len);
	if (n < 0)
		return -errno;
	if ((size_t)n != len)
		return -EIO;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return -errno;
	return take_fd(&fd);
}

/* Sets where each word is; the first one is the directory. Their number, without that. */
static int split(char *all, size_t size, char **argv)
{
	int count = -1;

	for (char *at = all; at < all + size; at += strlen(at) + 1, count++)
		if (count >= 0)
			argv[count] = at;
	argv[count] = NULL;
	return count;
}

int arguments_take(int fd, int *ret_argc, char ***ret_argv)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	size_t size = (size_t)st.st_size;
	/* No more words than bytes. */
	char **argv = malloc((size + 1) * sizeof(*argv) + size);
	if (!argv)
		return -ENOMEM;
	char *all = (char *)(argv + size + 1);
	if (!size || pread(fd, all, size, 0) != st.st_size || all[size - 1]) {
		free(argv);
		return -EINVAL;
	}
	*ret_argc = split(all, size, argv);
	*ret_argv = argv;
	if (chdir(all) < 0)
		fprintf(stderr,
			"podfs: warning: the directory %s, which it was started in, is gone\n",
			all);
	return 0;
}

static void offer_to_oom_killer(void)
{
	cleanup_close int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
	char text[16] = {0};

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return;
	long score = strtol(text, NULL, 10) + OOM_SCORE_MORE;
	int n = snprintf(text, sizeof(text), "%ld", score > 1000 ? 1000 : score);
	/* It is no worse without. */
	if (pwrite(fd, text, (size_t)n, 0) < 0)
		return;
}

/* Moves descriptors to where the worker looks for them: first out of the way of each other. */
static int place(const int *from, int count)
{
	int high[WORKER_FD_MOUNT + 1];

	for (int i = 0; i < count; i++) {
		high[i] = from[i] < 0 ? -1 : fcntl(from[i], F_DUPFD_CLOEXEC, 64);
		if (from[i] >= 0 && high[i] < 0)
			return -errno;
	}
	for (int i = 0; i < count; i++) {
		int to = WORKER_FD_LINK + i;

		if (high[i] < 0)
			close(to);
		else if (dup2(high[i], to) < 0)
			return -errno;
	}
	return 0;
}

/* In the child. */
_Noreturn static void become_worker(const struct spawn *s, int link)
{
	char name[] = "podfs";
	char worker[] = WORKER_ARGUMENT;
	char *argv[] = {name, worker, (char *)(uintptr_t)s->name, NULL};
	const int from[] = {link, s->memory, s->arguments, s->mount};
	int program = fcntl(s->program, F_DUPFD_CLOEXEC, 64);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	offer_to_oom_killer();
	/* What whoever started us left open is not for it. */
	close_range(WORKER_FD_LINK, UINT_MAX, CLOSE_RANGE_CLOEXEC);
	if (program >= 0 && place(from, ARRAY_SIZE(from)) == 0)
		syscall(SYS_execveat, program, "", argv, environ, AT_EMPTY_PATH);
	fprintf(stderr, "podfs: error: cannot start a worker: %s\n", strerror(errno));
	_exit(127);
}

pid_t spawn_worker(const struct spawn *s, int link)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0)
		become_worker(s, link);
	return pid;
}
