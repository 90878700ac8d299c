/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two callbacks through which libcurl says what it waits for, and the two
 * through which the loop says that it happened.
 *
 * libcurl is never called from its own callbacks. A uv_poll_t lives until its
 * close callback, longer than the socket it watched.
 */
#include <errno.h>

#include "internal.h"

struct http_socket {
	uv_poll_t poll;
	struct http_client *client;
	curl_socket_t fd;
	struct http_socket *next;
};

void client_handle_closed(struct http_client *c)
{
	if (--c->handles > 0)
		return;
	if (c->closed_cb)
		c->closed_cb(c->closed_ctx);
	free(c);
}

static void socket_closed_cb(uv_handle_t *handle)
{
	struct http_socket *s = handle->data;
	struct http_client *c = s->client;

	free(s);
	client_handle_closed(c);
}

static void socket_close(struct http_socket *s)
{
	struct http_socket **p = &s->client->sockets;

	while (*p != s)
		p = &(*p)->next;
	*p = s->next;
	uv_poll_stop(&s->poll);
	uv_close((uv_handle_t *)&s->poll, socket_closed_cb);
}

static void act(struct http_client *c, curl_socket_t fd, int events)
{
	int running;

	c->busy++;
	curl_multi_socket_action(c->multi, fd, events, &running);
	client_settle(c);
	c->busy--;
	if (c->closing)
		client_kick(c);
}

static void poll_cb(uv_poll_t *handle, int status, int events)
{
	struct http_socket *s = handle->data;
	int flags = 0;

	if (status < 0)
		flags = CURL_CSELECT_ERR;
	if (events & UV_READABLE)
		flags |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		flags |= CURL_CSELECT_OUT;
	act(s->client, s->fd, flags);
}

static void timer_cb(uv_timer_t *timer)
{
	act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static struct http_socket *socket_new(struct http_client *c, curl_socket_t fd)
{
	struct http_socket *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->client = c;
	s->fd = fd;
	s->poll.data = s;
	if (uv_poll_init_socket(c->loop, &s->poll, fd) < 0) {
		free(s);
		return NULL;
	}
	c->handles++;
	s->next = c->sockets;
	c->sockets = s;
	return s;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *userp, void *socketp)
{
	struct http_client *c = userp;
	struct http_socket *s = socketp;
	int events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		curl_multi_assign(c->multi, fd, NULL);
		if (s)
			socket_close(s);
		return 0;
	}
	if (!s) {
		s = socket_new(c, fd);
		if (!s)
			return -1;
		curl_multi_assign(c->multi, fd, s);
	}
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		events |= UV_READABLE;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		events |= UV_WRITABLE;
	int r = events ? uv_poll_start(&s->poll, events, poll_cb) : uv_poll_stop(&s->poll);
	return r < 0 ? -1 : 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *userp)
{
	struct http_client *c = userp;

	(void)multi;
	if (c->closing)
		return 0;
	if (timeout_ms < 0) {
		uv_timer_stop(&c->timer);
		return 0;
	}
	/* The loop's idea of now is old when decoding took long. */
	uv_update_time(c->loop);
	return uv_timer_start(&c->timer, timer_cb, (uint64_t)timeout_ms, 0) < 0 ? -1 : 0;
}

static CURLM *multi_new(struct http_client *c)
{
	CURLM *multi = curl_multi_init();

	if (!multi)
		return NULL;
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, c);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(multi, CURLMOPT_TIMERDATA, c);
	curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
	/* Three watches, three lists, and what is being replaced. */
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 8L);
	return multi;
}

static void timer_init(struct http_client *c, uv_timer_t *timer)
{
	uv_timer_init(c->loop, timer);
	timer->data = c;
	c->handles++;
}

int multi_open(struct http_client *c)
{
	c->multi = multi_new(c);
	if (!c->multi)
		return -ENOMEM;
	timer_init(c, &c->timer);
	timer_init(c, &c->kick);
	timer_init(c, &c->probe_timer);
	timer_init(c, &c->files_timer);
	return 0;
}

/* Sockets are let go of before libcurl closes them. */
static void multi_free(struct http_client *c, CURLM *multi)
{
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, NULL);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, NULL);
	while (c->sockets)
		socket_close(c->sockets);
	curl_multi_cleanup(multi);
}

int multi_renew(struct http_client *c)
{
	CURLM *multi = multi_new(c);

	if (!multi)
		return -ENOMEM;
	uv_timer_stop(&c->timer);
	multi_free(c, c->multi);
	c->multi = multi;
	return 0;
}

static void timer_closed_cb(uv_handle_t *handle)
{
	client_handle_closed(handle->data);
}

void multi_close(struct http_client *c)
{
	multi_free(c, c->multi);
	c->multi = NULL;
	uv_close((uv_handle_t *)&c->timer, timer_closed_cb);
	uv_close((uv_handle_t *)&c->kick, timer_closed_cb);
	uv_close((uv_handle_t *)&c->probe_timer, timer_closed_cb);
	uv_close((uv_handle_t *)&c->files_timer, timer_closed_cb);
}
