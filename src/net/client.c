/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client: its requests from queue to end, and its own end.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <podfs/base/log.h>

#include "internal.h"

const struct http_times http_times_default = {
    .connect_ms = 15000,
    .keepalive_idle_s = 30,
    .keepalive_interval_s = 5,
    .keepalive_probes = 3,
    .user_timeout_ms = 45000,
    .probe_idle_ms = 30000,
    .probe_answer_ms = 15000,
    .files_check_ms = 300000,
    .exec_ms = 60000,
    .exec_interactive_ms = 300000,
};

static pthread_once_t global_once = PTHREAD_ONCE_INIT;
static CURLcode global_result;

static void global_init(void)
{
	struct sigaction pipe;

	global_result = curl_global_init(CURL_GLOBAL_DEFAULT);
	/* A connection that breaks while TLS writes to it must not end the program. */
	if (sigaction(SIGPIPE, NULL, &pipe) == 0 && pipe.sa_handler == SIG_DFL)
		signal(SIGPIPE, SIG_IGN);
}

/* A URL with @host in place of the one it has; its own goes to @ret_old with its port. */
static int replace_host(const char *server, const char *host, char **ret, struct buf *ret_old,
			char **ret_port)
{
	CURLU *url = curl_url();
	char *old = NULL;
	char *changed = NULL;
	int r = -ENOMEM;

	*ret_port = NULL;
	if (url && curl_url_set(url, CURLUPART_URL, server, 0) == CURLUE_OK &&
	    curl_url_get(url, CURLUPART_HOST, &old, 0) == CURLUE_OK &&
	    curl_url_get(url, CURLUPART_PORT, ret_port, CURLU_DEFAULT_PORT) == CURLUE_OK) {
		r = -EINVAL;
		if (curl_url_set(url, CURLUPART_HOST, host, 0) == CURLUE_OK &&
		    curl_url_get(url, CURLUPART_URL, &changed, 0) == CURLUE_OK) {
			*ret = strdup(changed);
			r = *ret && buf_addstr(ret_old, old) == 0 ? 0 : -ENOMEM;
		}
	}
	curl_free(changed);
	curl_free(old);
	curl_url_cleanup(url);
	return r;
}

/*
 * libcurl verifies the name in the URL. So with a tls-server-name that is what
 * the URL holds, and the connection and the Host header go elsewhere.
 */
static int use_server_name(struct http_client *c, struct error *ret_error)
{
	const char *name = c->config->tls_server_name;
	cleanup_buf struct buf host = {0};
	cleanup_buf struct buf to = {0};
	char *port;
	int r = replace_host(c->config->server, name, &c->base_url, &host, &port);

	if (r == -EINVAL)
		error_set(ret_error, r, "tls-server-name \"%s\" is not a host name", name);
	if (r >= 0) {
		buf_addf(&to, "%s:%s:%s:%s", name, port, host.data, port);
		c->connect_to = to.err ? NULL : curl_slist_append(NULL, to.data);
		if (asprintf(&c->host_header, "Host: %s:%s", host.data, port) < 0)
			c->host_header = NULL;
		if (!c->connect_to || !c->host_header)
			r = -ENOMEM;
	}
	curl_free(port);
	return r;
}

/* libcurl would say so of every request, as if it were worth trying again. */
static int check_url(const char *server, struct error *ret_error)
{
	CURLU *url = curl_url();
	CURLUcode code = url ? curl_url_set(url, CURLUPART_URL, server, 0) : CURLUE_OUT_OF_MEMORY;

	curl_url_cleanup(url);
	if (code == CURLUE_OUT_OF_MEMORY)
		return -ENOMEM;
	if (code == CURLUE_OK)
		return 0;
	return error_set(ret_error, -EINVAL, "the server's address %s is not a URL: %s", server,
			 curl_url_strerror(code));
}

static int set_base_url(struct http_client *c, struct error *ret_error)
{
	const char *server = c->config->server;
	bool unix_socket = !strncmp(server, "unix://", 7);
	int r = unix_socket ? 0 : check_url(server, ret_error);

	if (r < 0)
		return r;
	if (c->config->tls_server_name && c->credentials.secure) {
		r = use_server_name(c, ret_error);
		if (r < 0)
			return r;
		size_t len = strlen(c->base_url);
		if (len && c->base_url[len - 1] == '/')
			c->base_url[len - 1] = '\0';
		return 0;
	}
	c->base_url = strdup(unix_socket ? "http://localhost" : server);
	return c->base_url ? 0 : -ENOMEM;
}

/* Everything that is not a handle of the loop. */
static void release(struct http_client *c)
{
	curl_easy_cleanup(c->model);
	curl_slist_free_all(c->connect_to);
	credentials_release(&c->credentials);
	free(c->base_url);
	free(c->host_header);
}

static int check_file(const char *what, const char *path, struct error *e)
{
	if (!path || access(path, R_OK) == 0)
		return 0;
	int err = errno;

	error_set(e, -err, "cannot read the %s %s: %s", what, path, strerror(err));
	error_hint(e, "the kubeconfig or the command line names it");
	return -err;
}

/* What TLS would only complain about later, and less clearly. */
static int check_files(const struct client_config *c, struct error *e)
{
	int r = check_file("certificate authority", c->ca_file, e);

	if (r == 0)
		r = check_file("client certificate", c->client_cert_file, e);
	return r < 0 ? r : check_file("client key", c->client_key_file, e);
}

