/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client: three reflectors, each with a request and a timer of its own.
 *
 * A reflector's callbacks only mark what changed. When it has returned to us,
 * settle() copies its state to where other threads may read it, decides about
 * the scope, and tells the owner, who may close the client there and then.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <podfs/base/clock.h>
#include <podfs/base/log.h>
#include <podfs/kube/client.h>
#include <podfs/kube/reflector.h>
#include <podfs/net/http.h>

#include "scope.h"

/* One reflector and what it works with. */
struct feed {
	struct kube_client *client;
	enum kube_resource resource;
	struct reflector *reflector;
	struct http_request *request; /* NULL: none under way */
	uv_timer_t timer;
	bool changed; /* since on_state was last called */
};

struct kube_client {
	uv_loop_t *loop;
	struct http_client *http;
	struct scope scope;
	char *home_namespace; /* the configuration's */
	struct feed feeds[KUBE_N_RESOURCES];
	void (*on_state)(void *ctx, enum kube_resource r, const struct kube_resource_state *s);
	void *ctx;
	uint64_t random;

	bool closing;
	unsigned handles;
	void (*closed_cb)(void *ctx);
	void *closed_ctx;

	/* What other threads may see. Innermost lock: nothing is called under it. */
	pthread_mutex_t lock;
	struct kube_state state;
};

void kube_client_state(struct kube_client *c, struct kube_state *ret)
{
	pthread_mutex_lock(&c->lock);
	*ret = c->state;
	pthread_mutex_unlock(&c->lock);
	if (c->http)
		http_client_stats(c->http, &ret->http);
}

void kube_client_resume_point(const struct kube_client *c, struct kube_resume *ret)
{
	*ret = (struct kube_resume){.fell_back = c->state.fell_back};
	memcpy(ret->namespace, c->scope.namespace, sizeof(ret->namespace));
	for (size_t i = 0; i < KUBE_N_RESOURCES; i++)
		memcpy(ret->versions[i], reflector_state(c->feeds[i].reflector)->resource_version,
		       sizeof(ret->versions[i]));
}

static void publish(struct feed *f)
{
	struct kube_client *c = f->client;
	pthread_mutex_lock(&c->lock);
	c->state.resources[f->resource] = *reflector_state(f->reflector);
	pthread_mutex_unlock(&c->lock);
}

static int redirect(struct feed *f)
{
	cleanup_buf struct buf path = {0};
	cleanup_buf struct buf query = {0};

	if (scope_target(&f->client->scope, f->resource, &path, &query) < 0)
		return -ENOMEM;
	reflector_stop(f->reflector);
	int r = reflector_redirect(f->reflector, path.data, query.data);
	reflector_start(f->reflector);
	publish(f);
	return r;
}

/*
 * Listing all pods is forbidden: then those of our own namespace. The folders
 * of the others would be empty, which is not what they are, so they go too.
 */
static bool fall_back(struct feed *f, const struct kube_resource_state *s)
{
	struct kube_client *c = f->client;

	if (f->resource != KUBE_PODS || s->failure != KUBE_FAILURE_FORBIDDEN || s->synced ||
	    *c->scope.namespace)
		return false;
	snprintf(c->scope.namespace, sizeof(c->scope.namespace), "%s", c->home_namespace);
	log_warn("listing the pods of all namespaces is forbidden: only namespace %s is shown",
		 c->scope.namespace);
	pthread_mutex_lock(&c->lock);
	memcpy(c->state.namespace, c->scope.namespace, sizeof(c->state.namespace));
	c->state.fell_back = true;
	pthread_mutex_unlock(&c->lock);
	return redirect(f) == 0 && redirect(&c->feeds[KUBE_NAMESPACES]) == 0;
}

