/* SPDX-License-Identifier: Apache-2.0 */
#include "validate.h"

#include <stdlib.h>
#include <string.h>

#include "admit.h"
#include "schema.h"
#include "selector.h"
#include "status.h"

enum { ANNOTATIONS_MAX = 256 * 1024 };

static const char not_a_label[] =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or "
    "'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

static const char not_a_key[] =
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex "
    "used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

static const char not_a_name[] =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex "
    "used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

static const char not_a_dns_label[] =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex "
    "used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

struct errors {
	struct field_error *v;
	size_t n;
};

static void add(struct errors *e, const char *field, const char *reason, char *message)
{
	e->v = xrealloc(e->v, (e->n + 1) * sizeof(*e->v));
	e->v[e->n++] = (struct field_error){xstrdup(field), message, reason};
}

static void release(struct errors *e)
{
	for (size_t i = 0; i < e->n; i++) {
		free(e->v[i].field);
		free(e->v[i].message);
	}
	free(e->v);
}

static void add_invalid(struct errors *e, const char *field, const char *value, const char *why)
{
	struct buf b = {0};

	buf_puts(&b, "Invalid value: ");
	buf_json_str(&b, value);
	buf_printf(&b, ": %s", why);
	add(e, field, "FieldValueInvalid", buf_steal(&b));
}

static char *lower(const char *s)
{
	char *copy = xstrdup(s);

	for (char *p = copy; *p; p++)
		*p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
	return copy;
}

static bool alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool dns_name(const char *s, bool dots, size_t max)
{
	size_t n = strlen(s);

	if (!n || n > max || !alnum(s[0]) || !alnum(s[n - 1]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!alnum(s[i]) && s[i] != '-' &&
		    (s[i] != '.' || !dots || !alnum(s[i - 1]) || !alnum(s[i + 1])))
			return false;
	return true;
}

static void check_name(struct errors *e, enum kind kind, const char *name)
{
	bool label = kind == KIND_NAMESPACES;

	if (!name || !*name)
		add(e, "metadata.name", "FieldValueRequired",
		    xstrdup("Required value: name or generateName is required"));
	else if (!dns_name(name, !label, label ? 63 : 253))
		add_invalid(e, "metadata.name", name, label ? not_a_dns_label : not_a_name);
}

/*
 * The server checks a pod's labels four times over (as metadata and as what
 * selectors of the spec may refer to) and names each in the causes.
 */
static void check_labels(struct errors *e, enum kind kind, json_object *labels, int times)
{
	if (!labels)
		return;
	for (int i = 0; i < times; i++) {
		for (struct jmember m = {0}; jnext(labels, &m);) {
			if (!label_key_valid(m.key))
				add_invalid(e, "metadata.labels", m.key, not_a_key);
			if (m.value && !label_value_valid(json_object_get_string(m.value)))
				add_invalid(e, "metadata.labels", json_object_get_string(m.value),
					    not_a_label);
		}
	}
}

static void check_annotations(struct errors *e, json_object *annotations)
{
	size_t total = 0;

	if (!annotations)
		return;
	for (struct jmember m = {0}; jnext(annotations, &m);) {
		_cleanup_(freep) char *small = lower(m.key);

		if (!label_key_valid(small))
			add_invalid(e, "metadata.annotations", m.key, not_a_key);
		total += strlen(m.key) + (size_t)json_object_get_string_len(m.value);
	}
	if (total > ANNOTATIONS_MAX)
		add(e, "metadata.annotations", "FieldValueTooLong",
		    xstrdup("Too long: must have at most 262144 bytes"));
}

static void check_containers(struct errors *e, json_object *list)
{
	for (size_t i = 0; i < jlen(list); i++) {
		const char *name = jstr(jat(list, i), "name"), *image = jstr(jat(list, i), "image");
		_cleanup_(freep) char *field = xasprintf("spec.containers[%zu].name", i);
		_cleanup_(freep) char *image_field = xasprintf("spec.containers[%zu].image", i);

		if (!name || !*name)
			add(e, field, "FieldValueRequired", xstrdup("Required value"));
		else if (!dns_name(name, false, 63))
			add_invalid(e, field, name, not_a_dns_label);
		if (!image || !*image)
			add(e, image_field, "FieldValueRequired", xstrdup("Required value"));
	}
}

json_object *validate_fields(struct request *req, enum kind kind, json_object *o)
{
	const char *validation = request_arg(req, "fieldValidation");
	bool strict = validation && !strcmp(validation, "Strict"), ok;
	struct schema_report report = {0};
	_cleanup_(freep) char *message = NULL;
	json_object *clean = NULL;
	struct buf b = {0};

	ok = schema_write(kind, o, &b, &report);
	buf_putc(&b, '\0');
	if (!ok)
		message = xasprintf("%s in version \"v1\" cannot be handled as a %s: %s",
				    kinds[kind].kind, kinds[kind].kind, report.mismatch);
	else if (strict && report.unknown.len)
		message =
		    xasprintf("%s in version \"v1\" cannot be handled as a %s: strict decoding "
			      "error: %.*s",
			      kinds[kind].kind, kinds[kind].kind, (int)report.unknown.len,
			      report.unknown.data);
	if (message)
		status_bad_request(req, message);
	else
		clean = jparse(b.data, b.len - 1);
	buf_release(&b);
	schema_report_release(&report);
	return clean;
}

char *validate_text(struct request *req, enum kind kind, json_object *o)
{
	_cleanup_(freep) char *message = NULL;
	const char *name = jstr(o, "metadata.name");
	char *text = admit_text(kind, o, &message);
	struct errors e = {0};

	if (!text) {
		status_bad_request(req, message);
		return NULL;
	}
	check_name(&e, kind, name);
	check_labels(&e, kind, jget(o, "metadata.labels"), kind == KIND_PODS ? 4 : 1);
	check_annotations(&e, jget(o, "metadata.annotations"));
	if (kind == KIND_PODS) {
		json_object *containers = jget(o, "spec.containers");

		if (!jlen(containers))
			add(&e, "spec.containers", "FieldValueRequired", xstrdup("Required value"));
		check_containers(&e, containers);
	}
	if (e.n) {
		status_invalid(req, kinds[kind].kind, name ? name : "", e.v, e.n);
		free(text);
		text = NULL;
	}
	release(&e);
	return text;
}
