/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watch stream (src/kube/stream.c): any chunking gives the same events and the same end.
 *
 * An object's index is what the model's scanner makes of it in one piece; and of a list that is
 * JSON, what comes out is what that scanner finds in it.
 *
 * Input: a byte for the kind, one for the event at which the handler refuses (0: never), four that
 * make the chunks, then the body. If the first byte is 0xfe or 0xff, 0xfe stands for 64 KiB in it,
 * and 0xff, once, for 8 MiB of 'x': that is how an input goes over the limits.
 */
#include <errno.h>

#include <podfs/base/hash.h>

#include "fuzz.h"
#include "kube/stream.h"

#define END 4096

struct seen {
	struct buf log;
	unsigned int calls;
	unsigned int refuse_at;
	int result;
	int end;
};

/* Of a long text the two ends: between them it is all the same letter. */
static int note(struct seen *seen, const char *what, int number, int err, const char *text,
		size_t len)
{
	size_t n = len < END ? len : END;

	buf_addf(&seen->log, "%s %d %d %zu ", what, number, err, len);
	buf_add(&seen->log, text, n);
	buf_add(&seen->log, text + len - n, n);
	buf_addch(&seen->log, '\n');
	return ++seen->calls == seen->refuse_at ? -ECANCELED : 0;
}

static int on_metadata(void *ctx, const char *text, size_t len)
{
	fuzz_check(len <= STREAM_METADATA_MAX);
	return note(ctx, "metadata", 0, 0, text, len);
}

/* The index that comes with an object is what the scanner makes of it in one piece. */
static void check_index(const struct kube_object *obj)
{
	struct json_index want = {0};
	size_t off;
	int r = json_scan(&want, obj->text, obj->len, &off);

	fuzz_check(obj->len <= STREAM_OBJECT_MAX && (r == 0 || !obj->index));
	if (obj->index) {
		fuzz_check(obj->index->count == want.count && obj->index->key_max == want.key_max);
		fuzz_check(
		    !memcmp(obj->index->nodes, want.nodes, want.count * sizeof(*want.nodes)));
	}
	json_index_release(&want);
}

static int on_item(void *ctx, const struct kube_object *obj)
{
	check_index(obj);
	return note(ctx, "item", obj->index != NULL, 0, obj->text, obj->len);
}

static int on_event(void *ctx, enum stream_event type, const struct kube_object *obj)
{
	check_index(obj);
	return note(ctx, obj->index ? "event" : "text", type, 0, obj->text, obj->len);
}

static int on_oversize(void *ctx, enum stream_event type, const char *head, size_t len, int err)
{
	fuzz_check(len > 0 && (err == -EMSGSIZE ? len == STREAM_HEAD_MAX : err == -E2BIG));
	return note(ctx, "oversize", type, err, head, len);
}

/* @chunks: 0: in one piece; 1: byte by byte; else what dice make of it. */
static void run(struct seen *seen, enum stream_kind kind, const struct buf *body, uint32_t chunks)
{
	const struct stream_handler handler = {seen, on_metadata, on_item, on_event, on_oversize};
	struct stream s = {0};
	uint64_t dice = chunks;

	stream_start(&s, kind, &handler);
	for (size_t at = 0; at < body->len;) {
		size_t n = body->len - at;

		if (chunks == 1)
			n = 1;
		dice = hash_u64(dice + 1);
		/* Mostly small, now and then large. */
		size_t most = (size_t)1 << dice % 24;
		if (chunks > 1 && n > 1 + (dice >> 32) % most)
			n = 1 + (dice >> 32) % most;
		struct fuzz_input part = {body->data + at, n};
		char *piece = fuzz_copy(part, false);
		seen->result = stream_feed(&s, piece, n);
		free(piece);
		if (seen->result < 0)
			break;
		at += n;
	}
	seen->end = stream_end(&s);
	fuzz_check(seen->result == 0 || seen->end == seen->result);
	stream_release(&s);
}

static void check_same(const struct seen *a, const struct seen *b)
{
	fuzz_check(a->result == b->result && a->end == b->end && a->calls == b->calls);
	fuzz_check(a->log.len == b->log.len &&
		   (!a->log.len || !memcmp(a->log.data, b->log.data, a->log.len)));
}

