/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object.yaml (src/model/render_yaml.c): libyaml reads it as the same data, for every document the
 * scanner accepts: strings byte by byte, and none that a reader of YAML 1.1 takes for something
 * else; numbers as Go prints them.
 *
 * Input: a JSON document.
 */
#include <errno.h>
#include <yaml.h>

#include <podfs/model/render.h>

#include "fuzz.h"

static const char *text_of(const yaml_node_t *node)
{
	fuzz_check(node && node->type == YAML_SCALAR_NODE);
	return (const char *)node->data.scalar.value;
}

static void check_text(const yaml_node_t *node, const char *want, size_t len)
{
	const char *is = text_of(node);

	fuzz_check(node->data.scalar.length == len && (!len || !memcmp(is, want, len)));
}

/* Plain, it must be a string for everybody: a letter in front, and no word of YAML's. */
static void check_is_string(const yaml_node_t *node)
{
	static const char *const words[] = {"null", "true", "false", "yes", "no",
					    "on",   "off",  "y",     "n"};
	const char *s = text_of(node);

	if (node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return;
	fuzz_check(*s && strcmp(s, "~") != 0 && strcmp(s, "=") != 0 && strcmp(s, "<<") != 0);
	fuzz_check(*s < '0' || *s > '9');
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		fuzz_check(strcasecmp(s, words[i]) != 0);
}

static void check_value(const struct view *view, uint32_t n, yaml_document_t *d, int id);

static void check_object(const struct view *view, uint32_t n, yaml_document_t *d,
			 const yaml_node_t *node)
{
	cleanup_sorted_members struct sorted_members sorted = {0};
	const yaml_node_pair_t *pair = node->data.mapping.pairs.start;

	fuzz_check(node->type == YAML_MAPPING_NODE && sort_members(view, n, &sorted) == 0);
	fuzz_check((size_t)(node->data.mapping.pairs.top - pair) == sorted.count);
	for (size_t i = 0; i < sorted.count; i++) {
		const struct sorted_member *m = &sorted.members[i];
		const yaml_node_t *key = yaml_document_get_node(d, pair[i].key);

		check_text(key, sorted.keys.data + m->key_off, m->key_len);
		check_is_string(key);
		check_value(view, m->node, d, pair[i].value);
	}
}

static void check_array(const struct view *view, uint32_t n, yaml_document_t *d,
			const yaml_node_t *node)
{
	size_t i = 0;

	fuzz_check(node->type == YAML_SEQUENCE_NODE);
	const yaml_node_item_t *item = node->data.sequence.items.start;
	fuzz_check((size_t)(node->data.sequence.items.top - item) == view->index.nodes[n].count);
	for (uint32_t c = json_first(&view->index, n); c; c = view->index.nodes[c].next)
		check_value(view, c, d, item[i++]);
}

static void check_scalar(const struct view *view, uint32_t n, const yaml_node_t *node)
{
	const struct json_node *value = &view->index.nodes[n];
	cleanup_buf struct buf want = {0};

	if (value->type == JSON_STRING)
		fuzz_check(json_string(&want, view->text, value) == 0);
	else if (value->type == JSON_NUMBER)
		fuzz_check(render_number(&want, view->text + value->off, value->len, true) == 0);
	else
		buf_add(&want, view->text + value->off, value->len);
	check_text(node, want.data, want.len);
	if (value->type == JSON_STRING)
		check_is_string(node);
	else
		fuzz_check(node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE);
}

static void check_value(const struct view *view, uint32_t n, yaml_document_t *d, int id)
{
	const yaml_node_t *node = yaml_document_get_node(d, id);

	fuzz_check(node != NULL);
	if (view->index.nodes[n].type == JSON_OBJECT)
		check_object(view, n, d, node);
	else if (view->index.nodes[n].type == JSON_ARRAY)
		check_array(view, n, d, node);
	else
		check_scalar(view, n, node);
}

static void check_yaml(const struct view *view)
{
	cleanup_buf struct buf yaml = {0};
	yaml_parser_t parser;
	yaml_document_t d;

	fuzz_check(render_yaml(view, &yaml) == 0);
	fuzz_check(yaml_parser_initialize(&parser));
	yaml_parser_set_input_string(&parser, (unsigned char *)yaml.data, yaml.len);
	if (!yaml_parser_load(&parser, &d)) {
		fprintf(stderr, "%s at line %zu of\n%s", parser.problem,
			parser.problem_mark.line + 1, yaml.data);
		fuzz_check(!"libyaml reads it");
	}
	check_value(view, 0, &d, 1);
	yaml_document_delete(&d);
	fuzz_check(yaml_parser_load(&parser, &d) && !yaml_document_get_root_node(&d));
	yaml_document_delete(&d);
	yaml_parser_delete(&parser);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_begin(data, size);
	char *text = fuzz_copy(in, false);
	struct view view = {.text = text, .len = in.len};
	size_t off;

	if (json_scan(&view.index, text, in.len, &off) == 0)
		check_yaml(&view);
	json_index_release(&view.index);
	free(text);
	return 0;
}
