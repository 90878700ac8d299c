/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scanner against tables, and against a second, slow and plain, reader.
 */
#include "docs.h"

#include <podfs/base/utf8.h>

static int scan(struct json_index *index, const char *text, size_t len, size_t *ret_off)
{
	/* In memory of its own, so that reading past it shows. */
	char *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	if (len)
		memcpy(copy, text, len);
	int r = json_scan(index, copy, len, ret_off);
	free(copy);
	return r;
}

static const char *const good[] = {
    "0",
    "-0",
    "10",
    "-1.5",
    "1e3",
    "1E+3",
    "1e-3",
    "0.000",
    "123456789012345678901234567890",
    "1e999",
    "null",
    "true",
    "false",
    "\"\"",
    "\"a\"",
    "\"12345678\"",
    "\"1234567\\\"\"",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\"",
    "\"\\ud800\"",
    "\"\x7f\"",
    "\"\xc3\xa9\"",
    "\"\xff\xfe\"",
    "[]",
    "[ ]",
    "[1]",
    "[1,2]",
    " [ 1 , 2 ] ",
    "{}",
    "{ }",
    "{\"a\":1}",
    "\t\n\r {\"a\" : {\"b\" : [ ] } , \"\" : null } \n",
    "{\"a\":1,\"a\":2}",
    "[[],{},[[{}]]]",
};

static void accepts_what_is_json(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct json_index index = {0};
		size_t off = 0;

		if (scan(&index, good[i], strlen(good[i]), &off) != 0)
			fail_msg("refused at %zu: %s", off, good[i]);
		json_index_release(&index);
	}
}

/* And says where the first fault is. */
static const struct {
	const char *text;
	size_t off;
} bad[] = {
    {"", 0},
    {" ", 1},
    {"nul", 3},
    {"nulx", 0},
    {"nulll", 4},
    {"True", 0},
    {"01", 1},
    {"-", 1},
    {"+1", 0},
    {".5", 0},
    {"1.", 2},
    {"1.e3", 2},
    {"1e", 2},
    {"1e+", 3},
    {"1e+-3", 3},
    {"0x10", 1},
    {"NaN", 0},
    {"Infinity", 0},
    {"\"", 1},
    {"\"a", 2},
    {"\"\\\"", 3},
    {"\"\\x\"", 2},
    {"\"\\u12\"", 2},
    {"\"\\u123g\"", 2},
    {"\"\\\n\"", 2},
    {"\"a\nb\"", 2},
    {"\"12345678\t\"", 9},
    {"\"a\x1f\"", 2},
    {"'a'", 0},
    {"[", 1},
    {"[1", 2},
    {"[1,", 3},
    {"[1,]", 3},
    {"[,1]", 1},
    {"[1 2]", 3},
    {"[1}", 2},
    {"]", 0},
    {"{", 1},
    {"{a:1}", 1},
    {"{\"a\"}", 4},
    {"{\"a\":}", 5},
    {"{\"a\":1,}", 7},
    {"{\"a\" 1}", 5},
    {"{\"a\":1 \"b\":2}", 7},
    {"{,}", 1},
    {"{1:2}", 1},
    {"{\"a\":1]", 6},
    {"1 2", 2},
    {"{} {}", 3},
    {"[] x", 3},
    {"\xef\xbb\xbf{}", 0},
    {"// no\n{}", 0},
    {"\f1", 0},
};

static void refuses_what_is_not_and_says_where(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct json_index index = {0};
		size_t off = 999;

		int r = scan(&index, bad[i].text, strlen(bad[i].text), &off);
		if (r != -EINVAL || off != bad[i].off)
			fail_msg("%d at %zu: %s", r, off, bad[i].text);
		json_index_release(&index);
	}
}

static void a_nul_byte_is_nowhere_allowed(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} texts[] = {{"\0", 1},   {"1\0", 2},         {"\"\0\"", 3},       {"\"\\\0\"", 4},
		     {"[\0]", 3}, {"{\"a\"\0:1}", 8}, {"\"\\u\0000\"", 6}, {"nul\0", 4}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct json_index index = {0};
		size_t off;

		assert_int_equal(scan(&index, texts[i].text, texts[i].len, &off), -EINVAL);
		json_index_release(&index);
	}
}

