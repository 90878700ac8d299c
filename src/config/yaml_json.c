/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "yaml_json.h"

struct walk {
	struct document *document;
	size_t size; /* so far, roughly */
	unsigned depth;
};

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (!strcmp(text, *words))
			return true;
	return false;
}

/* JSON's grammar of numbers, which YAML's contains. */
static bool is_number(const char *s, bool *ret_integer)
{
	static const char digits[] = "0123456789";

	s += *s == '-';
	size_t n = strspn(s, digits);
	if (!n || (*s == '0' && n > 1))
		return false;
	s += n;
	*ret_integer = !*s;
	if (*s == '.') {
		n = strspn(++s, digits);
		if (!n)
			return false;
		s += n;
	}
	if (*s == 'e' || *s == 'E') {
		s++;
		s += *s == '-' || *s == '+';
		n = strspn(s, digits);
		if (!n)
			return false;
		s += n;
	}
	return !*s;
}

static struct json_object *number(const char *text, bool integer)
{
	char *end;

	errno = 0;
	int64_t v = integer ? strtoll(text, &end, 10) : 0;
	if (integer && !errno)
		return json_object_new_int64(v);
	/* As it is written: not all of it may fit. */
	return json_object_new_double_s(strtod(text, &end), text);
}

static int scalar(const yaml_node_t *node, struct json_object **ret)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
	static const char *const yes[] = {"true", "True", "TRUE", "yes", "Yes",
					  "YES",  "on",   "On",   "ON",  NULL};
	static const char *const no[] = {"false", "False", "FALSE", "no",  "No",
					 "NO",    "off",   "Off",   "OFF", NULL};
	const char *text = (const char *)node->data.scalar.value;
	bool plain = node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	bool integer;

	*ret = NULL;
	if (plain && is_one_of(text, nulls))
		return 0;
	if (plain && (is_one_of(text, yes) || is_one_of(text, no)))
		*ret = json_object_new_boolean(is_one_of(text, yes));
	else if (plain && is_number(text, &integer))
		*ret = number(text, integer);
	else
		*ret = json_object_new_string_len(text, (int)node->data.scalar.length);
	return *ret ? 0 : -ENOMEM;
}

static int convert(struct walk *w, const yaml_node_t *node, struct json_object **ret);

static int mapping(struct walk *w, const yaml_node_t *node, struct json_object *out)
{
	for (const yaml_node_pair_t *p = node->data.mapping.pairs.start;
	     p < node->data.mapping.pairs.top; p++) {
		const char *key = document_text(yaml_document_get_node(&w->document->yaml, p->key));
		struct json_object *value;

		if (!key)
			return -EINVAL;
		w->size += strlen(key);
		int r = convert(w, yaml_document_get_node(&w->document->yaml, p->value), &value);
		if (r < 0)
			return r;
		if (json_object_object_add(out, key, value) < 0) {
			json_object_put(value);
			return -ENOMEM;
		}
	}
	return 0;
}

static int sequence(struct walk *w, const yaml_node_t *node, struct json_object *out)
{
	const yaml_node_t *item;

	for (size_t i = 0; (item = document_at(w->document, node, i)); i++) {
		struct json_object *value;
		int r = convert(w, item, &value);

		if (r < 0)
			return r;
		if (json_object_array_add(out, value) < 0) {
			json_object_put(value);
			return -ENOMEM;
		}
	}
	return 0;
}

static int convert(struct walk *w, const yaml_node_t *node, struct json_object **ret)
{
	bool is_map = node->type == YAML_MAPPING_NODE;

	*ret = NULL;
	w->size += 4;
	if (node->type == YAML_SCALAR_NODE)
		w->size += node->data.scalar.length;
	if (w->size > YAML_JSON_SIZE_MAX || w->depth == YAML_JSON_DEPTH_MAX)
		return -E2BIG;
	if (node->type == YAML_SCALAR_NODE)
		return scalar(node, ret);
	struct json_object *out = is_map ? json_object_new_object() : json_object_new_array();
	if (!out)
		return -ENOMEM;
	w->depth++;
	int r = is_map ? mapping(w, node, out) : sequence(w, node, out);
	w->depth--;
	if (r < 0) {
		json_object_put(out);
		return r;
	}
	*ret = out;
	return 0;
}

int yaml_json(struct document *d, const yaml_node_t *node, char **ret)
{
	struct walk w = {.document = d};
	struct json_object *o;
	int r = convert(&w, node, &o);

	if (r < 0)
		return r;
	const char *text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
								 JSON_C_TO_STRING_NOSLASHESCAPE);
	*ret = text ? strdup(text) : NULL;
	json_object_put(o);
	return *ret ? 0 : -ENOMEM;
}
