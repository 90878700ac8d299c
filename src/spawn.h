/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spawn: starts a worker, which is this program again, or the one that has taken its place on disk.
 *
 * It is executed anew, so that each one's memory lies elsewhere, and nothing of
 * the one that died is in it. Its command line, which may hold a token, goes in
 * a memfd: the process list shows none of it.
 */
#ifndef PODFS_SPAWN_H
#define PODFS_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

/* What a worker finds open. */
enum worker_fd {
	WORKER_FD_LINK = 3,
	WORKER_FD_MEMORY,
	WORKER_FD_ARGUMENTS,
	WORKER_FD_MOUNT, /* may be closed: there is no mount yet */
};

/* The first argument of a worker. */
#define WORKER_ARGUMENT "--worker"

/* Keeps a command line, and the working directory that its paths are relative to. fd or -errno. */
int arguments_keep(int argc, char **argv);

/*
 * Goes to that directory, if it is still there, and gives the command line back, with a NULL behind
 * it: one piece of memory, the caller's. 0 or -errno.
 */
int arguments_take(int fd, int *ret_argc, char ***ret_argv);

struct spawn {
	int program; /* to execute */
	int memory;
	int arguments;
	int mount; /* -1: not yet */
	const char *name;
};

/* @link  the worker's end, which stays the caller's. The process, or -errno. */
pid_t spawn_worker(const struct spawn *s, int link);

#endif
