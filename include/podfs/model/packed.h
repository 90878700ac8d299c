/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packed: one object as it arrived, checked and brought into the form that is
 * kept.
 *
 * That form is the object's own text without metadata.managedFields and with
 * apiVersion and kind in front, which the items of a list lack: so an object
 * has the same text whether a list or a watch brought it.
 */
#ifndef PODFS_MODEL_PACKED_H
#define PODFS_MODEL_PACKED_H

#include <podfs/base/buf.h>
#include <podfs/model/facts.h>
#include <podfs/model/json.h>
#include <podfs/model/kind.h>

/* Longest name of an object, a DNS subdomain, and of a namespace, a DNS label (RFC 1123). */
#define OBJECT_NAME_MAX 253
#define NAMESPACE_NAME_MAX 63

/* An object as it arrives: what is larger, or nested deeper than JSON_DEPTH_MAX, is left out.
 * Within both there is room for the apiVersion and kind that it may lack. */
#define OBJECT_TEXT_MAX (JSON_TEXT_MAX - 64)

struct packed {
	enum kind kind;
	int64_t created_ns; /* creationTimestamp, nanoseconds since 1970; 0 if there is none */
	char *name;
	char *namespace; /* "" for what has none */
	char *uid;
	char *resource_version;
	char *node_name;        /* of a pod: spec.nodeName, "" before it is bound */
	uint32_t key_max;       /* bytes of the longest key in it */
	uint64_t group;         /* of a pod: the same for those that are likely to look alike */
	struct pod_facts facts; /* of a pod */
	struct buf text;
	size_t fault_off; /* where in the JSON the fault is: of what is not JSON, its first byte */
	struct {
		const char *json; /* as it arrived, and its index: the caller's */
		const struct json_index *index;
		uint32_t metadata;
	} from;
};

/**
 * Makes the kept form of an object's JSON.
 *
 * @index      scratch space that the caller keeps between calls. What is in it afterwards, and
 *             @json, are needed until @ret is released or another one is made.
 * @ret        zeroed; to be released in any case.
 * @ret_fault  what is wrong, for the log; a constant. NULL on success.
 *
 * 0; -EINVAL: not JSON, not an object of @kind, or a name that no object can
 * have; -E2BIG: over a limit of json.h; -ENOMEM.
 */
int packed_from_json(struct json_index *index, enum kind kind, const char *json, size_t len,
		     struct packed *ret, const char **ret_fault);

/*
 * Reads again what is in the kept form: @ret has nothing but its text. The rest becomes what it
 * was when it arrived, but `key_max`, for which managedFields counted. As packed_from_json().
 */
int packed_from_kept(struct json_index *index, enum kind kind, struct packed *ret,
		     const char **ret_fault);

/* The same of JSON that json_scan() has indexed already. */
int packed_from_index(const struct json_index *index, enum kind kind, const char *json,
		      struct packed *ret, const char **ret_fault);

/*
 * The index over the text of @p, as json_scan() would make it, into a zeroed one. It is had from
 * that of the JSON, of which both must still be as they were. 0 or -ENOMEM.
 */
int packed_index(const struct packed *p, struct json_index *ret);

void packed_release(struct packed *p);
#define cleanup_packed cleanup_(packed_release)

/* Whether a server's text can be a name in the tree: not empty, no '/', no NUL, no leading '.'. */
bool packed_name_is_valid(const char *name, size_t len, size_t max);

#endif
