/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <podfs/base/cleanup.h>
#include <podfs/model/quantity.h>

/* Not looked at in this row. */
#define ANY (-1)

struct row {
	const char *text;
	const char *canonical; /* NULL: the text itself */
	int64_t value;
	int64_t milli;
};

static void parses_to(const char *text, struct quantity *ret)
{
	/* In memory of its own size, so that a sanitizer sees one byte too many. */
	size_t len = strlen(text);
	cleanup_free char *copy = malloc(len);

	assert_non_null(copy);
	memcpy(copy, text, len);
	int r = quantity_parse(copy, len, ret);
	if (r < 0)
		fail_msg("%s: %s", text, strerror(-r));
}

static void reads_as(const char *text, const char *canonical)
{
	cleanup_buf struct buf out = {0};
	struct quantity q;

	parses_to(text, &q);
	assert_int_equal(quantity_add_text(&out, &q), 0);
	if (strcmp(out.data, canonical) != 0)
		fail_msg("%s: got %s, want %s", text, out.data, canonical);
}

static void holds(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct row *row = &rows[i];
		struct quantity q;

		parses_to(row->text, &q);
		reads_as(row->text, row->canonical ? row->canonical : row->text);
		if (row->value != ANY && quantity_value(&q) != row->value)
			fail_msg("%s: value %lld", row->text, (long long)quantity_value(&q));
		if (row->milli != ANY && quantity_milli_value(&q) != row->milli)
			fail_msg("%s: milli %lld", row->text, (long long)quantity_milli_value(&q));
	}
}

static void refuses(int error, const char *const *texts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct quantity q = {.scale = 42};
		int r = quantity_parse(texts[i], strlen(texts[i]), &q);

		if (r != error)
			fail_msg("'%s': %d, not %d", texts[i], r, error);
		assert_int_equal(q.scale, 42);
	}
}

static void zero_has_many_forms(void **state)
{
	static const char *const zeros[] = {
	    "0",   "0.000", "00",  "-0",   "0Ki", "+",  "-",  ".",  "-.",  "+.",     "0n",
	    "0u",  "0m",    "0k",  "0M",   "0G",  "0T", "0P", "0E", "0Mi", "0Gi",    "0Ti",
	    "0Pi", "0Ei",   "0e3", "0E-3", "Ki",  "m",  "e3", "-E", ".G",  "0.e999", "-0e-999",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(zeros); i++) {
		struct quantity q;

		parses_to(zeros[i], &q);
		assert_true(quantity_is_zero(&q));
		assert_int_equal(quantity_value(&q), 0);
		assert_int_equal(quantity_milli_value(&q), 0);
		reads_as(zeros[i], "0");
	}
}

static void decimal_amounts_take_the_largest_suffix(void **state)
{
	static const struct row rows[] = {
	    {"1", NULL, 1, 1000},
	    {"100m", NULL, 1, 100},
	    {"0.1", "100m", 1, 100},
	    {"0.1m", "100u", 1, 1},
	    {"1.5", "1500m", 2, 1500},
	    {"1500m", NULL, 2, 1500},
	    {".5", "500m", 1, 500},
	    {"-.5", "-500m", -1, -500},
	    {"3.9", "3900m", 4, 3900},
	    {"999m", NULL, 1, 999},
	    {"1001m", NULL, 2, 1001},
	    {"1k", NULL, 1000, 1000000},
	    {"1000", "1k", 1000, 1000000},
	    {"1000k", "1M", 1000000, 1000000000},
	    {"2048", NULL, 2048, 2048000},
	    {"128974848000m", "128974848", 128974848, 128974848000},
	    {"129M", NULL, 129000000, 129000000000},
	    {"1n", NULL, 1, 1},
	    {"1u", NULL, 1, 1},
	    {"5000m", "5", 5, 5000},
	    {"0.001T", "1G", 1000000000, ANY},
	    {"1000u", "1m", 1, 1},
	    {"1.08", "1080m", 2, 1080},
	    {"1080000000n", "1080m", 2, 1080},
	    {"5n", NULL, 1, 1},
	    {"4u", NULL, 1, 1},
	    {"3m", NULL, 1, 3},
	    {"9", NULL, 9, 9000},
	    {"8k", NULL, 8000, 8000000},
	    {"7M", NULL, 7000000, ANY},
	    {"6G", NULL, INT64_C(6000000000), ANY},
	    {"5T", NULL, INT64_C(5000000000000), ANY},
	    {"50k", NULL, 50000, ANY},
	    {"40T", NULL, INT64_C(40000000000000), ANY},
	    {"300T", NULL, INT64_C(300000000000000), ANY},
	    {"2P", NULL, INT64_C(2000000000000000), ANY},
	    {"0.0005k", "500m", 1, 500},
	    {"9.01", "9010m", 10, 9010},
	    {"1000000000000000000000", "1e21", INT64_MAX, INT64_MAX},
	};

	(void)state;
	holds(rows, ARRAY_SIZE(rows));
}

