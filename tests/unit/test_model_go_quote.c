/* SPDX-License-Identifier: Apache-2.0 */
/* All code points and all short strings are in tests/model/quote.py. */
#include "unit.h"

#include <podfs/base/cleanup.h>
#include <podfs/model/go_quote.h>

struct row {
	const char *text;
	const char *quoted;
};

static void quotes_as(const char *text, size_t len, const char *quoted)
{
	cleanup_buf struct buf out = {0};

	assert_int_equal(go_quote(&out, text, len), 0);
	if (strcmp(out.data, quoted) != 0 || strlen(quoted) != out.len)
		fail_msg("got %s, want %s", out.data, quoted);
}

static void quote(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		quotes_as(rows[i].text, strlen(rows[i].text), rows[i].quoted);
}

static void printable_text_stays(void **state)
{
	static const struct row rows[] = {
	    {"", "\"\""},
	    {"a b", "\"a b\""},
	    {"linux", "\"linux\""},
	    {"${x}`$(y)`", "\"${x}`$(y)`\""},
	    {"sq'x", "\"sq'x\""},
	    {"/<>&", "\"/<>&\""},
	    {"\u00e9", "\"\u00e9\""},
	    {"\u00fc\u65e5\u672c\u8a9e", "\"\u00fc\u65e5\u672c\u8a9e\""},
	    {"\U0001f600", "\"\U0001f600\""},
	    {"\u0301", "\"\u0301\""},
	    {"\ufffd", "\"\ufffd\""},
	};

	(void)state;
	quote(rows, ARRAY_SIZE(rows));
}

static void quotes_and_controls_have_letters(void **state)
{
	static const struct row rows[] = {
	    {"\t\n\r\a\b\f\v", "\"\\t\\n\\r\\a\\b\\f\\v\""},
	    {"value\n", "\"value\\n\""},
	    {"c\nb\na", "\"c\\nb\\na\""},
	    {"multi\nline\nvalue\n", "\"multi\\nline\\nvalue\\n\""},
	    {"\\", "\"\\\\\""},
	    {"\"\"", "\"\\\"\\\"\""},
	    {"{\"VNI\":1,\"VtepMAC\":\"ce:f9:c7:a4:de:64\"}",
	     "\"{\\\"VNI\\\":1,\\\"VtepMAC\\\":\\\"ce:f9:c7:a4:de:64\\\"}\""},
	};

	(void)state;
	quote(rows, ARRAY_SIZE(rows));
}

static void other_controls_are_two_hex_digits(void **state)
{
	static const struct row rows[] = {
	    {"\x1b[0m", "\"\\x1b[0m\""},
	    {"\x7f", "\"\\x7f\""},
	    {"\x01\x1f", "\"\\x01\\x1f\""},
	};

	(void)state;
	quote(rows, ARRAY_SIZE(rows));
	quotes_as("\0", 1, "\"\\x00\"");
	quotes_as("a\0b", 3, "\"a\\x00b\"");
}

static void other_code_points_are_four_or_eight(void **state)
{
	static const struct row rows[] = {
	    {"\u00a0", "\"\\u00a0\""},
	    {"\u00ad", "\"\\u00ad\""},
	    {"\u200b", "\"\\u200b\""},
	    {"\u2028", "\"\\u2028\""},
	    {"\ufeff", "\"\\ufeff\""},
	    {"\u3000", "\"\\u3000\""},
	    {"\ue000", "\"\\ue000\""},
	    {"\u0378", "\"\\u0378\""},
	    {"\xc2\x80", "\"\\u0080\""},
	    {"\uffff", "\"\\uffff\""},
	    {"\U00010000\U0001000c", "\"\U00010000\\U0001000c\""},
	    {"\U0010ffff", "\"\\U0010ffff\""},
	};

	(void)state;
	quote(rows, ARRAY_SIZE(rows));
}

static void bytes_that_are_no_utf8_are_hex_one_by_one(void **state)
{
	static const struct row rows[] = {
	    {"\xff", "\"\\xff\""},
	    {"\xc3\x28", "\"\\xc3(\""},
	    {"\xed\xa0\x80", "\"\\xed\\xa0\\x80\""},
	    {"\xf4\x90\x80\x80", "\"\\xf4\\x90\\x80\\x80\""},
	    {"\xc0\x8a", "\"\\xc0\\x8a\""},
	    {"\xe2\x82", "\"\\xe2\\x82\""},
	    {"a\xe2\x82\"", "\"a\\xe2\\x82\\\"\""},
	};

	(void)state;
	quote(rows, ARRAY_SIZE(rows));
}

static void unicode_15_is_known(void **state)
{
	/* The first is of 15.0; the second of 15.1, and nothing yet in Go's table. */
	static const struct row rows[] = {
	    {"\U0001fae8", "\"\U0001fae8\""},
	    {"\u2ffc", "\"\\u2ffc\""},
	};

	(void)state;
	quote(rows, ARRAY_SIZE(rows));
}

static void it_appends(void **state)
{
	cleanup_buf struct buf out = {0};

	(void)state;
	buf_addstr(&out, "key=");
	assert_int_equal(go_quote(&out, "value\n", 6), 0);
	assert_string_equal(out.data, "key=\"value\\n\"");
}

static void an_error_sticks(void **state)
{
	struct buf out = {.err = -ENOMEM};

	(void)state;
	assert_int_equal(go_quote(&out, "a\nb", 3), -ENOMEM);
	assert_null(out.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(printable_text_stays),
	    cmocka_unit_test(quotes_and_controls_have_letters),
	    cmocka_unit_test(other_controls_are_two_hex_digits),
	    cmocka_unit_test(other_code_points_are_four_or_eight),
	    cmocka_unit_test(bytes_that_are_no_utf8_are_hex_one_by_one),
	    cmocka_unit_test(unicode_15_is_known),
	    cmocka_unit_test(it_appends),
	    cmocka_unit_test(an_error_sticks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