static const char sample[] =
    "{ \"apiVersion\":\"v1\", "
    "\"kind\":\"Pod\",\"metadata\":{\"name\":\"web-0\",\"labels\":{\"app\":\"w"
    "eb\",\"k8s.io/x\":\"\\u00e9\\\"\"},\"deletionGracePeriodSeconds\":30},\"spec\":{\"containers\""
    ":[{\"name\":\"main\",\"args\":[\"-v=\\\\2\",\"\xc3\xa9\"],\"tty\":true,\"stdin\":false,\"x\":"
    "null"
    "}],\"weight\":-1.25e+10 } }";

static void every_truncation_is_refused(void **state)
{
	struct json_index index = {0};
	size_t off;

	(void)state;
	assert_int_equal(scan(&index, sample, sizeof(sample) - 1, &off), 0);
	for (size_t len = 0; len < sizeof(sample) - 1; len++) {
		assert_int_equal(scan(&index, sample, len, &off), -EINVAL);
		assert_true(off <= len);
	}
	json_index_release(&index);
}

/* Whatever pieces a text comes in: what it is, where its fault is, and its index. */
static void check_in_pieces(const char *text, size_t len, struct dice *dice)
{
	struct json_index whole = {0};
	struct json_index index = {0};
	struct json_scan scan;
	size_t end = 0;
	size_t at = 0;
	int got = 0;

	int want = json_scan(&whole, text, len, &at);
	json_scan_start(&scan, &index);
	while (got == 0 && end < len) {
		end += 1 + dice_roll(dice, 6);
		if (end > len)
			end = len;
		/* Each time it lies elsewhere, and with nothing behind it. */
		char *copy = malloc(end);
		memcpy(copy, text, end);
		got = json_scan_more(&scan, copy, end);
		free(copy);
	}
	/* A number that nothing follows may have been one digit shorter when it ended. */
	if (want == 0 && (text[0] == '{' || text[0] == '[')) {
		assert_int_equal(got, 1);
		assert_int_equal(index.count, whole.count);
		assert_int_equal(index.key_max, whole.key_max);
		assert_memory_equal(index.nodes, whole.nodes, whole.count * sizeof(*whole.nodes));
	} else if (got < 0) {
		assert_int_equal(got, want);
		assert_int_equal(scan.at, at);
	}
	if (want < 0 && at < len && got == 0)
		fail_msg("no fault at %zu: %.*s", at, (int)len, text);
	json_index_release(&whole);
	json_index_release(&index);
}

static void any_division_makes_no_difference(void **state)
{
	static const char *const more[] = {
	    "{\"a\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\",\"\xf0\":[\"\xf0\x9f\",\"\xe2\"]}",
	    ("{\"k\\u0065y\" : [ 1.5e-3 , -0 , true , false , null , { } , [ ] ] , \"z\" : "
	     "\"\\\\\\\"\\/\" }"),
	    "[\"0123456789abcdef0123456789abcdef\\n0123456789abcdef\",12345]",
	};
	struct dice dice = {.state = 8};

	(void)state;
	for (int round = 0; round < 50; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(more); i++)
			check_in_pieces(more[i], strlen(more[i]), &dice);
		for (size_t i = 0; i < ARRAY_SIZE(good); i++)
			check_in_pieces(good[i], strlen(good[i]), &dice);
		for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
			check_in_pieces(bad[i].text, strlen(bad[i].text), &dice);
	}
}

/* Or a value of eight megabytes could be read a thousand times. */
static void a_long_string_is_read_once(void **state)
{
	cleanup_buf struct buf text = {0};
	struct json_index index = {0};
	struct json_scan scan;

	(void)state;
	buf_addstr(&text, "{\"a\":\"");
	buf_addfill(&text, 'x', 6u << 20);
	buf_addstr(&text, "\"}");
	json_scan_start(&scan, &index);
	for (size_t n = 100; n < text.len; n += 100) {
		assert_int_equal(json_scan_more(&scan, text.data, n), 0);
		assert_int_equal(scan.string_good, n);
	}
	assert_int_equal(json_scan_more(&scan, text.data, text.len), 1);
	assert_int_equal(index.nodes[1].len, 6u << 20);
	json_index_release(&index);
}

static void nesting_has_a_limit(void **state)
{
	static const char *const opens[] = {"[", "{\"a\":"};
	static const char *const closes[] = {"]", "}"};

	(void)state;
	for (size_t kind = 0; kind < 2; kind++) {
		for (size_t depth = JSON_DEPTH_MAX - 1; depth <= JSON_DEPTH_MAX + 1; depth++) {
			cleanup_buf struct buf text = {0};
			struct json_index index = {0};
			size_t off;

			for (size_t i = 0; i < depth; i++)
				buf_addstr(&text, opens[kind]);
			buf_addstr(&text, "1");
			for (size_t i = 0; i < depth; i++)
				buf_addstr(&text, closes[kind]);
			assert_int_equal(scan(&index, text.data, text.len, &off),
					 depth <= JSON_DEPTH_MAX ? 0 : -E2BIG);
			json_index_release(&index);
		}
	}
}

