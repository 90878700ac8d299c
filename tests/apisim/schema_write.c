/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "jsonx.h"
#include "quantity.h"
#include "schema.h"

struct writer {
	struct buf *out;
	struct schema_report *report;
	const struct schema_type *root, *in; /* for messages */
	struct buf path;
};

static bool write_value(struct writer *w, const struct schema_field *f, json_object *v);
static bool write_struct(struct writer *w, const struct schema_type *t, json_object *o);

static bool mismatch(struct writer *w, json_object *v, const char *wanted)
{
	static const char *const names[] = {
	    [json_type_null] = "null",     [json_type_boolean] = "bool",
	    [json_type_double] = "number", [json_type_int] = "number",
	    [json_type_object] = "object", [json_type_array] = "array",
	    [json_type_string] = "string",
	};

	if (!w->report->mismatch)
		w->report->mismatch =
		    xasprintf("json: cannot unmarshal %s into Go struct field %s.%.*s of type %s",
			      names[json_object_get_type(v)], w->in->name, (int)w->path.len,
			      w->path.data ? w->path.data : "", wanted);
	return false;
}

static int by_key(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

/* The keys of an object in order; free the array, not the keys. */
static const char **sorted_keys(json_object *o, size_t *ret_n)
{
	const char **keys = xcalloc((size_t)json_object_object_length(o), sizeof(*keys));
	size_t n = 0;

	for (struct jmember m = {0}; jnext(o, &m);) {
		keys[n++] = m.key;
	}
	if (n)
		qsort(keys, n, sizeof(*keys), by_key);
	*ret_n = n;
	return keys;
}

/* Anything, in the order in which it came. */
static void write_any(struct buf *out, json_object *v)
{
	const char *comma = "";

	switch (json_object_get_type(v)) {
	case json_type_string:
		buf_json(out, json_object_get_string(v), (size_t)json_object_get_string_len(v));
		break;
	case json_type_object:
		buf_putc(out, '{');
		for (struct jmember m = {0}; jnext(v, &m);) {
			buf_puts(out, comma);
			buf_json_str(out, m.key);
			buf_putc(out, ':');
			write_any(out, m.value);
			comma = ",";
		}
		buf_putc(out, '}');
		break;
	case json_type_array:
		buf_putc(out, '[');
		for (size_t i = 0; i < json_object_array_length(v); i++) {
			buf_puts(out, comma);
			write_any(out, json_object_array_get_idx(v, i));
			comma = ",";
		}
		buf_putc(out, ']');
		break;
	default:
		buf_puts(out, json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN));
	}
}

/* What Go calls the zero value, which omitempty leaves out. */
static bool is_empty(const struct schema_field *f, json_object *v)
{
	if (!v)
		return true;
	if (f->container == LIST)
		return json_object_is_type(v, json_type_array) && !json_object_array_length(v);
	if (f->container == MAP)
		return json_object_is_type(v, json_type_object) && !json_object_object_length(v);
	if (f->pointer)
		return false;
	switch (f->type) {
	case TYPE_STRING:
		return json_object_is_type(v, json_type_string) && !json_object_get_string_len(v);
	case TYPE_INT:
		return json_object_is_type(v, json_type_int) && !json_object_get_int64(v);
	case TYPE_BOOL:
		return json_object_is_type(v, json_type_boolean) && !json_object_get_boolean(v);
	default:
		return false;
	}
}

/* The zero value of the field's type, or of one element of it. */
static void write_zero(struct writer *w, const struct schema_field *f)
{
	static const char *const zero[] = {
	    [TYPE_STRING] = "\"\"", [TYPE_INT] = "0",          [TYPE_BOOL] = "false",
	    [TYPE_TIME] = "null",   [TYPE_QUANTITY] = "\"0\"", [TYPE_INT_OR_STRING] = "0",
	    [TYPE_ANY] = "null",
	};
	json_object *nothing;

	if (f->type != TYPE_STRUCT) {
		buf_puts(w->out, zero[f->type]);
		return;
	}
	nothing = json_object_new_object();
	write_struct(w, f->of, nothing);
	json_object_put(nothing);
}

