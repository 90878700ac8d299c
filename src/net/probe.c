/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/2 connections that are silent.
 *
 * A peer that is gone leaves no trace on a connection we only read from, and
 * behind a proxy even TCP's own probes are answered. So a connection over which
 * nothing came for a while is asked for /version. The request goes where all go,
 * over the one connection there is, and any answer is one; if none comes, all
 * connections are closed, and the watches take up where they were. HTTP/1.1
 * cannot ask on a connection that is busy: TCP's probes and the reflector's
 * patience (150 s) are what there is.
 */
#include <podfs/base/clock.h>

#include "internal.h"

/* Our end's port, 0 while it is not connected. */
static long port_of(const struct http_request *r)
{
	long port = 0;

	if (r->attached)
		curl_easy_getinfo(r->easy, CURLINFO_LOCAL_PORT, &port);
	return port;
}

void probe_heard(struct http_request *r)
{
	struct http_client *c = r->client;
	struct probe_connection *oldest = &c->connections[0];
	long port = port_of(r);

	probe_started(c);
	if (!port)
		return;
	for (size_t i = 0; i < PROBE_CONNECTIONS_MAX; i++) {
		struct probe_connection *k = &c->connections[i];

		if (k->port == port) {
			k->last_ms = clock_monotonic_ms();
			return;
		}
		if (k->last_ms < oldest->last_ms)
			oldest = k;
	}
	*oldest = (struct probe_connection){port, clock_monotonic_ms()};
}

/* Since when a request waits in vain for a connection to speak; 0: none does. */
static int64_t waiting_since(const struct http_client *c, const struct probe_connection *k)
{
	int64_t first = 0;

	for (const struct http_request *r = c->requests; r; r = r->next)
		if (r->state == REQUEST_RUNNING && !r->probe && port_of(r) == k->port &&
		    (!first || r->started_ms < first))
			first = r->started_ms;
	return first && first < k->last_ms ? k->last_ms : first;
}

static void look_again(struct http_client *c);

static int on_body(void *ctx, const char *data, size_t len)
{
	(void)ctx;
	(void)data;
	(void)len;
	return 0;
}

static void on_done(void *ctx, const struct http_result *result)
{
	struct http_client *c = ctx;

	if (!c->probe)
		return;
	c->probe = NULL;
	if (result->failure && result->failure != HTTP_FAILURE_LOCAL)
		client_renew(c, "the connection broke while it was silent");
	look_again(c);
}

static void send_probe(struct http_client *c)
{
	struct http_handler handler = {c, NULL, on_body, on_done};

	if (http_get(c, "/version", &handler, &c->probe) < 0)
		return;
	c->probe->probe = true;
	client_count(&c->stats.probes);
}

/* What to do about connections that are silent, and when to look again; -1: not before something
 * is sent or comes. A request may not have its connection yet. */
static int64_t look(struct http_client *c, int64_t now_ms)
{
	int64_t next = c->requests ? now_ms + c->times.probe_idle_ms : -1;

	for (size_t i = 0; i < PROBE_CONNECTIONS_MAX; i++) {
		const struct probe_connection *k = &c->connections[i];
		int64_t since = k->port ? waiting_since(c, k) : 0;

		if (!since)
			continue;
		int64_t due = since + c->times.probe_idle_ms;
		int64_t dead = due + c->times.probe_answer_ms;
		if (now_ms >= dead) {
			client_renew(c, "the connection is dead: it was silent, and a request to "
					"see was not answered");
			return -1;
		}
		if (now_ms >= due && !c->probe)
			send_probe(c);
		int64_t then = now_ms >= due ? dead : due;
		if (then < next)
			next = then;
	}
	return next;
}

static void timer_cb(uv_timer_t *timer)
{
	look_again(timer->data);
}

static void look_again(struct http_client *c)
{
	int64_t now = clock_monotonic_ms();
	int64_t next = c->closing ? -1 : look(c, now);

	if (c->closing)
		return;
	uv_timer_stop(&c->probe_timer);
	if (next < 0)
		return;
	uv_update_time(c->loop);
	uv_timer_start(&c->probe_timer, timer_cb, (uint64_t)(next - now), 0);
}

void probe_started(struct http_client *c)
{
	if (c->closing || uv_is_active((uv_handle_t *)&c->probe_timer))
		return;
	uv_update_time(c->loop);
	uv_timer_start(&c->probe_timer, timer_cb, (uint64_t)c->times.probe_idle_ms, 0);
}

void probe_init(struct http_client *c)
{
	/* Only what it watches keeps a loop going. */
	uv_unref((uv_handle_t *)&c->probe_timer);
}
