/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object: one version of a namespace, node or pod.
 *
 * It is kept as the text the server sends, without `kind` and `apiVersion` (as
 * the items of a list are), next to what selectors and lookups need. It never
 * changes once made, so any number of threads may read it while they hold a
 * reference.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "jspan.h"
#include "util.h"

enum kind {
	KIND_NAMESPACES,
	KIND_NODES,
	KIND_PODS,
	N_KINDS,
};

struct kind_info {
	const char *resource;
	const char *kind;
	const char
	    *prefix; /* `{"kind":"Pod","apiVersion":"v1",`: what a single object starts with */
	bool namespaced;
};

extern const struct kind_info kinds[N_KINDS];

/** Fields that field selectors may name. */
enum field {
	FIELD_NAME,
	FIELD_NAMESPACE,
	FIELD_NODE_NAME,
	FIELD_RESTART_POLICY,
	FIELD_SCHEDULER_NAME,
	FIELD_SERVICE_ACCOUNT,
	FIELD_HOST_NETWORK,
	FIELD_PHASE,
	FIELD_POD_IP,
	FIELD_POD_IPS,
	FIELD_NOMINATED_NODE,
	FIELD_UNSCHEDULABLE,
	N_FIELDS,
};

struct label {
	char *key, *value;
};

struct object {
	atomic_int refs;
	enum kind kind;
	uint64_t rv;
	char *key; /* "namespace/name" or "name": the order of lists */
	char *ns;  /* NULL if the kind has none */
	char *name, *uid;
	char *fields[N_FIELDS]; /* NULL: the kind has no such field; "" if unset */
	struct label *labels;
	size_t n_labels;
	char *text; /* NUL-terminated */
	size_t len;
};

/**
 * Makes a version of the text, which has to be a valid object with
 * metadata.name. Its resourceVersion becomes `rv`, or stays what it is if `rv`
 * is 0. kind and apiVersion are dropped. NULL if it is no such object.
 */
struct object *object_new(enum kind kind, const char *text, size_t len, uint64_t rv);

struct object *object_ref(struct object *o);
void object_unref(struct object *o);
void object_unrefp(struct object **o);

struct jspan object_span(const struct object *o);

/** Adds the object as it is sent alone: with kind and apiVersion. */
void object_write(const struct object *o, struct buf *out);
/** The same with another resourceVersion. */
void object_write_with_rv(const struct object *o, uint64_t rv, struct buf *out);
size_t object_written_len(const struct object *o);

/** The key of an object; to be freed. */
char *object_key(const char *ns, const char *name);

/** Copies `text` with `with` in place of the value at `span`, which lies in it. */
void text_replace(const char *text, size_t len, struct jspan span, const char *with,
		  struct buf *out);
