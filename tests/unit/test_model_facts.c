/* SPDX-License-Identifier: Apache-2.0 */
#include "docs.h"

#include <podfs/model/packed.h>

static struct json_index scratch;

static void read_facts(const char *json, struct pod_facts *ret)
{
	size_t off;

	assert_int_equal(json_scan(&scratch, json, strlen(json), &off), 0);
	assert_int_equal(pod_facts_read(&scratch, json, ret), 0);
}

/* Facts as one line: labels, addresses, the hash. */
static void assert_facts(const char *json, const char *want)
{
	cleanup_pod_facts struct pod_facts f = {0};
	cleanup_buf struct buf got = {0};

	read_facts(json, &f);
	for (size_t i = 0; i < f.label_count; i++)
		buf_addf(&got, "%s=%s ", fact_string(&f, f.labels[i].key),
			 fact_string(&f, f.labels[i].value));
	buf_addch(&got, '|');
	for (size_t i = 0; i < f.address_count; i++)
		buf_addf(&got, " %s", fact_string(&f, f.addresses[i]));
	buf_addf(&got, " |%s", fact_string(&f, f.config_hash));
	if (strcmp(got.data, want) != 0)
		fail_msg("%s: %s, want %s", json, got.data, want);
}

static void labels_are_sorted_and_the_last_of_a_key_counts(void **state)
{
	(void)state;
	assert_facts("{}", "| |");
	assert_facts("{\"metadata\":{\"labels\":{}}}", "| |");
	assert_facts("{\"metadata\":{\"labels\":{\"b\":\"2\",\"x.io/a\":\"3\",\"a\":\"\"}}}",
		     "a= b=2 x.io/a=3 | |");
	assert_facts("{\"metadata\":{\"labels\":{\"b\":\"1\",\"a\":\"9\",\"b\":\"2\"}}}",
		     "a=9 b=2 | |");
	assert_facts("{\"metadata\":{\"labels\":{\"\\u0061\":\"\\u0062\"}}}", "a=b | |");
}

static void what_is_no_label_is_none(void **state)
{
	(void)state;
	assert_facts("{\"metadata\":{\"labels\":[\"a\"]}}", "| |");
	assert_facts("{\"metadata\":{\"labels\":null}}", "| |");
	assert_facts("{\"metadata\":{\"labels\":{\"a\":1,\"b\":null,\"c\":{},\"d\":\"x\"}}}",
		     "d=x | |");
	assert_facts(
	    "{\"metadata\":{\"labels\":{\"a\\u0000\":\"1\",\"b\":\"\\u0000\",\"c\":\"x\"}}}",
	    "c=x | |");
	assert_facts("{\"labels\":{\"a\":\"1\"},\"metadata\":[]}", "| |");
}

#define IPS "\"podIP\":\"10.0.0.1\",\"podIPs\":[{\"ip\":\"10.0.0.1\"},{\"ip\":\"FD00::0:1\"}]"

static void addresses_are_spelled_one_way_and_once(void **state)
{
	(void)state;
	assert_facts("{\"status\":{" IPS "}}", "| 10.0.0.1 fd00::1 |");
	assert_facts(
	    "{\"status\":{\"podIP\":\"::ffff:10.1.2.3\",\"podIPs\":[{\"ip\":\"10.1.2.3\"}]}}",
	    "| 10.1.2.3 |");
	assert_facts("{\"status\":{\"podIP\":\"\",\"podIPs\":[{},1,{\"ip\":2},{\"ip\":\"x\"}]}}",
		     "| |");
	assert_facts("{\"status\":{\"podIP\":\"1.2.3.4\\u0000\"}}", "| |");
	assert_facts("{\"status\":{\"podIPs\":{\"ip\":\"10.0.0.1\"}}}", "| |");
}

static void the_hosts_network_and_finished_pods_have_none(void **state)
{
	(void)state;
	assert_facts("{\"spec\":{\"hostNetwork\":true},\"status\":{" IPS "}}", "| |");
	assert_facts("{\"spec\":{\"hostNetwork\":false},\"status\":{" IPS "}}",
		     "| 10.0.0.1 fd00::1 |");
	assert_facts("{\"status\":{\"phase\":\"Succeeded\"," IPS "}}", "| |");
	assert_facts("{\"status\":{\"phase\":\"Failed\"," IPS "}}", "| |");
	assert_facts("{\"status\":{\"phase\":\"Running\"," IPS "}}", "| 10.0.0.1 fd00::1 |");
	assert_facts("{\"status\":{\"phase\":\"Unknown\"," IPS "}}", "| 10.0.0.1 fd00::1 |");
	assert_facts("{\"status\":{\"phase\":true," IPS "}}", "| 10.0.0.1 fd00::1 |");
}

static void a_static_pod_has_a_hash(void **state)
{
	(void)state;
	assert_facts("{\"metadata\":{\"annotations\":{\"kubernetes.io/config.hash\":\"ab12\"}}}",
		     "| |ab12");
	assert_facts("{\"metadata\":{\"annotations\":{\"kubernetes.io/config.hash\":7}}}", "| |");
}

static void addresses_have_one_spelling(void **state)
{
	static const char *const spellings[][2] = {
	    {"10.0.0.1", "10.0.0.1"},
	    {"255.255.255.255", "255.255.255.255"},
	    {"::ffff:10.0.0.1", "10.0.0.1"},
	    {"::FFFF:0a00:0001", "10.0.0.1"},
	    {"2001:DB8::1", "2001:db8::1"},
	    {"2001:db8:0::1", "2001:db8::1"},
	    {"2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"},
	    {"::", "::"},
	    {"0:0::0", "::"},
	};
	static const char *const others[] = {"",
					     "10.0.0",
					     "10.0.0.1 ",
					     "010.0.0.1",
					     "10.0.0.256",
					     "fe80::1%eth0",
					     "1::2::3",
					     "[::1]",
					     "localhost",
					     ("::ffff:10.0.0.1:12345:12345:12345:1234"
					      "5:12345:12345")};
	char got[ADDRESS_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(spellings); i++) {
		assert_true(address_normalize(spellings[i][0], strlen(spellings[i][0]), got));
		assert_string_equal(got, spellings[i][1]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (address_normalize(others[i], strlen(others[i]), got))
			fail_msg("an address: %s", others[i]);
	assert_false(address_normalize("::\0", 3, got));
}

static void they_come_with_a_packed_pod(void **state)
{
	static const char json[] = "{\"metadata\":{\"name\":\"a\",\"namespace\":\"b\",\"labels\":{"
				   "\"x\":\"y\"}},\"status\":{\"podIP\":\"10.0.0.1\"}}";
	cleanup_packed struct packed p = {0};
	const char *fault;

	(void)state;
	assert_int_equal(packed_from_json(&scratch, KIND_POD, json, sizeof(json) - 1, &p, &fault),
			 0);
	assert_int_equal(p.facts.label_count, 1);
	assert_string_equal(fact_string(&p.facts, p.facts.labels[0].value), "y");
	assert_string_equal(fact_string(&p.facts, p.facts.addresses[0]), "10.0.0.1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(labels_are_sorted_and_the_last_of_a_key_counts),
	    cmocka_unit_test(what_is_no_label_is_none),
	    cmocka_unit_test(addresses_are_spelled_one_way_and_once),
	    cmocka_unit_test(the_hosts_network_and_finished_pods_have_none),
	    cmocka_unit_test(a_static_pod_has_a_hash),
	    cmocka_unit_test(addresses_have_one_spelling),
	    cmocka_unit_test(they_come_with_a_packed_pod),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	json_index_release(&scratch);
	return failed;
}
