/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list is a stream over a snapshot: a head, the objects' texts with commas
 * between them, and a tail. Only references are taken up front, and a page of a
 * full list is copied from the objects' memory to the connection's without any
 * look at what it is.
 */
#include "list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "continue.h"
#include "fault.h"
#include "status.h"
#include "store.h"

enum {
	GZIP_FROM = 128 * 1024,
	CHUNKED_FROM = 2049,
};

struct list_stream {
	struct stream stream;
	struct snapshot items;
	struct view view;
	struct buf piece; /* the head, a rendered item, the tail */
	const char *p;    /* what is left of the current piece */
	size_t left, next;
	bool ended;
};

static uint64_t max_page;

void list_init(uint64_t limit)
{
	max_page = limit;
}

/* The next item; the text of a full one is sent from where it is. */
static void next_piece(struct list_stream *l)
{
	const struct object *o;

	l->piece.len = 0;
	if (l->next == l->items.n) {
		render_list_tail(&l->piece);
		buf_putc(&l->piece, '\n');
		l->ended = true;
	} else {
		o = l->items.v[l->next];
		l->next++;
		if (l->view.format == FORMAT_FULL) {
			l->p = o->text;
			l->left = o->len;
			return;
		}
		render_item(o, l->view, &l->piece);
	}
	l->p = l->piece.data;
	l->left = l->piece.len;
}

static ssize_t list_read(struct stream *s, char *out, size_t max)
{
	struct list_stream *l = (struct list_stream *)s;
	size_t done = 0;

	while (done < max) {
		size_t n = l->left < max - done ? l->left : max - done;

		memcpy(out + done, l->p, n);
		done += n;
		l->p += n;
		l->left -= n;
		/* a full buffer: the comma and the next piece come with the next call */
		if (l->left || l->ended || done == max)
			break;
		if (l->next > 0 && l->next < l->items.n)
			out[done++] = ',';
		next_piece(l);
	}
	return done ? (ssize_t)done : STREAM_END;
}

static void list_free(struct stream *s)
{
	struct list_stream *l = (struct list_stream *)s;

	snapshot_release(&l->items);
	buf_release(&l->piece);
	free(l);
}

static void select_items(struct snapshot *items, const struct selector *selector)
{
	size_t kept = 0;

	if (selector_empty(selector))
		return;
	for (size_t i = 0; i < items->n; i++) {
		if (selector_matches(selector, items->v[i]))
			items->v[kept++] = items->v[i];
		else
			object_unref(items->v[i]);
	}
	items->n = kept;
}

static void drop_first(struct snapshot *items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		object_unref(items->v[i]);
	memmove(items->v, items->v + n, (items->n - n) * sizeof(*items->v));
	items->n -= n;
}

static void drop_last(struct snapshot *items, size_t keep)
{
	while (items->n > keep)
		object_unref(items->v[--items->n]);
}

/* The part of an object's key that tokens hold: below the list's own prefix. */
static const char *below(const struct object *o, const struct list_options *o_list)
{
	return o_list->ns ? o->name : o->key;
}

void list_too_large(struct request *req, uint64_t asked)
{
	_cleanup_(freep) char *message =
	    xasprintf("Timeout: Too large resource version: %llu, current: %llu",
		      (unsigned long long)asked, (unsigned long long)store_rv());

	status_reply(req, 504, "Timeout", message,
		     "{\"causes\":[{\"reason\":\"ResourceVersionTooLarge\",\"message\":\"Too large "
		     "resource version\"}],\"retryAfterSeconds\":1}");
	reply_header(req, "Retry-After", "1");
}

static void token_too_old(struct request *req, const char *after)
{
	_cleanup_(freep) char *token = continue_encode(-1, after);
	struct buf b = {0};

	buf_printf(
	    &b,
	    "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{\"continue\":\"%s\"},"
	    "\"status\":\"Failure\",\"message\":\"The provided continue parameter is too old "
	    "to display a consistent list result. You can start a new list without the "
	    "continue parameter, or use the continue token in this response to retrieve the "
	    "remainder of the results. Continuing with the provided token results in an "
	    "inconsistent list - objects that were created, modified, or deleted between "
	    "the time the first chunk was returned and now may show up in the list.\","
	    "\"reason\":\"Expired\",\"code\":410}\n",
	    token);
	reply_json(req, 410, &b);
}

