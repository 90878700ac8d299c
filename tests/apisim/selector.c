/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "selector_impl.h"

struct requirement *requirement_add(struct requirement **list, size_t *n)
{
	*list = xrealloc(*list, (*n + 1) * sizeof(**list));
	(*list)[*n] = (struct requirement){0};
	return &(*list)[(*n)++];
}

void requirement_add_value(struct requirement *r, const char *value, size_t len)
{
	r->values = xrealloc(r->values, (r->n_values + 1) * sizeof(*r->values));
	r->values[r->n_values++] = xstrndup(value, len);
}

bool requirement_has_value(const struct requirement *r, const char *value)
{
	for (size_t i = 0; i < r->n_values; i++)
		if (!strcmp(r->values[i], value))
			return true;
	return false;
}

bool selector_empty(const struct selector *s)
{
	return !s->n_labels && !s->n_fields;
}

static const char *label_of(const struct object *o, const char *key)
{
	for (size_t i = 0; i < o->n_labels; i++)
		if (!strcmp(o->labels[i].key, key))
			return o->labels[i].value;
	return NULL;
}

static bool compares(const struct requirement *r, const char *value)
{
	char *end, *limit_end;
	long long v = strtoll(value, &end, 10);
	long long limit = strtoll(r->values[0], &limit_end, 10);

	if (end == value || *end || *limit_end)
		return false;
	return r->op == OP_GREATER ? v > limit : v < limit;
}

static bool label_matches(const struct requirement *r, const struct object *o)
{
	const char *value = label_of(o, r->key);

	switch (r->op) {
	case OP_EXISTS:
		return value;
	case OP_NOT_EXISTS:
		return !value;
	case OP_IN:
		return value && requirement_has_value(r, value);
	case OP_NOT_IN:
		return !value || !requirement_has_value(r, value);
	default:
		return value && compares(r, value);
	}
}

/* podIPs is kept as a list with commas, and each address of it counts */
static bool field_matches(const struct requirement *r, const struct object *o)
{
	const char *value = o->fields[r->field], *wanted = r->values[0];
	bool equal = value && !strcmp(value, wanted);

	if (value && !equal && r->field == FIELD_POD_IPS && *wanted) {
		size_t n = strlen(wanted);

		for (const char *p = value; p && !equal; p = strchr(p, ',')) {
			p += *p == ',';
			equal = !strncmp(p, wanted, n) && (!p[n] || p[n] == ',');
		}
	}
	return equal == (r->op == OP_IN);
}

bool selector_matches(const struct selector *s, const struct object *o)
{
	for (size_t i = 0; i < s->n_fields; i++)
		if (!field_matches(&s->fields[i], o))
			return false;
	for (size_t i = 0; i < s->n_labels; i++)
		if (!label_matches(&s->labels[i], o))
			return false;
	return true;
}

static void release(struct requirement *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < list[i].n_values; j++)
			free(list[i].values[j]);
		free(list[i].values);
		free(list[i].key);
	}
	free(list);
}

void selector_release(struct selector *s)
{
	release(s->labels, s->n_labels);
	release(s->fields, s->n_fields);
	*s = (struct selector){0};
}

static bool name_part_valid(const char *s, size_t n)
{
	if (!n || n > 63 || !isalnum((unsigned char)s[0]) || !isalnum((unsigned char)s[n - 1]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr("-_.", s[i]))
			return false;
	return true;
}

bool label_value_valid(const char *s)
{
	return !*s || name_part_valid(s, strlen(s));
}

bool label_key_valid(const char *s)
{
	const char *slash = strchr(s, '/');

	if (slash) {
		size_t n = (size_t)(slash - s);

		if (!n || n > 253 || strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-.") != n ||
		    !isalnum((unsigned char)s[0]) || !isalnum((unsigned char)s[n - 1]))
			return false;
		s = slash + 1;
	}
	return name_part_valid(s, strlen(s));
}