/* After a reflector had its turn. The last thing done with it: the owner may close us. */
static void settle(struct feed *f)
{
	struct kube_client *c = f->client;
	const struct kube_resource_state *s = reflector_state(f->reflector);

	publish(f);
	if (!f->changed)
		return;
	f->changed = false;
	if (s->phase == KUBE_PHASE_WAITING && fall_back(f, s))
		return;
	if (c->on_state)
		c->on_state(c->ctx, f->resource, s);
}

static void on_reflector_state(void *ctx)
{
	struct feed *f = ctx;

	f->changed = true;
}

static int64_t now_ms(void *ctx)
{
	(void)ctx;
	return clock_monotonic_ms();
}

/* xorshift: for jitter, nobody gains by guessing it. */
static uint64_t next_random(void *ctx)
{
	struct feed *f = ctx;
	uint64_t x = f->client->random;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return f->client->random = x;
}

static void on_open(void *ctx)
{
	struct feed *f = ctx;

	reflector_open(f->reflector);
	settle(f);
}

static int on_body(void *ctx, const char *data, size_t len)
{
	struct feed *f = ctx;

	reflector_data(f->reflector, data, len);
	settle(f);
	return 0;
}

static enum kube_failure failure_of(const struct http_result *result)
{
	switch (result->failure) {
	case HTTP_FAILURE_UNSET:
		return KUBE_FAILURE_UNSET;
	case HTTP_FAILURE_UNREACHABLE:
		return KUBE_FAILURE_UNREACHABLE;
	case HTTP_FAILURE_TLS:
		return KUBE_FAILURE_TLS;
	case HTTP_FAILURE_PROTOCOL:
		return KUBE_FAILURE_SERVER;
	case HTTP_FAILURE_REFUSED:
	case HTTP_FAILURE_LOCAL:
		break;
	}
	return KUBE_FAILURE_LOCAL;
}

static void on_done(void *ctx, const struct http_result *result)
{
	struct feed *f = ctx;
	struct reflector_answer answer = {
	    .failure = failure_of(result),
	    .message = result->message,
	    .hint = result->hint,
	    .status = result->status,
	    .retry_after_s = result->retry_after_s,
	    .body = result->body,
	    .body_len = result->body_len,
	};

	f->request = NULL;
	reflector_done(f->reflector, &answer);
	settle(f);
}

static int transport_get(void *ctx, const char *path)
{
	struct feed *f = ctx;
	struct http_handler handler = {f, on_open, on_body, on_done};

	return http_get(f->client->http, path, &handler, &f->request);
}

static void transport_cancel(void *ctx)
{
	struct feed *f = ctx;

	if (f->request)
		http_cancel(take_ptr(f->request));
}

static void timer_cb(uv_timer_t *timer)
{
	struct feed *f = timer->data;

	if (f->request && http_waiting(f->request))
		reflector_postpone(f->reflector);
	else
		reflector_timer(f->reflector);
	settle(f);
}

static void transport_set_timer(void *ctx, int64_t at_ms)
{
	struct feed *f = ctx;
	int64_t delay = at_ms - clock_monotonic_ms();

	if (f->client->closing)
		return;
	if (at_ms < 0) {
		uv_timer_stop(&f->timer);
		return;
	}
	uv_update_time(f->client->loop);
	uv_timer_start(&f->timer, timer_cb, delay > 0 ? (uint64_t)delay : 0, 0);
}

static int feed_init(struct feed *f, struct kube_client *c, enum kube_resource resource,
		     const struct kube_options *options)
{
	cleanup_buf struct buf path = {0};
	cleanup_buf struct buf query = {0};
	int r = scope_target(&c->scope, resource, &path, &query);

	if (r < 0)
		return r;
	struct reflector_options o = {
	    .path = path.data,
	    .query = query.data,
	    .streaming = options->streaming_lists,
	    .sink = options->sinks[resource],
	    .transport = {f, now_ms, next_random, transport_get, transport_cancel,
			  transport_set_timer},
	    .on_state = on_reflector_state,
	    .ctx = f,
	};
	f->client = c;
	f->resource = resource;
	return reflector_new(&o, &f->reflector);
}

