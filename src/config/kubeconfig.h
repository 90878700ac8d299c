/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubeconfig: one or more files that together are a configuration.
 *
 * client-go merges the files into one; here they stay apart and a look-up walks
 * them in order. The result is the same: for an entry of a name the first file
 * that has it wins with the whole entry, for current-context the first that
 * sets it. And every entry still knows the file, hence the directory, that its
 * relative paths start from.
 */
#ifndef PODFS_CONFIG_KUBECONFIG_H
#define PODFS_CONFIG_KUBECONFIG_H

#include "document.h"

/* No one has more; the limit keeps a mistaken variable from opening everything. */
#define KUBECONFIG_FILES_MAX 64

struct kubeconfig {
	struct document *files;
	size_t n_files;
};

/* A cluster, a user or a context: its mapping and where that is. */
struct entry {
	struct document *file;
	yaml_node_t *map; /* NULL: not there */
};

/**
 * Adds a file at the end.
 *
 * 0 or -errno as document_open(); -E2BIG over the limit.
 */
int kubeconfig_add(struct kubeconfig *k, const char *path, const char *cwd,
		   struct error *ret_error);
void kubeconfig_release(struct kubeconfig *k);

/* "a:b", the files read; NULL: no memory. */
char *kubeconfig_origin(const struct kubeconfig *k);

/* current-context, or NULL. */
const char *kubeconfig_current_context(struct kubeconfig *k);

/* The entry called @name of @list ("clusters"), whose content is under @kind ("cluster"). */
struct entry kubeconfig_find(struct kubeconfig *k, const char *list, const char *kind,
			     const char *name);

/* The names in @list into @ret, as "a, b, c", cut with "..." if there are too many. */
void kubeconfig_names(struct kubeconfig *k, const char *list, char *ret, size_t size);

#endif
