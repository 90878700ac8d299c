/* SPDX-License-Identifier: Apache-2.0 */
/*
 * render: objects, lists and events as a client asks for them in Accept.
 */
#pragma once

#include "http.h"
#include "object.h"

enum format {
	FORMAT_NONE, /* nothing that this server can give */
	FORMAT_FULL,
	FORMAT_PARTIAL, /* PartialObjectMetadata */
	FORMAT_TABLE,
};

/** What a table's rows carry besides the cells: the parameter includeObject. */
enum include {
	INCLUDE_METADATA,
	INCLUDE_OBJECT,
	INCLUDE_NONE,
};

struct view {
	enum format format;
	enum include include;
};

/** What the request accepts. */
struct view view_of(const struct request *req);

/** One object as the answer to a GET or as an event's object; no line end. */
void render_object(const struct object *o, struct view view, struct buf *out);
/** One item of a list. */
void render_item(const struct object *o, struct view view, struct buf *out);
/**
 * What is before the items of a list, and behind them. `next` is a continue
 * token or NULL, `remaining` the items behind it, or -1.
 */
void render_list_head(enum kind kind, struct view view, uint64_t rv, const char *next,
		      int64_t remaining, struct buf *out);
void render_list_tail(struct buf *out);

/** A bookmark's object. */
void render_bookmark(enum kind kind, struct view view, uint64_t rv, bool initial_end,
		     struct buf *out);