static bool write_struct(struct writer *w, const struct schema_type *t, json_object *o)
{
	const struct schema_type *outer = w->in;
	size_t path_len = w->path.len;
	const char *comma = "";
	bool ok = true;

	if (!json_object_is_type(o, json_type_object))
		return mismatch(w, o, t->name);
	w->in = t;
	buf_putc(w->out, '{');
	for (size_t i = 0; i < t->n_fields && ok; i++) {
		const struct schema_field *f = &t->fields[i];
		json_object *v = json_object_object_get(o, f->name);

		if (is_empty(f, v) && !f->always)
			continue;
		buf_printf(w->out, "%s\"%s\":", comma, f->name);
		comma = ",";
		if (!v) {
			if (f->container == PLAIN)
				write_zero(w, f);
			else
				buf_puts(w->out, "null");
			continue;
		}
		buf_printf(&w->path, "%s%s", path_len ? "." : "", f->name);
		ok = write_value(w, f, v);
		w->path.len = path_len;
	}
	buf_putc(w->out, '}');
	for (struct jmember m = {0}; jnext(o, &m);) {
		if (schema_field(t, m.key) ||
		    (t == w->root && (!strcmp(m.key, "kind") || !strcmp(m.key, "apiVersion"))))
			continue;
		buf_printf(&w->report->unknown, "%sunknown field \"%.*s%s%s\"",
			   w->report->unknown.len ? ", " : "", (int)path_len,
			   path_len ? w->path.data : "", path_len ? "." : "", m.key);
	}
	w->in = outer;
	return ok;
}

static bool write_quantity(struct writer *w, json_object *v)
{
	const char *s = json_object_get_string(v);
	size_t at = w->out->len;

	buf_putc(w->out, '"');
	if ((!json_object_is_type(v, json_type_string) && !json_object_is_type(v, json_type_int) &&
	     !json_object_is_type(v, json_type_double)) ||
	    !quantity_write(s, w->out)) {
		w->out->len = at;
		if (!w->report->mismatch)
			w->report->mismatch =
			    xstrdup("quantities must match the regular expression "
				    "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
		return false;
	}
	buf_putc(w->out, '"');
	return true;
}

static bool write_plain(struct writer *w, const struct schema_field *f, json_object *v)
{
	/* null is the zero value, as for Go's decoder */
	if (!v) {
		write_zero(w, f);
		return true;
	}
	switch (f->type) {
	case TYPE_STRUCT:
		return write_struct(w, f->of, v);
	case TYPE_QUANTITY:
		return write_quantity(w, v);
	case TYPE_TIME:
	case TYPE_ANY:
	case TYPE_INT_OR_STRING:
		break;
	case TYPE_STRING:
		if (!json_object_is_type(v, json_type_string))
			return mismatch(w, v, "string");
		break;
	case TYPE_INT:
		if (!json_object_is_type(v, json_type_int))
			return mismatch(w, v, "int64");
		break;
	case TYPE_BOOL:
		if (!json_object_is_type(v, json_type_boolean))
			return mismatch(w, v, "bool");
		break;
	}
	if (f->type == TYPE_TIME && !json_object_is_type(v, json_type_string))
		return mismatch(w, v, "Time");
	write_any(w->out, v);
	return true;
}

static bool write_list(struct writer *w, const struct schema_field *f, json_object *v)
{
	bool ok = true;

	if (!json_object_is_type(v, json_type_array))
		return mismatch(w, v, "array");
	buf_putc(w->out, '[');
	for (size_t i = 0; i < json_object_array_length(v) && ok; i++) {
		if (i)
			buf_putc(w->out, ',');
		ok = write_plain(w, f, json_object_array_get_idx(v, i));
	}
	buf_putc(w->out, ']');
	return ok;
}

static bool write_map(struct writer *w, const struct schema_field *f, json_object *v)
{
	const char **keys;
	bool ok = true;
	size_t n;

	if (!json_object_is_type(v, json_type_object))
		return mismatch(w, v, "map");
	keys = sorted_keys(v, &n);
	buf_putc(w->out, '{');
	for (size_t i = 0; i < n && ok; i++) {
		if (i)
			buf_putc(w->out, ',');
		buf_json_str(w->out, keys[i]);
		buf_putc(w->out, ':');
		ok = write_plain(w, f, json_object_object_get(v, keys[i]));
	}
	buf_putc(w->out, '}');
	free(keys);
	return ok;
}

static bool write_value(struct writer *w, const struct schema_field *f, json_object *v)
{
	switch (f->container) {
	case LIST:
		return write_list(w, f, v);
	case MAP:
		return write_map(w, f, v);
	default:
		return write_plain(w, f, v);
	}
}

bool schema_write(enum kind kind, json_object *o, struct buf *out, struct schema_report *report)
{
	struct writer w = {.out = out, .report = report, .root = schema_of(kind)};
	bool ok;

	w.in = w.root;
	ok = write_struct(&w, w.root, o);
	buf_release(&w.path);
	return ok;
}
