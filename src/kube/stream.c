/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "stream.h"

/* A buffer that one huge object has grown is given back. */
#define KEEP_MEMORY (256u << 10)

/* So much is put behind what came of an object earlier, before it is looked for its end there. */
#define PIECE_MAX (16u << 10)

void stream_start(struct stream *s, enum stream_kind kind, const struct stream_handler *handler)
{
	struct buf part = s->part;
	struct buf held = s->held;
	struct json_index index = s->index;

	*s = (struct stream){
	    .kind = kind, .handler = *handler, .part = part, .held = held, .index = index};
	buf_clear(&s->part);
	buf_clear(&s->held);
}

void stream_release(struct stream *s)
{
	buf_release(&s->part);
	buf_release(&s->held);
	json_index_release(&s->index);
}

static enum stream_member member_of(enum stream_kind kind, const char *key, size_t len)
{
	static const struct {
		enum stream_kind kind;
		const char *key; /* with its quotes */
		enum stream_member member;
	} members[] = {
	    {STREAM_LIST, "\"metadata\"", STREAM_METADATA},
	    {STREAM_LIST, "\"items\"", STREAM_ITEMS},
	    {STREAM_WATCH, "\"type\"", STREAM_TYPE},
	    {STREAM_WATCH, "\"object\"", STREAM_OBJECT},
	};

	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (members[i].kind == kind && strlen(members[i].key) == len &&
		    !memcmp(members[i].key, key, len))
			return members[i].member;
	return STREAM_OTHER;
}

static enum stream_event event_of(const char *text, size_t len)
{
	static const struct {
		const char *text;
		enum stream_event type;
	} types[] = {
	    {"\"ADDED\"", STREAM_ADDED},     {"\"MODIFIED\"", STREAM_MODIFIED},
	    {"\"DELETED\"", STREAM_DELETED}, {"\"BOOKMARK\"", STREAM_BOOKMARK},
	    {"\"ERROR\"", STREAM_ERROR},
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strlen(types[i].text) == len && !memcmp(types[i].text, text, len))
			return types[i].type;
	return STREAM_EVENT_UNSET;
}

/* Starts to follow a value whose first byte is next; @limit 0: it is not wanted. */
static void begin(struct stream *s, enum stream_state state, size_t limit)
{
	s->state = state;
	s->scan = (struct scan){0};
	s->limit = limit;
	s->kept = limit > 0;
	s->oversize = false;
	s->indexing = limit == STREAM_OBJECT_MAX;
	if (s->indexing)
		json_scan_start(&s->json, &s->index);
	buf_clear(&s->part);
}

static void add_head(struct buf *head, const char *p, size_t n)
{
	size_t room = STREAM_HEAD_MAX - head->len;

	buf_add(head, p, n < room ? n : room);
}

/* Over the limit: of an object the beginning is kept, of anything else nothing. */
static int cut(struct stream *s, const char *rest, size_t n)
{
	struct buf head = {0};

	s->oversize = true;
	s->kept = false;
	if (s->limit == STREAM_OBJECT_MAX) {
		add_head(&head, s->part.data, s->part.len);
		add_head(&head, rest, n);
	}
	buf_release(&s->part);
	s->part = head;
	return head.err;
}

/*
 * Follows the value under way. *ret_text is set when it ended; it is NULL if
 * the value is not wanted, and of what is over its limit it is what cut() kept.
 */
static int follow_braces(struct stream *s, const char **p, const char *end, bool *ret_done,
			 const char **ret_text, size_t *ret_len)
{
	const char *start = *p;

	*p += scan_feed(&s->scan, start, (size_t)(end - start), ret_done);
	*ret_text = NULL;
	*ret_len = 0;
	if (s->scan.broken)
		return -EPROTO;
	size_t n = (size_t)(*p - start);
	int r = 0;

	if (s->kept && s->part.len + n > s->limit) {
		r = cut(s, start, n);
	} else if (s->kept && *ret_done && !s->part.len) {
		*ret_text = start;
		*ret_len = n;
		return 0;
	} else if (s->kept) {
		r = buf_add(&s->part, start, n);
	}
	if (r >= 0 && *ret_done && s->part.len) {
		*ret_text = s->part.data;
		*ret_len = s->part.len;
	}
	return r;
}

/* The object is no JSON, or over a limit: what came of it so far is no fault of its braces. */
static int stop_indexing(struct stream *s, size_t had)
{
	bool done;

	s->indexing = false;
	s->part.len = had;
	scan_feed(&s->scan, s->part.data, had, &done);
	return done || s->scan.broken ? -EPROTO : 0;
}