static void size_has_a_limit(void **state)
{
	cleanup_buf struct buf text = {0};
	struct json_index index = {0};
	size_t off;

	(void)state;
	buf_addfill(&text, ' ', JSON_TEXT_MAX - 1);
	buf_addch(&text, '1');
	assert_int_equal(json_scan(&index, text.data, text.len, &off), 0);
	buf_addch(&text, ' ');
	assert_int_equal(json_scan(&index, text.data, text.len, &off), -E2BIG);
	json_index_release(&index);
}

static void a_key_as_long_as_the_text_allows_is_indexed_whole(void **state)
{
	cleanup_buf struct buf text = {0};
	struct json_index index = {0};
	size_t off;

	(void)state;
	buf_addstr(&text, "{\"");
	buf_addfill(&text, 'k', JSON_TEXT_MAX - 6);
	buf_addstr(&text, "\":1}");
	assert_int_equal(text.len, JSON_TEXT_MAX);
	assert_int_equal(json_scan(&index, text.data, text.len, &off), 0);
	assert_int_equal(index.nodes[1].key_len, JSON_TEXT_MAX - 6);
	assert_int_equal(index.key_max, JSON_TEXT_MAX - 6);
	json_index_release(&index);
}

static void nodes_stand_in_document_order(void **state)
{
	cleanup_doc struct doc d = {0};

	(void)state;
	doc_parse(&d, "{\"a\":[1,2],\"b\":\"x\"}");
	const struct json_node *n = d.view.index.nodes;
	assert_int_equal(d.view.index.count, 5);
	assert_int_equal(n[0].type, JSON_OBJECT);
	assert_int_equal(n[0].count, 2);
	assert_int_equal(n[0].len, d.text.len);
	assert_int_equal(n[1].type, JSON_ARRAY);
	assert_int_equal(n[1].count, 2);
	assert_int_equal(n[1].next, 4);
	assert_int_equal(n[2].next, 3);
	assert_int_equal(n[3].next, 0);
	assert_int_equal(n[4].type, JSON_STRING);
	assert_int_equal(n[4].len, 1);
	assert_int_equal(n[4].next, 0);
	assert_int_equal(d.view.index.key_max, 1);
}

static void the_last_of_equal_keys_counts(void **state)
{
	cleanup_doc struct doc d = {0};

	(void)state;
	doc_parse(&d, "{\"a\":1,\"b\":2,\"a\":3,\"aa\":4,\"\":5}");
	uint32_t n = json_member(&d.view.index, d.text.data, 0, "a");
	assert_int_equal(d.text.data[d.view.index.nodes[n].off], '3');
	n = json_member(&d.view.index, d.text.data, 0, "");
	assert_int_equal(d.text.data[d.view.index.nodes[n].off], '5');
	assert_int_equal(json_member(&d.view.index, d.text.data, 0, "c"), 0);
	assert_int_equal(json_member(&d.view.index, d.text.data, n, "a"), 0);
}

static void a_key_is_the_same_however_it_is_written(void **state)
{
	cleanup_doc struct doc d = {0};

	(void)state;
	doc_parse(&d, "{\"n\":1,\"\\u006eame\":2,\"a\\/b\":3}");
	uint32_t n = json_member(&d.view.index, d.text.data, 0, "name");
	assert_int_equal(d.text.data[d.view.index.nodes[n].off], '2');
	n = json_member(&d.view.index, d.text.data, 0, "a/b");
	assert_int_equal(d.text.data[d.view.index.nodes[n].off], '3');
	assert_int_equal(json_member(&d.view.index, d.text.data, 0, "\\u006eame"), 0);
	assert_int_equal(json_member(&d.view.index, d.text.data, 0, "nam"), 0);
}

static void an_index_serves_again(void **state)
{
	struct json_index index = {0};
	size_t off;

	(void)state;
	assert_int_equal(json_scan(&index, "{\"longkey\":[1,2,3]}", 19, &off), 0);
	assert_int_equal(json_scan(&index, "[", 1, &off), -EINVAL);
	assert_int_equal(json_scan(&index, "{\"k\":1}", 7, &off), 0);
	assert_int_equal(index.count, 2);
	assert_int_equal(index.key_max, 1);
	json_index_release(&index);
}

