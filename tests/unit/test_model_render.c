/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Golden bytes: JSON as Go's json.MarshalIndent prints it, and YAML of which
 * every reader makes the same data.
 */
#include "docs.h"

#include <podfs/model/render.h>

static void assert_json(const char *json, const char *want)
{
	cleanup_doc struct doc d = {0};
	cleanup_buf struct buf out = {0};

	doc_parse(&d, json);
	assert_int_equal(render_json(&d.view, &out), 0);
	assert_string_equal(out.data, want);
}

static void assert_yaml(const char *json, const char *want)
{
	cleanup_doc struct doc d = {0};
	cleanup_buf struct buf out = {0};

	doc_parse(&d, json);
	assert_int_equal(render_yaml(&d.view, &out), 0);
	assert_string_equal(out.data, want);
}

static void json_is_indented_by_four_and_ends_with_a_newline(void **state)
{
	(void)state;
	assert_json(
	    "{\"b\":[1,{\"x\":[[2]]}],\"a\":{\"c\":null}}",
	    "{\n    \"a\": {\n        \"c\": null\n    },\n    \"b\": [\n        1,\n        {\n"
	    "            \"x\": [\n                [\n                    2\n                ]\n"
	    "            ]\n        }\n    ]\n}\n");
}

static void empty_containers_stay_on_their_line(void **state)
{
	(void)state;
	assert_json("{ \"a\" : { } , \"b\" : [ ] }", "{\n    \"a\": {},\n    \"b\": []\n}\n");
	assert_json("{}", "{}\n");
	assert_json("[[],{}]", "[\n    [],\n    {}\n]\n");
}

static void keys_are_sorted_by_bytes_and_the_last_of_equals_counts(void **state)
{
	(void)state;
	assert_json(
	    "{\"b\":1,\"a\":2,\"B\":3,\"a\":4,\"aa\":5,\"\":6,\"\\u0062\":7}",
	    "{\n    \"\": 6,\n    \"B\": 3,\n    \"a\": 4,\n    \"aa\": 5,\n    \"b\": 7\n}\n");
}

/* In and out, as Go reads and prints them. */
static const char *const strings[][2] = {
    {"\"\"", "\"\""},
    {"\"<a>&b\"", "\"\\u003ca\\u003e\\u0026b\""},
    {"\"\\u003c\"", "\"\\u003c\""},
    {"\"\\u2028\\u2029\"", "\"\\u2028\\u2029\""},
    {"\"\xe2\x80\xa8\"", "\"\\u2028\""},
    {"\"\xe2\x80\xa7\"", "\"\xe2\x80\xa7\""},
    {"\"\\/\"", "\"/\""},
    {"\"\\\\\\\"\"", "\"\\\\\\\"\""},
    {"\"\\n\\r\\t\\b\\f\"", "\"\\n\\r\\t\\b\\f\""},
    {"\"\\u0000\\u001f\\u007f\"", "\"\\u0000\\u001f\x7f\""},
    {"\"\\u000b\\u001b\"", "\"\\u000b\\u001b\""},
    {"\"\\u00e9\\ud83d\\ude00\"", "\"\xc3\xa9\xf0\x9f\x98\x80\""},
    {"\"\\ud800\"", "\"\xef\xbf\xbd\""},
    {"\"a\xff\"", "\"a\xef\xbf\xbd\""},
    {"\"'\"", "\"'\""},
};

static void strings_are_escaped_as_go_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
		char json[128];
		char want[128];

		snprintf(json, sizeof(json), "{%s:%s}", strings[i][0], strings[i][0]);
		snprintf(want, sizeof(want), "{\n    %s: %s\n}\n", strings[i][1], strings[i][1]);
		assert_json(json, want);
	}
}

static const char *const numbers[][2] = {
    {"0", "0"},
    {"-0", "0"},
    {"-17", "-17"},
    {"9223372036854775807", "9223372036854775807"},
    {"-9223372036854775808", "-9223372036854775808"},
    {"9223372036854775808", "9223372036854776000"},
    {"18446744073709551615", "18446744073709552000"},
    {"123456789012345678901", "123456789012345680000"},
    {"123456789012345678901234567890", "1.2345678901234568e+29"},
    {"1.0", "1"},
    {"1.50", "1.5"},
    {"-0.0", "-0"},
    {"1e3", "1000"},
    {"1E+3", "1000"},
    {"1.5e-3", "0.0015"},
    {"0.1", "0.1"},
    {"0.30000000000000004", "0.30000000000000004"},
    {"1e20", "100000000000000000000"},
    {"1e21", "1e+21"},
    {"1.5e300", "1.5e+300"},
    {"1e-6", "0.000001"},
    {"1.234e-6", "0.000001234"},
    {"1e-7", "1e-7"},
    {"1.5e-9", "1.5e-9"},
    {"5e-324", "5e-324"},
    {"1.7976931348623157e308", "1.7976931348623157e+308"},
    {"1e-400", "0"},
};

