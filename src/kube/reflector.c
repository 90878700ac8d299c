/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "reflector_internal.h"

int64_t reflector_now(const struct reflector *r)
{
	return r->transport.now_ms(r->transport.ctx);
}

void reflector_changed(struct reflector *r)
{
	if (r->on_state)
		r->on_state(r->ctx);
}

const struct kube_resource_state *reflector_state(const struct reflector *r)
{
	return &r->state;
}

static int set_target(struct reflector *r, const char *path, const char *query)
{
	char *p = strdup(path);
	char *q = strdup(query ? query : "");

	if (!p || !q) {
		free(p);
		free(q);
		return -ENOMEM;
	}
	free(r->path);
	free(r->query);
	r->path = p;
	r->query = q;
	return 0;
}

int reflector_new(const struct reflector_options *options, struct reflector **ret)
{
	struct reflector *r = calloc(1, sizeof(*r));

	if (!r || set_target(r, options->path, options->query) < 0) {
		free(r);
		return -ENOMEM;
	}
	r->may_stream = options->streaming;
	r->streaming = options->streaming;
	r->sink = options->sink;
	r->transport = options->transport;
	r->on_state = options->on_state;
	r->ctx = options->ctx;
	r->state.total = -1;
	r->state.verb = "list";
	*ret = r;
	return 0;
}

void reflector_free(struct reflector *r)
{
	if (!r)
		return;
	stream_release(&r->stream);
	list_metadata_release(&r->page);
	free(r->token);
	free(r->path);
	free(r->query);
	free(r);
}

void reflector_start(struct reflector *r)
{
	lister_start(r);
}

void reflector_resume(struct reflector *r, const char *resource_version)
{
	snprintf(r->state.resource_version, sizeof(r->state.resource_version), "%s",
		 resource_version);
	r->state.synced = true;
	checker_start(r);
}

void reflector_stop(struct reflector *r)
{
	if (r->state.phase == KUBE_PHASE_UNSET)
		return;
	r->transport.cancel(r->transport.ctx);
	r->transport.set_timer(r->transport.ctx, -1);
	lister_drop(r);
	r->state.phase = KUBE_PHASE_UNSET;
}

int reflector_redirect(struct reflector *r, const char *path, const char *query)
{
	struct kube_counters counters = r->state.counters;
	int err = set_target(r, path, query);

	if (err < 0)
		return err;
	r->state = (struct kube_resource_state){.total = -1, .verb = "list", .counters = counters};
	r->backoff = (struct backoff){0};
	r->relisted = false;
	r->streaming = r->may_stream;
	r->broken_streams = 0;
	return 0;
}

/* When the timer is wanted next. */
static int64_t deadline(const struct reflector *r)
{
	switch (r->state.phase) {
	case KUBE_PHASE_WAITING:
		return r->state.retry_at_ms;
	case KUBE_PHASE_LISTING:
	case KUBE_PHASE_OPENING:
		return r->last_byte_ms + REFLECTOR_ANSWER_SILENCE_MS;
	case KUBE_PHASE_WATCHING:
		/* Still marked as failing: soon it will have lasted long enough. */
		if (r->state.failure)
			return r->opened_ms + REFLECTOR_WATCH_SHORT_MS;
		return r->last_byte_ms + REFLECTOR_WATCH_SILENCE_MS;
	case KUBE_PHASE_UNSET:
		break;
	}
	return -1;
}

static void arm(struct reflector *r)
{
	r->transport.set_timer(r->transport.ctx, deadline(r));
}