int http_client_open(uv_loop_t *loop, const struct client_config *config,
		     const struct http_times *times, struct http_client **ret,
		     struct error *ret_error)
{
	pthread_once(&global_once, global_init);
	struct http_client *c = global_result ? NULL : calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->loop = loop;
	c->config = config;
	c->times = times ? *times : http_times_default;
	credentials_init(&c->credentials, config);
	int r = check_files(config, ret_error);
	if (r >= 0)
		r = set_base_url(c, ret_error);
	if (r >= 0)
		r = request_model(c, ret_error);
	if (r >= 0)
		r = multi_open(c);
	if (r < 0) {
		release(c);
		free(c);
		return r;
	}
	files_init(c);
	probe_init(c);
	*ret = c;
	return 0;
}

static void free_cancelled(struct http_client *c)
{
	for (struct http_request **p = &c->requests; *p;) {
		struct http_request *r = *p;

		if (r->state != REQUEST_CANCELLED) {
			p = &r->next;
			continue;
		}
		*p = r->next;
		request_free(r);
	}
}

static void report_done(struct http_client *c)
{
	CURLMsg *msg;
	int left;

	while (!c->closing && (msg = curl_multi_info_read(c->multi, &left))) {
		struct http_request *r;
		CURLcode code = msg->data.result;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&r);
		if (r->state == REQUEST_RUNNING)
			request_finish(r, code);
	}
}

/* A handler may queue more meanwhile, at the head: those wait for the next kick. */
static void start_queued(struct http_client *c)
{
	bool wait = exec_wait(c);

	for (struct http_request *r = c->requests; r && !c->closing; r = r->next)
		if (r->state == REQUEST_QUEUED && (r->probe || !wait))
			request_start(r);
}

void client_fail(struct http_request *r, enum http_failure failure, const struct error *error)
{
	struct http_result result = {
	    .failure = failure,
	    .err = error->code,
	    .message = error->msg,
	    .hint = error->hint,
	    .retry_after_s = -1,
	    .body = "",
	};
	struct http_handler handler = r->handler;

	r->state = REQUEST_CANCELLED;
	handler.on_done(handler.ctx, &result);
}

/* A handler may cancel others and queue more, at the head. */
static void fail_running(struct http_client *c, const char *why)
{
	struct error error = {0};

	error_set(&error, -ECONNRESET, "%s", why);
	for (struct http_request *r = c->requests; r && !c->closing; r = r->next)
		if (r->state == REQUEST_RUNNING)
			client_fail(r, HTTP_FAILURE_UNREACHABLE, &error);
}

static void renew(struct http_client *c)
{
	const char *why = take_ptr(c->renew);

	for (struct http_request *r = c->requests; r; r = r->next)
		if (r->attached)
			request_detach(r);
	if (multi_renew(c) < 0)
		log_warn("out of memory: connections could not be closed");
	memset(c->connections, 0, sizeof(c->connections));
	c->probe = NULL;
	client_count(&c->stats.renewals);
	fail_running(c, why);
}

void client_renew(struct http_client *c, const char *why)
{
	c->renew = why;
	client_kick(c);
}

static void tear_down(struct http_client *c)
{
	c->closed = true;
	for (struct http_request *r = c->requests; r; r = r->next)
		r->state = REQUEST_CANCELLED;
	free_cancelled(c);
	exec_close(c);
	release(c);
	multi_close(c);
}

void client_settle(struct http_client *c)
{
	if (c->closed)
		return;
	c->busy++;
	report_done(c);
	if (c->renew && !c->closing)
		renew(c);
	start_queued(c);
	free_cancelled(c);
	c->busy--;
	if (c->closing && !c->busy)
		tear_down(c);
}

static void kick_cb(uv_timer_t *timer)
{
	client_settle(timer->data);
}

void client_kick(struct http_client *c)
{
	if (!c->closed)
		uv_timer_start(&c->kick, kick_cb, 0, 0);
}

void http_client_close(struct http_client *c, void (*closed_cb)(void *ctx), void *ctx)
{
	c->closing = true;
	c->closed_cb = closed_cb;
	c->closed_ctx = ctx;
	for (struct http_request *r = c->requests; r; r = r->next)
		r->state = REQUEST_CANCELLED;
	client_kick(c);
}

int http_get(struct http_client *c, const char *path, const struct http_handler *handler,
	     struct http_request **ret)
{
	struct http_request *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->client = c;
	r->handler = *handler;
	r->state = REQUEST_QUEUED;
	r->path = strdup(path);
	if (!r->path) {
		free(r);
		return -ENOMEM;
	}
	r->next = c->requests;
	c->requests = r;
	client_kick(c);
	*ret = r;
	return 0;
}

void http_cancel(struct http_request *r)
{
	r->state = REQUEST_CANCELLED;
	client_kick(r->client);
}

bool http_waiting(const struct http_request *r)
{
	return r->state == REQUEST_QUEUED;
}

void http_client_stats(const struct http_client *c, struct http_stats *ret)
{
	ret->connections = __atomic_load_n(&c->stats.connections, __ATOMIC_RELAXED);
	ret->requests = __atomic_load_n(&c->stats.requests, __ATOMIC_RELAXED);
	ret->http2 = __atomic_load_n(&c->stats.http2, __ATOMIC_RELAXED);
	ret->probes = __atomic_load_n(&c->stats.probes, __ATOMIC_RELAXED);
	ret->renewals = __atomic_load_n(&c->stats.renewals, __ATOMIC_RELAXED);
	ret->exec_runs = __atomic_load_n(&c->stats.exec_runs, __ATOMIC_RELAXED);
}