/* Strings and their values, as Go's encoding/json decodes them. */
static const struct {
	const char *text;
	const char *value;
	size_t len;
} strings[] = {
    {"", "", 0},
    {"plain", "plain", 5},
    {"\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t", 8},
    {"\\u0041\\u00e9\\u20AC", "A\xc3\xa9\xe2\x82\xac", 6},
    {"a\\u0000b", "a\0b", 3},
    {"\\uFFFD", "\xef\xbf\xbd", 3},
    {"\\ud83d\\ude00", "\xf0\x9f\x98\x80", 4},
    {"\\uD83D\\uDE00x", "\xf0\x9f\x98\x80x", 5},
    {"\\ud800", "\xef\xbf\xbd", 3},
    {"\\udc00", "\xef\xbf\xbd", 3},
    {"\\udc00\\ud800", "\xef\xbf\xbd\xef\xbf\xbd", 6},
    {"\\ud800\\u0041",
     "\xef\xbf\xbd"
     "A",
     4},
    {"\\ud800\\ud83d\\ude00", "\xef\xbf\xbd\xf0\x9f\x98\x80", 7},
    {"\\ud800x", "\xef\xbf\xbdx", 4},
    {"\\ud800\\n", "\xef\xbf\xbd\n", 4},
    {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", 4},
    {"\xff", "\xef\xbf\xbd", 3},
    {"a\xc3", "a\xef\xbf\xbd", 4},
    {"\xc3(", "\xef\xbf\xbd(", 4},
    {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", 9},
    {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", 12},
    {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd", 6},
    {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd", 6},
};

static void strings_decode_as_in_go(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
		/* Behind 0 to 8 plain bytes, so that it lies everywhere in a word; as key, too. */
		for (size_t pad = 0; pad <= 8; pad++) {
			cleanup_doc struct doc d = {0};
			cleanup_buf struct buf value = {0};
			cleanup_buf struct buf key = {0};

			buf_addf(&d.text, "{\"%.*s%s\":\"%.*s%s\"}", (int)pad, "________",
				 strings[i].text, (int)pad, "________", strings[i].text);
			doc_index(&d);
			const struct json_node *n = &d.view.index.nodes[1];
			assert_int_equal(json_string(&value, d.text.data, n), 0);
			assert_int_equal(json_key(&key, d.text.data, n), 0);
			assert_int_equal(value.len, pad + strings[i].len);
			assert_memory_equal(value.data + pad, strings[i].value, strings[i].len);
			assert_int_equal(key.len, value.len);
			assert_memory_equal(key.data, value.data, key.len);
			assert_int_equal(n->decode, n->key_decode);
			/* What needs no decoding is its own value. */
			if (!n->decode)
				assert_memory_equal(d.text.data + n->off, value.data, value.len);
		}
	}
}

/* A second reader, by the grammar of RFC 8259. NULL: it is not JSON. */
static const char *space(const char *p)
{
	while (*p && strchr(" \t\r\n", *p))
		p++;
	return p;
}

static const char *slow_value(const char *p);

static const char *slow_string(const char *p)
{
	if (*p++ != '"')
		return NULL;
	for (; *p != '"'; p++) {
		if ((unsigned char)*p < 0x20)
			return NULL;
		if (*p != '\\')
			continue;
		p++;
		if (!*p || !strchr("\"\\/bfnrtu", *p))
			return NULL;
		if (*p == 'u') {
			if (strspn(p + 1, "0123456789abcdefABCDEF") < 4)
				return NULL;
			p += 4;
		}
	}
	return p + 1;
}

static const char *slow_number(const char *p)
{
	p += *p == '-';
	size_t n = strspn(p, "0123456789");
	if (!n)
		return NULL;
	p += *p == '0' ? 1 : n;
	if (*p == '.') {
		n = strspn(p + 1, "0123456789");
		if (!n)
			return NULL;
		p += n + 1;
	}
	if (*p == 'e' || *p == 'E') {
		p++;
		p += *p == '+' || *p == '-';
		n = strspn(p, "0123456789");
		if (!n)
			return NULL;
		p += n;
	}
	return p;
}

static const char *slow_container(const char *p, bool object)
{
	char close = object ? '}' : ']';

	p = space(p + 1);
	if (*p == close)
		return p + 1;
	for (;;) {
		if (object) {
			p = slow_string(p);
			if (!p)
				return NULL;
			p = space(p);
			if (*p++ != ':')
				return NULL;
			p = space(p);
		}
		p = slow_value(p);
		if (!p)
			return NULL;
		p = space(p);
		if (*p == close)
			return p + 1;
		if (*p++ != ',')
			return NULL;
		p = space(p);
	}
}

static const char *slow_value(const char *p)
{
	static const char *const words[] = {"null", "true", "false"};

	if (*p == '{' || *p == '[')
		return slow_container(p, *p == '{');
	if (*p == '"')
		return slow_string(p);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strncmp(p, words[i], strlen(words[i])))
			return p + strlen(words[i]);
	return slow_number(p);
}

static bool slow_accepts(const char *text)
{
	const char *p = slow_value(space(text));

	return p && !*space(p);
}

static void agrees_with_a_slow_reader_on_damaged_documents(void **state)
{
	static const char bytes[] = "{}[]\":,\\ue0-+.1 tn\x01\x7f\x80\xc3\xff\n";
	struct dice dice = {1};
	size_t accepted = 0;
	const size_t rounds = 60000;

	(void)state;
	for (size_t round = 0; round < rounds; round++) {
		cleanup_doc struct doc d = {0};
		struct json_index index = {0};
		size_t off;

		doc_random(&dice, &d);
		for (uint32_t hits = dice_roll(&dice, 3); hits > 0; hits--) {
			char *at = d.text.data + dice_roll(&dice, (uint32_t)d.text.len);

			if (dice_one_in(&dice, 2))
				*at = bytes[dice_roll(&dice, sizeof(bytes) - 1)];
			else
				memmove(at, at + 1, strlen(at));
		}
		size_t len = strlen(d.text.data);
		bool want = slow_accepts(d.text.data);
		int r = scan(&index, d.text.data, len, &off);
		if ((r == 0) != want)
			fail_msg("round %zu: %d for %s", round, r, d.text.data);
		assert_true(off <= len);
		accepted += want;
		json_index_release(&index);
	}
	/* The test means something only if both happen often. */
	assert_true(accepted > rounds / 10 && accepted < rounds - rounds / 10);
}

/* Writes the text again from the index alone. */
static void rebuild(const struct view *view, uint32_t n, struct buf *out)
{
	const struct json_node *node = &view->index.nodes[n];
	bool object = node->type == JSON_OBJECT;
	uint32_t children = 0;

	if (node->type != JSON_OBJECT && node->type != JSON_ARRAY) {
		size_t start;
		size_t end;

		doc_span(view, n, &start, &end);
		buf_add(out, view->text + start, end - start);
		return;
	}
	buf_addch(out, object ? '{' : '[');
	for (uint32_t c = json_first(&view->index, n); c; c = view->index.nodes[c].next) {
		const struct json_node *child = &view->index.nodes[c];

		if (children++)
			buf_addch(out, ',');
		if (object)
			buf_addf(out, "\"%.*s\":", (int)child->key_len,
				 view->text + child->key_off);
		rebuild(view, c, out);
	}
	buf_addch(out, object ? '}' : ']');
	assert_int_equal(children, node->count);
}

static void the_index_holds_the_whole_document(void **state)
{
	struct dice dice = {2};

	(void)state;
	for (int round = 0; round < 5000; round++) {
		cleanup_doc struct doc d = {0};
		cleanup_buf struct buf again = {0};

		/* Generated documents have no space between their tokens. */
		doc_random(&dice, &d);
		rebuild(&d.view, 0, &again);
		assert_int_equal(again.len, d.text.len);
		assert_memory_equal(again.data, d.text.data, again.len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(accepts_what_is_json),
	    cmocka_unit_test(refuses_what_is_not_and_says_where),
	    cmocka_unit_test(a_nul_byte_is_nowhere_allowed),
	    cmocka_unit_test(every_truncation_is_refused),
	    cmocka_unit_test(any_division_makes_no_difference),
	    cmocka_unit_test(a_long_string_is_read_once),
	    cmocka_unit_test(nesting_has_a_limit),
	    cmocka_unit_test(size_has_a_limit),
	    cmocka_unit_test(a_key_as_long_as_the_text_allows_is_indexed_whole),
	    cmocka_unit_test(nodes_stand_in_document_order),
	    cmocka_unit_test(the_last_of_equal_keys_counts),
	    cmocka_unit_test(a_key_is_the_same_however_it_is_written),
	    cmocka_unit_test(an_index_serves_again),
	    cmocka_unit_test(strings_decode_as_in_go),
	    cmocka_unit_test(agrees_with_a_slow_reader_on_damaged_documents),
	    cmocka_unit_test(the_index_holds_the_whole_document),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
