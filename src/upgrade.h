/* SPDX-License-Identifier: Apache-2.0 */
/* upgrade: asks the supervisor of a mount to have another program serve it, and waits until it
 * does. */
#ifndef PODFS_UPGRADE_H
#define PODFS_UPGRADE_H

#include "options.h"

enum exit_code upgrade(const char *mountpoint);

#endif
