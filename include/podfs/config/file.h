/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file: a credential file, in one piece.
 */
#ifndef PODFS_CONFIG_FILE_H
#define PODFS_CONFIG_FILE_H

#include <stddef.h>

#include <podfs/config/config.h>

void config_data_release(struct config_data *d);
/* A local that may hold a secret: overwritten before it is freed. */
#define cleanup_secret cleanup_(config_data_release)

/**
 * Reads a whole file, which may be a pipe (kubeconfigs come from process
 * substitution). The result has a NUL after it.
 *
 * 0, -errno of open() or read(), -EFBIG if it has more than @max bytes, -ENOMEM.
 */
int file_read(const char *path, size_t max, struct config_data *ret);

#endif
