/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <podfs/base/cleanup.h>

#include "app.h"
#include "spawn.h"
#include "supervisor.h"
#include "upgrade.h"

/* A dump would hold the credentials. What cannot be limited is not worth ending for. */
static void forbid_core_dumps(void)
{
	/* With 0 the kernel would still hand a dump to a program; with 1 it does not: core(5). */
	const struct rlimit none = {1, 1};

	setrlimit(RLIMIT_CORE, &none);
}

static enum exit_code parse(int argc, char **argv, struct options *ret)
{
	struct error error = {0};

	if (options_parse(argc, argv, ret, &error) == 0)
		return EXIT_CODE_OK;
	fprintf(stderr, "podfs: error: %s\npodfs: hint: %s\n", error.msg, error.hint);
	return EXIT_CODE_USAGE;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* Nothing that we start gets what the supervisor gave us. */
static int take_over(int fd)
{
	return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -1 : fd;
}

static enum exit_code work(const char *mountpoint)
{
	struct options options = {0};
	const struct app_place place = {
	    .link = take_over(WORKER_FD_LINK),
	    .memory = take_over(WORKER_FD_MEMORY),
	    .mount = is_open(WORKER_FD_MOUNT) ? take_over(WORKER_FD_MOUNT) : -1,
	    .mountpoint = mountpoint,
	};
	cleanup_free char **argv = NULL;
	int argc = 0;
	int r = arguments_take(WORKER_FD_ARGUMENTS, &argc, &argv);

	close(WORKER_FD_ARGUMENTS);
	if (r < 0 || place.link < 0 || place.memory < 0) {
		fprintf(stderr, "podfs: error: " WORKER_ARGUMENT " is for podfs itself\n");
		return EXIT_CODE_USAGE;
	}
	enum exit_code code = parse(argc, argv, &options);
	if (code == EXIT_CODE_OK)
		code = app_work(&options, &place);
	options_release(&options);
	return code;
}

static enum exit_code run(int argc, char **argv)
{
	struct options options = {0};
	/* Before the token in it is overwritten. */
	int arguments = arguments_keep(argc, argv);
	enum exit_code code = parse(argc, argv, &options);

	if (code != EXIT_CODE_OK) {
		/* It has been said. */
	} else if (options.help) {
		fputs(options_help, stdout);
	} else if (options.version) {
		puts("podfs " PODFS_VERSION);
	} else if (options.upgrade) {
		code = upgrade(options.mountpoint);
	} else if (options.no_supervise) {
		code = app_run(&options);
	} else if (arguments < 0) {
		fprintf(stderr, "podfs: error: cannot begin: %s\n", strerror(-arguments));
		code = EXIT_CODE_OTHER;
	} else {
		code = supervise(&options, arguments);
	}
	options_release(&options);
	return code;
}

int main(int argc, char **argv)
{
	forbid_core_dumps();
	if (argc == 3 && !strcmp(argv[1], WORKER_ARGUMENT))
		return work(argv[2]);
	return run(argc, argv);
}
