/* SPDX-License-Identifier: Apache-2.0 */
/*
 * selector: label selectors, as `kubectl -l` takes them.
 *
 *     selector    = [ requirement { "," requirement } ]
 *     requirement = key | "!" key
 *                 | key ( "=" | "==" | "!=" ) [ value ]
 *                 | key ( "in" | "notin" ) "(" values ")"
 *                 | key ( ">" | "<" ) integer
 *
 * An object is selected if it meets all requirements; none selects everything.
 * Blanks may stand between any two words. A value may be empty. An object
 * without the key meets `!=` and `notin`.
 */
#ifndef PODFS_MODEL_SELECTOR_H
#define PODFS_MODEL_SELECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <podfs/base/cleanup.h>

enum requirement_op {
	REQUIRE_UNSET,
	REQUIRE_KEY,
	REQUIRE_NO_KEY,
	REQUIRE_IN,     /* also `=` and `==` */
	REQUIRE_NOT_IN, /* also `!=` */
	REQUIRE_GREATER,
	REQUIRE_LESS,
};

struct requirement {
	enum requirement_op op;
	char *key;
	char **values; /* of IN and NOT_IN: at least one, each once */
	size_t count;
	size_t cap;
	int64_t bound; /* of GREATER and LESS */
};

struct selector {
	struct requirement *requirements;
	size_t count;
	size_t cap;
};

/**
 * Reads a selector.
 *
 * @ret  zeroed; to be released in any case.
 *
 * 0; -EINVAL: malformed, or a key or value that no label can have; -ENOMEM.
 */
int selector_parse(const char *text, size_t len, struct selector *ret);

/* The same of a file's name, in which '/' is written %2F and '%' is %25. */
int selector_parse_name(const char *name, size_t len, struct selector *ret);

/* The value of a label, or NULL if there is no such label. */
typedef const char *(*label_value_fn)(const void *labels, const char *key);

/* Whether an object with those labels is selected. */
bool selector_matches(const struct selector *s, label_value_fn value, const void *labels);

/* The same for one of the requirements. */
bool requirement_matches(const struct requirement *r, const char *value);

void selector_release(struct selector *s);
#define cleanup_selector cleanup_(selector_release)

#endif
