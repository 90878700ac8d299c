/* SPDX-License-Identifier: Apache-2.0 */
/*
 * selector: what `labelSelector=` and `fieldSelector=` select.
 */
#pragma once

#include "object.h"

struct requirement;

/** All-zero selects everything. */
struct selector {
	struct requirement *labels, *fields;
	size_t n_labels, n_fields;
};

/**
 * Adds what the text asks for. false, with the server's message in *ret_message
 * (to be freed), if it is malformed or names a field that the kind does not have.
 */
bool selector_parse_labels(struct selector *s, const char *text, char **ret_message);
bool selector_parse_fields(struct selector *s, enum kind kind, const char *text,
			   char **ret_message);
bool selector_empty(const struct selector *s);
bool selector_matches(const struct selector *s, const struct object *o);
void selector_release(struct selector *s);

/** Whether it is a label's value, or a label's key (a prefix, if any, included). */
bool label_value_valid(const char *s);
bool label_key_valid(const char *s);