/* As follow_braces(), of an object; or `indexing` ends, and it has done nothing. */
static int follow_json(struct stream *s, const char **p, const char *end, bool *ret_done,
		       const char **ret_text, size_t *ret_len)
{
	size_t had = s->part.len;
	size_t most = had ? PIECE_MAX : JSON_TEXT_MAX;
	size_t piece = (size_t)(end - *p) < most ? (size_t)(end - *p) : most;

	if (had && buf_add(&s->part, *p, piece) < 0)
		return -ENOMEM;
	int r = json_scan_more(&s->json, had ? s->part.data : *p, had + piece);
	*ret_done = r > 0;
	*ret_text = NULL;
	*ret_len = 0;
	if (r == -ENOMEM)
		return r;
	if (r < 0 || (r > 0 ? s->json.at : had + piece) > s->limit)
		return stop_indexing(s, had);
	if (r > 0) {
		*ret_text = had ? s->part.data : *p;
		*ret_len = s->json.at;
		piece = s->json.at - had;
	} else if (!had && buf_add(&s->part, *p, piece) < 0) {
		return -ENOMEM;
	}
	*p += piece;
	return 0;
}

/* Follows the value under way, as follow_braces() says. */
static int follow(struct stream *s, const char **p, const char *end, bool *ret_done,
		  const char **ret_text, size_t *ret_len)
{
	if (s->indexing) {
		int r = follow_json(s, p, end, ret_done, ret_text, ret_len);

		if (r < 0 || s->indexing)
			return r;
	}
	return follow_braces(s, p, end, ret_done, ret_text, ret_len);
}

static void give_back_memory(struct buf *b)
{
	if (b->cap > KEEP_MEMORY)
		buf_release(b);
}

/* What is wrong with an object's size or nesting, or 0. */
static int limit_error(const struct stream *s)
{
	if (s->oversize)
		return -EMSGSIZE;
	return s->scan.max_depth > STREAM_DEPTH_MAX ? -E2BIG : 0;
}

static int key_ended(struct stream *s, const char *text, size_t len)
{
	s->member = text ? member_of(s->kind, text, len) : STREAM_OTHER;
	s->state = STREAM_AT_COLON;
	return 0;
}

static int item_ended(struct stream *s, const char *text, size_t len)
{
	int err = limit_error(s);

	s->state = STREAM_AFTER_ITEM;
	const struct kube_object object = {text, len, s->indexed ? &s->index : NULL};

	return err ? s->handler.on_oversize(s->handler.ctx, STREAM_EVENT_UNSET, text, len, err)
		   : s->handler.on_item(s->handler.ctx, &object);
}

static int emit_event(struct stream *s, const char *text, size_t len, int err)
{
	const struct kube_object object = {text, len, s->indexed ? &s->index : NULL};

	return err ? s->handler.on_oversize(s->handler.ctx, s->type, text, len, err)
		   : s->handler.on_event(s->handler.ctx, s->type, &object);
}

static int object_ended(struct stream *s, const char *text, size_t len)
{
	int err = limit_error(s);

	if (s->has_object)
		return -EPROTO;
	s->has_object = true;
	if (s->has_type)
		return emit_event(s, text, len, err);
	s->held_error = err;
	return buf_add(&s->held, text, len);
}

static int type_ended(struct stream *s, const char *text, size_t len)
{
	if (s->has_type)
		return -EPROTO;
	s->has_type = true;
	s->type = text ? event_of(text, len) : STREAM_EVENT_UNSET;
	if (!s->has_object)
		return 0;
	int r = emit_event(s, s->held.data, s->held.len, s->held_error);
	buf_clear(&s->held);
	give_back_memory(&s->held);
	return r;
}

static int value_ended(struct stream *s, const char *text, size_t len)
{
	s->state = STREAM_AFTER_VALUE;
	switch (s->member) {
	case STREAM_METADATA:
		if (!text)
			return -EPROTO;
		s->has_metadata = true;
		return s->handler.on_metadata(s->handler.ctx, text, len);
	case STREAM_ITEMS: /* null, the array has its own states */
		if (!text || len != 4 || memcmp(text, "null", 4))
			return -EPROTO;
		s->has_items = true;
		return 0;
	case STREAM_TYPE:
		return type_ended(s, text, len);
	case STREAM_OBJECT:
		return object_ended(s, text, len);
	case STREAM_OTHER:
		break;
	}
	return 0;
}

