/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libyaml writes; what is decided here is only which strings may stand plain.
 * The schemas of YAML 1.1 and 1.2 read plain scalars differently, so everything
 * that any of them takes for a number, a truth value, a null, a date or a merge
 * key is quoted: it then comes back as the string it was.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#include <podfs/model/render.h>

struct emitter {
	const struct view *view;
	yaml_emitter_t yaml;
	struct buf scratch;
};

static int write_cb(void *data, unsigned char *bytes, size_t len)
{
	return buf_add(data, bytes, len) == 0;
}

static bool is_word(const char *s, size_t len)
{
	static const char *const words[] = {"null", "true", "false", "yes", "no", "on",
					    "off",  "y",    "n",     "~",   "=",  "<<"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strlen(words[i]) == len && !strncasecmp(s, words[i], len))
			return true;
	return false;
}

/*
 * Numbers of every kind (octal, hexadecimal, base 60, infinities) and dates
 * begin with a digit, a sign or a point. So do version numbers and addresses,
 * which would be safe; quoting them, too, costs nothing.
 */
static bool looks_like_number(const char *s, size_t len)
{
	return isdigit((unsigned char)s[0]) ||
	       (len > 1 && strchr("+-.", s[0]) &&
		(isdigit((unsigned char)s[1]) || strchr(".iInN", s[1])));
}

static bool must_quote(const char *s, size_t len)
{
	return !len || is_word(s, len) || looks_like_number(s, len);
}

static int emit(struct emitter *e, yaml_event_t *event, int made)
{
	if (!made || !yaml_emitter_emit(&e->yaml, event))
		return -ENOMEM;
	return 0;
}

static int emit_scalar(struct emitter *e, const char *s, size_t len, yaml_scalar_style_t style)
{
	yaml_event_t event;

	/* libyaml never writes to the value, but its signature does not say so. */
	return emit(e, &event,
		    yaml_scalar_event_initialize(&event, NULL, NULL,
						 (yaml_char_t *)(uintptr_t)(len ? s : ""), (int)len,
						 1, 1, style));
}

static int emit_string(struct emitter *e, const char *s, size_t len)
{
	yaml_scalar_style_t style = YAML_PLAIN_SCALAR_STYLE;

	if (must_quote(s, len))
		style = YAML_DOUBLE_QUOTED_SCALAR_STYLE;
	else if (memchr(s, '\n', len))
		style = YAML_LITERAL_SCALAR_STYLE;
	return emit_scalar(e, s, len, style);
}

static int emit_value(struct emitter *e, uint32_t n);

static int emit_object(struct emitter *e, uint32_t n)
{
	cleanup_sorted_members struct sorted_members sorted = {0};
	yaml_event_t event;
	int r = sort_members(e->view, n, &sorted);

	if (r == 0)
		r = emit(e, &event,
			 yaml_mapping_start_event_initialize(&event, NULL, NULL, 1,
							     YAML_BLOCK_MAPPING_STYLE));
	for (size_t i = 0; i < sorted.count && r == 0; i++) {
		const struct sorted_member *m = &sorted.members[i];

		r = emit_string(e, sorted.keys.data + m->key_off, m->key_len);
		if (r == 0)
			r = emit_value(e, m->node);
	}
	return r < 0 ? r : emit(e, &event, yaml_mapping_end_event_initialize(&event));
}

static int emit_array(struct emitter *e, uint32_t n)
{
	yaml_event_t event;
	int r = emit(
	    e, &event,
	    yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE));

	for (uint32_t c = json_first(&e->view->index, n); c && r == 0;
	     c = e->view->index.nodes[c].next)
		r = emit_value(e, c);
	return r < 0 ? r : emit(e, &event, yaml_sequence_end_event_initialize(&event));
}

static int emit_value(struct emitter *e, uint32_t n)
{
	const struct json_node *node = &e->view->index.nodes[n];

	switch (node->type) {
	case JSON_OBJECT:
		return emit_object(e, n);
	case JSON_ARRAY:
		return emit_array(e, n);
	case JSON_STRING:
		if (!node->decode)
			return emit_string(e, e->view->text + node->off, node->len);
		buf_clear(&e->scratch);
		if (json_string(&e->scratch, e->view->text, node) < 0)
			return -ENOMEM;
		return emit_string(e, e->scratch.data, e->scratch.len);
	case JSON_NUMBER:
		buf_clear(&e->scratch);
		if (render_number(&e->scratch, e->view->text + node->off, node->len, true) < 0)
			return -ENOMEM;
		return emit_scalar(e, e->scratch.data, e->scratch.len, YAML_PLAIN_SCALAR_STYLE);
	default:
		return emit_scalar(e, e->view->text + node->off, node->len,
				   YAML_PLAIN_SCALAR_STYLE);
	}
}

static int emit_document(struct emitter *e)
{
	yaml_event_t event;
	int r = emit(e, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));

	if (r == 0)
		r = emit(e, &event,
			 yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1));
	if (r == 0)
		r = emit_value(e, 0);
	if (r == 0)
		r = emit(e, &event, yaml_document_end_event_initialize(&event, 1));
	return r < 0 ? r : emit(e, &event, yaml_stream_end_event_initialize(&event));
}

int render_yaml(const struct view *view, struct buf *out)
{
	struct emitter e = {.view = view};

	if (!yaml_emitter_initialize(&e.yaml))
		return -ENOMEM;
	yaml_emitter_set_output(&e.yaml, write_cb, out);
	yaml_emitter_set_unicode(&e.yaml, 1);
	yaml_emitter_set_width(&e.yaml, -1);
	yaml_emitter_set_indent(&e.yaml, 2);
	int r = emit_document(&e);
	yaml_emitter_delete(&e.yaml);
	buf_release(&e.scratch);
	return r;
}
