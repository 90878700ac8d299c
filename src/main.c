/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "app.h"

int main(int argc, char **argv)
{
	struct options options = {0};
	struct error error = {0};
	enum exit_code code = EXIT_CODE_OK;

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
