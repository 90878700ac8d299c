/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http: the HTTP server (libmicrohttpd), requests and answers.
 *
 * A pool of threads, each with its own epoll. A request is handled as soon as
 * its body is there; the handler makes exactly one answer with a reply_*()
 * function. An answer is either a buffer or a stream that is asked for bytes
 * whenever the connection can take some.
 */
#pragma once

#include <microhttpd.h>

#include "hold.h"
#include "options.h"
#include "util.h"

struct request {
	struct MHD_Connection *connection;
	char *method, *path;
	struct buf body;
	char *user;                  /* who is asking; set before the handler runs */
	char **groups;               /* NULL-terminated; may be NULL */
	const char *resource, *verb; /* what it asks for; NULL unless it is an object or several */

	/* the answer */
	unsigned code;
	struct MHD_Response *response;
	/* or none */
	struct hold hold;
	bool drop; /* close the connection */
};

enum {
	STREAM_END = -1,
	STREAM_ERROR = -2,
	STREAM_WAIT = 0, /* the connection has been suspended; somebody will resume it */
};

/** The body of a long answer. Made by its owner with these two at its start. */
struct stream {
	/** Up to `max` bytes into `out`: how many, or one of STREAM_*. One thread at a time. */
	ssize_t (*read)(struct stream *s, char *out, size_t max);
	void (*free)(struct stream *s);
	struct MHD_Connection *connection;
};

/** Starts serving; the port it got is in *ret_port. 0 or -errno with the reason printed. */
int http_start(const struct options *o, unsigned *ret_port);

/** Decides what to answer; see api.c. */
void api_handle(struct request *req);

/** A query argument, decoded; "" if it is given without a value, NULL if it is not there. */
const char *request_arg(const struct request *req, const char *name);
bool request_arg_true(const struct request *req, const char *name);
uint64_t request_arg_number(const struct request *req, const char *name, uint64_t otherwise);
const char *request_header(const struct request *req, const char *name);
bool request_wants_gzip(const struct request *req);
bool request_is_local(const struct request *req);

/** Whether the client has left: nobody notices by itself while a connection is suspended. */
bool connection_lost(struct MHD_Connection *c);

/** Answers with the buffer, which is taken over. */
void reply_json(struct request *req, unsigned code, struct buf *body);
void reply(struct request *req, unsigned code, const char *content_type, struct buf *body);
/** Answers 200 with the stream, which is taken over. */
void reply_stream(struct request *req, struct stream *s, bool gzip);
void reply_header(struct request *req, const char *name, const char *value);

/** The number of requests answered so far. */
uint64_t http_requests(void);
