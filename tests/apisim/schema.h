/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema: the shape of the objects: which fields a type has, in the order in
 * which the server writes them, which of them are written though empty, and
 * how lists merge.
 */
#pragma once

#include <json-c/json.h>

#include "object.h"

enum value_type {
	TYPE_STRING,
	TYPE_INT,
	TYPE_BOOL,
	TYPE_QUANTITY,
	TYPE_TIME,
	TYPE_INT_OR_STRING,
	TYPE_ANY,
	TYPE_STRUCT,
};

enum container {
	PLAIN,
	LIST,
	MAP,
};

struct schema_type;

struct schema_field {
	char *name;
	enum container container;
	enum value_type type;
	struct schema_type *of; /* TYPE_STRUCT */
	bool always;            /* written even when it has no value */
	bool pointer;           /* an empty value is a value */
	bool merges;            /* a list that a strategic merge patch merges ... */
	char *merge_key;        /* ... by this key of its elements; NULL: by value */
};

struct schema_type {
	char *name;
	struct schema_field *fields;
	size_t n_fields;
};

/** The type of a kind's objects; built at the first call. */
const struct schema_type *schema_of(enum kind kind);
const struct schema_field *schema_field(const struct schema_type *t, const char *name);
/** Calls `each` for every type there is. */
void schema_each(void (*each)(const struct schema_type *t, void *arg), void *arg);

/** What a value that does not fit was, where, and what was expected; and the fields nobody knows.
 */
struct schema_report {
	char *mismatch;
	struct buf unknown; /* `unknown field "spec.foo"` with ", " between them */
};
void schema_report_release(struct schema_report *r);

/**
 * Writes the object as the server would: fields in order, empty and unknown
 * ones left out, maps sorted, quantities canonical. kind and apiVersion are not
 * written. false if a value does not fit.
 */
bool schema_write(enum kind kind, json_object *o, struct buf *out, struct schema_report *report);
