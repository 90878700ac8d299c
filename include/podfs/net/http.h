/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http: GET requests to one server, on the loop.
 *
 * libcurl does the protocol (TLS, HTTP/1.1 and 2, gzip, proxies), libuv says
 * when. Requests to a server that speaks HTTP/2 share one connection. How the
 * server is reached and with which credentials comes from a client_config;
 * token files are read again while the program runs.
 *
 * Everything here is [loop]. A callback comes from the loop, never from inside
 * the call that caused it, and may itself start, cancel or close anything.
 */
#ifndef PODFS_NET_HTTP_H
#define PODFS_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include <podfs/base/error.h>
#include <podfs/config/config.h>

/* Header lines and the body of an error; what is longer ends the request or is cut. */
#define HTTP_HEADER_MAX (256u << 10)
#define HTTP_ERROR_BODY_MAX (64u << 10)

/* How long things may take. Tests shorten them. */
struct http_times {
	int64_t connect_ms; /* establishing a connection, TLS included */
	/* A peer that does not acknowledge is given up after idle + probes * interval, or, with
	 * data on its way, after user_timeout_ms. */
	int keepalive_idle_s;
	int keepalive_interval_s;
	int keepalive_probes;
	int user_timeout_ms;
	/* An HTTP/2 connection that was silent for probe_idle_ms is asked for /version; if it
	 * stays silent for another probe_answer_ms it is closed, and its requests fail. */
	int64_t probe_idle_ms;
	int64_t probe_answer_ms;
	/* Certificates and keys are looked at so often; new ones mean new connections. */
	int64_t files_check_ms;
	/* A credential program, and one that may ask a person. */
	int64_t exec_ms;
	int64_t exec_interactive_ms;
};

/* 15 s; 30 s, 5 s, 3, 45 s; 30 s, 15 s; 5 min; 1 min, 5 min. */
extern const struct http_times http_times_default;

enum http_failure {
	HTTP_FAILURE_UNSET,       /* none: an answer came */
	HTTP_FAILURE_UNREACHABLE, /* no connection, or it broke */
	HTTP_FAILURE_TLS,         /* certificates, keys, handshake */
	HTTP_FAILURE_PROTOCOL,    /* what came is not HTTP, or over a limit */
	HTTP_FAILURE_REFUSED,     /* on_body did not want more */
	HTTP_FAILURE_LOCAL,       /* a credential cannot be read, no memory */
};

struct http_result {
	enum http_failure failure;
	int err;               /* 0 if an answer came to its end, else -errno */
	const char *message;   /* words for it, without secrets; "" if there is nothing to say */
	const char *hint;      /* what to do about it; "" if nothing is known */
	int status;            /* of the answer, 0: none came. Can be set beside a failure */
	int64_t retry_after_s; /* -1: the server did not say */
	const char *body;      /* of an answer that is not 200: its beginning */
	size_t body_len;
};

struct http_handler {
	void *ctx;
	/* A 200 is in, its body follows. May be NULL. */
	void (*on_open)(void *ctx);
	/* A piece of the body of a 200, of any size. Not 0: the request fails with that. */
	int (*on_body)(void *ctx, const char *data, size_t len);
	/* The end of it, once. The request and what @result points to are gone afterwards. */
	void (*on_done)(void *ctx, const struct http_result *result);
};

struct http_stats {
	uint64_t connections; /* opened */
	uint64_t requests;
	uint64_t http2;     /* requests answered over HTTP/2 */
	uint64_t probes;    /* of silent connections; among the requests */
	uint64_t renewals;  /* all connections were closed: dead, or a certificate changed */
	uint64_t exec_runs; /* of the credential program */
};

struct http_client;
struct http_request;

/**
 * @config  must stay valid until the client is closed.
 * @times   NULL: the defaults.
 *
 * 0; -ENOMEM; -EINVAL with @ret_error filled: the server's URL is none. SIGPIPE is ignored from
 * now on, unless someone handles it.
 */
int http_client_open(uv_loop_t *loop, const struct client_config *config,
		     const struct http_times *times, struct http_client **ret,
		     struct error *ret_error);

/* Cancels all requests; closed_cb comes when nothing is left. NULL: nobody is told. */
void http_client_close(struct http_client *c, void (*closed_cb)(void *ctx), void *ctx);

/**
 * Asks for @path, which starts with '/' and is encoded as it goes over the wire.
 *
 * 0 or -ENOMEM: then no callback comes.
 */
int http_get(struct http_client *c, const char *path, const struct http_handler *handler,
	     struct http_request **ret);

/* No callback of this request comes any more; @r is gone. */
void http_cancel(struct http_request *r);

/* Whether it is not under way yet: it waits for a credential. */
bool http_waiting(const struct http_request *r);

/* [any thread] */
void http_client_stats(const struct http_client *c, struct http_stats *ret);

#endif
