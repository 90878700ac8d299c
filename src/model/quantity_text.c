/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Go has two ways to parse a quantity. The short one is for numbers that fit an
 * int64 with room to spare; it keeps a text that looks canonical, by a test that
 * lets through some that are not ("007", "1.500"). The long one takes the rest and
 * keeps nothing, but insists on a digit, where the short one reads a lone "+" or
 * "Ki" as zero and "Pi" never gets there. All of that can be seen from outside, so
 * it is asked here which way Go would go.
 */
#include <errno.h>
#include <string.h>

#include <podfs/base/bytes.h>
#include <podfs/base/cleanup.h>

#include "quantity_text.h"

#define NANO (-9)

/* How many digits Go's short way takes; for binary suffixes fewer, the larger they are. */
#define SHORT_DECIMAL_DIGITS 18
#define SHORT_BINARY_DIGITS 14

static const struct {
	const char *name;
	enum quantity_format format;
	int exponent;
} suffixes[] = {
    {"", QUANTITY_DECIMAL_SI, 0},   {"n", QUANTITY_DECIMAL_SI, -9}, {"u", QUANTITY_DECIMAL_SI, -6},
    {"m", QUANTITY_DECIMAL_SI, -3}, {"k", QUANTITY_DECIMAL_SI, 3},  {"M", QUANTITY_DECIMAL_SI, 6},
    {"G", QUANTITY_DECIMAL_SI, 9},  {"T", QUANTITY_DECIMAL_SI, 12}, {"P", QUANTITY_DECIMAL_SI, 15},
    {"E", QUANTITY_DECIMAL_SI, 18}, {"", QUANTITY_BINARY_SI, 0},    {"Ki", QUANTITY_BINARY_SI, 10},
    {"Mi", QUANTITY_BINARY_SI, 20}, {"Gi", QUANTITY_BINARY_SI, 30}, {"Ti", QUANTITY_BINARY_SI, 40},
    {"Pi", QUANTITY_BINARY_SI, 50}, {"Ei", QUANTITY_BINARY_SI, 60},
};

const char *quantity_suffix(enum quantity_format format, int exponent)
{
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
		if (suffixes[i].format == format && suffixes[i].exponent == exponent)
			return suffixes[i].name;
	return NULL;
}

uint64_t quantity_digits_number(struct quantity_digits digits)
{
	uint64_t number = 0;

	for (size_t i = 0; i < digits.len; i++)
		number = number * 10 + (uint64_t)(digits.p[i] - '0');
	return number;
}

static bool take_char(struct quantity_digits *at, char c)
{
	if (!at->len || at->p[0] != c)
		return false;
	at->p++;
	at->len--;
	return true;
}

/* Takes a sign, if there is one; whether it is a '-'. */
static bool take_sign(struct quantity_digits *at)
{
	bool negative = take_char(at, '-');

	if (!negative)
		take_char(at, '+');
	return negative;
}

static struct quantity_digits take_digits(struct quantity_digits *at)
{
	struct quantity_digits digits = {at->p, 0};

	while (at->len && at->p[0] >= '0' && at->p[0] <= '9') {
		digits.len++;
		at->p++;
		at->len--;
	}
	return digits;
}

static size_t trailing_zeros(struct quantity_digits digits)
{
	size_t n = 0;

	while (n < digits.len && digits.p[digits.len - 1 - n] == '0')
		n++;
	return n;
}

/* What follows an 'e'. */
static int read_exponent(struct quantity_digits text, int *ret)
{
	bool negative = take_sign(&text);
	struct quantity_digits digits = take_digits(&text);
	int exponent = 0;

	if (!digits.len || text.len)
		return -EINVAL;
	for (size_t i = 0; i < digits.len; i++) {
		exponent = exponent * 10 + (digits.p[i] - '0');
		if (exponent > QUANTITY_EXPONENT_MAX)
			return -ERANGE;
	}
	*ret = negative ? -exponent : exponent;
	return 0;
}

static int read_suffix(struct quantity_digits suffix, struct quantity_text *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		if (bytes_equal(suffixes[i].name, strlen(suffixes[i].name), suffix.p, suffix.len)) {
			ret->format = suffixes[i].format;
			ret->exponent = suffixes[i].exponent;
			return 0;
		}
	}
	if (!take_char(&suffix, 'e') && !take_char(&suffix, 'E'))
		return -EINVAL;
	ret->format = QUANTITY_DECIMAL_EXPONENT;
	return read_exponent(suffix, &ret->exponent);
}

static bool goes_the_short_way(const struct quantity_text *t)
{
	/* Go reads no whole digits as a 0. */
	size_t digits = (t->whole.len ? t->whole.len : 1) + t->fraction.len;

	if (t->format == QUANTITY_BINARY_SI)
		return !t->fraction.len &&
		       digits + (size_t)t->exponent * 3 / 10 <= SHORT_BINARY_DIGITS;
	return digits <= SHORT_DECIMAL_DIGITS && t->exponent - (int)t->fraction.len >= NANO;
}

/* Of a text that goes the short way. */
static bool looks_canonical(const struct quantity_text *t)
{
	if (t->format == QUANTITY_BINARY_SI)
		return quantity_digits_number(t->whole) % 8 != 0;
	size_t zeros = trailing_zeros(t->fraction);
	if (zeros == t->fraction.len)
		zeros += trailing_zeros(t->whole);
	return t->whole.len && zeros < 3 && (t->exponent - (int)t->fraction.len) % 3 == 0;
}

int quantity_text_read(const char *text, size_t len, struct quantity_text *ret)
{
	struct quantity_digits at = {text, len};
	struct quantity_text t = {.negative = take_sign(&at)};

	t.whole = take_digits(&at);
	t.fraction = (struct quantity_digits){at.p, 0};
	if (take_char(&at, '.'))
		t.fraction = take_digits(&at);
	bool has_digits = t.whole.len || t.fraction.len;
	while (take_char(&t.whole, '0'))
		;
	int r = read_suffix(at, &t);
	if (r < 0)
		return r;
	bool is_short = goes_the_short_way(&t);
	if (!len || (!has_digits && !is_short))
		return -EINVAL;
	t.canonical = is_short && looks_canonical(&t);
	*ret = t;
	return 0;
}
