/* SPDX-License-Identifier: Apache-2.0 */
/* What selector.c, selector_labels.c and selector_fields.c share. */
#pragma once

#include "selector.h"

enum operator{
	OP_UNSET,
	OP_EXISTS,
	OP_NOT_EXISTS,
	OP_IN,     /* also = and == */
	OP_NOT_IN, /* also != */
	OP_GREATER,
	OP_LESS,
};

struct requirement {
	enum operator op;
	char *key;
	enum field field; /* of a field selector */
	char **values;
	size_t n_values;
};

/** Appends an empty one to the list and returns it. */
struct requirement *requirement_add(struct requirement **list, size_t *n);
void requirement_add_value(struct requirement *r, const char *value, size_t len);
bool requirement_has_value(const struct requirement *r, const char *value);
