/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reflector: keeps a sink equal to one resource of the server.
 *
 * The protocol and nothing else: it opens no socket and reads no clock, but
 * asks a transport for one answer at a time and is told what comes. So a test
 * plays a year of faults in a second.
 *
 *	            +------------- 410, undecodable ----------------+
 *	            v                                               |
 *	start -> LISTING -- complete --> OPENING -- 200 --> WATCHING -+- end --> OPENING
 *	          ^   |                   ^   |                       |
 *	          |   +--- failed --+     |   +------ failed ---------+
 *	          |                 v     |                           v
 *	          +-------------- WAITING <---------------------------+
 *
 * A list is consistent (no resourceVersion): a stream of events where the
 * server has that, else in pages; the pages' continue token being gone leads to
 * one list in one piece. A watch that ends is taken
 * up where it ended, at once; one that ends at once, or fails, after a pause,
 * and not without a look whether the server still is where it was (checker.c).
 * Only what makes the known resourceVersion worthless leads to a new list.
 *
 * Not thread-safe: all calls from one thread. Nothing of a transport's is called after
 * reflector_stop().
 */
#ifndef PODFS_KUBE_REFLECTOR_H
#define PODFS_KUBE_REFLECTOR_H

#include <podfs/kube/sink.h>
#include <podfs/kube/state.h>

#define REFLECTOR_PAGE 500
/* The server closes the watch after so long, so that load spreads again. */
#define REFLECTOR_WATCH_MIN_S 300
#define REFLECTOR_WATCH_SPREAD_S 300
/* A watch that says nothing, not even a bookmark (one a minute), is opened anew. */
#define REFLECTOR_WATCH_SILENCE_MS 150000
/* The same for a list, and for the answer's first byte. */
#define REFLECTOR_ANSWER_SILENCE_MS 60000
/* A watch this short without an event did not work. */
#define REFLECTOR_WATCH_SHORT_MS 1000
/* What was forbidden from the start is asked for again after so long, or up to twice that. */
#define REFLECTOR_FORBIDDEN_MS 60000
/* A server that asks for more patience than this does not get it. */
#define REFLECTOR_RETRY_AFTER_MAX_S 300
/* Tries for one page before the list starts over. */
#define REFLECTOR_PAGE_TRIES 5
/* Tries for a list as a stream of events before it comes in pages. */
#define REFLECTOR_STREAM_TRIES 2
/* Tries for a watch from a version the server does not know yet, before listing. */
#define REFLECTOR_TOO_LARGE_TRIES 5

struct reflector_transport {
	void *ctx;
	/* Milliseconds of a clock that never jumps; above 0. */
	int64_t (*now_ms)(void *ctx);
	uint64_t (*random)(void *ctx);
	/* Asks for a path with its query. What comes is told by the calls below, never from
	 * inside this one. 0 or -ENOMEM. */
	int (*get)(void *ctx, const char *path);
	/* Forgets the request under way: nothing more of it is told. */
	void (*cancel)(void *ctx);
	/* Calls reflector_timer() at that time, or earlier; replaces the one before. -1: never. */
	void (*set_timer)(void *ctx, int64_t at_ms);
};

struct reflector_options {
	const char *path;  /* "/api/v1/pods" */
	const char *query; /* selectors, encoded: "labelSelector=a%3Db", or NULL */
	bool streaming;    /* lists as streams of events, where the server can */
	struct reflector_sink sink;
	struct reflector_transport transport;
	/* The state changed (see kube/client.h). May be NULL. Must not stop the reflector. */
	void (*on_state)(void *ctx);
	void *ctx;
};

/* The end of an answer. */
struct reflector_answer {
	enum kube_failure failure; /* of the transport; KUBE_FAILURE_UNSET: it came to its end */
	const char *message;       /* words for it */
	const char *hint;          /* what to do about it; NULL: nothing is known */
	int status;                /* 0: none came */
	int64_t retry_after_s;     /* -1: not said */
	const char *body;          /* of a status other than 200 */
	size_t body_len;
};

struct reflector;

/* Strings are copied. 0 or -ENOMEM. */
int reflector_new(const struct reflector_options *options, struct reflector **ret);
void reflector_free(struct reflector *r);

/* Begins with a list. May be called again after reflector_stop(). */
void reflector_start(struct reflector *r);
/*
 * The same where the sink has all up to @resource_version already: with a look whether the server
 * still is where it was then (checker.c), and a watch from there.
 */
void reflector_resume(struct reflector *r, const char *resource_version);
/* Cancels what is under way; the sink keeps what it has. */
void reflector_stop(struct reflector *r);
/* Another path and query, for a stopped reflector. What was known counts for nothing. */
int reflector_redirect(struct reflector *r, const char *path, const char *query);

/* From the transport: a 200 is in; bytes of its body; the end; the timer. */
void reflector_open(struct reflector *r);
void reflector_data(struct reflector *r, const char *p, size_t n);
void reflector_done(struct reflector *r, const struct reflector_answer *answer);
void reflector_timer(struct reflector *r);
/* In place of the timer: the request has not been sent yet, so that nobody can answer. */
void reflector_postpone(struct reflector *r);

/* How it does; valid until the next call. */
const struct kube_resource_state *reflector_state(const struct reflector *r);

#endif
