/* SPDX-License-Identifier: Apache-2.0 */
#include "schema.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "schema_types.h"

static struct schema_type *types;
static size_t n_types;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static struct schema_type *find_type(const char *name, size_t len)
{
	for (size_t i = 0; i < n_types; i++)
		if (strlen(types[i].name) == len && !memcmp(types[i].name, name, len))
			return &types[i];
	/* the table names a type that it does not have */
	abort();
}

static enum value_type scalar(char c)
{
	switch (c) {
	case 's':
		return TYPE_STRING;
	case 'i':
		return TYPE_INT;
	case 'b':
		return TYPE_BOOL;
	case 'q':
		return TYPE_QUANTITY;
	case 't':
		return TYPE_TIME;
	case 'v':
		return TYPE_INT_OR_STRING;
	default:
		return TYPE_ANY;
	}
}

/* One `name type flags`; the result is behind it. */
static const char *read_field(const char *p, struct schema_field *f)
{
	size_t n = strcspn(p, " ");

	*f = (struct schema_field){.name = xstrndup(p, n)};
	p += n + 1;
	if (*p == '[' || *p == '{') {
		f->container = *p == '[' ? LIST : MAP;
		p += 2;
	}
	n = strcspn(p, "=*@,");
	if (n == 1) {
		f->type = scalar(*p);
	} else {
		f->type = TYPE_STRUCT;
		f->of = find_type(p, n);
	}
	for (p += n; *p && *p != ','; p++) {
		if (*p == '=')
			f->always = true;
		if (*p == '*')
			f->pointer = true;
		if (*p == '@') {
			f->merges = true;
			n = strcspn(p + 1, ",");
			if (n)
				f->merge_key = xstrndup(p + 1, n);
			p += n;
		}
	}
	return *p ? p + 2 : p;
}

static void build(void)
{
	while (schema_types[n_types][0])
		n_types++;
	types = xcalloc(n_types, sizeof(*types));
	for (size_t i = 0; i < n_types; i++)
		types[i].name = xstrdup(schema_types[i][0]);
	for (size_t i = 0; i < n_types; i++) {
		struct schema_type *t = &types[i];

		for (const char *p = schema_types[i][1]; *p;) {
			t->fields = xrealloc(t->fields, (t->n_fields + 1) * sizeof(*t->fields));
			p = read_field(p, &t->fields[t->n_fields++]);
		}
	}
}

const struct schema_type *schema_of(enum kind kind)
{
	pthread_once(&once, build);
	return find_type(kinds[kind].kind, strlen(kinds[kind].kind));
}

const struct schema_field *schema_field(const struct schema_type *t, const char *name)
{
	for (size_t i = 0; i < t->n_fields; i++)
		if (!strcmp(t->fields[i].name, name))
			return &t->fields[i];
	return NULL;
}

void schema_each(void (*each)(const struct schema_type *t, void *arg), void *arg)
{
	pthread_once(&once, build);
	for (size_t i = 0; i < n_types; i++)
		each(&types[i], arg);
}

void schema_report_release(struct schema_report *r)
{
	free(r->mismatch);
	buf_release(&r->unknown);
}