static void numbers_are_printed_as_int64_or_float64(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		char want[128];

		snprintf(want, sizeof(want), "%s\n", numbers[i][1]);
		assert_json(numbers[i][0], want);
	}
}

static void a_number_beyond_float64_stays_as_it_was_sent(void **state)
{
	(void)state;
	assert_json("1e999", "1e999\n");
	assert_json("-1e999", "-1e999\n");
	assert_yaml("{\"a\":1e999}", "a: 1e999\n");
}

static void a_rendered_document_renders_the_same_again(void **state)
{
	struct dice dice = {8};

	(void)state;
	for (int round = 0; round < 3000; round++) {
		cleanup_doc struct doc d = {0};
		cleanup_doc struct doc again = {0};
		cleanup_buf struct buf out = {0};

		doc_random(&dice, &d);
		assert_int_equal(render_json(&d.view, &again.text), 0);
		doc_index(&again);
		assert_int_equal(render_json(&again.view, &out), 0);
		assert_string_equal(out.data, again.text.data);
	}
}

static void yaml_is_indented_by_two_with_sorted_keys(void **state)
{
	(void)state;
	assert_yaml("{\"b\":[1,{\"x\":\"z\",\"w\":[]}],\"a\":{\"c\":null,\"d\":{}}}",
		    "a:\n  c: null\n  d: {}\nb:\n- 1\n- w: []\n  x: z\n");
}

static void what_yaml_would_read_as_something_else_is_quoted(void **state)
{
	static const char *const quoted[] = {
	    "",     "null", "Null",     "~",          "true", "TRUE",  "yes",   "No",
	    "on",   "OFF",  "y",        "N",          "1",    "-1",    "+1",    "0x1F",
	    "0o17", "017",  "1_000",    "1.5",        ".5",   "1e3",   "-.inf", ".nan",
	    "=",    "<<",   "12:30:45", "2026-11-24", "0b11", "+.inf", "1.2.3", "10.0.0.1",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(quoted); i++) {
		char json[64];
		char want[64];

		snprintf(json, sizeof(json), "{\"%s\":\"%s\"}", quoted[i], quoted[i]);
		snprintf(want, sizeof(want), "\"%s\": \"%s\"\n", quoted[i], quoted[i]);
		assert_yaml(json, want);
	}
}

static void plain_words_stay_plain(void **state)
{
	static const char *const plain[] = {"web",    "nginx:1.25", "a b", "x-1", "/bin/sh", "not",
					    "truely", "k8s.io/x",   "a#b", "-v",  "Infinity"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
		char json[64];
		char want[64];

		snprintf(json, sizeof(json), "{\"a\":\"%s\"}", plain[i]);
		snprintf(want, sizeof(want), "a: %s\n", plain[i]);
		assert_yaml(json, want);
	}
}

static void numbers_in_yaml_are_read_as_numbers(void **state)
{
	(void)state;
	assert_yaml("[1,-0,1.0,1.50,1e3,1e21,1e-7,18446744073709551615]",
		    "- 1\n- 0\n- 1\n- 1.5\n- 1000\n- 1.0e+21\n- 1.0e-7\n- 18446744073709552000\n");
}

static void lines_become_a_literal(void **state)
{
	(void)state;
	assert_yaml("{\"a\":\"x\\ny\\n\"}", "a: |\n  x\n  y\n");
	assert_yaml("{\"a\":\"x\\ny\"}", "a: |-\n  x\n  y\n");
	assert_yaml("{\"a\":\"x\\n\\n\"}", "a: |+\n  x\n\n...\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(json_is_indented_by_four_and_ends_with_a_newline),
	    cmocka_unit_test(empty_containers_stay_on_their_line),
	    cmocka_unit_test(keys_are_sorted_by_bytes_and_the_last_of_equals_counts),
	    cmocka_unit_test(strings_are_escaped_as_go_does),
	    cmocka_unit_test(numbers_are_printed_as_int64_or_float64),
	    cmocka_unit_test(a_number_beyond_float64_stays_as_it_was_sent),
	    cmocka_unit_test(a_rendered_document_renders_the_same_again),
	    cmocka_unit_test(yaml_is_indented_by_two_with_sorted_keys),
	    cmocka_unit_test(what_yaml_would_read_as_something_else_is_quoted),
	    cmocka_unit_test(plain_words_stay_plain),
	    cmocka_unit_test(numbers_in_yaml_are_read_as_numbers),
	    cmocka_unit_test(lines_become_a_literal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
