/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal: what the files of `net` share.
 *
 * The traps of libcurl's multi interface shape this: nothing may be added to or
 * removed from a multi handle inside one of its callbacks, and a request can be
 * cancelled from any callback. So http_get() and http_cancel() only mark, and
 * client_settle() acts, from the loop, outside libcurl:
 *
 *	QUEUED --settle--> RUNNING --result--> DONE (on_done) --> freed
 *	   \__________________\__cancel__> CANCELLED --settle--> freed
 */
#ifndef PODFS_NET_INTERNAL_H
#define PODFS_NET_INTERNAL_H

#include <curl/curl.h>

#include <podfs/base/buf.h>
#include <podfs/net/http.h>

#include "credentials.h"

enum request_state {
	REQUEST_UNSET,
	REQUEST_QUEUED,
	REQUEST_RUNNING,
	REQUEST_CANCELLED,
};

struct http_request {
	struct http_client *client;
	struct http_request *next;
	enum request_state state;
	bool attached; /* to the multi handle */
	struct http_handler handler;
	char *path;
	CURL *easy;
	struct curl_slist *headers;
	char error_text[CURL_ERROR_SIZE];
	size_t header_bytes;
	bool header_overflow;
	bool opened;     /* on_open was called */
	int refusal;     /* what on_body returned */
	struct buf body; /* of an answer that is not 200 */
};

struct http_client {
	uv_loop_t *loop;
	const struct client_config *config;
	struct credentials credentials;
	CURLM *multi;
	CURL *model; /* requests are copies of it */
	char *base_url;
	char *host_header; /* if it differs from the URL's, else NULL */
	struct curl_slist *connect_to;

	uv_timer_t timer; /* libcurl's */
	uv_timer_t kick;  /* client_settle() is wanted */
	struct http_socket *sockets;
	unsigned handles; /* not yet closed: memory goes with the last */

	struct http_request *requests;
	unsigned busy; /* on the stack: do not tear down yet */
	bool closing;
	bool closed;
	void (*closed_cb)(void *ctx);
	void *closed_ctx;
	struct http_stats stats;
};

/* client.c */

/* Wants client_settle() soon. */
void client_kick(struct http_client *c);
/* Starts what is queued, ends what is cancelled, reports what is done. */
void client_settle(struct http_client *c);

/* multi.c: libcurl's view of the loop. */
int multi_open(struct http_client *c);
/* Stops and closes all handles of the loop; client_handle_closed() as each is gone. */
void multi_close(struct http_client *c);
void client_handle_closed(struct http_client *c);

/* request.c */

/* Makes the easy handle that every request is copied from. 0, -ENOMEM, -EINVAL. */
int request_model(struct http_client *c, struct error *ret_error);
/* Hands a queued request to libcurl; on failure its on_done says so. */
void request_start(struct http_request *r);
/* libcurl is through with it: tells the handler and frees. */
void request_finish(struct http_request *r, CURLcode code);
void request_free(struct http_request *r);

/* failure.c */

/* What a libcurl code means, and the -errno for it. */
enum http_failure failure_of(CURL *easy, CURLcode code, const char *text, int *ret_err);

#endif
