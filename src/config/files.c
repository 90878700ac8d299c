/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files are read, in client-go's order: --kubeconfig, then KUBECONFIG,
 * then ~/.kube/config. The first that says anything decides.
 */
#include <errno.h>
#include <string.h>

#include <podfs/base/log.h>

#include "loader.h"
#include "strings.h"

static int add(struct loader *l, const char *path)
{
	cleanup_free char *whole = path_join(l->cwd, path);

	if (!whole)
		return -ENOMEM;
	return kubeconfig_add(&l->files, whole, l->cwd, l->error);
}

/* A file that is not there is no mistake: KUBECONFIG may name what will be. */
static int add_if_there(struct loader *l, const char *path)
{
	struct error ignored = {0};
	struct error *error = l->error;

	l->error = &ignored;
	int r = add(l, path);
	l->error = error;
	if (r == -ENOENT)
		return 0;
	if (r < 0 && error)
		*error = ignored;
	return r;
}

static bool seen(char **list, size_t n, const char *path)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i], path))
			return true;
	return false;
}

static int add_list(struct loader *l, const char *value)
{
	cleanup_free char *copy = strdup(value);
	char *done[KUBECONFIG_FILES_MAX];
	size_t n = 0;
	char *rest = copy;
	char *path;

	if (!copy)
		return -ENOMEM;
	while ((path = strsep(&rest, ":"))) {
		if (!*path || seen(done, n, path))
			continue;
		if (n == KUBECONFIG_FILES_MAX)
			return error_set(l->error, -E2BIG, "KUBECONFIG names more than %d files",
					 KUBECONFIG_FILES_MAX);
		done[n++] = path;
		int r = add_if_there(l, path);
		if (r < 0)
			return r;
	}
	if (l->files.n_files == 0)
		log_warn("none of the files in KUBECONFIG exists: %s", value);
	return 0;
}

int loader_read_files(struct loader *l)
{
	const char *list = loader_getenv(l, "KUBECONFIG");
	const char *home = loader_getenv(l, "HOME");

	if (l->flags->kubeconfig)
		return add(l, l->flags->kubeconfig);
	if (list)
		return add_list(l, list);
	if (!home)
		return 0;
	cleanup_free char *path = path_join(home, ".kube/config");
	return path ? add_if_there(l, path) : -ENOMEM;
}
