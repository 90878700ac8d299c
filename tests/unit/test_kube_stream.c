/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The splitter: what it hands on is the same however the bytes are divided, and
 * what is broken or too large is noticed.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kube/stream.h"

/* Everything a stream handed on, as text. */
static struct buf seen;
static int refuse_with; /* what on_item and on_event return */

static int on_metadata(void *ctx, const char *text, size_t len)
{
	(void)ctx;
	return buf_addf(&seen, "meta %.*s\n", (int)len, text);
}

/* The index that comes with an object is the one that it has, and no JSON has none. */
static void check_index(const struct kube_object *obj)
{
	struct json_index want = {0};
	size_t fault_off;
	bool is_json = json_scan(&want, obj->text, obj->len, &fault_off) == 0;

	assert_int_equal(obj->index != NULL, is_json);
	if (is_json) {
		assert_int_equal(obj->index->count, want.count);
		assert_memory_equal(obj->index->nodes, want.nodes,
				    want.count * sizeof(*want.nodes));
	}
	json_index_release(&want);
}

static int on_item(void *ctx, const struct kube_object *obj)
{
	(void)ctx;
	check_index(obj);
	buf_addf(&seen, "item %.*s\n", (int)obj->len, obj->text);
	return refuse_with;
}

static int on_event(void *ctx, enum stream_event type, const struct kube_object *obj)
{
	static const char *const names[] = {
	    [STREAM_EVENT_UNSET] = "?",     [STREAM_ADDED] = "added",
	    [STREAM_MODIFIED] = "modified", [STREAM_DELETED] = "deleted",
	    [STREAM_BOOKMARK] = "bookmark", [STREAM_ERROR] = "error",
	};

	(void)ctx;
	check_index(obj);
	buf_addf(&seen, "%s %.*s\n", names[type], (int)obj->len, obj->text);
	return refuse_with;
}

static int on_oversize(void *ctx, enum stream_event type, const char *head, size_t len, int err)
{
	(void)ctx;
	assert_true(len <= STREAM_HEAD_MAX);
	return buf_addf(&seen, "oversize %d %d %.7s %c\n", err, type, head, head[len - 1]);
}

static const struct stream_handler handler = {NULL, on_metadata, on_item, on_event, on_oversize};

/* In pieces of @size bytes; each piece lies in memory of its own, so that reading past it shows. */
static int run(enum stream_kind kind, const char *text, size_t len, size_t size)
{
	struct stream s = {0};
	int r = 0;

	buf_clear(&seen);
	stream_start(&s, kind, &handler);
	for (size_t i = 0; i < len && r == 0; i += size) {
		size_t n = len - i < size ? len - i : size;
		char *piece = malloc(n);

		assert_non_null(piece);
		memcpy(piece, text + i, n);
		r = stream_feed(&s, piece, n);
		free(piece);
	}
	if (r == 0)
		r = stream_end(&s);
	stream_release(&s);
	return r;
}

struct vector {
	enum stream_kind kind;
	const char *text;
	int result;
	const char *seen;
};

