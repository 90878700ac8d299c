/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <podfs/base/cleanup.h>

#include "background.h"

/* The parent's part. Returns its exit code. */
static int wait_for(pid_t child, int fd)
{
	char byte;
	int status;
	ssize_t n;

	do
		n = read(fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		return 0;
	/* It ended without a word here; it has said why on standard error. */
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int background_start(struct background *b)
{
	int fds[2];

	b->ready_fd = -1;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid_t child = fork();
	if (child < 0) {
		int err = errno;

		close(fds[0]);
		close(fds[1]);
		return -err;
	}
	if (child) {
		close(fds[1]);
		_exit(wait_for(child, fds[0]));
	}
	close(fds[0]);
	b->ready_fd = fds[1];
	return 0;
}

int background_leave(void)
{
	/* Only now: until here a Ctrl-C was meant for us, too. */
	setsid();
	cleanup_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	/* Not to keep a directory busy that somebody wants to unmount. */
	if (null < 0 || chdir("/") < 0)
		return -errno;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(null, fd) < 0)
			return -errno;
	return 0;
}

int background_ready(struct background *b)
{
	cleanup_close int ready = take_fd(&b->ready_fd);

	if (ready < 0)
		return 0;
	int r = background_leave();
	if (r < 0)
		return r;
	return write(ready, "", 1) == 1 ? 0 : -errno;
}
