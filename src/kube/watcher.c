/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watch: from the known resourceVersion on, for ever.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <podfs/base/log.h>

#include "reflector_internal.h"
#include "resource_version.h"

void watcher_start(struct reflector *r)
{
	struct stream_handler handler = watcher_handler;
	cleanup_buf struct buf query = {0};
	char timeout[16];

	handler.ctx = r;
	stream_start(&r->stream, STREAM_WATCH, &handler);
	r->good_events = 0;
	snprintf(timeout, sizeof(timeout), "%" PRIu64,
		 REFLECTOR_WATCH_MIN_S +
		     r->transport.random(r->transport.ctx) % REFLECTOR_WATCH_SPREAD_S);
	query_add(&query, "watch", "true");
	query_add(&query, "allowWatchBookmarks", "true");
	query_add(&query, "resourceVersion", r->state.resource_version);
	query_add(&query, "timeoutSeconds", timeout);
	reflector_ask(r, KUBE_PHASE_OPENING, &query);
}

void watcher_failed(struct reflector *r, const struct trouble *t)
{
	/* Who may list but not watch still gets news, if slowly. */
	bool forbidden = t->failure == KUBE_FAILURE_FORBIDDEN;
	bool rejected = t->failure == KUBE_FAILURE_REJECTED;
	/* It was there all the time. */
	bool talks = t->failure == KUBE_FAILURE_SERVER && t->status < 500;
	enum reflector_step otherwise = talks ? STEP_WATCH : STEP_CHECK;

	reflector_wait(r, forbidden || rejected ? STEP_LIST : otherwise, "watch", t);
}

/* Whether the watch that ends now was of any use. */
static bool worked(struct reflector *r)
{
	if (reflector_now(r) - r->opened_ms < REFLECTOR_WATCH_SHORT_MS)
		return false;
	r->short_watches = 0;
	r->relisted = false;
	return true;
}

void watcher_silent(struct reflector *r)
{
	worked(r);
	r->state.counters.silent++;
	checker_start(r);
}

static int undecodable(struct reflector *r, const char *what)
{
	struct trouble t = trouble_make(KUBE_FAILURE_SERVER, what);

	r->state.counters.refused++;
	return reflector_judge(r, STEP_LIST, &t);
}

static void good_event(struct reflector *r, const char *version)
{
	r->state.last_event_ms = r->last_byte_ms;
	/* Part of a list: what counts is whether the watch behind it works. */
	if (r->list_streams)
		return;
	r->good_events++;
	r->relisted = false;
	r->too_large_tries = 0;
	strcpy(r->state.resource_version, version);
	reflector_recovered(r);
}

/*
 * A watch never goes back. If it does, the server's data was replaced (a
 * restored etcd): what we know may be from a future that never was.
 */
static int went_back(struct reflector *r, const char *version)
{
	struct trouble t = trouble_make(KUBE_FAILURE_SERVER, "");
	int order;

	if (r->list_streams ||
	    resource_version_compare(version, r->state.resource_version, &order) < 0 || order >= 0)
		return 0;
	worked(r);
	snprintf(t.message, sizeof(t.message), "the server went back from resourceVersion %s to %s",
		 r->state.resource_version, version);
	return reflector_judge(r, STEP_LIST_AT_ONCE, &t);
}

/* In a list that streams only ADDED is the list; the others happen meanwhile. */
static void count(struct reflector *r, enum stream_event type)
{
	if (r->list_streams && type == STREAM_ADDED) {
		r->state.received++;
		r->last_byte_ms = reflector_now(r);
	}
	if (r->list_streams)
		return;
	if (type == STREAM_ADDED)
		r->state.counters.added++;
	else if (type == STREAM_MODIFIED)
		r->state.counters.modified++;
	else
		r->state.counters.deleted++;
}

/* @absent: the object cannot be shown in its new state. */
static int on_object(struct reflector *r, enum stream_event type, bool absent,
		     const struct kube_object *obj)
{
	char version[RESOURCE_VERSION_MAX + 1];
	int err = resource_version_of(obj->text, obj->len, version);

	if (err < 0)
		return undecodable(r, "an event's object has no resourceVersion");
	err = went_back(r, version);
	if (err < 0)
		return err;
	if (type == STREAM_DELETED || absent)
		err = r->sink.remove(r->sink.ctx, obj);
	else
		err = r->sink.upsert(r->sink.ctx, obj, r->list_streams);
	if (err == -ENOMEM)
		return err;
	if (err < 0 && !r->list_streams)
		return undecodable(r, "an event's object cannot be decoded");
	if (err < 0)
		r->state.counters.refused++;
	count(r, type);
	good_event(r, version);
	return 0;
}

static bool ends_initial_events(const char *obj, size_t len)
{
	const char *meta;
	const char *notes;
	const char *value;
	size_t n;

	return scan_member(obj, len, "metadata", &meta, &n) &&
	       scan_member(meta, n, "annotations", &notes, &n) &&
	       scan_member_string(notes, n, "k8s.io/initial-events-end", &value, &n) && n == 4 &&
	       !memcmp(value, "true", 4);
}

/*
 * The first bookmark of a list that streams is its end. This one is not: the
 * server has never heard of streamed lists, and takes ours for a watch.
 */
static int never_ends(struct reflector *r)
{
	struct trouble t = trouble_make(KUBE_FAILURE_SERVER, "the server does not stream lists");

	r->streaming = false;
	return reflector_judge(r, STEP_LIST_PAGED, &t);
}

