/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan: where a JSON value ends, in one pass and in any pieces.
 *
 * Follows strings and counts braces: whether what lies between is JSON is for
 * the reader of the value to find out. That is what makes it fast, and enough
 * to cut a stream into objects. But noise must not make it wait for an end that
 * never comes: so no string goes on over a control character, and no value
 * stands behind another without a comma. The next line breaks one of the two.
 */
#ifndef PODFS_KUBE_SCAN_H
#define PODFS_KUBE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A zeroed struct is ready for a value's first byte. */
struct scan {
	uint64_t depth;     /* braces and brackets open */
	uint64_t max_depth; /* the most there were */
	bool started;
	bool in_string;
	bool escaped; /* the last byte was a backslash in a string */
	bool scalar;  /* a number or a literal: it ends before the next delimiter */
	bool closed;  /* a string, object or array ended, and nothing came since */
	bool broken;  /* that is no JSON */
};

/**
 * Goes on with a value.
 *
 * @ret_done  whether the value ended.
 *
 * Returns how many bytes belong to the value: all of them unless it ended, or is broken.
 */
size_t scan_feed(struct scan *s, const char *p, size_t n, bool *ret_done);

/**
 * Finds the value of a member at the top level of an object.
 *
 * @key  as it stands in the text, that is: a plain name.
 * @ret  the value's bytes, within the text.
 *
 * Reads no further than the value. False if there is none, or the text is broken before it.
 */
bool scan_member(const char *text, size_t len, const char *key, const char **ret, size_t *ret_len);

/* The same, of a text that may be cut off: so may be the value, then, unless it is a scalar. */
bool scan_member_begun(const char *text, size_t len, const char *key, const char **ret,
		       size_t *ret_len);

/* Where the value begins, and all that follows: its end is not looked for. */
bool scan_member_start(const char *text, size_t len, const char *key, const char **ret,
		       size_t *ret_len);

/* As scan_member(), for a string without escapes: its bytes without the quotes. */
bool scan_member_string(const char *text, size_t len, const char *key, const char **ret,
			size_t *ret_len);

static inline bool scan_is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

#endif
