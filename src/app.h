/* SPDX-License-Identifier: Apache-2.0 */
/* app: the program's life, from a parsed command line to its exit code. */
#ifndef PODFS_APP_H
#define PODFS_APP_H

#include "options.h"

enum exit_code app_run(const struct options *o);

#endif
