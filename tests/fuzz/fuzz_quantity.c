/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quantities (src/model/quantity.c): what is read is near what floating point makes of the same
 * text, and exactly what whole numbers make of it where they can; the canonical text is canonical
 * and means the same; a sign mirrors everything; divisors are those of the list, and divide.
 *
 * Input: a quantity, then a newline, a resource, a newline and a divisor.
 */
#include <errno.h>
#include <math.h>

#include <podfs/model/resource_value.h>

#include "fuzz.h"

static bool same_amount(const struct quantity *a, const struct quantity *b)
{
	return a->mantissa == b->mantissa && a->scale == b->scale && a->negative == b->negative;
}

static void add_text(struct buf *out, const struct quantity *q)
{
	fuzz_check(quantity_add_text(out, q) == 0);
}

/* What is written can be read, is the same amount, and would be written so again. */
static void check_text(const struct quantity *q)
{
	cleanup_buf struct buf text = {0};
	cleanup_buf struct buf again = {0};
	struct quantity back;

	add_text(&text, q);
	int r = quantity_parse(text.data, text.len, &back);
	/* What is written can be longer, or have a larger exponent, than what is read. */
	const char *e = strchr(text.data, 'e');
	if (r == -ERANGE && (text.len > QUANTITY_TEXT_MAX ||
			     (e && labs(strtol(e + 1, NULL, 10)) > QUANTITY_EXPONENT_MAX)))
		return;
	fuzz_check(r == 0 && same_amount(q, &back));
	/* As in Go a binary amount that is no multiple of 1024 has no suffix, and is decimal then.
	 */
	if (back.format != q->format)
		return;
	add_text(&again, &back);
	fuzz_check(text.len == again.len && !memcmp(text.data, again.data, text.len));
}

static int64_t mirrored(int64_t n)
{
	return n == INT64_MIN ? INT64_MAX : -n;
}

static void check_sign(struct fuzz_input in, const struct quantity *q)
{
	cleanup_buf struct buf text = {0};
	struct quantity minus;
	bool is_signed = in.len && (in.p[0] == '-' || in.p[0] == '+');
	bool negative = is_signed && in.p[0] == '-';

	buf_addch(&text, negative ? '+' : '-');
	buf_add(&text, in.p + is_signed, in.len - is_signed);
	int r = quantity_parse(text.data, text.len, &minus);
	if (r == -ERANGE && text.len > QUANTITY_TEXT_MAX)
		return;
	fuzz_check(r == 0);
	fuzz_check(minus.mantissa == q->mantissa && minus.scale == q->scale);
	fuzz_check(minus.negative == (!negative && q->mantissa));
	int64_t a = quantity_value(q), b = quantity_value(&minus);
	fuzz_check(a == mirrored(b) || b == mirrored(a));
	a = quantity_milli_value(q), b = quantity_milli_value(&minus);
	fuzz_check(a == mirrored(b) || b == mirrored(a));
}

/* The amount as its text says it, if strtold() can say that. False: it is no such text. */
static bool read_float(const char *text, long double *ret)
{
	static const struct {
		const char *suffix;
		long double factor;
	} suffixes[] = {
	    {"n", 1e-9L},
	    {"u", 1e-6L},
	    {"m", 1e-3L},
	    {"", 1},
	    {"k", 1e3L},
	    {"M", 1e6L},
	    {"G", 1e9L},
	    {"T", 1e12L},
	    {"P", 1e15L},
	    {"E", 1e18L},
	    {"Ki", 1024},
	    {"Mi", 1048576},
	    {"Gi", 1073741824},
	    {"Ti", 1099511627776},
	    {"Pi", 1125899906842624.0L},
	    {"Ei", 1152921504606846976.0L},
	};
	const char *p = text + strspn(text, "+-");
	size_t digits = strspn(p, "0123456789.");
	char number[QUANTITY_TEXT_MAX + 1];
	char *end;

	if (p - text > 1 || !digits || digits >= sizeof(number))
		return false;
	memcpy(number, p, digits);
	number[digits] = '\0';
	long double v = strtold(number, &end);
	if (*end || end == number)
		return false;
	const char *suffix = p + digits;
	if ((*suffix == 'e' || *suffix == 'E') && suffix[1]) {
		long exponent = strtol(suffix + 1, &end, 10);

		*ret = v * powl(10, exponent);
		return !*end;
	}
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		if (strcmp(suffixes[i].suffix, suffix) != 0)
			continue;
		*ret = v * suffixes[i].factor;
		return true;
	}
	return false;
}