static int object_over(struct stream *s)
{
	if (s->kind == STREAM_LIST) {
		s->state = STREAM_AT_END;
		return 0;
	}
	if (!s->has_type || !s->has_object)
		return -EPROTO;
	s->has_type = false;
	s->has_object = false;
	s->state = STREAM_AT_START;
	return 0;
}

static size_t value_limit(enum stream_member member)
{
	static const size_t limits[] = {
	    [STREAM_METADATA] = STREAM_METADATA_MAX,
	    [STREAM_ITEMS] = STREAM_KEY_MAX,
	    [STREAM_TYPE] = STREAM_KEY_MAX,
	    [STREAM_OBJECT] = STREAM_OBJECT_MAX,
	};

	return limits[member];
}

static int at_value(struct stream *s, char c, const char **p)
{
	if (s->member == STREAM_ITEMS && c == '[') {
		if (s->has_items)
			return -EPROTO;
		(*p)++;
		s->has_items = true;
		s->first = true;
		s->state = STREAM_AT_ITEM;
		return 0;
	}
	if ((s->member == STREAM_METADATA || s->member == STREAM_OBJECT) && c != '{')
		return -EPROTO;
	if (strchr(",:}]", c))
		return -EPROTO;
	begin(s, STREAM_IN_VALUE, value_limit(s->member));
	return 0;
}

static int at_item(struct stream *s, char c, const char **p)
{
	if (c == ']' && s->first) {
		(*p)++;
		s->state = STREAM_AFTER_VALUE;
		return 0;
	}
	if (c != '{')
		return -EPROTO;
	begin(s, STREAM_IN_ITEM, STREAM_OBJECT_MAX);
	return 0;
}

static int at_key(struct stream *s, char c, const char **p)
{
	if (c == '}' && s->first) {
		(*p)++;
		return object_over(s);
	}
	if (c != '"')
		return -EPROTO;
	begin(s, STREAM_IN_KEY, STREAM_KEY_MAX);
	return 0;
}

/* One character that stands between values. */
static int between(struct stream *s, char c, const char **p)
{
	switch (s->state) {
	case STREAM_AT_START:
		s->first = true;
		s->state = STREAM_AT_KEY;
		(*p)++;
		return c == '{' ? 0 : -EPROTO;
	case STREAM_AT_KEY:
		return at_key(s, c, p);
	case STREAM_AT_COLON:
		s->state = STREAM_AT_VALUE;
		(*p)++;
		return c == ':' ? 0 : -EPROTO;
	case STREAM_AT_VALUE:
		return at_value(s, c, p);
	case STREAM_AFTER_VALUE:
		s->first = false;
		s->state = STREAM_AT_KEY;
		(*p)++;
		if (c == '}')
			return object_over(s);
		return c == ',' ? 0 : -EPROTO;
	case STREAM_AT_ITEM:
		return at_item(s, c, p);
	case STREAM_AFTER_ITEM:
		s->first = false;
		s->state = c == ']' ? STREAM_AFTER_VALUE : STREAM_AT_ITEM;
		(*p)++;
		return c == ']' || c == ',' ? 0 : -EPROTO;
	default:
		return -EPROTO;
	}
}

static int inside(struct stream *s, const char **p, const char *end)
{
	const char *text;
	size_t len;
	bool done;
	int r = follow(s, p, end, &done, &text, &len);

	if (r < 0 || !done)
		return r;
	if (s->limit == STREAM_OBJECT_MAX)
		s->indexed = s->indexing;
	if (s->state == STREAM_IN_KEY)
		r = key_ended(s, text, len);
	else if (s->state == STREAM_IN_ITEM)
		r = item_ended(s, text, len);
	else
		r = value_ended(s, text, len);
	buf_clear(&s->part);
	give_back_memory(&s->part);
	if (s->index.cap > KEEP_MEMORY / sizeof(*s->index.nodes) && !s->held.len)
		json_index_release(&s->index);
	return r;
}

int stream_feed(struct stream *s, const char *p, size_t n)
{
	const char *end = p + n;

	while (p < end && !s->err) {
		if (s->state == STREAM_IN_KEY || s->state == STREAM_IN_VALUE ||
		    s->state == STREAM_IN_ITEM)
			s->err = inside(s, &p, end);
		else if (scan_is_space(*p))
			p++;
		else
			s->err = between(s, *p, &p);
	}
	return s->err;
}

int stream_end(const struct stream *s)
{
	if (s->err)
		return s->err;
	if (s->kind == STREAM_LIST)
		return s->state == STREAM_AT_END && s->has_items && s->has_metadata ? 0 : -ENODATA;
	return s->state == STREAM_AT_START ? 0 : -ENODATA;
}
