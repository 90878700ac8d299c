/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ingest path (src/model: json.c, json_string.c, packed.c, facts.c, render_json.c) against
 * json-c as the model.
 *
 *  - What the scanner accepts, json-c accepts, and the data is the same: each value, each string
 *    byte by byte, each number as Go reads it.
 *  - What the scanner refuses, json-c refuses.
 *  - An object that is taken in is kept as it was, but for what packed.h says; what `kubectl get
 *    -o json` would print of it is the same data again, and read and printed once more the same
 *    bytes.
 *  - The facts of a pod are those that json-c finds in the object.
 *
 * Where the two are meant to differ:
 *  - json-c, strict as it can be, still takes NaN, Infinity and -Infinity, controls in strings,
 *    keys in single quotes, numbers with leading zeros, without a digit behind the point or the
 *    exponent, or before the point, and a NUL behind the text: RFC 8259 and Go do not.
 *  - json-c keeps bytes that are not UTF-8; here, as in Go, each is U+FFFD.
 *  - json-c ends a key at a NUL: such documents are left out here.
 *  - Of a surrogate without its other half json-c and Go make one U+FFFD, but not always of the
 *    same bytes: such documents are left out, too.
 *  - The limits (JSON_DEPTH_MAX, JSON_TEXT_MAX) are podfs's own.
 *  - Numbers beyond int64 are float64 in Go, and uint64 in json-c, if they fit that.
 *
 * Input: a byte for the kind, then the document.
 */
#include <errno.h>
/* Both have an enum of that name. */
#define json_type jsonc_type
#include <json-c/json.h>
#include <json-c/json_object_iterator.h>
#undef json_type
#include <math.h>

#include <podfs/base/utf8.h>
#include <podfs/model/packed.h>
#include <podfs/model/render.h>

#include "fuzz.h"

static struct json_object *read_model(const char *text, size_t len)
{
	struct json_tokener *tok = json_tokener_new_ex((int)JSON_DEPTH_MAX + 1);

	fuzz_check(tok != NULL);
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
	struct json_object *o = json_tokener_parse_ex(tok, text, (int)len);
	enum json_tokener_error err = json_tokener_get_error(tok);
	/* A number may go on, as far as json-c knows. */
	if (err == json_tokener_continue)
		o = json_tokener_parse_ex(tok, "", 1);
	err = json_tokener_get_error(tok);
	json_tokener_free(tok);
	if (err == json_tokener_success)
		return o ? o : json_object_new_string("null");
	json_object_put(o);
	return NULL;
}

/* As Go reads it: every byte that is no UTF-8 is U+FFFD. */
static void add_replaced(struct buf *out, const char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		char utf8[4];
		uint32_t rune;
		size_t n = utf8_read(s + i, len - i, &rune);

		buf_add(out, utf8, utf8_write(utf8, rune));
		i += n ? n : 1;
	}
}

static void check_string(const struct view *view, uint32_t n, struct json_object *o)
{
	cleanup_buf struct buf is = {0};
	cleanup_buf struct buf want = {0};

	fuzz_check(json_object_is_type(o, json_type_string));
	fuzz_check(json_string(&is, view->text, &view->index.nodes[n]) == 0);
	add_replaced(&want, json_object_get_string(o), (size_t)json_object_get_string_len(o));
	fuzz_check(is.len == want.len && (!is.len || !memcmp(is.data, want.data, is.len)));
}

/* The float64 nearest to a token, and whether it is a whole number that fits int64. */
static bool read_number(const char *token, size_t len, double *ret, long long *ret_whole)
{
	char *text = fuzz_copy((struct fuzz_input){token, len}, true);
	char *end;

	*ret = strtod(text, NULL);
	errno = 0;
	*ret_whole = strtoll(text, &end, 10);
	bool whole = !*end && !errno;
	free(text);
	return whole;
}

static void check_number(const struct view *view, uint32_t n, struct json_object *o)
{
	const struct json_node *node = &view->index.nodes[n];
	cleanup_buf struct buf printed = {0};
	double v, again;
	long long whole, whole_again;
	bool is_whole = read_number(view->text + node->off, node->len, &v, &whole);

	fuzz_check(json_object_is_type(o, json_type_int) ||
		   json_object_is_type(o, json_type_double));
	if (is_whole)
		fuzz_check(json_object_get_int64(o) == whole);
	else if (json_object_is_type(o, json_type_double))
		fuzz_check(json_object_get_double(o) == v);
	fuzz_check(render_number(&printed, view->text + node->off, node->len, false) == 0);
	bool whole_printed = read_number(printed.data, printed.len, &again, &whole_again);
	if (is_whole)
		fuzz_check(whole_printed && whole == whole_again);
	else
		fuzz_check(v == again);
}

static void check_value(const struct view *view, uint32_t n, struct json_object *o);