static void exponents_stay_exponents(void **state)
{
	static const struct row rows[] = {
	    {"1e3", NULL, 1000, 1000000},
	    {"12e2", "1200", 1200, 1200000},
	    {"1.5e3", "1500", 1500, 1500000},
	    {"1e-3", NULL, 1, 1},
	    {"1e-10", "1e-9", 1, 1},
	    {"129e6", NULL, 129000000, 129000000000},
	    {"1E-3", NULL, 1, 1},
	    {"1e14", "100e12", INT64_C(100000000000000), ANY},
	    {"1e13", "10e12", INT64_C(10000000000000), ANY},
	    {"0.5e-2", "5e-3", 1, 5},
	    {"1.40e9", "1400e6", 1400000000, ANY},
	    {".001e12", "1e9", 1000000000, ANY},
	    {"0.001e0", "1e-3", 1, 1},
	    {"1e999", NULL, INT64_MAX, INT64_MAX},
	    {"-1e998", "-100e996", INT64_MIN, INT64_MIN},
	    {"1e-999", "1e-9", 1, 1},
	};

	(void)state;
	holds(rows, ARRAY_SIZE(rows));
}

static void binary_amounts_count_in_1024(void **state)
{
	static const struct row rows[] = {
	    {"1.5Gi", "1536Mi", 1610612736, ANY},
	    {"0.5Gi", "512Mi", 536870912, ANY},
	    {"500.5Mi", "512512Ki", 524812288, ANY},
	    {"1024Ki", "1Mi", 1048576, ANY},
	    {"1025Ki", NULL, 1049600, ANY},
	    {"2048Mi", "2Gi", INT64_C(2147483648), ANY},
	    {"123Mi", NULL, 128974848, INT64_C(128974848000)},
	    {"1024Mi", "1Gi", 1073741824, ANY},
	    {"307200Ki", "300Mi", 314572800, ANY},
	    {"1025024Mi", "1001Gi", INT64_C(1074815565824), ANY},
	    {"1.5Ki", "1536", 1536, 1536000},
	    {"10Ti", NULL, INT64_C(10995116277760), ANY},
	    {"3Ei", NULL, INT64_C(3458764513820540928), INT64_MAX},
	    {"-1.5Gi", "-1536Mi", -1610612736, INT64_C(-1610612736000)},
	};

	(void)state;
	holds(rows, ARRAY_SIZE(rows));
}

static void binary_amounts_that_lose_something_are_decimal(void **state)
{
	static const struct row rows[] = {
	    {"0.1Gi", "107374182400m", 107374183, INT64_C(107374182400)},
	    {"1.1Ki", "1126400m", 1127, 1126400},
	    {"100.035Ki", "102435840m", 102436, 102435840},
	    {"0.0001Ki", "102400u", 1, 103},
	    {"0.05Gi", "53687091200m", 53687092, ANY},
	    {".001Ki", "1024m", 2, 1024},
	    {".000001Ki", "1024u", 1, 2},
	    {".000000001Ki", "1024n", 1, 1},
	    {"0.000000000001Ki", "2n", 1, 1},
	    {"0.5Ki", "512", 512, 512000},
	    {"-0.9990234375Ki", "-1023", -1023, -1023000},
	};

	(void)state;
	holds(rows, ARRAY_SIZE(rows));
}

