/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults among the events of a watch: a stream around it that takes it apart
 * into lines while any of them is on, and lets it pass otherwise.
 */
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "render.h"
#include "status.h"

enum { CHUNK = 64 * 1024 };

struct events_stream {
	struct stream stream;
	struct stream *inner;
	const char *resource;
	struct buf line; /* the beginning of one */
	struct buf ready;
	size_t sent;
	bool inside; /* a line that passed untouched so far */
	bool told_end;
	struct hold hold;
	char chunk[CHUNK];
};

static bool take(const struct events_stream *e, enum fault_id id, struct fault *ret)
{
	return fault_take(id, e->resource, "watch", 0, ret);
}

static void add_error(struct events_stream *e, const struct fault *f)
{
	bool gone = f->code == 410;

	buf_puts(&e->ready, "{\"type\":\"ERROR\",\"object\":");
	status_write(&e->ready, (unsigned)f->code, gone ? "Expired" : "InternalError",
		     gone ? "too old resource version: 1 (2)" : "on command", NULL);
	buf_puts(&e->ready, "}\n");
	e->told_end = true;
}

static enum kind kind_of(const char *resource)
{
	unsigned k = 0;

	while (strcmp(kinds[k].resource, resource) != 0)
		k++;
	return (enum kind)k;
}

static void add_bookmarks(struct events_stream *e, uint64_t rv, uint64_t n)
{
	const struct view view = {.format = FORMAT_FULL};

	for (; n; n--) {
		buf_puts(&e->ready, "{\"type\":\"BOOKMARK\",\"object\":");
		render_bookmark(kind_of(e->resource), view, rv, false, &e->ready);
		buf_puts(&e->ready, "}\n");
	}
}

static void add_unknown(struct events_stream *e, uint64_t rv)
{
	const struct kind_info *k = &kinds[kind_of(e->resource)];
	char uid[37];

	random_uuid(uid);
	buf_printf(&e->ready, "{\"type\":\"DELETED\",\"object\":%s\"metadata\":{", k->prefix);
	buf_printf(&e->ready,
		   "\"name\":\"never-was\"%s,\"uid\":\"%s\",\"resourceVersion\":\"%llu\",",
		   k->namespaced ? ",\"namespace\":\"default\"" : "", uid, (unsigned long long)rv);
	buf_puts(&e->ready, "\"creationTimestamp\":\"2026-01-01T00:00:00Z\"}}}\n");
}

/* A whole line, with what the faults make of it. */
static void add_line(struct events_stream *e, const char *line, size_t len)
{
	struct jspan event = jspan_at(line, line + len);
	struct jspan meta = jspan_path(event, "object.metadata");
	_cleanup_(freep) char *version = jspan_dup(jspan_get(meta, "resourceVersion"));
	uint64_t rv = version ? strtoull(version, NULL, 10) : 0;
	bool bookmark = jspan_is(jspan_get(event, "type"), "BOOKMARK");
	bool ends_initial =
	    jspan_get(jspan_get(meta, "annotations"), "k8s.io/initial-events-end").p;
	struct fault f;

	if (bookmark && !ends_initial && take(e, FAULT_NO_BOOKMARKS, &f))
		return;
	buf_add(&e->ready, line, len);
	if (!bookmark && take(e, FAULT_TWICE, &f))
		buf_add(&e->ready, line, len);
	if (rv && take(e, FAULT_DELETED_UNKNOWN, &f))
		add_unknown(e, rv);
	if (rv && take(e, FAULT_BOOKMARK_STORM, &f))
		add_bookmarks(e, rv, f.n);
}

/* Before a line: what needs none. False: the connection waits. */
static bool between(struct events_stream *e)
{
	struct fault f;

	if (e->hold.end != HOLD_NONE) {
		e->hold.end = HOLD_NONE;
	} else if (take(e, FAULT_HOLD, &f)) {
		hold_start(&e->hold, e->stream.connection, f.id, f.ms, f.generation);
		return false;
	}
	if (take(e, FAULT_410_EVENT, &f) || take(e, FAULT_ERROR_EVENT, &f))
		add_error(e, &f);
	return true;
}

static void add_chunk(struct events_stream *e, const char *p, size_t n)
{
	const char *end;

	while ((end = memchr(p, '\n', n))) {
		size_t len = (size_t)(end - p) + 1;

		if (e->inside) {
			buf_add(&e->ready, p, len);
		} else {
			buf_add(&e->line, p, len);
			add_line(e, e->line.data, e->line.len);
			e->line.len = 0;
		}
		e->inside = false;
		p += len;
		n -= len;
	}
	buf_add(e->inside ? &e->ready : &e->line, p, n);
}

/* Reads on into `ready`; what reading gave. */
static ssize_t fill(struct events_stream *e)
{
	ssize_t n;

	if (!e->inside && !e->line.len && !between(e))
		return STREAM_WAIT;
	if (e->told_end)
		return 1;
	n = e->inner->read(e->inner, e->chunk, sizeof(e->chunk));
	if (n > 0)
		add_chunk(e, e->chunk, (size_t)n);
	return n;
}

/* The faults are off in the middle of a line. */
static void let_go(struct events_stream *e)
{
	buf_add(&e->ready, e->line.data, e->line.len);
	e->line.len = 0;
	e->inside = true;
}

static ssize_t pass(struct events_stream *e, char *out, size_t max)
{
	ssize_t n = e->inner->read(e->inner, out, max);

	if (n > 0)
		e->inside = out[n - 1] != '\n';
	return n;
}

static ssize_t events_read(struct stream *s, char *out, size_t max)
{
	struct events_stream *e = (struct events_stream *)s;
	size_t n;

	while (e->sent == e->ready.len) {
		ssize_t r;

		e->ready.len = e->sent = 0;
		if (e->told_end)
			return STREAM_END;
		if (fault_on(PLACE_EVENTS)) {
			r = fill(e);
			if (r <= 0)
				return r;
		} else if (e->line.len) {
			let_go(e);
		} else {
			return pass(e, out, max);
		}
	}
	n = e->ready.len - e->sent < max ? e->ready.len - e->sent : max;
	memcpy(out, e->ready.data + e->sent, n);
	e->sent += n;
	return (ssize_t)n;
}

static void events_free(struct stream *s)
{
	struct events_stream *e = (struct events_stream *)s;

	hold_stop(&e->hold);
	e->inner->free(e->inner);
	buf_release(&e->line);
	buf_release(&e->ready);
	free(e);
}

struct stream *fault_events_stream(struct stream *inner, const char *resource)
{
	struct events_stream *e = xcalloc(1, sizeof(*e));

	e->stream = (struct stream){events_read, events_free, inner->connection};
	e->inner = inner;
	e->resource = resource;
	return &e->stream;
}
