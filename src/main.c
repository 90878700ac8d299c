/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>

#include "app.h"

/* A dump would hold the credentials. What cannot be limited is not worth ending for. */
static void forbid_core_dumps(void)
{
	/* With 0 the kernel would still hand a dump to a program; with 1 it does not: core(5). */
	const struct rlimit none = {1, 1};

	setrlimit(RLIMIT_CORE, &none);
}

int main(int argc, char **argv)
{
	struct options options = {0};
	struct error error = {0};
	enum exit_code code = EXIT_CODE_OK;

	forbid_core_dumps();
	if (options_parse(argc, argv, &options, &error) < 0) {
		fprintf(stderr, "podfs: error: %s\npodfs: hint: %s\n", error.msg, error.hint);
		code = EXIT_CODE_USAGE;
	} else if (options.help) {
		fputs(options_help, stdout);
	} else if (options.version) {
		puts("podfs " PODFS_VERSION);
	} else {
		code = app_run(&options);
	}
	options_release(&options);
	return code;
}
