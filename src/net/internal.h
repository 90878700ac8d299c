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
 *
 * A request stays QUEUED while the credential program runs (exec.c), and goes
 * back to it once when the program's credential was refused.
 */
#ifndef PODFS_NET_INTERNAL_H
#define PODFS_NET_INTERNAL_H

#include <curl/curl.h>

#include <podfs/base/buf.h>
#include <podfs/net/http.h>

#include "credentials.h"
#include "exec_run.h"

enum request_state {
	REQUEST_UNSET,
	REQUEST_QUEUED,
	REQUEST_RUNNING,
	REQUEST_CANCELLED,
};

/* What HTTP/2 connections there are; more than there ever should be. */
#define PROBE_CONNECTIONS_MAX 8

/* An HTTP/2 connection, by our end's port. libcurl 7.88 has no other name for it. */
struct probe_connection {
	long port;       /* 0: none */
	int64_t last_ms; /* something came */
};

/* The client's side of the credential program. */
struct exec {
	struct exec_run *run; /* NULL: none under way */
	bool fresh;           /* what it brought goes to who waited, even if it has expired */
	int64_t begun_ms;
};

/* A file that connections depend on. */
struct watched_file {
	const char *path; /* NULL: none */
	uint64_t digest;  /* of its content; 0: never read */
};

struct http_request {
	struct http_client *client;
	struct http_request *next;
	enum request_state state;
	bool attached; /* to the multi handle */
	struct http_handler handler;
	char *path;
	bool probe;          /* ours: sent with what credentials there are */
	bool resent;         /* after a 401 */
	uint64_t generation; /* of the program's credential it went with; 0: none */
	int64_t started_ms;
	bool http2; /* answered over it */
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
	struct http_times times;
	struct credentials credentials;
	struct exec exec;
	CURLM *multi;
	CURL *model; /* requests are copies of it */
	char *base_url;
	char *host_header; /* if it differs from the URL's, else NULL */
	struct curl_slist *connect_to;

	uv_timer_t timer; /* libcurl's */
	uv_timer_t kick;  /* client_settle() is wanted */
	uv_timer_t probe_timer;
	uv_timer_t files_timer;
	struct http_socket *sockets;
	unsigned handles; /* not yet closed: memory goes with the last */

	struct probe_connection connections[PROBE_CONNECTIONS_MAX];
	struct http_request *probe; /* under way */
	struct watched_file files[3];
	const char *renew; /* all connections are to be closed: why; NULL: no */

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

/* Counts one more of the stats, which any thread may look at. */
static inline void client_count(uint64_t *n)
{
	__atomic_fetch_add(n, 1, __ATOMIC_RELAXED);
}

/* Closes all connections soon; requests under way fail, with these words (static). */
void client_renew(struct http_client *c, const char *why);
/* Ends a request that is not libcurl's (any more): tells the handler. */
void client_fail(struct http_request *r, enum http_failure failure, const struct error *error);

/* exec.c: the credential program. Its files: exec_info.c (what it is told), exec_run.c (one run),
 * exec_credential.c (what it answers), credentials.c (what is kept). */

/* Whether requests must wait. Starts the program if that is not so yet; if it cannot be started
 * all queued requests fail. */
bool exec_wait(struct http_client *c);
void exec_close(struct http_client *c);

/* probe.c: HTTP/2 connections that are silent. */
void probe_init(struct http_client *c);
/* Something came over the request's connection. */
void probe_heard(struct http_request *r);
/* A request went out: perhaps over a connection that is dead. */
void probe_started(struct http_client *c);

/* files.c: certificates and keys that change. */
void files_init(struct http_client *c);

/* multi.c: libcurl's view of the loop. */
int multi_open(struct http_client *c);
/* Another multi handle, without the connections of the old one. No request is attached. */
int multi_renew(struct http_client *c);
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
/* Takes it out of libcurl, so that it can be started again. */
void request_detach(struct http_request *r);
void request_free(struct http_request *r);
/* An option whose bytes are copied, if there are any. */
CURLcode easy_set_blob(CURL *easy, CURLoption option, const struct config_data *d);

/* proxy.c */

/* How requests get out, and whom they trust on the way. */
CURLcode proxy_set(CURL *easy, const struct client_config *c);

/* failure.c */

/* What a libcurl code means, and the -errno for it. */
enum http_failure failure_of(CURL *easy, CURLcode code, const char *text, int *ret_err);

#endif
