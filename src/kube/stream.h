/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream: cuts the body of a list or a watch into objects while it arrives.
 *
 * A list is one object with a metadata and an array of items; a watch is a
 * sequence of events with a type and an object each. The order of the members
 * does not matter, nor how the bytes are divided. An object that came in one
 * piece is handed on where it lies; only one that is split is put together.
 *
 * Objects are checked and indexed while they arrive, which says where they end:
 * so that their bytes are read once. Of one that is no JSON, or over a limit,
 * the end is found by its braces, so that those behind it are not lost with it.
 *
 *	START -{-> KEY -> COLON -> VALUE -> AFTER -,-> KEY
 *	             \                \         \-}-> START (watch) | END (list)
 *	              \-}             \-[ of items-> ITEM -> AFTER_ITEM -,-> ITEM
 *	                                                             \-]-> AFTER
 */
#ifndef PODFS_KUBE_STREAM_H
#define PODFS_KUBE_STREAM_H

#include <podfs/base/buf.h>
#include <podfs/kube/sink.h>
#include <podfs/model/packed.h>

#include "scan.h"

/* The model's, so that what passes here has the size and the nesting it takes. What is over them
 * is left out and reported. */
#define STREAM_OBJECT_MAX OBJECT_TEXT_MAX
#define STREAM_DEPTH_MAX JSON_DEPTH_MAX
/* So much of it is kept, to say whose it is: metadata comes first, and the names first in it. */
#define STREAM_HEAD_MAX (4u << 10)
#define STREAM_METADATA_MAX (256u << 10)
#define STREAM_KEY_MAX 32u

enum stream_kind {
	STREAM_UNSET,
	STREAM_LIST,
	STREAM_WATCH,
};

enum stream_event {
	STREAM_EVENT_UNSET, /* a type nobody knows */
	STREAM_ADDED,
	STREAM_MODIFIED,
	STREAM_DELETED,
	STREAM_BOOKMARK,
	STREAM_ERROR,
};

/* Any of them may return -errno: the stream ends with it. Texts last as long as the call. */
struct stream_handler {
	void *ctx;
	int (*on_metadata)(void *ctx, const char *text, size_t len);
	int (*on_item)(void *ctx, const struct kube_object *obj);
	int (*on_event)(void *ctx, enum stream_event type, const struct kube_object *obj);
	/* An item (of no type) or an event's object is over a limit: -EMSGSIZE or -E2BIG
	 * (nesting). @head is its beginning, or all of it. */
	int (*on_oversize)(void *ctx, enum stream_event type, const char *head, size_t len,
			   int err);
};

enum stream_state {
	STREAM_AT_START,
	STREAM_AT_KEY,
	STREAM_IN_KEY,
	STREAM_AT_COLON,
	STREAM_AT_VALUE,
	STREAM_IN_VALUE,
	STREAM_AFTER_VALUE,
	STREAM_AT_ITEM,
	STREAM_IN_ITEM,
	STREAM_AFTER_ITEM,
	STREAM_AT_END,
};

enum stream_member {
	STREAM_OTHER, /* skipped */
	STREAM_METADATA,
	STREAM_ITEMS,
	STREAM_TYPE,
	STREAM_OBJECT,
};

struct stream {
	enum stream_kind kind;
	struct stream_handler handler;
	enum stream_state state;
	enum stream_member member; /* whose value it is */
	struct scan scan;          /* of the key or value under way */
	bool first;                /* an empty object or array may still end here */
	bool kept;                 /* the value is wanted */
	bool oversize;
	bool indexing; /* an object; `json` follows it, not `scan` */
	struct json_scan json;
	struct json_index index; /* of the object that ended last, if `indexed` */
	bool indexed;
	size_t limit;
	struct buf part; /* of a key or value whose beginning came earlier */

	bool has_items;
	bool has_metadata;
	bool has_type;
	bool has_object;
	enum stream_event type;
	struct buf held; /* an event's object that came before its type */
	int held_error;
	int err;
};

/* Readies a zeroed or used stream for a new body. Keeps its memory. */
void stream_start(struct stream *s, enum stream_kind kind, const struct stream_handler *handler);
void stream_release(struct stream *s);

/**
 * Takes the next bytes.
 *
 * 0; -EPROTO: that is no list or no watch; what a handler returned; -ENOMEM. Errors stick.
 */
int stream_feed(struct stream *s, const char *p, size_t n);

/**
 * The body is over.
 *
 * 0: it was complete. -ENODATA: it ends in the middle, or a list has no items or no metadata.
 */
int stream_end(const struct stream *s);

#endif
