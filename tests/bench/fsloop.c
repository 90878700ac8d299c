/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fsloop: times one filesystem operation in a loop, with nothing around it.
 *
 * fsloop read N FILE...   open, read, close; the files in turn
 * fsloop open N FILE...   open, close
 * fsloop stat N FILE...   lstat
 * fsloop list N DIR...    opendir, readdir with an lstat of each entry, closedir
 *
 * Prints the nanoseconds per operation (for list: per directory). The first
 * round over all paths is not timed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int loop_read(const char *path)
{
	char buf[65536];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	n = read(fd, buf, sizeof(buf));
	close(fd);
	return n < 0 ? -EIO : 0;
}

static int loop_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int loop_stat(const char *path)
{
	struct stat st;

	return lstat(path, &st) < 0 ? -errno : 0;
}

static int loop_list(const char *path)
{
	struct dirent *e;
	struct stat st;
	int r = 0;
	DIR *d = opendir(path);

	if (!d)
		return -errno;
	while (r == 0 && (e = readdir(d)) != NULL) {
		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			r = -errno;
	}
	closedir(d);
	return r;
}

static const struct {
	const char *name;
	int (*run)(const char *path);
} operations[] = {
    {"read", loop_read},
    {"open", loop_open},
    {"stat", loop_stat},
    {"list", loop_list},
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

static int rounds(int (*run)(const char *path), long n, char **paths, int n_paths)
{
	for (long i = 0; i < n; i++) {
		const char *path = paths[i % n_paths];
		int r = run(path);

		if (r < 0) {
			fprintf(stderr, "fsloop: %s: %s\n", path, strerror(-r));
			return r;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	int (*run)(const char *path) = NULL;
	uint64_t begin;
	long n;

	if (argc >= 4) {
		for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
			if (strcmp(argv[1], operations[i].name) == 0)
				run = operations[i].run;
		}
	}
	n = run ? strtol(argv[2], NULL, 10) : 0;
	if (n <= 0) {
		fprintf(stderr, "usage: fsloop read|open|stat|list N PATH...\n");
		return 2;
	}
	if (rounds(run, argc - 3, argv + 3, argc - 3) < 0)
		return 1;
	begin = now_ns();
	if (rounds(run, n, argv + 3, argc - 3) < 0)
		return 1;
	printf("%.1f\n", (double)(now_ns() - begin) / (double)n);
	return 0;
}
