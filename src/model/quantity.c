/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An amount is mantissa * 10^scale. Nothing is finer than 1n, so a scale of -9 is
 * the least there is, and a binary amount, which ends at 2^63-1, always fits as a
 * number of nanos. A decimal one has no end; its mantissa has, and so have its
 * digits (QUANTITY_DIGITS_MAX). No multiple of 10 is kept in the mantissa: equal
 * amounts are equal members, and the canonical text is close at hand.
 */
#include <errno.h>
#include <string.h>

#include "quantity_text.h"

__extension__ typedef unsigned __int128 u128;

#define NANO (-9)
#define NANOS_IN_ONE 1000000000
#define NANO_DIGITS 9
#define UINT64_DIGITS 19 /* that a uint64_t always has room for */
#define U128_DIGITS 39
#define MANTISSA_TENTH ((u128)UINT64_C(1000000000000000000) * UINT64_C(10000000000000000000))

_Static_assert(QUANTITY_DIGITS_MAX == 38, "MANTISSA_TENTH is the least with as many digits");

/* Whether @n has room for one more digit, and then a 0 behind it. */
static bool append_zero(u128 *n)
{
	if (*n >= MANTISSA_TENTH)
		return false;
	*n *= 10;
	return true;
}

/*
 * Reads @count of the digits of @t, as *ret * 10^*ret_zeros; *ret_rest if one of
 * those behind is not 0. 0; -ERANGE: too many digits.
 */
static int read_digits(const struct quantity_text *t, size_t count, u128 *ret, int *ret_zeros,
		       bool *ret_rest)
{
	int zeros = 0; /* they count when a digit follows them */
	bool rest = false;
	u128 n = 0;

	for (size_t i = 0; i < t->whole.len + t->fraction.len; i++) {
		char c = i < t->whole.len ? t->whole.p[i] : t->fraction.p[i - t->whole.len];

		if (i >= count) {
			rest = rest || c != '0';
		} else if (c == '0') {
			zeros += n != 0;
		} else {
			for (zeros++; zeros > 0; zeros--)
				if (n && !append_zero(&n))
					return -ERANGE;
			zeros = 0;
			n += (u128)(c - '0');
		}
	}
	*ret = n;
	*ret_zeros = n ? zeros : 0;
	*ret_rest = rest;
	return 0;
}

static int add_up_decimal(const struct quantity_text *t, struct quantity *q)
{
	size_t count = t->whole.len + t->fraction.len;
	int scale = t->exponent - (int)t->fraction.len;
	int zeros;
	bool rest;

	if (scale < NANO) {
		size_t below = (size_t)(NANO - scale);
		count = count > below ? count - below : 0;
		scale = NANO;
	}
	int r = read_digits(t, count, &q->mantissa, &zeros, &rest);
	if (r < 0)
		return r;
	q->scale = scale + zeros;
	if (!rest)
		return 0;
	for (; zeros > 0; zeros--)
		if (!append_zero(&q->mantissa))
			return -ERANGE;
	q->mantissa++;
	q->scale = NANO;
	return 0;
}

/*
 * 2^exponent times 0.@fraction: the whole part of that, and the nanos, rounded up.
 * As on paper, from the last digit to the first: ten times 2^60 fits what is carried.
 */
static void fraction_times_power(struct quantity_digits fraction, int exponent, uint64_t *ret_whole,
				 uint64_t *ret_nanos)
{
	char digits[QUANTITY_TEXT_MAX] = {0};
	uint64_t carry = 0;
	uint64_t nanos = 0;
	bool rest = false;

	for (size_t i = fraction.len; i-- > 0;) {
		carry += (uint64_t)(fraction.p[i] - '0') << exponent;
		digits[i] = (char)(carry % 10);
		carry /= 10;
		rest = rest || (i >= NANO_DIGITS && digits[i]);
	}
	for (size_t i = 0; i < NANO_DIGITS; i++)
		nanos = nanos * 10 + (uint64_t)digits[i];
	*ret_whole = carry;
	*ret_nanos = nanos + rest;
}