static void client_free(struct kube_client *c)
{
	for (size_t i = 0; i < KUBE_N_RESOURCES; i++)
		reflector_free(c->feeds[i].reflector);
	free(c->scope.label_selector);
	free(c->scope.field_selector);
	free(c->home_namespace);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static char *copy(const char *s, int *err)
{
	char *dup = s ? strdup(s) : NULL;

	if (s && !dup)
		*err = -ENOMEM;
	return dup;
}

static int client_init(struct kube_client *c, uv_loop_t *loop, const struct client_config *config,
		       const struct kube_options *options, struct error *ret_error)
{
	int r = 0;

	c->loop = loop;
	c->on_state = options->on_state;
	c->ctx = options->ctx;
	if (getrandom(&c->random, sizeof(c->random), GRND_NONBLOCK) < 0 || !c->random)
		c->random = (uint64_t)clock_realtime_ns() | 1;
	if (options->namespace)
		snprintf(c->scope.namespace, sizeof(c->scope.namespace), "%s", options->namespace);
	c->scope.label_selector = copy(options->label_selector, &r);
	c->scope.field_selector = copy(options->field_selector, &r);
	c->home_namespace = copy(config->namespace, &r);
	snprintf(c->state.server, sizeof(c->state.server), "%s", config->server);
	client_config_identity(config, c->state.identity, sizeof(c->state.identity));
	if (options->resume && options->resume->fell_back) {
		c->state.fell_back = true;
		memcpy(c->scope.namespace, options->resume->namespace, sizeof(c->scope.namespace));
	}
	memcpy(c->state.namespace, c->scope.namespace, sizeof(c->state.namespace));
	for (unsigned i = 0; r >= 0 && i < KUBE_N_RESOURCES; i++)
		r = feed_init(&c->feeds[i], c, (enum kube_resource)i, options);
	return r < 0 ? r : http_client_open(loop, config, options->times, &c->http, ret_error);
}

int kube_client_open(uv_loop_t *loop, const struct client_config *config,
		     const struct kube_options *options, struct kube_client **ret,
		     struct error *ret_error)
{
	struct kube_client *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	pthread_mutex_init(&c->lock, NULL);
	int r = client_init(c, loop, config, options, ret_error);
	if (r < 0) {
		client_free(c);
		return r;
	}
	for (size_t i = 0; i < KUBE_N_RESOURCES; i++) {
		struct feed *f = &c->feeds[i];

		uv_timer_init(loop, &f->timer);
		f->timer.data = f;
		c->handles++;
		if (options->resume && *options->resume->versions[i])
			reflector_resume(f->reflector, options->resume->versions[i]);
		else
			reflector_start(f->reflector);
		publish(f);
	}
	*ret = c;
	return 0;
}

/* Each timer, and the HTTP client. */
static void part_closed(struct kube_client *c)
{
	if (--c->handles > 0)
		return;
	void (*closed_cb)(void *ctx) = c->closed_cb;
	void *ctx = c->closed_ctx;

	client_free(c);
	if (closed_cb)
		closed_cb(ctx);
}

static void timer_closed_cb(uv_handle_t *handle)
{
	struct feed *f = handle->data;

	part_closed(f->client);
}

static void http_closed_cb(void *ctx)
{
	struct kube_client *c = ctx;

	c->http = NULL;
	part_closed(c);
}

void kube_client_close(struct kube_client *c, void (*closed_cb)(void *ctx), void *ctx)
{
	c->closing = true;
	c->on_state = NULL;
	c->closed_cb = closed_cb;
	c->closed_ctx = ctx;
	c->handles++;
	http_client_close(c->http, http_closed_cb, c);
	for (size_t i = 0; i < KUBE_N_RESOURCES; i++) {
		c->feeds[i].request = NULL;
		uv_timer_stop(&c->feeds[i].timer);
		uv_close((uv_handle_t *)&c->feeds[i].timer, timer_closed_cb);
	}
}
