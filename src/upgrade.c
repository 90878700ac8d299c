/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mount says who its supervisor is; a signal does the rest. That the new
 * worker serves is seen in the mount, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <podfs/base/buf.h>
#include <podfs/base/cleanup.h>

#include "upgrade.h"

#define LOOK_EVERY_MS 50
#define WAIT_MS 60000

struct processes {
	long supervisor;
	long worker;
	long failed;
};

/* The number behind "key: " in `key: value` lines, or -1. */
static long number_of(const char *text, const char *key)
{
	size_t n = strlen(key);

	for (const char *p = text; p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (!strncmp(p, key, n) && p[n] == ':')
			return strtol(p + n + 1, NULL, 10);
	}
	return -1;
}

static int read_processes(const char *mountpoint, struct processes *ret)
{
	cleanup_buf struct buf path = {0};
	char text[8192];

	if (buf_addf(&path, "%s/.podfs/status", mountpoint) < 0)
		return -ENOMEM;
	cleanup_close int fd = open(path.data, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	*ret = (struct processes){number_of(text, "supervisor"), number_of(text, "worker"),
				  number_of(text, "worker.failedUpgrades")};
	return 0;
}

static enum exit_code wait_for(const char *mountpoint, const struct processes *before)
{
	const struct timespec pause = {0, LOOK_EVERY_MS * 1000000L};
	struct processes now = {0};

	for (int waited = 0; waited < WAIT_MS; waited += LOOK_EVERY_MS) {
		nanosleep(&pause, NULL);
		if (read_processes(mountpoint, &now) < 0 || now.worker == before->worker)
			continue;
		if (now.failed != before->failed) {
			fprintf(stderr, "podfs: error: the new program does not serve; the old one "
					"goes on\npodfs: hint: its log says why\n");
			return EXIT_CODE_OTHER;
		}
		printf("podfs: %s is served by the new program (worker %ld)\n", mountpoint,
		       now.worker);
		return EXIT_CODE_OK;
	}
	fprintf(stderr, "podfs: error: nothing has happened for %d s\n", WAIT_MS / 1000);
	return EXIT_CODE_OTHER;
}

enum exit_code upgrade(const char *mountpoint)
{
	struct processes before = {0};
	int r = read_processes(mountpoint, &before);

	if (r < 0) {
		fprintf(stderr, "podfs: error: %s is no mount of podfs that is served: %s\n",
			mountpoint, strerror(-r));
		return EXIT_CODE_MOUNT;
	}
	if (before.supervisor <= 1) {
		fprintf(stderr,
			"podfs: error: %s has no supervisor: it cannot be upgraded\n"
			"podfs: hint: unmount it and start podfs anew\n",
			mountpoint);
		return EXIT_CODE_MOUNT;
	}
	if (kill((pid_t)before.supervisor, SIGUSR2) < 0) {
		fprintf(stderr, "podfs: error: cannot signal process %ld: %s\n", before.supervisor,
			strerror(errno));
		return EXIT_CODE_OTHER;
	}
	return wait_for(mountpoint, &before);
}