static void what_looks_canonical_stays(void **state)
{
	static const struct row rows[] = {
	    {"01", NULL, 1, 1000},
	    {"007", NULL, 7, 7000},
	    {"+1", NULL, 1, 1000},
	    {"1.", NULL, 1, 1000},
	    {"1E3", NULL, 1000, 1000000},
	    {"1e+3", NULL, 1000, 1000000},
	    {"1.500", NULL, 2, 1500},
	    {"100.035k", NULL, 100035, ANY},
	    {"7.123456M", NULL, 7123456, ANY},
	    {"1.G", NULL, 1000000000, ANY},
	    {"+99999999999Ki", NULL, INT64_C(102399999998976), ANY},
	    {"01Ki", NULL, 1024, ANY},
	    {"+1Gi", NULL, 1073741824, ANY},
	    {"1e0", NULL, 1, 1000},
	};

	(void)state;
	holds(rows, ARRAY_SIZE(rows));
}

static void what_does_not_look_so_is_rewritten(void **state)
{
	static const struct row rows[] = {
	    {"01000", "1k", 1000, ANY},
	    {"1.000", "1", 1, 1000},
	    {"1.50", "1500m", 2, 1500},
	    {"00.5", "500m", 1, 500},
	    {"08Ki", "8Ki", 8192, ANY},
	    {"1.0Ki", "1Ki", 1024, ANY},
	    {"+999999999999Ki", "999999999999Ki", INT64_C(1023999999998976), ANY},
	    {"+1Pi", "1Pi", INT64_C(1125899906842624), ANY},
	    {"+1000000000000000000", "1E", INT64_C(1000000000000000000), INT64_MAX},
	};

	(void)state;
	holds(rows, ARRAY_SIZE(rows));
}

static void finer_than_nano_rounds_up(void **state)
{
	static const struct row rows[] = {
	    {"0.9n", "1n", 1, 1},
	    {"3.001n", "4n", 1, 1},
	    {"0.00000012345", "124n", 1, 1},
	    {"0.00000012354", "124n", 1, 1},
	    {"0.5e-9", "1e-9", 1, 1},
	    {"1.1E-9", "2e-9", 1, 1},
	    {"0.9999999991", "1", 1, 1000},
	    {"-0.0000000011", "-2n", -1, -1},
	    {"1.00000000000000000000000000000000000000000000000000000000001", "1000000001n", 2,
	     1001},
	};

	(void)state;
	holds(rows, ARRAY_SIZE(rows));
}

static void numbers_end_at_int64(void **state)
{
	static const struct row rows[] = {
	    {"1E", NULL, INT64_C(1000000000000000000), INT64_MAX},
	    {"12E", NULL, INT64_MAX, INT64_MAX},
	    {"100E", NULL, INT64_MAX, INT64_MAX},
	    {"1000E", "1e21", INT64_MAX, INT64_MAX},
	    {"1e19", "10e18", INT64_MAX, INT64_MAX},
	    {"-12E", NULL, INT64_MIN, INT64_MIN},
	    {"9223372036854775806", NULL, INT64_MAX - 1, INT64_MAX},
	    {"9223372036854775807", NULL, INT64_MAX, INT64_MAX},
	    {"9223372036854775808", NULL, INT64_MAX, INT64_MAX},
	    {"-9223372036854775807", NULL, -INT64_MAX, INT64_MIN},
	    {"-9223372036854775808", NULL, INT64_MIN, INT64_MIN},
	    {"-9223372036854775809", NULL, INT64_MIN, INT64_MIN},
	    {"9223372036854775.807", "9223372036854775807m", INT64_C(9223372036854776), INT64_MAX},
	    {"9223372036854775.806", "9223372036854775806m", INT64_C(9223372036854776),
	     INT64_MAX - 1},
	};

	(void)state;
	holds(rows, ARRAY_SIZE(rows));
}