static bool key_is(const char *text, const struct json_node *node, const char *key)
{
	return node->key_len == strlen(key) && !memcmp(text + node->key_off, key, node->key_len);
}

/* What a stream makes of a list's items; a result as of stream_feed(). */
static int model_items(struct seen *want, const struct json_index *index, const char *text,
		       uint32_t items)
{
	for (uint32_t i = json_first(index, items); i; i = index->nodes[i].next) {
		const struct json_node *item = &index->nodes[i];

		if (item->type != JSON_OBJECT)
			return -EPROTO;
		int r = note(want, "item", true, 0, text + item->off, item->len);
		if (r < 0)
			return r;
	}
	return 0;
}

static int model_list(struct seen *want, const struct json_index *index, const char *text,
		      bool *ret_complete)
{
	bool has_items = false;
	bool has_metadata = false;

	for (uint32_t m = json_first(index, 0); m; m = index->nodes[m].next) {
		const struct json_node *node = &index->nodes[m];
		int r = 0;

		if (key_is(text, node, "metadata")) {
			has_metadata = true;
			r = node->type == JSON_OBJECT
				? on_metadata(want, text + node->off, node->len)
				: -EPROTO;
		} else if (key_is(text, node, "items")) {
			if (node->type != JSON_NULL && (node->type != JSON_ARRAY || has_items))
				r = -EPROTO;
			else if (node->type == JSON_ARRAY)
				r = model_items(want, index, text, m);
			has_items = true;
		}
		if (r < 0)
			return r;
	}
	*ret_complete = has_items && has_metadata;
	return 0;
}

/* Of a list that is JSON and within the limits. */
static void check_model(const struct seen *seen, const struct buf *body, unsigned int refuse_at)
{
	struct json_index index = {0};
	struct seen want = {.refuse_at = refuse_at};
	bool complete = false;
	size_t off;

	if (json_scan(&index, body->data, body->len, &off) == 0) {
		want.result = index.nodes[0].type == JSON_OBJECT
				  ? model_list(&want, &index, body->data, &complete)
				  : -EPROTO;
		want.end = want.result < 0 ? want.result : complete ? 0 : -ENODATA;
		check_same(&want, seen);
	}
	buf_release(&want.log);
	json_index_release(&index);
}

static void expand(struct fuzz_input in, struct buf *body)
{
	bool large = false;

	for (size_t i = 0; i < in.len; i++) {
		unsigned char c = (unsigned char)in.p[i];

		if (c == 0xff && !large)
			buf_addfill(body, 'x', 8u << 20);
		else if (c == 0xfe && body->len < 4u << 20)
			buf_addfill(body, 'x', 64u << 10);
		else
			buf_addch(body, in.p[i]);
		large = large || c == 0xff;
	}
	fuzz_check(!body->err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_begin(data, size);
	uint8_t flags = fuzz_byte(&in);
	enum stream_kind kind = flags & 1 ? STREAM_LIST : STREAM_WATCH;
	unsigned int refuse_at = fuzz_byte(&in) % 32;
	struct seen whole = {.refuse_at = refuse_at};
	struct seen bytes = {.refuse_at = refuse_at};
	struct seen chunks = {.refuse_at = refuse_at};
	cleanup_buf struct buf body = {0};
	uint32_t dice = 2;
	bool large = flags >= 0xfe;

	for (int i = 0; i < 4; i++)
		dice = dice << 8 | fuzz_byte(&in);
	if (large)
		expand(in, &body);
	else
		buf_add(&body, in.p, in.len);
	run(&whole, kind, &body, 0);
	run(&chunks, kind, &body, dice < 2 ? 2 : dice);
	check_same(&whole, &chunks);
	if (!large) {
		run(&bytes, kind, &body, 1);
		check_same(&whole, &bytes);
	}
	if (!large && kind == STREAM_LIST)
		check_model(&whole, &body, refuse_at);
	buf_release(&whole.log);
	buf_release(&bytes.log);
	buf_release(&chunks.log);
	return 0;
}
