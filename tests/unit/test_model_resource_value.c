/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <podfs/base/cleanup.h>
#include <podfs/model/resource_value.h>

struct row {
	const char *amount;
	const char *divisor;
	int64_t value;
};

static struct quantity parsed(const char *text)
{
	struct quantity q;

	assert_int_equal(quantity_parse(text, strlen(text), &q), 0);
	return q;
}

static void gives(const struct row *rows, size_t count, bool is_cpu)
{
	for (size_t i = 0; i < count; i++) {
		struct quantity amount = parsed(rows[i].amount), divisor = parsed(rows[i].divisor);
		int64_t value = resource_value(&amount, &divisor, is_cpu);

		if (value != rows[i].value)
			fail_msg("%s by %s: got %lld, want %lld", rows[i].amount, rows[i].divisor,
				 (long long)value, (long long)rows[i].value);
	}
}

static void cpu_is_divided_in_thousandths(void **state)
{
	static const struct row rows[] = {
	    {"9", "1", 9},         {"0", "1", 0},     {"8", "1", 8},     {"100m", "1", 1},
	    {"1200m", "100m", 12}, {"1250m", "1", 2}, {"250m", "1", 1},  {"250m", "1m", 250},
	    {"1", "1m", 1000},     {"1500m", "1", 2}, {"0.1m", "1m", 1}, {"1001m", "1", 2},
	    {"3920m", "1", 4},     {"15m", "1m", 15}, {"500m", "0", 1},
	};

	(void)state;
	gives(rows, ARRAY_SIZE(rows), true);
}

static void bytes_are_divided_whole(void **state)
{
	static const struct row rows[] = {
	    {"64Mi", "1Mi", 64},   {"64Mi", "1M", 68},      {"64Mi", "1Gi", 1},
	    {"1.5Gi", "1Gi", 2},   {"1.5Gi", "1Mi", 1536},  {"100M", "1Mi", 96},
	    {"1", "1Ki", 1},       {"1025", "1Ki", 2},      {"128974848500m", "1", 128974849},
	    {"0", "1Mi", 0},       {"0Mi", "1", 0},         {"100Mi", "1", 104857600},
	    {"100Mi", "1Mi", 100}, {"64Mi", "1", 67108864}, {"32Mi", "1", 33554432},
	    {"4Mi", "0", 4194304}, {"7Ei", "1Ei", 7},       {"1", "1E", 1},
	};

	(void)state;
	gives(rows, ARRAY_SIZE(rows), false);
}

static void large_numbers_are_as_near_as_float64(void **state)
{
	static const struct row rows[] = {
	    {"9007199254740993", "1", INT64_C(9007199254740992)},
	    {"9007199254740992", "1", INT64_C(9007199254740992)},
	    {"9007199254740991", "1", INT64_C(9007199254740991)},
	    {"9223372036854774784", "1", INT64_C(9223372036854774784)},
	    {"9223372036854775807", "1Ki", INT64_C(9007199254740992)},
	};

	(void)state;
	gives(rows, ARRAY_SIZE(rows), false);
}

static void what_wraps_in_the_kubelet_is_clamped(void **state)
{
	static const struct row bytes[] = {
	    {"8Ei", "1", INT64_MAX},  {"9223372036854775807", "1", INT64_MAX},
	    {"12E", "1", INT64_MAX},  {"1e999", "1k", INT64_C(9223372036854776)},
	    {"-12E", "1", INT64_MIN}, {"-8Ei", "1", INT64_MIN},
	};
	static const struct row cpu[] = {
	    {"1E", "1m", INT64_MAX},
	    {"-1E", "1m", INT64_MIN},
	};

	(void)state;
	gives(bytes, ARRAY_SIZE(bytes), false);
	gives(cpu, ARRAY_SIZE(cpu), true);
}

static int divisor_of(const char *resource, const char *divisor, struct quantity *ret)
{
	return resource_divisor(resource, strlen(resource), divisor, strlen(divisor), ret);
}