void query_add(struct buf *b, const char *key, const char *value)
{
	static const char plain[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

	buf_addf(b, "%s=", key);
	for (; *value; value++) {
		if (strchr(plain, *value))
			buf_addch(b, *value);
		else
			buf_addf(b, "%%%02X", (unsigned char)*value);
	}
	buf_addch(b, '&');
}

void reflector_ask(struct reflector *r, enum kube_phase phase, struct buf *query)
{
	cleanup_buf struct buf url = {0};

	r->state.phase = phase;
	r->last_byte_ms = reflector_now(r);
	r->verdict.step = STEP_UNSET;
	r->checking = false;
	/* query_add() leaves a "&" at the end: the selectors go behind it, or it goes. */
	buf_addf(&url, "%s?%s%s", r->path, query->data ? query->data : "", r->query);
	if (!query->err && !url.err && url.data[url.len - 1] == '&')
		url.data[--url.len] = '\0';
	int err = query->err || url.err ? -ENOMEM : r->transport.get(r->transport.ctx, url.data);
	if (err < 0) {
		struct trouble t = trouble_make(KUBE_FAILURE_LOCAL, "out of memory");

		if (phase == KUBE_PHASE_LISTING)
			lister_failed(r, &t);
		else
			watcher_failed(r, &t);
		return;
	}
	arm(r);
	reflector_changed(r);
}

static int64_t pause_ms(struct reflector *r, const struct trouble *t)
{
	uint64_t random = r->transport.random(r->transport.ctx);
	int64_t ms = backoff_next(&r->backoff, reflector_now(r), random);

	/* Rights seldom change: not every half minute a line in the server's audit log. */
	if (t->failure == KUBE_FAILURE_FORBIDDEN && !r->state.synced)
		return REFLECTOR_FORBIDDEN_MS + (int64_t)(random % REFLECTOR_FORBIDDEN_MS);
	int64_t asked = t->retry_after_s;
	if (asked > REFLECTOR_RETRY_AFTER_MAX_S)
		asked = REFLECTOR_RETRY_AFTER_MAX_S;
	return asked * 1000 > ms ? asked * 1000 : ms;
}

void reflector_wait(struct reflector *r, enum reflector_step next, const char *verb,
		    const struct trouble *t)
{
	struct kube_resource_state *s = &r->state;

	if (!s->failure)
		s->failing_since_ms = reflector_now(r);
	s->failure = t->failure;
	s->http_status = t->status;
	s->verb = verb;
	snprintf(s->message, sizeof(s->message), "%s", t->message);
	snprintf(s->hint, sizeof(s->hint), "%s", t->hint);
	s->counters.failures++;
	s->phase = KUBE_PHASE_WAITING;
	s->retry_at_ms = reflector_now(r) + pause_ms(r, t);
	r->next = next;
	arm(r);
	reflector_changed(r);
}

void reflector_recovered(struct reflector *r)
{
	if (!r->state.failure)
		return;
	r->state.failure = KUBE_FAILURE_UNSET;
	r->state.http_status = 0;
	r->state.message[0] = '\0';
	r->state.hint[0] = '\0';
	reflector_changed(r);
}

struct trouble trouble_make(enum kube_failure failure, const char *message)
{
	struct trouble t = {.failure = failure, .retry_after_s = -1};

	snprintf(t.message, sizeof(t.message), "%s", message);
	return t;
}

static enum kube_failure failure_of_status(int status)
{
	if (status == 401)
		return KUBE_FAILURE_UNAUTHORIZED;
	if (status == 403)
		return KUBE_FAILURE_FORBIDDEN;
	if (status == 429 || status >= 500 || status < 300)
		return KUBE_FAILURE_SERVER;
	return KUBE_FAILURE_REJECTED;
}

struct trouble trouble_of_answer(const struct reflector_answer *a, struct api_status *ret_status)
{
	*ret_status = (struct api_status){.retry_after_s = -1};
	if (a->failure) {
		struct trouble t = trouble_make(a->failure, a->message);

		t.status = a->status;
		snprintf(t.hint, sizeof(t.hint), "%s", a->hint ? a->hint : "");
		return t;
	}
	api_status_parse(a->body, a->body_len, ret_status);
	struct trouble t = trouble_make(failure_of_status(a->status), ret_status->message);
	t.status = a->status;
	t.retry_after_s = a->retry_after_s >= 0 ? a->retry_after_s : ret_status->retry_after_s;
	if (!*t.message)
		snprintf(t.message, sizeof(t.message), "HTTP status %d", a->status);
	return t;
}

int reflector_judge(struct reflector *r, enum reflector_step step, const struct trouble *t)
{
	r->verdict.step = step;
	r->verdict.trouble = *t;
	return -ECANCELED;
}

/* No more of this answer: what now? */
void reflector_judged(struct reflector *r)
{
	struct verdict v = r->verdict;

	r->verdict.step = STEP_UNSET;
	switch (v.step) {
	case STEP_LIST_AT_ONCE:
		if (r->relisted) {
			reflector_wait(r, STEP_LIST, "watch", &v.trouble);
			return;
		}
		r->relisted = true;
		lister_start(r);
		return;
	case STEP_LIST_PAGED:
		lister_in_pages(r, false);
		return;
	case STEP_LIST:
	case STEP_WATCH:
	case STEP_CHECK:
	case STEP_UNSET:
		break;
	}
	if (r->state.phase == KUBE_PHASE_LISTING)
		lister_failed(r, &v.trouble);
	else
		reflector_wait(r, v.step, "watch", &v.trouble);
}

static void broken(struct reflector *r, int err)
{
	if (!r->verdict.step) {
		struct trouble t =
		    err == -ENOMEM
			? trouble_make(KUBE_FAILURE_LOCAL, "out of memory")
			: trouble_make(KUBE_FAILURE_SERVER,
				       "the answer is not what a Kubernetes API server sends");
		reflector_judge(r, STEP_LIST, &t);
	}
	r->transport.cancel(r->transport.ctx);
	reflector_judged(r);
}

static void flush(struct reflector *r)
{
	if (r->sink.flush)
		r->sink.flush(r->sink.ctx);
}

void reflector_open(struct reflector *r)
{
	r->last_byte_ms = reflector_now(r);
	r->list_answers = r->state.phase == KUBE_PHASE_LISTING;
	if (r->state.phase != KUBE_PHASE_OPENING || r->checking)
		return;
	r->state.phase = KUBE_PHASE_WATCHING;
	r->state.counters.watches++;
	r->opened_ms = r->last_byte_ms;
	arm(r);
	reflector_changed(r);
}

void reflector_data(struct reflector *r, const char *p, size_t n)
{
	if (!r->list_streams)
		r->last_byte_ms = reflector_now(r);
	r->state.counters.bytes += n;
	int err = stream_feed(&r->stream, p, n);
	if (err < 0)
		broken(r, err);
	flush(r);
}

void reflector_done(struct reflector *r, const struct reflector_answer *answer)
{
	if (r->state.phase == KUBE_PHASE_LISTING)
		lister_done(r, answer);
	else if (r->checking)
		checker_done(r, answer);
	else
		watcher_done(r, answer);
	flush(r);
}

static void silent(struct reflector *r)
{
	struct trouble t = trouble_make(KUBE_FAILURE_UNREACHABLE,
					"the server accepts the request but says nothing");

	r->transport.cancel(r->transport.ctx);
	if (r->state.phase == KUBE_PHASE_WATCHING)
		watcher_silent(r);
	else if (r->state.phase == KUBE_PHASE_OPENING)
		watcher_failed(r, &t);
	else if (r->list_streams && r->list_answers)
		/* It takes our request for a watch, or the network is dead: pages will tell. */
		lister_in_pages(r, true);
	else
		lister_failed(r, &t);
}

void reflector_postpone(struct reflector *r)
{
	r->last_byte_ms = reflector_now(r);
	arm(r);
}

void reflector_timer(struct reflector *r)
{
	int64_t now = reflector_now(r);

	if (r->state.phase == KUBE_PHASE_UNSET)
		return;
	if (now < deadline(r)) {
		arm(r);
	} else if (r->state.phase == KUBE_PHASE_WAITING) {
		if (r->next == STEP_WATCH)
			watcher_start(r);
		else if (r->next == STEP_CHECK)
			checker_start(r);
		else
			lister_start(r);
	} else if (r->state.phase == KUBE_PHASE_WATCHING && r->state.failure) {
		reflector_recovered(r);
		arm(r);
	} else {
		silent(r);
	}
}
