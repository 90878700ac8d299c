/* SPDX-License-Identifier: Apache-2.0 */
/*
 * document: one YAML file in memory, looked at by key.
 *
 * A thin layer over libyaml's document: mappings, sequences and scalars, with
 * anchors resolved. JSON is read too, being YAML. Nodes belong to the document.
 */
#ifndef PODFS_CONFIG_DOCUMENT_H
#define PODFS_CONFIG_DOCUMENT_H

#include <stdbool.h>
#include <yaml.h>

#include <podfs/base/cleanup.h>
#include <podfs/base/error.h>

/* A kubeconfig of a thousand clusters with certificates has about 5 MB. */
#define DOCUMENT_SIZE_MAX (16u << 20)

struct document {
	char *path; /* for messages */
	char *dir;  /* absolute: what relative paths in it start from */
	yaml_document_t yaml;
	bool parsed;
};

/**
 * Reads a file. An empty one is a document without a root.
 *
 * @cwd  what a relative @path starts from.
 *
 * 0 or -errno with @ret_error filled: of open() and read(), -EFBIG, -EINVAL if
 * it is no YAML, -ENOMEM. Of more than one document the first counts, as for kubectl.
 */
int document_open(const char *path, const char *cwd, struct document *ret, struct error *ret_error);
void document_release(struct document *d);

/* The root if it is a mapping, else NULL. */
yaml_node_t *document_root(struct document *d);

/* The value of @key in a mapping; NULL if there is none, or it is null, or @map is no mapping. */
yaml_node_t *document_get(struct document *d, const yaml_node_t *map, const char *key);

/* The @i-th element of a sequence, NULL past its end or if @seq is none. */
yaml_node_t *document_at(struct document *d, const yaml_node_t *seq, size_t i);

/* A scalar's text, NULL if it is something else. */
const char *document_text(const yaml_node_t *node);

/**
 * A copy of a string field. *ret is NULL if it is absent or empty.
 *
 * 0, -ENOMEM, or -EINVAL with @ret_error filled if it is no scalar.
 */
int document_get_string(struct document *d, const yaml_node_t *map, const char *key, char **ret,
			struct error *ret_error);

/* The same for a list of strings; NULL-terminated. */
int document_get_strings(struct document *d, const yaml_node_t *map, const char *key, char ***ret,
			 struct error *ret_error);

/* The same for true or false; absent is false. */
int document_get_bool(struct document *d, const yaml_node_t *map, const char *key, bool *ret,
		      struct error *ret_error);

#endif
