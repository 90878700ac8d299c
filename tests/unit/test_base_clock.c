/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <podfs/base/cleanup.h>
#include <podfs/base/clock.h>

static const struct {
	const char *text;
	int64_t ns;
} times[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"1970-01-01T00:00:00.000000001Z", 1},
    {"1970-01-01T00:00:01+00:00", INT64_C(1000000000)},
    {"1969-12-31T23:59:59Z", INT64_C(-1000000000)},
    {"1969-12-31T23:59:59.75Z", INT64_C(-250000000)},
    {"2026-11-23T23:38:57Z", INT64_C(1795477137000000000)},
    {"2026-11-24T01:08:57+01:30", INT64_C(1795477137000000000)},
    {"2026-11-23T15:38:57-08:00", INT64_C(1795477137000000000)},
    {"2026-11-23T23:38:57-00:00", INT64_C(1795477137000000000)},
    {"2026-11-23T23:38:57.5Z", INT64_C(1795477137500000000)},
    {"2026-11-23T23:38:57.123456789Z", INT64_C(1795477137123456789)},
    {"2026-11-23T23:38:57.1234567899999Z", INT64_C(1795477137123456789)},
    {"2000-02-29T12:00:00Z", INT64_C(951825600000000000)},
    {"2024-02-29T00:00:00Z", INT64_C(1709164800000000000)},
    /* A leap second counts as the second after it. */
    {"2016-12-31T23:59:60Z", INT64_C(1483228800000000000)},
};

static void reads_what_kubernetes_writes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		int64_t ns = -1;

		if (clock_parse_rfc3339(times[i].text, strlen(times[i].text), &ns) != 0 ||
		    ns != times[i].ns)
			fail_msg("%s: %lld", times[i].text, (long long)ns);
	}
}

static void every_truncation_is_refused(void **state)
{
	static const char text[] = "2026-11-23T23:38:57.123+01:30";
	int64_t ns = 42;

	(void)state;
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		/* In memory of its own, so that reading past it shows. */
		char *copy = malloc(len + 1);

		assert_non_null(copy);
		memcpy(copy, text, len);
		assert_int_equal(clock_parse_rfc3339(copy, len, &ns), -EINVAL);
		free(copy);
	}
	assert_true(ns == 42);
}

static void garbage_is_refused(void **state)
{
	static const char *const bad[] = {
	    "",
	    "now",
	    "null",
	    "2026-11-23",
	    "2026-11-23 23:38:57Z",
	    "2026-11-23t23:38:57z",
	    "2026-11-23T23:38:57",
	    "2026-11-23T23:38:57Zx",
	    "2026-11-23T23:38:57ZZ",
	    "2026-11-23T23:38:57.Z",
	    "2026-11-23T23:38:57,5Z",
	    "2026-11-23T23:38:57+0130",
	    "2026-11-23T23:38:57+01",
	    "2026-11-23T23:38:57++1:30",
	    "2026-11-23T23:38:57+24:00",
	    "2026-11-23T23:38:57+01:60",
	    "2026-00-23T23:38:57Z",
	    "2026-13-23T23:38:57Z",
	    "2026-11-00T23:38:57Z",
	    "2026-11-32T23:38:57Z",
	    "2026-11-31T23:38:57Z",
	    "2026-02-29T23:38:57Z",
	    "2100-02-29T23:38:57Z",
	    "2026-11-23T24:00:00Z",
	    "2026-11-23T23:60:57Z",
	    "2026-11-23T23:38:61Z",
	    "26-11-23T23:38:57Z",
	    " 2026-11-23T23:38:57Z",
	    "-026-11-23T23:38:57Z",
	    "2026-11-2 T23:38:57Z",
	    "+2026-11-23T23:38:57Z",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int64_t ns;

		if (clock_parse_rfc3339(bad[i], strlen(bad[i]), &ns) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
	}
}

static void years_far_off_are_refused_or_in_order(void **state)
{
	int64_t last = INT64_MIN;

	(void)state;
	/* Nanoseconds since 1970 hold 1678 to 2261; beyond, no time must come out wrong. */
	for (int year = 0; year <= 9999; year++) {
		char text[32];
		int64_t ns;

		snprintf(text, sizeof(text), "%04d-01-01T00:00:00Z", year);
		int r = clock_parse_rfc3339(text, strlen(text), &ns);
		if (year >= 1678 && year <= 2261)
			assert_int_equal(r, 0);
		if (r < 0)
			continue;
		assert_true(ns > last);
		last = ns;
	}
}

static void the_monotonic_clock_does_not_go_back(void **state)
{
	int64_t last = clock_monotonic_ms();

	(void)state;
	for (int i = 0; i < 1000; i++) {
		int64_t now = clock_monotonic_ms();

		assert_true(now >= last);
		last = now;
	}
	/* After 2020, and not yet 2200: seconds and nanoseconds were not mixed up. */
	assert_true(clock_realtime_ns() > INT64_C(1577836800000000000));
	assert_true(clock_realtime_ns() < INT64_C(7258118400000000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_what_kubernetes_writes),
	    cmocka_unit_test(every_truncation_is_refused),
	    cmocka_unit_test(garbage_is_refused),
	    cmocka_unit_test(years_far_off_are_refused_or_in_order),
	    cmocka_unit_test(the_monotonic_clock_does_not_go_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