static int on_bookmark(struct reflector *r, const char *obj, size_t len)
{
	char version[RESOURCE_VERSION_MAX + 1];

	if (resource_version_of(obj, len, version) < 0)
		return undecodable(r, "a bookmark has no resourceVersion");
	int err = went_back(r, version);
	if (err < 0)
		return err;
	r->state.counters.bookmarks++;
	if (r->list_streams && ends_initial_events(obj, len)) {
		lister_complete(r, version);
		/* The same answer goes on as the watch. */
		r->state.phase = KUBE_PHASE_OPENING;
		r->good_events = 0;
		reflector_open(r);
		return 0;
	}
	if (r->list_streams)
		return never_ends(r);
	good_event(r, version);
	if (r->sink.bookmark)
		r->sink.bookmark(r->sink.ctx, version);
	return 0;
}

/*
 * Another replica lags behind the one we listed from: it will catch up, or it
 * serves a past that was restored.
 */
static enum reflector_step too_large(struct reflector *r)
{
	return ++r->too_large_tries < REFLECTOR_TOO_LARGE_TRIES ? STEP_WATCH : STEP_LIST;
}

static int on_error(struct reflector *r, const char *obj, size_t len)
{
	struct reflector_answer as_answer = {
	    .status = 500, .retry_after_s = -1, .body = obj, .body_len = len};
	enum reflector_step step = STEP_LIST;
	struct api_status status;

	r->state.counters.errors++;
	worked(r);
	api_status_parse(obj, len, &status);
	if (status.code)
		as_answer.status = status.code;
	struct trouble t = trouble_of_answer(&as_answer, &status);
	if (r->list_streams)
		return reflector_judge(r, as_answer.status == 429 ? STEP_LIST : STEP_LIST_PAGED,
				       &t);
	if (status.code == 410 || status.expired) {
		r->state.counters.expired++;
		step = STEP_LIST_AT_ONCE;
	} else if (status.too_large) {
		step = too_large(r);
	} else if (status.code == 429) {
		step = STEP_WATCH;
	}
	return reflector_judge(r, step, &t);
}

static int on_event(void *ctx, enum stream_event type, const struct kube_object *obj)
{
	struct reflector *r = ctx;

	switch (type) {
	case STREAM_ADDED:
	case STREAM_MODIFIED:
	case STREAM_DELETED:
		return on_object(r, type, false, obj);
	case STREAM_BOOKMARK:
		return on_bookmark(r, obj->text, obj->len);
	case STREAM_ERROR:
		return on_error(r, obj->text, obj->len);
	case STREAM_EVENT_UNSET:
		break;
	}
	return undecodable(r, "an event is of a type that does not exist");
}

static bool add_name(struct buf *out, const char *comma, const char *meta, size_t len,
		     const char *key)
{
	const char *value;
	size_t n;

	if (!scan_member_string(meta, len, key, &value, &n) || !n)
		return false;
	return buf_addf(out, "%s\"%s\":\"%.*s\"", comma, key, (int)n, value) == 0;
}

/* An object of its names and version and nothing else, from the beginning of one. */
static bool just_names(const char *head, size_t len, struct buf *ret)
{
	const char *meta;
	size_t n;

	if (!scan_member_begun(head, len, "metadata", &meta, &n))
		return false;
	buf_addstr(ret, "{\"metadata\":{");
	if (!add_name(ret, "", meta, n, "name"))
		return false;
	add_name(ret, ",", meta, n, "namespace");
	return add_name(ret, ",", meta, n, "resourceVersion") && buf_addstr(ret, "}}") == 0;
}

/*
 * Over a limit: as after a list the object is absent until it is within them
 * again. To list because of it would not show it either, and its next change
 * would do the same. Only where it cannot be told whose it is, a list must do.
 */
static int on_oversize(void *ctx, enum stream_event type, const char *head, size_t len, int err)
{
	struct reflector *r = ctx;
	cleanup_buf struct buf names = {0};
	bool change = type == STREAM_ADDED || type == STREAM_MODIFIED || type == STREAM_DELETED;
	bool named = change && just_names(head, len, &names);

	if (!named && !r->list_streams)
		return undecodable(r, err == -E2BIG ? "an event's object is nested too deeply"
						    : "an event's object is too large");
	r->state.counters.refused++;
	if (!named)
		return 0;
	log_warn("%s: an object is left out, it is %s: %s", r->path,
		 err == -E2BIG ? "nested too deeply" : "too large", names.data);
	const struct kube_object object = {names.data, names.len, NULL};
	return on_object(r, type, true, &object);
}

const struct stream_handler watcher_handler = {.on_event = on_event, .on_oversize = on_oversize};

/* A 200 came, and now it is over: cleanly or not makes no difference. */
static void ended(struct reflector *r, const struct reflector_answer *a)
{
	if (!worked(r) && (!r->good_events || r->short_watches++)) {
		struct trouble t =
		    a->failure ? trouble_make(a->failure, a->message)
			       : trouble_make(KUBE_FAILURE_SERVER,
					      "the server ends every watch as soon as it is open");
		watcher_failed(r, &t);
		return;
	}
	watcher_start(r);
}

void watcher_done(struct reflector *r, const struct reflector_answer *a)
{
	struct api_status status;

	if (r->state.phase == KUBE_PHASE_WATCHING) {
		ended(r, a);
		return;
	}
	struct trouble t = trouble_of_answer(a, &status);
	if (a->failure) {
		watcher_failed(r, &t);
	} else if (a->status == 410) {
		r->state.counters.expired++;
		reflector_judge(r, STEP_LIST_AT_ONCE, &t);
		reflector_judged(r);
	} else if (status.too_large) {
		reflector_wait(r, too_large(r), "watch", &t);
	} else {
		watcher_failed(r, &t);
	}
}
