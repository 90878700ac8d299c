/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_peer: the other end of a connection, on the same loop: it remembers each
 * request's header and answers with bytes the test has given it.
 */
#ifndef PODFS_TESTS_HTTP_PEER_H
#define PODFS_TESTS_HTTP_PEER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include <cmocka.h>

#include <podfs/base/buf.h>

struct peer {
	union {
		uv_tcp_t tcp;
		uv_pipe_t pipe;
		uv_stream_t stream;
		uv_handle_t handle;
	} listener;
	int port;
	struct buf requests; /* all headers so far */
	unsigned connections;
	/* The answer to every request: sent, and the connection closed if so. */
	const char *answer;
	size_t answer_len;
	bool close_after;
};

struct peer_connection {
	union {
		uv_tcp_t tcp;
		uv_pipe_t pipe;
		uv_stream_t stream;
		uv_handle_t handle;
	} c;
	struct peer *peer;
	char in[65536];
	size_t in_len;
	uv_write_t write;
};

static void peer_closed_cb(uv_handle_t *handle)
{
	free(handle->data);
}

static void peer_written_cb(uv_write_t *write, int status)
{
	struct peer_connection *c = write->data;

	(void)status;
	if (c->peer->close_after && !uv_is_closing(&c->c.handle))
		uv_close(&c->c.handle, peer_closed_cb);
}

static void peer_alloc_cb(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	struct peer_connection *c = handle->data;

	(void)size;
	*buf = uv_buf_init(c->in + c->in_len, (unsigned)(sizeof(c->in) - c->in_len));
}

static void peer_read_cb(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct peer_connection *c = stream->data;
	struct peer *p = c->peer;

	(void)buf;
	if (n < 0) {
		if (!uv_is_closing(&c->c.handle))
			uv_close(&c->c.handle, peer_closed_cb);
		return;
	}
	c->in_len += (size_t)n;
	if (c->in_len < 4 || memcmp(c->in + c->in_len - 4, "\r\n\r\n", 4))
		return;
	buf_add(&p->requests, c->in, c->in_len);
	c->in_len = 0;
	uv_buf_t out = {(char *)(uintptr_t)p->answer, p->answer_len};
	c->write.data = c;
	uv_write(&c->write, stream, &out, 1, peer_written_cb);
}

static void peer_connection_cb(uv_stream_t *listener, int status)
{
	struct peer *p = listener->data;
	struct peer_connection *c = calloc(1, sizeof(*c));

	assert_int_equal(status, 0);
	assert_non_null(c);
	c->peer = p;
	if (listener->type == UV_TCP)
		uv_tcp_init(listener->loop, &c->c.tcp);
	else
		uv_pipe_init(listener->loop, &c->c.pipe, 0);
	c->c.handle.data = c;
	assert_int_equal(uv_accept(listener, &c->c.stream), 0);
	p->connections++;
	uv_read_start(&c->c.stream, peer_alloc_cb, peer_read_cb);
}

/* @path: of a unix socket; NULL: a port of 127.0.0.1. */
static void peer_open(struct peer *p, uv_loop_t *loop, const char *path)
{
	struct sockaddr_in any;
	struct sockaddr_in bound;
	int len = sizeof(bound);

	*p = (struct peer){0};
	if (path) {
		uv_pipe_init(loop, &p->listener.pipe, 0);
		assert_int_equal(uv_pipe_bind(&p->listener.pipe, path), 0);
	} else {
		uv_ip4_addr("127.0.0.1", 0, &any);
		uv_tcp_init(loop, &p->listener.tcp);
		assert_int_equal(uv_tcp_bind(&p->listener.tcp, (const struct sockaddr *)&any, 0),
				 0);
		uv_tcp_getsockname(&p->listener.tcp, (struct sockaddr *)&bound, &len);
		p->port = ntohs(bound.sin_port);
	}
	p->listener.handle.data = p;
	assert_int_equal(uv_listen(&p->listener.stream, 16, peer_connection_cb), 0);
	/* The loop ends when the client is through, whatever the peer still has open. */
	uv_unref(&p->listener.handle);
}

static void peer_answer(struct peer *p, const char *bytes, bool close_after)
{
	p->answer = bytes;
	p->answer_len = strlen(bytes);
	p->close_after = close_after;
}

static void peer_walk_cb(uv_handle_t *handle, void *ctx)
{
	const struct peer *p = ctx;

	if (uv_is_closing(handle))
		return;
	uv_close(handle, handle == &p->listener.handle ? NULL : peer_closed_cb);
}

/* The client must be closed by now: all that is left on the loop is the peer's. */
static void peer_close(struct peer *p)
{
	uv_walk(p->listener.handle.loop, peer_walk_cb, p);
	uv_run(p->listener.handle.loop, UV_RUN_DEFAULT);
	buf_release(&p->requests);
}

#endif