static void check_object(const struct view *view, uint32_t n, struct json_object *o)
{
	cleanup_sorted_members struct sorted_members sorted = {0};

	fuzz_check(json_object_is_type(o, json_type_object));
	fuzz_check(sort_members(view, n, &sorted) == 0);
	fuzz_check((int)sorted.count == json_object_object_length(o));
	for (size_t i = 0; i < sorted.count; i++) {
		const struct sorted_member *m = &sorted.members[i];
		char *key =
		    fuzz_copy((struct fuzz_input){sorted.keys.data + m->key_off, m->key_len}, true);
		struct json_object *value = NULL;

		fuzz_check(json_object_object_get_ex(o, key, &value));
		check_value(view, m->node, value);
		free(key);
	}
}

static void check_array(const struct view *view, uint32_t n, struct json_object *o)
{
	size_t i = 0;

	fuzz_check(json_object_is_type(o, json_type_array));
	fuzz_check(json_object_array_length(o) == view->index.nodes[n].count);
	for (uint32_t c = json_first(&view->index, n); c; c = view->index.nodes[c].next)
		check_value(view, c, json_object_array_get_idx(o, i++));
	fuzz_check(i == view->index.nodes[n].count);
}

static void check_value(const struct view *view, uint32_t n, struct json_object *o)
{
	switch (view->index.nodes[n].type) {
	case JSON_OBJECT:
		check_object(view, n, o);
		break;
	case JSON_ARRAY:
		check_array(view, n, o);
		break;
	case JSON_STRING:
		check_string(view, n, o);
		break;
	case JSON_NUMBER:
		check_number(view, n, o);
		break;
	case JSON_NULL:
		fuzz_check(!o);
		break;
	default:
		fuzz_check(json_object_is_type(o, json_type_boolean));
		fuzz_check(json_object_get_boolean(o) == (view->index.nodes[n].type == JSON_TRUE));
	}
}

static bool is_surrogate(const char *p, const char *end, const char *third)
{
	return end - p >= 6 && p[0] == '\\' && p[1] == 'u' && (p[2] | 0x20) == 'd' &&
	       strchr(third, p[3] | 0x20);
}

/* At a backslash, of JSON: how many bytes it and what belongs to it take; 0: it is special. */
static size_t skip_escape(const char *p, const char *end)
{
	if (end - p >= 6 && !memcmp(p + 1, "u0000", 5))
		return 0;
	if (is_surrogate(p, end, "89ab"))
		return is_surrogate(p + 6, end, "cdef") ? 12 : 0;
	return is_surrogate(p, end, "cdef") ? 0 : 2;
}

/* Whether there is something in a document that json-c reads otherwise. */
static bool has_special_strings(const char *text, size_t len)
{
	const char *end = text + len;

	for (const char *p = text; p < end;) {
		uint32_t rune;
		size_t n = utf8_read(p, (size_t)(end - p), &rune);

		if (n && *p == '\\')
			n = skip_escape(p, end);
		if (!n)
			return true;
		p += n;
	}
	return false;
}

/* At the fault that the scanner found: whether json-c is too loose to see it. */
static bool is_loose(const char *text, size_t len, size_t off)
{
	if (off < len && ((unsigned char)text[off] < ' ' || text[off] == '\''))
		return true;
	/* In a number, or in what is none: at the fault or before it. */
	return (off < len && strchr("NIai0123456789.eE+-", text[off])) ||
	       (off > 0 && off <= len && strchr("0123456789.eE+-", text[off - 1]));
}

static void check_scan(const struct view *view, int r, size_t off)
{
	struct json_object *o;

	/* json-c ends at a NUL. */
	if (memchr(view->text, '\0', view->len))
		return;
	o = read_model(view->text, view->len);
	if (r == 0) {
		fuzz_check(o != NULL);
		if (!has_special_strings(view->text, view->len))
			check_value(view, 0, view->index.nodes[0].type == JSON_NULL ? NULL : o);
	} else if (r == -EINVAL) {
		fuzz_check(!o || is_loose(view->text, view->len, off));
	}
	json_object_put(o);
}

/* What is kept of an object, as packed.h says it. */
static struct json_object *kept(const struct view *view, enum kind kind)
{
	struct json_object *o = read_model(view->text, view->len);
	struct json_object *metadata = NULL;

	json_object_object_get_ex(o, "metadata", &metadata);
	json_object_object_del(metadata, "managedFields");
	json_object_object_add(o, "apiVersion", json_object_new_string("v1"));
	json_object_object_add(o, "kind", json_object_new_string(kind_name(kind)));
	return o;
}

static const char *model_string(struct json_object *o, const char *key)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(o, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return "";
	return json_object_get_string(value);
}

