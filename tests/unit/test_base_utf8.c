/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <podfs/base/cleanup.h>
#include <podfs/base/utf8.h>

static size_t length_of(uint32_t rune)
{
	return rune < 0x80 ? 1 : rune < 0x800 ? 2 : rune < 0x10000 ? 3 : 4;
}

static void every_code_point_comes_back(void **state)
{
	(void)state;
	for (uint32_t rune = 0; rune <= 0x10ffff; rune++) {
		char bytes[4];
		uint32_t read = 0;

		if (rune >= 0xd800 && rune <= 0xdfff)
			continue;
		size_t n = utf8_write(bytes, rune);
		if (n != length_of(rune) || utf8_read(bytes, n, &read) != n || read != rune)
			fail_msg("U+%04X", rune);
	}
}

static void surrogates_are_none(void **state)
{
	(void)state;
	for (uint32_t rune = 0xd800; rune <= 0xdfff; rune++) {
		char bytes[4];
		uint32_t read = 0;
		size_t n = utf8_write(bytes, rune);

		if (utf8_read(bytes, n, &read) || read != UTF8_REPLACEMENT)
			fail_msg("U+%04X", rune);
	}
}

static void every_truncation_is_none(void **state)
{
	static const uint32_t runes[] = {0x80, 0x7ff, 0x800, 0xffff, 0x10000, 0x10ffff};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(runes); i++) {
		char bytes[4];
		size_t n = utf8_write(bytes, runes[i]);

		for (size_t len = 1; len < n; len++) {
			char *copy = malloc(len);
			uint32_t read;

			assert_non_null(copy);
			memcpy(copy, bytes, len);
			assert_int_equal(utf8_read(copy, len, &read), 0);
			assert_int_equal(read, UTF8_REPLACEMENT);
			free(copy);
		}
	}
}

/* The definition, in the plainest way: whether four bytes begin with a code point of @n bytes. */
static bool begins_with(const unsigned char *b, size_t n)
{
	uint32_t rune;

	if (n == 1)
		return b[0] < 0x80;
	if (n == 2 && (b[0] & 0xe0) == 0xc0)
		rune = b[0] & 0x1f;
	else if (n == 3 && (b[0] & 0xf0) == 0xe0)
		rune = b[0] & 0x0f;
	else if (n == 4 && (b[0] & 0xf8) == 0xf0)
		rune = b[0] & 0x07;
	else
		return false;
	for (size_t i = 1; i < n; i++) {
		if ((b[i] & 0xc0) != 0x80)
			return false;
		rune = rune << 6 | (b[i] & 0x3f);
	}
	return rune <= 0x10ffff && !(rune >= 0xd800 && rune <= 0xdfff) && length_of(rune) == n;
}

static void agrees_with_the_definition_on_all_bytes(void **state)
{
	static const unsigned char tails[] = {0x00, 0x22, 0x7f, 0x80, 0x8f, 0x90,
					      0x9f, 0xa0, 0xbf, 0xc0, 0xff};

	(void)state;
	for (uint32_t pair = 0; pair < 0x10000; pair++) {
		for (size_t t = 0; t < ARRAY_SIZE(tails); t++) {
			unsigned char b[4] = {(unsigned char)(pair >> 8), (unsigned char)pair,
					      tails[t], 0xbf};
			uint32_t read;
			size_t want = 0;

			for (size_t n = 1; n <= 4; n++)
				if (begins_with(b, n))
					want = n;
			if (utf8_read((const char *)b, 4, &read) != want)
				fail_msg("%02x %02x %02x %02x", b[0], b[1], b[2], b[3]);
		}
	}
}

static void overlong_forms_are_none(void **state)
{
	static const char *const forms[] = {
	    "\xc0\x80",         "\xc1\xbf",         "\xe0\x80\x80",
	    "\xe0\x9f\xbf",     "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf",
	    "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		uint32_t read = 0;

		assert_int_equal(utf8_read(forms[i], strlen(forms[i]), &read), 0);
		assert_int_equal(read, UTF8_REPLACEMENT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_code_point_comes_back),
	    cmocka_unit_test(surrogates_are_none),
	    cmocka_unit_test(every_truncation_is_none),
	    cmocka_unit_test(agrees_with_the_definition_on_all_bytes),
	    cmocka_unit_test(overlong_forms_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
