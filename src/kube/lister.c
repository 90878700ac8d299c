/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list: consistent, in pages, each item handed on as it arrives.
 *
 * A page that fails for a passing reason is asked for again with its token, so
 * that a list of a hundred pages survives a broken connection. A token that
 * expired meanwhile cannot be replaced without giving up consistency, which the
 * server offers and we decline: the list starts over, in one piece.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "reflector_internal.h"

static int on_metadata(void *ctx, const char *text, size_t len)
{
	struct reflector *r = ctx;

	list_metadata_release(&r->page);
	int err = list_metadata_parse(text, len, &r->page);
	if (err < 0)
		return err == -ENOMEM ? err : -EPROTO;
	/* A guess until the first page is complete: the server may cut it shorter. */
	if (r->page.remaining >= 0 && r->state.total < 0)
		r->state.total = (int64_t)r->received_before + REFLECTOR_PAGE + r->page.remaining;
	return 0;
}

static int on_item(void *ctx, const struct kube_object *obj)
{
	struct reflector *r = ctx;
	int err = r->sink.upsert(r->sink.ctx, obj, true);

	if (err == -ENOMEM)
		return err;
	if (err < 0)
		r->state.counters.refused++;
	r->state.received++;
	return 0;
}

static int on_oversize(void *ctx, enum stream_event type, const char *head, size_t len, int err)
{
	struct reflector *r = ctx;

	(void)type;
	(void)head;
	(void)len;
	(void)err;
	r->state.counters.refused++;
	r->state.received++;
	return 0;
}

static void ask_page(struct reflector *r)
{
	struct stream_handler handler = {r, on_metadata, on_item, NULL, on_oversize};
	cleanup_buf struct buf query = {0};
	char limit[16];

	stream_start(&r->stream, STREAM_LIST, &handler);
	list_metadata_release(&r->page);
	r->state.received = r->received_before;
	if (!r->list_whole) {
		snprintf(limit, sizeof(limit), "%d", REFLECTOR_PAGE);
		query_add(&query, "limit", limit);
	}
	if (r->token)
		query_add(&query, "continue", r->token);
	reflector_ask(r, KUBE_PHASE_LISTING, &query);
}

/* Without a resourceVersion this, too, is consistent: as new as anything anyone has seen. */
static void ask_stream(struct reflector *r)
{
	struct stream_handler handler = watcher_handler;
	cleanup_buf struct buf query = {0};
	char timeout[16];

	handler.ctx = r;
	stream_start(&r->stream, STREAM_WATCH, &handler);
	snprintf(timeout, sizeof(timeout), "%" PRIu64,
		 REFLECTOR_WATCH_MIN_S +
		     r->transport.random(r->transport.ctx) % REFLECTOR_WATCH_SPREAD_S);
	query_add(&query, "watch", "true");
	query_add(&query, "sendInitialEvents", "true");
	query_add(&query, "resourceVersionMatch", "NotOlderThan");
	query_add(&query, "allowWatchBookmarks", "true");
	query_add(&query, "timeoutSeconds", timeout);
	reflector_ask(r, KUBE_PHASE_LISTING, &query);
}

void lister_start(struct reflector *r)
{
	if (!r->list_open) {
		r->list_open = true;
		r->page_tries = 0;
		r->received_before = 0;
		r->state.received = 0;
		r->state.total = -1;
		r->sink.list_begin(r->sink.ctx);
	}
	r->list_streams = r->streaming && r->broken_streams < REFLECTOR_STREAM_TRIES;
	r->list_answers = false;
	if (r->list_streams)
		ask_stream(r);
	else
		ask_page(r);
}

static void forget_pages(struct reflector *r)
{
	free(take_ptr(r->token));
	list_metadata_release(&r->page);
	r->list_open = false;
	r->list_whole = false;
	r->list_streams = false;
}

void lister_drop(struct reflector *r)
{
	if (!r->list_open)
		return;
	forget_pages(r);
	r->sink.list_abort(r->sink.ctx);
}

void lister_in_pages(struct reflector *r, bool for_good)
{
	if (for_good)
		r->streaming = false;
	r->broken_streams = REFLECTOR_STREAM_TRIES;
	lister_drop(r);
	lister_start(r);
}

void lister_failed(struct reflector *r, const struct trouble *t)
{
	bool passing = t->failure == KUBE_FAILURE_UNREACHABLE ||
		       t->failure == KUBE_FAILURE_SERVER || t->failure == KUBE_FAILURE_UNAUTHORIZED;

	if (r->list_streams && (r->list_answers || t->status >= 500))
		r->broken_streams++;
	if (!passing || !r->token || ++r->page_tries >= REFLECTOR_PAGE_TRIES)
		lister_drop(r);
	reflector_wait(r, STEP_LIST, "list", t);
}

void lister_complete(struct reflector *r, const char *resource_version)
{
	struct kube_resource_state *s = &r->state;

	snprintf(s->resource_version, sizeof(s->resource_version), "%s", resource_version);
	/* Nothing was shown before: whatever failed on the way is no loss. */
	if (!s->synced)
		reflector_recovered(r);
	s->synced = true;
	s->total = (int64_t)s->received;
	s->last_event_ms = reflector_now(r);
	s->counters.lists++;
	r->too_large_tries = 0;
	r->broken_streams = 0;
	forget_pages(r);
	r->sink.list_end(r->sink.ctx, s->resource_version);
}

static void page_complete(struct reflector *r)
{
	if (!r->page.continue_token) {
		lister_complete(r, r->page.resource_version);
		watcher_start(r);
		return;
	}
	if (r->token && !strcmp(r->token, r->page.continue_token)) {
		struct trouble t = trouble_make(KUBE_FAILURE_SERVER,
						"the server repeats a page of the list for ever");

		lister_drop(r);
		lister_failed(r, &t);
		return;
	}
	free(r->token);
	r->token = take_ptr(r->page.continue_token);
	r->received_before = r->state.received;
	if (r->page.remaining >= 0)
		r->state.total = (int64_t)r->state.received + r->page.remaining;
	r->page_tries = 0;
	r->state.last_event_ms = reflector_now(r);
	ask_page(r);
}

static void page_refused(struct reflector *r, const struct reflector_answer *a)
{
	struct api_status status;
	struct trouble t = trouble_of_answer(a, &status);

	if (a->status == 410 && !a->failure) {
		r->state.counters.expired++;
		bool had_token = r->token;
		lister_drop(r);
		if (had_token) {
			r->list_whole = true;
			lister_start(r);
			return;
		}
	}
	lister_failed(r, &t);
}

/*
 * It ended before the list was complete. What is refused as a stream may work as
 * a list, with a right to list alone, say.
 */
static void stream_refused(struct reflector *r, const struct reflector_answer *a)
{
	struct api_status status;
	struct trouble t = trouble_of_answer(a, &status);

	if (a->failure || a->status == 401 || a->status == 429 || a->status >= 500)
		lister_failed(r, &t);
	else
		lister_in_pages(r, a->status != 200);
}

void lister_done(struct reflector *r, const struct reflector_answer *a)
{
	if (r->list_streams) {
		stream_refused(r, a);
		return;
	}
	if (a->failure || a->status != 200) {
		page_refused(r, a);
		return;
	}
	if (stream_end(&r->stream) < 0 || !*r->page.resource_version) {
		struct trouble t =
		    trouble_make(KUBE_FAILURE_SERVER, "the answer ends in the middle of the list");

		lister_failed(r, &t);
		return;
	}
	page_complete(r);
}
