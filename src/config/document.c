/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "document.h"
#include "strings.h"

static int parse(struct document *d, const char *text, size_t len, struct error *ret_error)
{
	yaml_parser_t parser;
	int r = 0;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	if (yaml_parser_load(&parser, &d->yaml)) {
		d->parsed = true;
	} else if (parser.error == YAML_MEMORY_ERROR) {
		r = -ENOMEM;
	} else {
		r = error_set(ret_error, -EINVAL, "%s is not valid YAML: line %zu: %s", d->path,
			      parser.problem_mark.line + 1,
			      parser.problem ? parser.problem : "syntax error");
	}
	yaml_parser_delete(&parser);
	return r;
}

int document_open(const char *path, const char *cwd, struct document *ret, struct error *ret_error)
{
	cleanup_secret struct config_data text = {0};
	struct document d = {0};
	int r = file_read(path, DOCUMENT_SIZE_MAX, &text);

	if (r < 0)
		return error_set(ret_error, r, "cannot read the kubeconfig %s: %s", path,
				 strerror(-r));
	d.path = strdup(path);
	d.dir = path_dir(path, cwd);
	r = d.path && d.dir ? parse(&d, text.data, text.len, ret_error) : -ENOMEM;
	if (r >= 0 && yaml_document_get_root_node(&d.yaml) && !document_root(&d))
		r = error_set(ret_error, -EINVAL, "%s is not a kubeconfig: it is no mapping", path);
	if (r < 0) {
		document_release(&d);
		return r;
	}
	*ret = d;
	return 0;
}

void document_release(struct document *d)
{
	if (d->parsed) {
		/* Tokens and keys are among the scalars. */
		for (yaml_node_t *n = d->yaml.nodes.start; n < d->yaml.nodes.top; n++)
			if (n->type == YAML_SCALAR_NODE)
				explicit_bzero(n->data.scalar.value, n->data.scalar.length);
		yaml_document_delete(&d->yaml);
	}
	free(d->path);
	free(d->dir);
	*d = (struct document){0};
}

yaml_node_t *document_root(struct document *d)
{
	yaml_node_t *root = d->parsed ? yaml_document_get_root_node(&d->yaml) : NULL;

	return root && root->type == YAML_MAPPING_NODE ? root : NULL;
}

static bool is_null(const yaml_node_t *n)
{
	static const char *const words[] = {"", "~", "null", "Null", "NULL"};

	if (n->type != YAML_SCALAR_NODE || n->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp((const char *)n->data.scalar.value, words[i]))
			return true;
	return false;
}

yaml_node_t *document_get(struct document *d, const yaml_node_t *map, const char *key)
{
	if (!map || map->type != YAML_MAPPING_NODE)
		return NULL;
	for (const yaml_node_pair_t *p = map->data.mapping.pairs.start;
	     p < map->data.mapping.pairs.top; p++) {
		const char *text = document_text(yaml_document_get_node(&d->yaml, p->key));
		yaml_node_t *value = yaml_document_get_node(&d->yaml, p->value);

		if (text && !strcmp(text, key))
			return value && !is_null(value) ? value : NULL;
	}
	return NULL;
}

yaml_node_t *document_at(struct document *d, const yaml_node_t *seq, size_t i)
{
	if (!seq || seq->type != YAML_SEQUENCE_NODE)
		return NULL;
	if (i >= (size_t)(seq->data.sequence.items.top - seq->data.sequence.items.start))
		return NULL;
	return yaml_document_get_node(&d->yaml, seq->data.sequence.items.start[i]);
}

const char *document_text(const yaml_node_t *node)
{
	return node && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value
						      : NULL;
}

static int complain(struct document *d, const yaml_node_t *at, const char *key, const char *what,
		    struct error *ret_error)
{
	return error_set(ret_error, -EINVAL, "%s, line %zu: %s must be %s", d->path,
			 at->start_mark.line + 1, key, what);
}

int document_get_string(struct document *d, const yaml_node_t *map, const char *key, char **ret,
			struct error *ret_error)
{
	const yaml_node_t *value = document_get(d, map, key);

	*ret = NULL;
	if (!value)
		return 0;
	const char *text = document_text(value);
	if (!text || strlen(text) != value->data.scalar.length)
		return complain(d, value, key, "a string", ret_error);
	if (!*text)
		return 0;
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

int document_get_strings(struct document *d, const yaml_node_t *map, const char *key, char ***ret,
			 struct error *ret_error)
{
	const yaml_node_t *value = document_get(d, map, key);
	const yaml_node_t *item;
	size_t n = 0;

	*ret = NULL;
	if (!value)
		return 0;
	if (value->type != YAML_SEQUENCE_NODE)
		return complain(d, value, key, "a list of strings", ret_error);
	while (document_at(d, value, n))
		n++;
	char **list = calloc(n + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (size_t i = 0; (item = document_at(d, value, i)); i++) {
		const char *text = document_text(item);

		if (!text) {
			strings_free(list);
			return complain(d, item, key, "a list of strings", ret_error);
		}
		list[i] = strdup(text);
		if (!list[i]) {
			strings_free(list);
			return -ENOMEM;
		}
	}
	*ret = list;
	return 0;
}

int document_get_bool(struct document *d, const yaml_node_t *map, const char *key, bool *ret,
		      struct error *ret_error)
{
	static const char *const yes[] = {"true", "True", "TRUE", "yes", "on"};
	static const char *const no[] = {"false", "False", "FALSE", "no", "off"};
	const yaml_node_t *value = document_get(d, map, key);
	const char *text = document_text(value);

	*ret = false;
	if (!value)
		return 0;
	if (text && value->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
		for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
			*ret = *ret || !strcmp(text, yes[i]);
			if (*ret || !strcmp(text, no[i]))
				return 0;
		}
	}
	return complain(d, value, key, "true or false", ret_error);
}
