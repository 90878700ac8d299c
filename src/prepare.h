/* SPDX-License-Identifier: Apache-2.0 */
/* prepare: everything that can be found wrong before a process is left in the background. */
#ifndef PODFS_PREPARE_H
#define PODFS_PREPARE_H

#include "options.h"

/**
 * Checks the mount point, loads the configuration and opens the log on the terminal.
 *
 * @ret_mountpoint  PATH_MAX bytes: the mount point's real path.
 * @ret_config      to be released in any case.
 *
 * EXIT_CODE_OK, or what the program ends with, with @ret_error filled.
 */
enum exit_code prepare(const struct options *o, char *ret_mountpoint,
		       struct client_config *ret_config, struct error *ret_error);

/* The log goes where it belongs from the mount on. */
void prepare_log(const struct options *o);

#endif