/* What a server says that lags behind others. */
static uint64_t old_revision(enum kind kind, uint64_t n)
{
	uint64_t rv, oldest;

	pthread_mutex_lock(&store_lock);
	rv = store_rv_locked();
	oldest = store_oldest_locked(kind);
	pthread_mutex_unlock(&store_lock);
	return rv > oldest + n ? rv - n : oldest;
}

/* The items that the request asks for, before limit and selector; false if it is answered. */
static bool take_items(struct request *req, const struct list_options *o, struct snapshot *ret)
{
	_cleanup_(freep) char *after = NULL;
	int64_t token_rv = -1;
	uint64_t rv = o->exact ? o->at_least : 0;
	struct fault f;
	size_t skip = 0;

	if (*o->next && !continue_decode(o->next, &token_rv, &after)) {
		status_bad_request(req, "continue key is not valid: malformed value");
		return false;
	}
	if (o->at_least > store_rv()) {
		list_too_large(req, o->at_least);
		return false;
	}
	if (token_rv > 0)
		rv = (uint64_t)token_rv;
	if (after && fault_take(FAULT_CONTINUE_EXPIRED, req->resource, req->verb, 0, &f)) {
		token_too_old(req, after);
		return false;
	}
	if (!rv && !after && fault_take(FAULT_OLD_LIST, req->resource, req->verb, 0, &f))
		rv = old_revision(o->kind, f.n);
	if (store_snapshot(o->kind, o->ns, rv, ret) < 0) {
		if (after)
			token_too_old(req, after);
		else
			status_reply(req, 410, "Expired",
				     "The resourceVersion for the provided list is too old.", NULL);
		return false;
	}
	while (after && skip < ret->n && strcmp(below(ret->v[skip], o), after) <= 0)
		skip++;
	drop_first(ret, skip);
	return true;
}

/* Cuts the items to one page; the token for the rest, or NULL. */
static char *cut_page(const struct list_options *o, struct snapshot *items, int64_t *ret_remaining)
{
	uint64_t limit = o->limit;
	bool selects = !selector_empty(&o->selector);
	size_t total = items->n;

	*ret_remaining = -1;
	if (max_page && (!limit || limit > max_page))
		limit = max_page;
	select_items(items, &o->selector);
	if (!limit || items->n <= limit)
		return NULL;
	/* nobody counts how many more a selector would take */
	if (!selects)
		*ret_remaining = (int64_t)(total - limit);
	drop_last(items, limit);
	return continue_encode((int64_t)items->rv, below(items->v[limit - 1], o));
}

void list_reply(struct request *req, struct list_options *o)
{
	struct list_stream *l = xcalloc(1, sizeof(*l));
	_cleanup_(freep) char *token = NULL;
	int64_t remaining;
	size_t len = 0;

	if (!take_items(req, o, &l->items)) {
		free(l);
		selector_release(&o->selector);
		return;
	}
	token = cut_page(o, &l->items, &remaining);
	selector_release(&o->selector);
	l->view = o->view;
	render_list_head(o->kind, o->view, l->items.rv, token, remaining, &l->piece);
	for (size_t i = 0; i < l->items.n && len < GZIP_FROM; i++)
		len += l->items.v[i]->len;
	if (len + l->piece.len < CHUNKED_FROM) {
		for (size_t i = 0; i < l->items.n; i++) {
			if (i)
				buf_putc(&l->piece, ',');
			render_item(l->items.v[i], l->view, &l->piece);
		}
		render_list_tail(&l->piece);
		buf_putc(&l->piece, '\n');
		reply_json(req, 200, &l->piece);
		list_free(&l->stream);
		return;
	}
	l->p = l->piece.data;
	l->left = l->piece.len;
	l->stream = (struct stream){list_read, list_free, NULL};
	reply_stream(req, &l->stream, len >= GZIP_FROM && request_wants_gzip(req));
}