static const struct vector vectors[] = {
    {STREAM_LIST,
     "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"9\"},"
     "\"items\":[{\"a\":\"x\\\"}]\"},{\"b\":[1,{\"c\":\"\\\\\"}]}]}",
     0,
     "meta {\"resourceVersion\":\"9\"}\n"
     "item {\"a\":\"x\\\"}]\"}\nitem {\"b\":[1,{\"c\":\"\\\\\"}]}\n"},
    {STREAM_LIST, "{ \"items\" : [ ] , \"metadata\" : { } }\n", 0, "meta { }\n"},
    {STREAM_LIST, "{\"items\":[{}\n,\t{}],\"metadata\":{}}", 0, "item {}\nitem {}\nmeta {}\n"},
    {STREAM_LIST, "{\"metadata\":{},\"items\":null,\"n\":-1.5e3,\"t\":true,\"x\":\"\"}", 0,
     "meta {}\n"},
    {STREAM_LIST, "{\"it\\u0065ms\":[{}],\"metadata\":{},\"items\":[]}", 0, "meta {}\n"},
    {STREAM_LIST, "{\"metadata\":{}}", -ENODATA, "meta {}\n"},
    {STREAM_LIST, "{\"items\":[]}", -ENODATA, ""},
    {STREAM_LIST, "{}", -ENODATA, ""},
    {STREAM_LIST, "", -ENODATA, ""},
    {STREAM_LIST, "{\"metadata\":{},\"items\":[{\"a\":1}", -ENODATA, "meta {}\nitem {\"a\":1}\n"},
    {STREAM_LIST, "{\"metadata\":{},\"items\":[{\"a\":1},]}", -EPROTO, "meta {}\nitem {\"a\":1}\n"},
    {STREAM_LIST, "{\"metadata\":{},\"items\":[]}{}", -EPROTO, "meta {}\n"},
    {STREAM_LIST, "{\"metadata\":[],\"items\":[]}", -EPROTO, ""},
    {STREAM_LIST, "{\"items\":{}}", -EPROTO, ""},
    {STREAM_LIST, "{\"items\":[],\"items\":[]}", -EPROTO, ""},
    {STREAM_LIST, "{\"items\":[1]}", -EPROTO, ""},
    {STREAM_LIST, "{\"a\" 1}", -EPROTO, ""},
    {STREAM_LIST, "{\"a\":}", -EPROTO, ""},
    {STREAM_LIST, "{\"a\":1,}", -EPROTO, ""},
    {STREAM_LIST, "{,}", -EPROTO, ""},
    {STREAM_LIST, "<html>", -EPROTO, ""},
    {STREAM_WATCH,
     "{\"type\":\"ADDED\",\"object\":{\"x\":\"}\"}}\n"
     "{\"type\":\"MODIFIED\",\"object\":{}}{\"type\":\"DELETED\",\"object\":{}}\n\n"
     "{\"type\":\"BOOKMARK\",\"object\":{\"b\":1}}\r\n{\"type\":\"ERROR\",\"object\":{}}",
     0, "added {\"x\":\"}\"}\nmodified {}\ndeleted {}\nbookmark {\"b\":1}\nerror {}\n"},
    {STREAM_WATCH, "{\"object\":{\"a\":1},\"more\":[],\"type\":\"ADDED\"}", 0, "added {\"a\":1}\n"},
    {STREAM_WATCH, "{\"type\":\"NEW\",\"object\":{}}", 0, "? {}\n"},
    {STREAM_WATCH, "{\"type\":7,\"object\":{}}", 0, "? {}\n"},
    {STREAM_WATCH, "", 0, ""},
    {STREAM_WATCH, "{\"type\":\"ADDED\",\"object\":{\"a\":", -ENODATA, ""},
    {STREAM_WATCH, "{\"type\":\"ADDED\",\"object\":{}", -ENODATA, "added {}\n"},
    {STREAM_WATCH, "{\"type\":\"ADDED\"}", -EPROTO, ""},
    {STREAM_WATCH, "{\"object\":{}}", -EPROTO, ""},
    {STREAM_WATCH, "{\"object\":{},\"object\":{},\"type\":\"ADDED\"}", -EPROTO, ""},
    {STREAM_WATCH, "{\"type\":\"ADDED\",\"object\":null}", -EPROTO, ""},
    {STREAM_WATCH, "]", -EPROTO, ""},
};

/*
 * What noise makes of an event. The braces do not add up any more, so it would
 * take in all events that follow, for as long as the watch lasts.
 */
static const char *const noisy[] = {
    "{\"type\":\"ADDED\",\"object\":{\"a\":{\"b\":1}\n{\"type\":",
    "{\"type\":\"ADDED\",\"object\":{\"a\":[1,2]\n\"b\"",
    "{\"type\":\"ADDED\",\"object\":{\"a\":\"b\"{",
    "{\"type\":\"ADDED\",\"object\":{\"a\":\"b\"\"c\"",
    "{\"type\":\"ADDED\",\"object\":{\"a\":{}[",
    "{\"type\":\"ADDED\",\"object\":{\"a\":b\"}}\n",
    "{\"type\":\"ADDED\",\"object\":{\"a\":\"more than sixteen characters \001 of text, and more\"",
    "{\"type\":\"ADDED\",\"object\":{\"a\":\"\\\n",
};

static void ends_at_an_event_that_would_not_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(noisy); i++)
		for (size_t size = 1; size <= strlen(noisy[i]); size++)
			if (run(STREAM_WATCH, noisy[i], strlen(noisy[i]), size) != -EPROTO)
				fail_msg("%s\nis taken, in pieces of %zu", noisy[i], size);
}

static void cuts_alike_in_every_chunking(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		const struct vector *v = &vectors[i];
		size_t len = strlen(v->text);

		for (size_t size = 1; size <= len + 1; size++) {
			int r = run(v->kind, v->text, len, size);
			const char *got = seen.data ? seen.data : "";

			if (r != v->result || strcmp(got, v->seen))
				fail_msg("%s\nin pieces of %zu -> %d\n%s", v->text, size, r, got);
		}
	}
}

/* Two pieces, at every place. */
static void cuts_alike_at_every_split(void **state)
{
	const struct vector *v = &vectors[0];
	size_t len = strlen(v->text);

	(void)state;
	for (size_t at = 0; at <= len; at++) {
		struct stream s = {0};

		buf_clear(&seen);
		stream_start(&s, v->kind, &handler);
		assert_int_equal(stream_feed(&s, v->text, at), 0);
		assert_int_equal(stream_feed(&s, v->text + at, len - at), 0);
		assert_int_equal(stream_end(&s), 0);
		assert_string_equal(seen.data, v->seen);
		stream_release(&s);
	}
}

