/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json: one validating pass over a text, which leaves an index of offsets.
 *
 * Nothing is copied and no tree is built: a node says where a value lies in the
 * text. Nodes stand in document order, so the first child of a container is the
 * node after it, and `next` leads from sibling to sibling.
 *
 *     {"a":[1,2],"b":"x"}
 *      #0 object  count 2
 *      #1 array   key a   count 2   next #4
 *      #2 number  1                 next #3
 *      #3 number  2
 *      #4 string  key b   x
 *
 * Grammar: RFC 8259. Bytes that are not UTF-8 are accepted inside strings and
 * read as U+FFFD, as Go's decoder does.
 */
#ifndef PODFS_MODEL_JSON_H
#define PODFS_MODEL_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include <podfs/base/buf.h>

/* Limits of what comes from outside; more is -E2BIG. */
#define JSON_TEXT_MAX (8u << 20) /* bytes: an object at etcd's limit is 1.5 MiB */
#define JSON_DEPTH_MAX 256u      /* containers inside each other */
#define JSON_NODES_MAX (1u << 24)

enum json_type {
	JSON_UNSET,
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

struct json_node {
	uint32_t off;          /* of the value's first byte; of a string: behind its quote */
	uint32_t len;          /* bytes of the value; of a string: without its quotes */
	uint32_t key_off;      /* of a member: its key, behind the quote */
	uint32_t key_len : 24; /* without the quotes */
	uint32_t type : 4;     /* enum json_type */
	uint32_t decode : 1;   /* the string's bytes are not its value: escapes, or not UTF-8 */
	uint32_t key_decode : 1;
	uint32_t next;  /* the next sibling; 0 for the last one */
	uint32_t count; /* children of a container */
};

struct json_index {
	struct json_node *nodes; /* nodes[0] is the text's value */
	uint32_t count;
	uint32_t cap;
	uint32_t key_max; /* bytes of the longest key, as written */
};

/**
 * Checks a text and indexes it.
 *
 * @index    zeroed, or used before: then its memory serves again.
 * @ret_off  where the first fault is, if there is one.
 *
 * 0; -EINVAL: not JSON; -E2BIG: over a limit above; -ENOMEM.
 */
int json_scan(struct json_index *index, const char *text, size_t len, size_t *ret_off);

/* What follows the value that was read last. */
enum json_scan_step {
	JSON_SCAN_VALUE,  /* a value, or a key and its value */
	JSON_SCAN_OPENED, /* what a bracket opened */
	JSON_SCAN_AFTER,  /* a comma, or the end of a container */
};

/* A scan that goes on while the text arrives. */
struct json_scan {
	struct json_index *index;
	const char *text;
	size_t len;
	size_t at;    /* where it is: behind the value, or where the fault is */
	size_t again; /* where the step under way began */
	enum json_scan_step step;
	size_t string_at;   /* of the string that was not at its end yet: its first byte, */
	size_t string_good; /* how far it was read, */
	bool string_decode; /* and its node's `decode` until there */
	uint32_t depth;
	uint32_t open[JSON_DEPTH_MAX]; /* the containers we are in */
	uint32_t last[JSON_DEPTH_MAX]; /* the child seen last in each, 0: none yet */
};

/* Begins a text, which is not there yet. @index as for json_scan(). */
void json_scan_start(struct json_scan *s, struct json_index *index);

/**
 * Goes on with a text of which there is more now.
 *
 * @text  from its beginning; what was there before is the same, but may have moved.
 *
 * 1: its value ends at `at`; what follows was not looked at. 0: it does not end yet. As
 * json_scan(), with the fault at `at`.
 */
int json_scan_more(struct json_scan *s, const char *text, size_t len);

void json_index_release(struct json_index *index);

/* The first child of node @n, or 0. */
static inline uint32_t json_first(const struct json_index *index, uint32_t n)
{
	return index->nodes[n].count ? n + 1 : 0;
}

/* Whether a member's key is @key (a plain ASCII name), however it is written. */
bool json_key_is(const char *text, const struct json_node *node, const char *key);

/* The last member of object @n with that key, as in Go; 0 if there is none or @n is no object. */
uint32_t json_member(const struct json_index *index, const char *text, uint32_t n, const char *key);

/* Appends the value of @len bytes of string text whose `decode` is set. */
int json_decode(struct buf *out, const char *text, size_t len);

/* Appends a string node's value, or a key's. */
int json_string(struct buf *out, const char *text, const struct json_node *node);
int json_key(struct buf *out, const char *text, const struct json_node *node);

#endif
