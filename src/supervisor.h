/* SPDX-License-Identifier: Apache-2.0 */
/* supervisor: mounts, and keeps the mount whatever happens to the worker that serves it. */
#ifndef PODFS_SUPERVISOR_H
#define PODFS_SUPERVISOR_H

#include "options.h"

/* Until the end of the mount. @arguments: spawn.h. */
enum exit_code supervise(const struct options *o, int arguments);

#endif
