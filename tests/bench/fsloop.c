/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fsloop: times one filesystem operation on several paths, in turns so short
 * that whatever else the machine does hits them all alike.
 *
 * fsloop read TURNS N PATH...   open, read, close
 * fsloop open TURNS N PATH...   open, close
 * fsloop stat TURNS N PATH...   lstat
 *
 * A turn is N operations on each path, one path after the other; the next turn
 * begins with another path. Prints a line for each path: the nanoseconds of an
 * operation in each turn. What comes first, untimed, makes the kernel know them.
 */
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

static const struct {
	const char *name;
	int (*run)(const char *path);
} operations[] = {
    {"read", loop_read},
    {"open", loop_open},
    {"stat", loop_stat},
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

/* Nanoseconds an operation, or negative. */
static double one_turn(int (*run)(const char *path), long n, const char *path)
{
	uint64_t begin = now_ns();

	for (long i = 0; i < n; i++) {
		int r = run(path);

		if (r < 0) {
			fprintf(stderr, "fsloop: %s: %s\n", path, strerror(-r));
			return -1;
		}
	}
	return (double)(now_ns() - begin) / (double)n;
}

/* Turn 0 is not timed. */
static int all_turns(int (*run)(const char *path), long turns, long n, char **paths, long count,
		     double *times)
{
	for (long turn = 0; turn <= turns; turn++) {
		for (long i = 0; i < count; i++) {
			long which = (turn + i) % count;
			double ns = one_turn(run, n, paths[which]);

			if (ns < 0)
				return -1;
			if (turn)
				times[which * turns + turn - 1] = ns;
		}
	}
	return 0;
}

static void print(const double *times, long turns, long count)
{
	for (long i = 0; i < count; i++)
		for (long turn = 0; turn < turns; turn++)
			printf("%.1f%c", times[i * turns + turn], turn + 1 < turns ? ' ' : '\n');
}

int main(int argc, char **argv)
{
	int (*run)(const char *path) = NULL;
	long count = argc - 4;
	double *times = NULL;
	long turns = 0;
	long n = 0;
	int r = -1;

	if (count > 0) {
		for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
			if (strcmp(argv[1], operations[i].name) == 0)
				run = operations[i].run;
		turns = strtol(argv[2], NULL, 10);
		n = strtol(argv[3], NULL, 10);
	}
	if (!run || turns <= 0 || n <= 0) {
		fprintf(stderr, "usage: fsloop read|open|stat TURNS N PATH...\n");
		return 2;
	}
	times = calloc((size_t)(count * turns), sizeof(*times));
	if (times)
		r = all_turns(run, turns, n, argv + 4, count, times);
	if (r == 0)
		print(times, turns, count);
	free(times);
	return r == 0 ? 0 : 1;
}
