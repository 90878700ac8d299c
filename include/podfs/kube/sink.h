/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sink: where a reflector puts what it learns.
 *
 * The other side of it is the store, which `kube` does not know. All calls come
 * on the loop thread. A text is one complete JSON object as the server sent it,
 * not yet validated beyond its braces and strings, and gone after the call.
 * Objects inside a list have no kind and apiVersion of their own.
 *
 *	list_begin
 *	    upsert(from_list)*          also remove(), when the list is a stream
 *	list_end | list_abort
 *	(upsert | remove | bookmark)*
 *	list_begin ...
 */
#ifndef PODFS_KUBE_SINK_H
#define PODFS_KUBE_SINK_H

#include <stdbool.h>
#include <stddef.h>

#include <podfs/model/json.h>

/* An object as it came. Valid as long as the call. */
struct kube_object {
	const char *text;
	size_t len;
	const struct json_index
	    *index; /* over the text; NULL: it is not JSON, or not known to be */
};

struct reflector_sink {
	void *ctx;

	/* A list starts: what is not seen again until list_end is gone then. */
	void (*list_begin)(void *ctx);

	/**
	 * An object is there in this state.
	 *
	 * 0; -ENOMEM: tried again later, with a new list. Any other -errno: the
	 * text is no such object; one in a list is left out (and counted), one
	 * in a watch makes the reflector list again.
	 */
	int (*upsert)(void *ctx, const struct kube_object *obj, bool from_list);

	/* An object is gone; @obj is its last state. Errors as for upsert. */
	int (*remove)(void *ctx, const struct kube_object *obj);

	/* The list is complete: drop what it did not hold. */
	void (*list_end)(void *ctx, const char *resource_version);

	/* The list failed: keep everything, seen or not. */
	void (*list_abort)(void *ctx);

	/* Nothing changed up to here. May be NULL. */
	void (*bookmark)(void *ctx, const char *resource_version);

	/* What was handed over since the last flush may be published now. Comes after every
	 * batch of network data. May be NULL. */
	void (*flush)(void *ctx);
};

#endif
