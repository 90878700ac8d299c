/* SPDX-License-Identifier: Apache-2.0 */
/*
 * background: the program goes on alone, and whoever started it waits until it
 * is ready.
 */
#ifndef PODFS_BACKGROUND_H
#define PODFS_BACKGROUND_H

struct background {
	int ready_fd; /* -1: in the foreground */
};

/**
 * Forks, before any thread is started.
 *
 * The parent stays until the child says that it is ready or ends, and exits
 * with the child's code: this returns in the child alone. 0 or -errno.
 */
int background_start(struct background *b);

/* Lets the parent go, with success, and leaves the terminal. 0 or -errno. */
int background_ready(struct background *b);

/* Leaves the terminal: its session, its directory and the standard files. 0 or -errno. */
int background_leave(void);

#endif