static void ends_with_what_a_handler_returns(void **state)
{
	struct stream s = {0};
	const char *text = "{\"type\":\"ADDED\",\"object\":{}}{\"type\":\"ADDED\",\"object\":{}}";

	(void)state;
	refuse_with = -ECANCELED;
	buf_clear(&seen);
	stream_start(&s, STREAM_WATCH, &handler);
	assert_int_equal(stream_feed(&s, text, strlen(text)), -ECANCELED);
	assert_string_equal(seen.data, "added {}\n");
	assert_int_equal(stream_feed(&s, text, strlen(text)), -ECANCELED);
	assert_int_equal(stream_end(&s), -ECANCELED);
	refuse_with = 0;
	stream_start(&s, STREAM_WATCH, &handler);
	assert_int_equal(stream_feed(&s, text, strlen(text)), 0);
	stream_release(&s);
}

/* What is over a limit is left out; what comes after it is not. */
static void leaves_out_what_is_over_a_limit(void **state)
{
	static const size_t pieces[] = {1000, 65536, SIZE_MAX / 2};
	struct buf text = {0};

	(void)state;
	buf_addstr(&text, "{\"metadata\":{},\"items\":[{\"big\":\"");
	buf_addfill(&text, 'x', STREAM_OBJECT_MAX);
	buf_addstr(&text, "\"},{\"deep\":");
	buf_addfill(&text, '[', STREAM_DEPTH_MAX);
	buf_addfill(&text, ']', STREAM_DEPTH_MAX);
	buf_addstr(&text, "},{\"just\":");
	buf_addfill(&text, '[', STREAM_DEPTH_MAX - 1);
	buf_addfill(&text, ']', STREAM_DEPTH_MAX - 1);
	buf_addstr(&text, "},{\"after\":1}]}");
	assert_int_equal(text.err, 0);
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		char expected[128];

		assert_int_equal(run(STREAM_LIST, text.data, text.len, pieces[i]), 0);
		snprintf(expected, sizeof(expected),
			 "meta {}\noversize %d 0 {\"big\": x\noversize %d 0 {\"deep\" }\nitem ",
			 -EMSGSIZE, -E2BIG);
		assert_memory_equal(seen.data, expected, strlen(expected));
		assert_non_null(strstr(seen.data, "item {\"after\":1}\n"));
	}
	buf_release(&text);
}

/* An event's type may come before its object or behind it. */
static void tells_whose_event_is_over_a_limit(void **state)
{
	static const size_t pieces[] = {1000, SIZE_MAX / 2};
	static const char *const around[][2] = {{"{\"type\":\"MODIFIED\",\"object\":", "}\n"},
						{"{\"object\":", ",\"type\":\"MODIFIED\"}\n"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pieces) * ARRAY_SIZE(around); i++) {
		cleanup_buf struct buf text = {0};
		char expected[128];

		buf_addf(&text, "%s{\"name\":\"a\",\"big\":\"", around[i / 2][0]);
		buf_addfill(&text, 'x', STREAM_OBJECT_MAX);
		buf_addf(&text, "\"}%s{\"type\":\"ADDED\",\"object\":{}}\n", around[i / 2][1]);
		assert_int_equal(run(STREAM_WATCH, text.data, text.len, pieces[i % 2]), 0);
		snprintf(expected, sizeof(expected), "oversize %d %d {\"name\" x\nadded {}\n",
			 -EMSGSIZE, STREAM_MODIFIED);
		assert_string_equal(seen.data, expected);
	}
}

static void finds_members_at_the_top_only(void **state)
{
	const char *text = " { \"a\" : {\"b\":\"no\"} ,\"c\":[{\"b\":1}], \"b\" : \"yes\" , \"z\":";
	const char *value;
	size_t len;

	(void)state;
	assert_true(scan_member_string(text, strlen(text), "b", &value, &len));
	assert_int_equal(len, 3);
	assert_memory_equal(value, "yes", 3);
	assert_true(scan_member(text, strlen(text), "c", &value, &len));
	assert_int_equal(len, 9);
	assert_false(scan_member(text, strlen(text), "z", &value, &len));
	assert_false(scan_member(text, strlen(text), "none", &value, &len));
	assert_false(scan_member_string(text, strlen(text), "a", &value, &len));
	assert_true(scan_member_begun("{\"m\":{\"n\":1,\"l\":\"x", 16, "m", &value, &len));
	assert_int_equal(len, 11);
	assert_false(scan_member_begun("{\"m\":\"cut of", 13, "m", &value, &len));
	assert_false(scan_member("[]", 2, "a", &value, &len));
	assert_false(scan_member("", 0, "a", &value, &len));
	assert_false(scan_member("{\"a\"", 4, "a", &value, &len));
}

static int release(void **state)
{
	(void)state;
	buf_release(&seen);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cuts_alike_in_every_chunking),
	    cmocka_unit_test(cuts_alike_at_every_split),
	    cmocka_unit_test(ends_at_an_event_that_would_not_end),
	    cmocka_unit_test(ends_with_what_a_handler_returns),
	    cmocka_unit_test(leaves_out_what_is_over_a_limit),
	    cmocka_unit_test(tells_whose_event_is_over_a_limit),
	    cmocka_unit_test(finds_members_at_the_top_only),
	};

	return cmocka_run_group_tests_name("kube_stream", tests, NULL, release);
}
