/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch: answers that never end.
 *
 * A watch is a stream with a position in its kind's history. A write wakes the
 * streams that have nothing left to send; each then reads the history from
 * where it stands, so there are no queues, and a watcher that is too slow finds
 * its position overwritten and is told 410.
 */
#pragma once

#include "render.h"
#include "selector.h"

struct watch_options {
	enum kind kind;
	const char *ns;   /* NULL: all */
	const char *name; /* NULL: all */
	struct view view;
	struct selector selector; /* taken over */
	uint64_t rv;
	bool initial;          /* begin with an ADDED event for each object there is */
	bool initial_bookmark; /* and end that with a bookmark that says so */
	bool bookmarks;
	uint64_t timeout; /* seconds */
};

/** Starts the thread that looks after bookmarks, deadlines and lost clients. */
void watch_init(uint64_t bookmark_interval);

/** Answers with a watch, or with 410 in either of its forms. */
void watch_reply(struct request *req, struct watch_options *o);

/** Whether a too old revision is answered by HTTP 410 instead of an ERROR event. */
void watch_gone_by_status(bool yes);

/** Has all watches read on, also those without anything to read. */
void watch_nudge_all(void);

/** Ends all watches as if their time was over; how many there were. */
size_t watch_close_all(void);
size_t watch_count(void);
