/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of resourceVersions: vectors of KEP-5504's rules.
 */
#include "kube/resource_version.h"
#include "unit.h"

static void compares_by_length_then_digits(void **state)
{
	static const char *const rising[] = {"1",
					     "2",
					     "9",
					     "10",
					     "11",
					     "99",
					     "100",
					     "18446744073709551615",
					     "18446744073709551616",
					     "99999999999999999999999999",
					     "100000000000000000000000000"};
	const size_t n = sizeof(rising) / sizeof(rising[0]);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n; j++) {
			int order = 7;

			assert_int_equal(resource_version_compare(rising[i], rising[j], &order), 0);
			assert_int_equal(order < 0, i < j);
			assert_int_equal(order > 0, i > j);
		}
	}
}

static void says_nothing_about_ill_formed_ones(void **state)
{
	static const char *const bad[] = {"", "0", "01", "-1", "+1", "1a", "a", " 1", "1.0"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int order = 7;

		assert_false(resource_version_valid(bad[i]));
		assert_int_equal(resource_version_compare(bad[i], "5", &order), -EINVAL);
		assert_int_equal(resource_version_compare("5", bad[i], &order), -EINVAL);
		assert_int_equal(resource_version_compare(bad[i], bad[i], &order), 0);
		assert_int_equal(order, 0);
	}
}

static void finds_the_version_of_an_object(void **state)
{
	static const char good[] =
	    "{\"a\":{\"resourceVersion\":\"1\"},\"metadata\":{\"name\":\"x\","
	    "\"resourceVersion\":\"23\"}}";
	static const char *const bad[] = {"{}", "{\"metadata\":{}}",
					  "{\"metadata\":{\"resourceVersion\":\"\"}}",
					  "{\"metadata\":{\"resourceVersion\":7}}"};
	char version[RESOURCE_VERSION_MAX + 1];

	(void)state;
	assert_int_equal(resource_version_of(good, strlen(good), version), 0);
	assert_string_equal(version, "23");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(resource_version_of(bad[i], strlen(bad[i]), version), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(compares_by_length_then_digits),
	    cmocka_unit_test(says_nothing_about_ill_formed_ones),
	    cmocka_unit_test(finds_the_version_of_an_object),
	};

	return cmocka_run_group_tests_name("kube_versions", tests, NULL, NULL);
}