static void add_up_binary(const struct quantity_text *t, struct quantity *q)
{
	const u128 most = (u128)INT64_MAX * NANOS_IN_ONE;
	uint64_t whole, nanos;

	q->scale = NANO;
	q->mantissa = most;
	if (t->whole.len > UINT64_DIGITS)
		return;
	uint64_t units = quantity_digits_number(t->whole);
	if (units > (uint64_t)INT64_MAX >> t->exponent)
		return;
	fraction_times_power(t->fraction, t->exponent, &whole, &nanos);
	u128 n = (u128)((units << t->exponent) + whole) * NANOS_IN_ONE + nanos;
	if (n < most)
		q->mantissa = n;
}

static void strip_zeros(struct quantity *q)
{
	if (!q->mantissa)
		q->scale = 0;
	while (q->mantissa && q->mantissa % 10 == 0) {
		q->mantissa /= 10;
		q->scale++;
	}
}

int quantity_parse(const char *text, size_t len, struct quantity *ret)
{
	struct quantity_text t;
	struct quantity q = {0};

	if (len > QUANTITY_TEXT_MAX)
		return -ERANGE;
	int r = quantity_text_read(text, len, &t);
	if (r < 0)
		return r;
	if (t.format == QUANTITY_BINARY_SI)
		add_up_binary(&t, &q);
	else
		r = add_up_decimal(&t, &q);
	if (r < 0)
		return r;
	strip_zeros(&q);
	q.negative = t.negative && q.mantissa;
	q.format = t.format;
	if (t.canonical) {
		memcpy(q.text, text, len);
		q.text_len = len;
	}
	*ret = q;
	return 0;
}

bool quantity_is_zero(const struct quantity *q)
{
	return !q->mantissa;
}

/* The integer next to q * 10^shift, away from zero. */
static int64_t scaled(const struct quantity *q, int shift)
{
	const u128 most = (u128)INT64_MAX + q->negative;
	u128 n = q->mantissa;
	int scale = n ? q->scale + shift : 0;
	bool rest = false;

	for (; scale > 0 && n <= most; scale--)
		n *= 10;
	for (; scale < 0 && n; scale++) {
		rest = rest || n % 10;
		n /= 10;
	}
	n += rest;
	if (n >= most)
		return q->negative ? INT64_MIN : INT64_MAX;
	return q->negative ? -(int64_t)n : (int64_t)n;
}

int64_t quantity_value(const struct quantity *q)
{
	return scaled(q, 0);
}

int64_t quantity_milli_value(const struct quantity *q)
{
	return scaled(q, 3);
}

static int add_number(struct buf *out, bool negative, u128 n)
{
	char digits[1 + U128_DIGITS];
	size_t at = sizeof(digits);

	for (; n; n /= 10)
		digits[--at] = (char)('0' + (int)(n % 10));
	if (negative)
		digits[--at] = '-';
	return buf_add(out, digits + at, sizeof(digits) - at);
}

/* Only integers have a binary suffix, and below 1024 none is needed. */
static bool wants_binary(const struct quantity *q)
{
	int64_t value = quantity_value(q);

	return q->format == QUANTITY_BINARY_SI && q->scale >= 0 &&
	       (value >= 1024 || value <= -1024);
}

static int add_binary(struct buf *out, const struct quantity *q)
{
	int64_t value = quantity_value(q);
	uint64_t n = (uint64_t)(value < 0 ? -value : value);
	int exponent = 0;

	for (; n % 1024 == 0; n /= 1024)
		exponent += 10;
	add_number(out, q->negative, n);
	return buf_addstr(out, quantity_suffix(QUANTITY_BINARY_SI, exponent));
}

static int add_decimal(struct buf *out, const struct quantity *q)
{
	int zeros = (q->scale % 3 + 3) % 3;
	int exponent = q->scale - zeros;
	const char *suffix = quantity_suffix(QUANTITY_DECIMAL_SI, exponent);

	add_number(out, q->negative, q->mantissa);
	buf_addfill(out, '0', (size_t)zeros);
	/* There is none beyond E. Kubernetes 1.36 then leaves the exponent away, later ones do
	 * this. */
	if (exponent && (q->format == QUANTITY_DECIMAL_EXPONENT || !suffix))
		return buf_addf(out, "e%d", exponent);
	return buf_addstr(out, suffix);
}

int quantity_add_text(struct buf *out, const struct quantity *q)
{
	if (q->text_len)
		return buf_add(out, q->text, q->text_len);
	if (!q->mantissa)
		return buf_addch(out, '0');
	return wants_binary(q) ? add_binary(out, q) : add_decimal(out, q);
}
