/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <podfs/base/buf.h>

#include "kubeconfig.h"

int kubeconfig_add(struct kubeconfig *k, const char *path, const char *cwd, struct error *ret_error)
{
	struct document doc;

	if (k->n_files == KUBECONFIG_FILES_MAX)
		return error_set(ret_error, -E2BIG, "KUBECONFIG names more than %d files",
				 KUBECONFIG_FILES_MAX);
	int r = document_open(path, cwd, &doc, ret_error);
	if (r < 0)
		return r;
	struct document *files = realloc(k->files, (k->n_files + 1) * sizeof(*files));
	if (!files) {
		document_release(&doc);
		return -ENOMEM;
	}
	k->files = files;
	k->files[k->n_files++] = doc;
	return 0;
}

void kubeconfig_release(struct kubeconfig *k)
{
	for (size_t i = 0; i < k->n_files; i++)
		document_release(&k->files[i]);
	free(k->files);
	*k = (struct kubeconfig){0};
}

char *kubeconfig_origin(const struct kubeconfig *k)
{
	cleanup_buf struct buf out = {0};

	for (size_t i = 0; i < k->n_files; i++)
		buf_addf(&out, "%s%s", i ? ":" : "", k->files[i].path);
	return buf_take(&out, NULL);
}

const char *kubeconfig_current_context(struct kubeconfig *k)
{
	for (size_t i = 0; i < k->n_files; i++) {
		struct document *d = &k->files[i];
		const char *name =
		    document_text(document_get(d, document_root(d), "current-context"));

		if (name && *name)
			return name;
	}
	return NULL;
}

struct entry kubeconfig_find(struct kubeconfig *k, const char *list, const char *kind,
			     const char *name)
{
	for (size_t i = 0; i < k->n_files; i++) {
		struct document *d = &k->files[i];
		const yaml_node_t *seq = document_get(d, document_root(d), list);
		const yaml_node_t *item;

		for (size_t j = 0; (item = document_at(d, seq, j)); j++) {
			const char *text = document_text(document_get(d, item, "name"));
			yaml_node_t *map = document_get(d, item, kind);

			if (text && map && !strcmp(text, name))
				return (struct entry){d, map};
		}
	}
	return (struct entry){0};
}

void kubeconfig_names(struct kubeconfig *k, const char *list, char *ret, size_t size)
{
	const size_t room_for_dots = 8;
	size_t len = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < k->n_files; i++) {
		struct document *d = &k->files[i];
		const yaml_node_t *seq = document_get(d, document_root(d), list);
		const yaml_node_t *item;

		for (size_t j = 0; (item = document_at(d, seq, j)); j++) {
			const char *text = document_text(document_get(d, item, "name"));

			if (!text)
				continue;
			if (len + strlen(text) + room_for_dots > size) {
				snprintf(ret + len, size - len, "%s...", len ? ", " : "");
				return;
			}
			len +=
			    (size_t)snprintf(ret + len, size - len, "%s%s", len ? ", " : "", text);
		}
	}
}
