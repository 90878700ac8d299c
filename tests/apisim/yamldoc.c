/* SPDX-License-Identifier: Apache-2.0 */
#include "yamldoc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* An untagged plain scalar: null, a boolean, a number, or else a string. */
static json_object *plain(const char *s, size_t len)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
	char *end;

	for (size_t i = 0; i < ARRAY_SIZE(nulls); i++)
		if (!strcmp(s, nulls[i]))
			return NULL;
	if (!strcmp(s, "true") || !strcmp(s, "True") || !strcmp(s, "TRUE"))
		return json_object_new_boolean(1);
	if (!strcmp(s, "false") || !strcmp(s, "False") || !strcmp(s, "FALSE"))
		return json_object_new_boolean(0);
	if (strspn(s, "+-0123456789") == len) {
		long long n;

		errno = 0;
		n = strtoll(s, &end, 10);
		if (!*end && !errno)
			return json_object_new_int64(n);
	}
	if (strspn(s, "+-.eE0123456789") == len && strpbrk(s, "0123456789")) {
		double d = strtod(s, &end);

		if (!*end)
			return json_object_new_double_s(d, s);
	}
	return json_object_new_string_len(s, (int)len);
}

static json_object *convert(yaml_document_t *doc, yaml_node_t *node, int depth)
{
	json_object *o;

	if (!node || depth > 100)
		return NULL;
	if (node->type == YAML_SCALAR_NODE) {
		const char *s = (const char *)node->data.scalar.value;

		if (node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
			return plain(s, node->data.scalar.length);
		return json_object_new_string_len(s, (int)node->data.scalar.length);
	}
	if (node->type == YAML_SEQUENCE_NODE) {
		o = json_object_new_array();
		for (yaml_node_item_t *i = node->data.sequence.items.start;
		     i < node->data.sequence.items.top; i++)
			json_object_array_add(
			    o, convert(doc, yaml_document_get_node(doc, *i), depth + 1));
		return o;
	}
	o = json_object_new_object();
	for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top;
	     p++) {
		yaml_node_t *key = yaml_document_get_node(doc, p->key);

		if (key && key->type == YAML_SCALAR_NODE)
			jset(o, (const char *)key->data.scalar.value,
			     convert(doc, yaml_document_get_node(doc, p->value), depth + 1));
	}
	return o;
}

bool yaml_each(const char *name, const char *text, size_t len,
	       bool (*each)(json_object *doc, void *arg), void *arg)
{
	yaml_parser_t parser;
	bool ok = true, more = true;

	yaml_parser_initialize(&parser);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	while (ok && more) {
		yaml_document_t doc;
		yaml_node_t *root;

		if (!yaml_parser_load(&parser, &doc)) {
			fprintf(stderr, "apisim: error: %s:%zu: %s\n", name,
				parser.problem_mark.line + 1, parser.problem);
			ok = false;
			break;
		}
		root = yaml_document_get_root_node(&doc);
		more = root;
		if (root) {
			_cleanup_(jputp) json_object *o = convert(&doc, root, 0);

			/* an empty document between two separators is no object */
			ok = !o || each(o, arg);
		}
		yaml_document_delete(&doc);
	}
	yaml_parser_delete(&parser);
	return ok;
}