static void allows(const char *resource, const char *divisor, bool allowed)
{
	struct quantity q;
	int r = divisor_of(resource, divisor, &q);

	if (r != (allowed ? 0 : -EINVAL))
		fail_msg("%s by '%s': %d", resource, divisor, r);
}

static const char *const of_cpu[] = {"1m", "1"};
static const char *const of_bytes[] = {"1k",  "1M",  "1G",  "1T",  "1P",  "1E",
				       "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"};

static void cpu_has_two_divisors(void **state)
{
	static const char *const names[] = {"limits.cpu", "requests.cpu"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		for (size_t d = 0; d < ARRAY_SIZE(of_cpu); d++)
			allows(names[i], of_cpu[d], true);
		for (size_t d = 0; d < ARRAY_SIZE(of_bytes); d++)
			allows(names[i], of_bytes[d], false);
	}
}

static void everything_else_has_thirteen(void **state)
{
	static const char *const names[] = {
	    "limits.memory",
	    "requests.memory",
	    "limits.ephemeral-storage",
	    "requests.ephemeral-storage",
	    "limits.hugepages-2Mi",
	    "requests.hugepages-1Gi",
	    "limits.hugepages-",
	    "requests.hugepages-any",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		allows(names[i], "1", true);
		allows(names[i], "1m", false);
		for (size_t d = 0; d < ARRAY_SIZE(of_bytes); d++)
			allows(names[i], of_bytes[d], true);
	}
}

static void divisors_are_compared_by_their_canonical_text(void **state)
{
	static const struct {
		const char *text;
		bool allowed;
	} rows[] = {
	    {"1000m", true},   {"0.001k", true}, {"1024Ki", true}, {"1000", true},
	    {"1000000", true}, {"1.0", true},    {"0.5Gi", false}, {"01", false},
	    {"+1", false},     {"1.", false},    {"1e0", false},   {"1e3", false},
	    {"2", false},      {"10", false},    {"100M", false},  {"-1", false},
	    {"2Ki", false},    {"1n", false},    {"1 ", false},    {"x", false},
	    {"1e1000", false}, {"1000E", false}, {"1Zi", false},   {"1024", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		allows("limits.memory", rows[i].text, rows[i].allowed);
	allows("limits.cpu", "0.001", true);
	allows("limits.cpu", "1000u", true);
	allows("limits.cpu", "1e-3", false);
}

static void no_divisor_and_zero_are_one(void **state)
{
	static const char *const zeros[] = {"", "0", "-0", "0.0", "0Ki", "0m"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(zeros); i++) {
		struct quantity q;

		assert_int_equal(divisor_of("limits.cpu", zeros[i], &q), 0);
		assert_int_equal(quantity_milli_value(&q), 1000);
		assert_int_equal(divisor_of("requests.memory", zeros[i], &q), 0);
		assert_int_equal(quantity_value(&q), 1);
	}
}

static void other_resources_have_none(void **state)
{
	static const char *const names[] = {
	    "",
	    "cpu",
	    "limits",
	    "limits.",
	    "limits.storage",
	    "limit.cpu",
	    "limits.cpus",
	    "limits.cp",
	    "Limits.cpu",
	    "limits.hugepages",
	    "requests.x",
	    "limits.limits.cpu",
	    "limits.nvidia.com/gpu",
	    "requests.memory ",
	    "x-limits.cpu",
	    "limits.cpu-2",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		allows(names[i], "1", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cpu_is_divided_in_thousandths),
	    cmocka_unit_test(bytes_are_divided_whole),
	    cmocka_unit_test(large_numbers_are_as_near_as_float64),
	    cmocka_unit_test(what_wraps_in_the_kubelet_is_clamped),
	    cmocka_unit_test(cpu_has_two_divisors),
	    cmocka_unit_test(everything_else_has_thirteen),
	    cmocka_unit_test(divisors_are_compared_by_their_canonical_text),
	    cmocka_unit_test(no_divisor_and_zero_are_one),
	    cmocka_unit_test(other_resources_have_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
