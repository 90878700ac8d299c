/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reflector_internal: what the three files of the reflector share.
 *
 *	reflector.c   life, the transport's calls, waiting
 *	lister.c      the list in pages, or as a stream of events
 *	watcher.c     the watch
 *	checker.c     the look before a watch is taken up after a loss
 *
 * A handler inside the body's stream cannot cancel the answer it stands in. It
 * leaves a verdict and breaks the stream; reflector_data() acts on it.
 */
#ifndef PODFS_KUBE_REFLECTOR_INTERNAL_H
#define PODFS_KUBE_REFLECTOR_INTERNAL_H

#include <podfs/base/buf.h>
#include <podfs/kube/reflector.h>

#include "api_status.h"
#include "backoff.h"
#include "stream.h"

enum reflector_step {
	STEP_UNSET,
	STEP_LIST,
	STEP_WATCH,
	STEP_CHECK,        /* whether the server still is where it was; then watch */
	STEP_LIST_AT_ONCE, /* unless that was done just before: then after a pause */
	STEP_LIST_PAGED,   /* at once: as a stream it did not work */
};

/* Why something did not work. */
struct trouble {
	enum kube_failure failure;
	int status;            /* HTTP's or a Status's, 0: none */
	int64_t retry_after_s; /* -1: not said */
	char message[512];
	char hint[512];
};

struct verdict {
	enum reflector_step step; /* STEP_UNSET: none */
	struct trouble trouble;
};

struct reflector {
	char *path;
	char *query;
	bool may_stream; /* lists, as far as we were told */
	bool streaming;  /* and the server has not refused it */
	struct reflector_sink sink;
	struct reflector_transport transport;
	void (*on_state)(void *ctx);
	void *ctx;

	struct kube_resource_state state;
	struct stream stream;
	struct backoff backoff;
	struct verdict verdict;
	enum reflector_step next; /* what KUBE_PHASE_WAITING waits for */
	/* Of the answer under way, or when it was asked for; of a list that streams: the last
	 * object of the list, for changes may go on for ever. */
	int64_t last_byte_ms;

	/* The list under way. */
	bool list_open;          /* the sink was told */
	bool list_whole;         /* not in pages: a continue token was gone */
	bool list_streams;       /* it comes as events */
	bool list_answers;       /* a 200 came */
	unsigned broken_streams; /* in a row */
	struct list_metadata page;
	char *token; /* of the page asked for; NULL: the first */
	unsigned page_tries;
	uint64_t received_before; /* the page */

	/* The watch under way, or the last one. */
	bool checking; /* the request under way is the look before it */
	int64_t opened_ms;
	uint64_t good_events;
	unsigned short_watches; /* in a row */
	unsigned too_large_tries;
	bool relisted; /* at once, and no watch worked since */
};

/* reflector.c */
int64_t reflector_now(const struct reflector *r);
void reflector_changed(struct reflector *r);
/* Asks for the path with @query (released by the caller) in that phase. */
void reflector_ask(struct reflector *r, enum kube_phase phase, struct buf *query);
/* Takes a step after a pause that the trouble and the backoff determine. */
void reflector_wait(struct reflector *r, enum reflector_step next, const char *verb,
		    const struct trouble *t);
/* Everything works again. */
void reflector_recovered(struct reflector *r);
/* Appends "key=value&", the value encoded. */
void query_add(struct buf *b, const char *key, const char *value);

/* For handlers: leaves the verdict; the return value breaks the stream. */
int reflector_judge(struct reflector *r, enum reflector_step step, const struct trouble *t);
/* Acts on it, once no answer is under way. */
void reflector_judged(struct reflector *r);

struct trouble trouble_make(enum kube_failure failure, const char *message);
/* From an answer that is no 200; @ret_status has what its body says. */
struct trouble trouble_of_answer(const struct reflector_answer *a, struct api_status *ret_status);

/* lister.c */
void lister_start(struct reflector *r);
void lister_done(struct reflector *r, const struct reflector_answer *a);
void lister_failed(struct reflector *r, const struct trouble *t);
/* Begins the list anew, in pages; @for_good: all others, too, the server cannot do it. */
void lister_in_pages(struct reflector *r, bool for_good);
/* Ends the sink's list without success, if there is one. */
void lister_drop(struct reflector *r);
/* The stream of events has brought the whole list. */
void lister_complete(struct reflector *r, const char *resource_version);

/* checker.c */
void checker_start(struct reflector *r);
void checker_done(struct reflector *r, const struct reflector_answer *a);

/* watcher.c */
void watcher_start(struct reflector *r);
void watcher_done(struct reflector *r, const struct reflector_answer *a);
void watcher_failed(struct reflector *r, const struct trouble *t);
/* Opens the watch anew because nothing came for too long. */
void watcher_silent(struct reflector *r);
/* The handler of a stream of events, for the lister too. */
extern const struct stream_handler watcher_handler;

#endif