static size_t count_strings(struct json_object *o)
{
	struct json_object_iterator at = json_object_iter_begin(o);
	struct json_object_iterator end = json_object_iter_end(o);
	size_t n = 0;

	for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at))
		n += json_object_is_type(json_object_iter_peek_value(&at), json_type_string);
	return n;
}

static void check_labels(const struct pod_facts *f, struct json_object *metadata)
{
	struct json_object *labels = NULL;
	size_t strings = 0;

	json_object_object_get_ex(metadata, "labels", &labels);
	if (json_object_is_type(labels, json_type_object))
		strings = count_strings(labels);
	/* Of one key twice, once as a string and then as something else, the string is a fact. */
	fuzz_check(f->label_count >= strings);
	for (size_t i = 0; i < f->label_count; i++) {
		const char *key = fact_string(f, f->labels[i].key);
		struct json_object *value = NULL;

		fuzz_check(i == 0 || strcmp(fact_string(f, f->labels[i - 1].key), key) < 0);
		fuzz_check(json_object_object_get_ex(labels, key, &value));
		if (json_object_is_type(value, json_type_string))
			fuzz_check(!strcmp(json_object_get_string(value),
					   fact_string(f, f->labels[i].value)));
	}
}

static void check_names(const struct packed *p, struct json_object *o)
{
	struct json_object *metadata = NULL;
	struct json_object *spec = NULL;

	json_object_object_get_ex(o, "metadata", &metadata);
	json_object_object_get_ex(o, "spec", &spec);
	fuzz_check(!strcmp(p->name, model_string(metadata, "name")));
	fuzz_check(!strcmp(p->namespace, model_string(metadata, "namespace")));
	fuzz_check(!strcmp(p->uid, model_string(metadata, "uid")));
	fuzz_check(!strcmp(p->resource_version, model_string(metadata, "resourceVersion")));
	if (p->kind != KIND_POD)
		return;
	fuzz_check(!strcmp(p->node_name, model_string(spec, "nodeName")));
	check_labels(&p->facts, metadata);
	for (size_t i = 0; i < p->facts.address_count; i++) {
		const char *text = fact_string(&p->facts, p->facts.addresses[i]);
		char same[ADDRESS_MAX];

		fuzz_check(address_normalize(text, strlen(text), same) && !strcmp(text, same));
	}
}

static void scan(struct view *view, const struct buf *text)
{
	size_t off;

	view->text = text->data;
	view->len = text->len;
	fuzz_check(json_scan(&view->index, text->data, text->len, &off) == 0);
}

static void print_again(const struct buf *text, struct json_object *want, struct buf *ret)
{
	struct view view = {0};

	scan(&view, text);
	if (want)
		check_value(&view, 0, want);
	fuzz_check(render_json(&view, ret) == 0);
	json_index_release(&view.index);
}

/*
 * What is printed is the same data, and printed again the same bytes: but for a float64 of -0,
 * which is printed as the whole number that it is from then on.
 */
static void check_printed(const struct view *view, struct json_object *want)
{
	cleanup_buf struct buf printed = {0};
	cleanup_buf struct buf again = {0};
	cleanup_buf struct buf more = {0};

	fuzz_check(render_json(view, &printed) == 0);
	print_again(&printed, want, &again);
	print_again(&again, want, &more);
	fuzz_check(again.len == more.len && !memcmp(again.data, more.data, more.len));
}

static void check_packed(struct view *whole, enum kind kind)
{
	struct json_index scratch = {0};
	struct packed p = {0};
	const char *fault = NULL;
	int r = packed_from_json(&scratch, kind, whole->text, whole->len, &p, &fault);

	fuzz_check(r == 0 ? !fault : fault && (r == -EINVAL || r == -E2BIG));
	if (r == 0) {
		bool special = has_special_strings(whole->text, whole->len);
		struct json_object *want = special ? NULL : kept(whole, kind);
		struct view view = {0};

		fuzz_check(p.kind == kind &&
			   packed_name_is_valid(p.name, strlen(p.name), OBJECT_NAME_MAX));
		scan(&view, &p.text);
		fuzz_check(p.key_max >= view.index.key_max ||
			   view.index.key_max <= strlen("apiVersion"));
		if (want) {
			check_value(&view, 0, want);
			check_names(&p, want);
		}
		check_printed(&view, want);
		json_object_put(want);
		json_index_release(&view.index);
	}
	packed_release(&p);
	json_index_release(&scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_begin(data, size);
	enum kind kind = KIND_POD - fuzz_below(&in, KIND_POD);
	char *text = fuzz_copy(in, false);
	struct view view = {.text = text, .len = in.len};
	size_t off = 0;
	int r = json_scan(&view.index, text, in.len, &off);

	fuzz_check(r == 0 || r == -EINVAL || r == -E2BIG);
	fuzz_check(off <= in.len);
	check_scan(&view, r, off);
	check_packed(&view, kind);
	json_index_release(&view.index);
	free(text);
	return 0;
}