static long double clamped(long double v)
{
	const long double most = 9223372036854775807.0L;

	return v > most ? most : v;
}

static void check_float(const char *text, const struct quantity *q)
{
	long double v, units, millis;

	if (!read_float(text, &v))
		return;
	/* Rounded up, once to nanos and then to what is asked for. */
	units = fabsl((long double)quantity_value(q));
	millis = fabsl((long double)quantity_milli_value(q));
	fuzz_check(units >= clamped(v) * (1 - 1e-15L) && units <= clamped(v) * (1 + 1e-15L) + 1);
	fuzz_check(millis >= clamped(v * 1000) * (1 - 1e-15L));
	/* Of a binary amount the end is 2^63-1 units, and so a thousand times that is clamped. */
	fuzz_check(millis <= clamped(v * 1000) * (1 + 1e-15L) + 1);
	fuzz_check(quantity_is_zero(q) == (v == 0));
}

/* Without a suffix, a point or too many digits, it is a number. */
static void check_whole(const char *text, const struct quantity *q)
{
	const char *p = text + (*text == '+' || *text == '-');
	size_t digits = strspn(p, "0123456789");

	if (p[digits] || !digits || digits > 18)
		return;
	fuzz_check(quantity_value(q) == strtoll(text, NULL, 10));
}

static void check_divisor(const struct quantity *amount, struct fuzz_input resource,
			  struct fuzz_input divisor)
{
	struct quantity d, one;
	int r = resource_divisor(resource.p, resource.len, divisor.p, divisor.len, &d);

	fuzz_check(r == 0 || r == -EINVAL);
	if (r < 0)
		return;
	bool is_cpu = memmem(resource.p, resource.len, ".cpu", 4);
	int64_t n = resource_value(amount, &d, is_cpu);
	int64_t unit = is_cpu ? quantity_milli_value(&d) : quantity_value(&d);
	int64_t total = is_cpu ? quantity_milli_value(amount) : quantity_value(amount);
	fuzz_check(unit > 0);
	fuzz_check(quantity_parse("1", 1, &one) == 0);
	/* In float64 every whole number of that size is itself. */
	if (total > -((int64_t)1 << 53) && total < (int64_t)1 << 53) {
		fuzz_check(n == total / unit + (total % unit > 0));
		fuzz_check(is_cpu || resource_value(amount, &one, false) == total);
	} else {
		long double exact = (long double)total / (long double)unit;

		fuzz_check(fabsl((long double)n - exact) <= fabsl(exact) * 1e-15L + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_begin(data, size);
	struct fuzz_input part = fuzz_until(&in, '\n');
	struct fuzz_input resource = fuzz_until(&in, '\n');
	char *exact = fuzz_copy(part, false);
	char *text = fuzz_copy(part, true);
	struct quantity q;
	int r = quantity_parse(exact, part.len, &q);

	fuzz_check(r == 0 || r == -EINVAL || r == -ERANGE);
	if (r == 0) {
		fuzz_check(q.scale >= -9 && (!q.mantissa || q.mantissa % 10));
		fuzz_check(part.len == strlen(text));
		check_text(&q);
		check_sign(part, &q);
		check_float(text, &q);
		check_whole(text, &q);
		check_divisor(&q, resource, in);
	}
	free(text);
	free(exact);
	return 0;
}