static void binary_amounts_end_there_themselves(void **state)
{
	static const struct row rows[] = {
	    {"9Ei", "9223372036854775807", INT64_MAX, INT64_MAX},
	    {"8Ei", "9223372036854775807", INT64_MAX, INT64_MAX},
	    {"-8Ei", "-9223372036854775807", -INT64_MAX, INT64_MIN},
	    {"9223372036854775807Ki", "9223372036854775807", INT64_MAX, INT64_MAX},
	    {"99999999999999999999999999Ki", "9223372036854775807", INT64_MAX, INT64_MAX},
	    {"7.9Ei", "9108079886394091110400m", INT64_C(9108079886394091111), INT64_MAX},
	    {"9007199254740991.999999999999999999Ki", "9223372036854775807", INT64_MAX, INT64_MAX},
	    {"9007199254740991.9990234375004Ki", "9223372036854775807", INT64_MAX, INT64_MAX},
	    {"9007199254740991.5Ki", "9223372036854775296", INT64_C(9223372036854775296),
	     INT64_MAX},
	};

	(void)state;
	holds(rows, ARRAY_SIZE(rows));
}

static void what_is_no_quantity_is_invalid(void **state)
{
	static const char *const texts[] = {
	    "",      "1 ",   " 1",    "1..5", "1K",     "1ki",      "1e",     "1e3m",
	    "1e3.5", "0x10", "1,000", "NaN",  "inf",    "1.1.M",    "1+1.0M", "0.1mi",
	    "0.1am", "aoeu", ".5i",   "1i",   "-3.01i", "-3.01e-",  "1e+",    "1e+-3",
	    "--1",   "+-1",  "1KI",   "1Kii", "1mm",    "1m5",      "1Ki5",   "1e3e4",
	    "null",  "1\n",  "Pi",    ".Ei",  "e-10",   "\xd9\xa1",
	};
	struct quantity q;

	(void)state;
	refuses(-EINVAL, texts, ARRAY_SIZE(texts));
	assert_int_equal(quantity_parse("1\0Ki", 4, &q), -EINVAL);
}

static void what_is_beyond_a_limit_is_out_of_range(void **state)
{
	static const char *const texts[] = {
	    "1e2147483648",
	    "1e-2147483648",
	    "1e1000",
	    "1e-1000",
	    "1e99999999999999999999",
	    "00000000000000000000000000000000000000000000000000000000000000001",
	    "100000000000000000000000000000000000001",
	    "99999999999999999999999999999999999999.9",
	    "100000000000000000000000000000.0000000001",
	};

	(void)state;
	refuses(-ERANGE, texts, ARRAY_SIZE(texts));
}

static void digits_are_exact_up_to_the_limit(void **state)
{
	static const struct row rows[] = {
	    {"99999999999999999999999999999999999999", NULL, INT64_MAX, INT64_MAX},
	    {"-99999999999999999999999999999.9999999999", "-100e27", INT64_MIN, INT64_MIN},
	    {"100000000000000000000000000000000000000000000000000000000000000", "100e60", INT64_MAX,
	     INT64_MAX},
	    {"0.000000000000000000000000000000000000000000000000000000000000", "0", 0, 0},
	    {"0000000000000000000000000000000000000000000000000000000000000001", NULL, 1, 1000},
	};

	(void)state;
	holds(rows, ARRAY_SIZE(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(zero_has_many_forms),
	    cmocka_unit_test(decimal_amounts_take_the_largest_suffix),
	    cmocka_unit_test(exponents_stay_exponents),
	    cmocka_unit_test(binary_amounts_count_in_1024),
	    cmocka_unit_test(binary_amounts_that_lose_something_are_decimal),
	    cmocka_unit_test(what_looks_canonical_stays),
	    cmocka_unit_test(what_does_not_look_so_is_rewritten),
	    cmocka_unit_test(finer_than_nano_rounds_up),
	    cmocka_unit_test(numbers_end_at_int64),
	    cmocka_unit_test(binary_amounts_end_there_themselves),
	    cmocka_unit_test(what_is_no_quantity_is_invalid),
	    cmocka_unit_test(what_is_beyond_a_limit_is_out_of_range),
	    cmocka_unit_test(digits_are_exact_up_to_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
