/* SPDX-License-Identifier: Apache-2.0 */
/* prepare: everything that can be found wrong before a process is left in the background. */
#ifndef PODFS_PREPARE_H
#define PODFS_PREPARE_H

#include "options.h"

/*
 * Each: EXIT_CODE_OK, or what the program ends with, with @ret_error filled.
 *
 * The mount point is checked; @ret_mountpoint has PATH_MAX bytes for its real path.
 */
enum exit_code prepare_mountpoint(const struct options *o, char *ret_mountpoint,
				  struct error *ret_error);

/* The configuration is loaded, to be released in any case, and the log is opened on the terminal.
 */
enum exit_code prepare_config(const struct options *o, struct client_config *ret_config,
			      struct error *ret_error);

/* The log goes where it belongs from the mount on. */
void prepare_log(const struct options *o);

#endif
