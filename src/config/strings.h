/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strings: small helpers for owned strings, lists of them, and secrets.
 */
#ifndef PODFS_CONFIG_STRINGS_H
#define PODFS_CONFIG_STRINGS_H

#include <podfs/base/cleanup.h>
#include <podfs/config/config.h>
#include <podfs/config/file.h>

/* Frees a NULL-terminated list and its strings; NULL is fine. */
void strings_free(char **list);

/* Overwrites and frees; NULL is fine. */
void secret_free(char *s);

/* Replaces *where by a copy of @s, if there is an @s. 0 or -ENOMEM. */
int string_replace(char **where, const char *s);

/* The directory of @path, made absolute; an empty @cwd counts as "/". NULL: no memory. */
char *path_dir(const char *path, const char *cwd);

/* @path as seen from @dir, an absolute directory. NULL: no memory. */
char *path_join(const char *dir, const char *path);

/**
 * Decodes base64, as in kubeconfigs: standard alphabet, padding, white space
 * ignored.
 *
 * 0, -EINVAL or -ENOMEM. The result has a NUL after it.
 */
int base64_decode(const char *text, struct config_data *ret);

#endif
