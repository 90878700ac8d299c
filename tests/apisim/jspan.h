/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jspan: looking into JSON text without taking it apart.
 *
 * A span is one value inside a text that somebody else owns and that is known
 * to be well-formed (this program wrote it, or checked it when it came in).
 * Nothing here allocates except where it says so.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/** `p` is NULL for "no such value". */
struct jspan {
	const char *p;
	size_t len;
};

/** The value that starts at `p` (white space before it is skipped), at most up to `end`. */
struct jspan jspan_at(const char *p, const char *end);

/**
 * Walks an object: call with *it = NULL first; false when there is no more, or
 * `obj` is no object. The key is given without its quotes, as written.
 */
bool jspan_member(struct jspan obj, const char **it, struct jspan *ret_key,
		  struct jspan *ret_value);
/** Walks an array likewise. */
bool jspan_element(struct jspan array, const char **it, struct jspan *ret_value);

/** The member of that name; the key is compared as written. */
struct jspan jspan_get(struct jspan obj, const char *key);
/** Follows names separated by dots: "metadata.name". */
struct jspan jspan_path(struct jspan obj, const char *path);

bool jspan_is(struct jspan v, const char *string);
/** The decoded string, to be freed; NULL if it is no string. Other scalars come as written. */
char *jspan_dup(struct jspan v);
/** Decodes a string's content into `out`; escapes become UTF-8. */
void jspan_decode(struct jspan v, struct buf *out);
int64_t jspan_int(struct jspan v, int64_t otherwise);

/** Whether the text is one well-formed JSON value (nesting up to 200) and nothing else. */
bool json_valid(const char *p, size_t len);
