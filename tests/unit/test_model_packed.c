/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <podfs/base/cleanup.h>
#include <podfs/model/packed.h>

static struct json_index scratch;

/* The index that is had from that of the JSON is the one that the text has. */
static void assert_indexed(const struct packed *p)
{
	struct json_index want = {0};
	struct json_index is = {0};
	size_t fault_off;

	assert_int_equal(json_scan(&want, p->text.data, p->text.len, &fault_off), 0);
	assert_int_equal(packed_index(p, &is), 0);
	assert_int_equal(is.count, want.count);
	assert_true(is.key_max >= want.key_max);
	for (uint32_t i = 0; i < want.count; i++)
		if (memcmp(&is.nodes[i], &want.nodes[i], sizeof(want.nodes[i])) != 0)
			fail_msg("node %u is another: %s", i, p->text.data);
	json_index_release(&want);
	json_index_release(&is);
}

static int pack(enum kind kind, const char *json, struct packed *ret)
{
	const char *fault = "unset";
	int r = packed_from_json(&scratch, kind, json, strlen(json), ret, &fault);

	if (r == 0)
		assert_indexed(ret);
	if ((r == 0) != (fault == NULL))
		fail_msg("%d, but %s: %s", r, fault ? fault : "no fault", json);
	return r;
}

static void assert_refused(enum kind kind, const char *json)
{
	cleanup_packed struct packed p = {0};

	if (pack(kind, json, &p) != -EINVAL)
		fail_msg("accepted: %s", json);
}

static void assert_text(enum kind kind, const char *json, const char *want)
{
	cleanup_packed struct packed p = {0};

	assert_int_equal(pack(kind, json, &p), 0);
	assert_string_equal(p.text.data, want);
	assert_int_equal(p.text.len, strlen(want));
}

static void what_the_indexes_need_is_taken_out(void **state)
{
	cleanup_packed struct packed p = {0};

	(void)state;
	assert_int_equal(
	    pack(KIND_POD,
		 "{\"metadata\":{\"name\":\"web\",\"namespace\":\"shop\",\"uid\":\"u-1\","
		 "\"resourceVersion\":\"42\",\"creationTimestamp\":\"2026-11-23T23:38:57Z\"},"
		 "\"spec\":{\"nodeName\":\"k1\"}}",
		 &p),
	    0);
	assert_int_equal(p.kind, KIND_POD);
	assert_string_equal(p.name, "web");
	assert_string_equal(p.namespace, "shop");
	assert_string_equal(p.uid, "u-1");
	assert_string_equal(p.resource_version, "42");
	assert_string_equal(p.node_name, "k1");
	assert_true(p.created_ns == INT64_C(1795477137000000000));
	assert_int_equal(p.key_max, strlen("creationTimestamp"));
}

static void what_is_missing_is_empty(void **state)
{
	cleanup_packed struct packed p = {0};

	(void)state;
	assert_int_equal(
	    pack(KIND_NODE, "{\"metadata\":{\"name\":\"k1\",\"creationTimestamp\":null}}", &p), 0);
	assert_string_equal(p.namespace, "");
	assert_string_equal(p.uid, "");
	assert_string_equal(p.resource_version, "");
	assert_string_equal(p.node_name, "");
	assert_true(p.created_ns == 0);
}

static void a_list_and_a_watch_give_the_same_text(void **state)
{
	static const char want[] =
	    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\","
	    "\"namespace\":\"n\"},\"spec\":{\"x\": 1}}";

	(void)state;
	assert_text(KIND_POD,
		    "{\"metadata\":{\"name\":\"a\",\"namespace\":\"n\"},\"spec\":{\"x\": 1}}",
		    want);
	assert_text(KIND_POD,
		    "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\","
		    "\"namespace\":\"n\"},"
		    "\"spec\":{\"x\": 1}}",
		    want);
	assert_text(KIND_POD,
		    " { \"metadata\" : { \"name\":\"a\" , \"managedFields\" : [ {\"a\":\"]}\"} ] , "
		    "\"namespace\":\"n\" } , \"apiVersion\" : \"v1\" , \"spec\":{\"x\": 1} , "
		    "\"kind\":\"Pod\" } ",
		    want);
}

static void the_index_follows_its_pieces(void **state)
{
	cleanup_packed struct packed p = {0};

	(void)state;
	/* pack() compares it with the index that the text itself gives. */
	assert_int_equal(
	    pack(KIND_POD,
		 "{\"status\":{\"podIPs\":[{\"ip\":\"1.2.3.4\"},{}],\"n\":[[1,[]],null,true]},"
		 "\"kind\":\"Pod\",\"metadata\":{\"labels\":{\"a\":\"1\",\"b\":\"\\u0041\"},"
		 "\"managedFields\":[{\"x\":{\"f:a\":{}}},{\"y\":[1,2]}],\"name\":\"p\","
		 "\"namespace\":\"n\",\"managedFields\":[{}]},\"apiVersion\":{\"not\":[\"it\"]},"
		 "\"spec\":{\"containers\":[{\"name\":\"c\",\"env\":[{\"name\":\"A\"}]}]},"
		 "\"metadata2\":{},\"z\":-1.5e3}",
		 &p),
	    0);
}

static void managed_fields_are_dropped_wherever_they_stand(void **state)
{
	(void)state;
	assert_text(KIND_NODE, "{\"metadata\":{\"managedFields\":[],\"name\":\"k\"}}",
		    "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"k\"}}");
	assert_text(KIND_NODE, "{\"metadata\":{\"name\":\"k\",\"managedFields\":null}}",
		    "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"k\"}}");
	assert_text(KIND_NODE, "{\"m\\u0065tadata\":{\"managed\\u0046ields\":[],\"name\":\"k\"}}",
		    "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"k\"}}");
	/* Only those of the object itself. */
	assert_text(KIND_NODE, "{\"metadata\":{\"name\":\"k\"},\"spec\":{\"managedFields\":1}}",
		    "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"k\"},"
		    "\"spec\":{\"managedFields\":1}}");
}

static void assert_same_facts(const struct pod_facts *a, const struct pod_facts *b)
{
	assert_int_equal(a->label_count, b->label_count);
	for (size_t i = 0; i < a->label_count; i++) {
		assert_string_equal(fact_string(a, a->labels[i].key),
				    fact_string(b, b->labels[i].key));
		assert_string_equal(fact_string(a, a->labels[i].value),
				    fact_string(b, b->labels[i].value));
	}
	assert_int_equal(a->address_count, b->address_count);
	for (size_t i = 0; i < a->address_count; i++)
		assert_string_equal(fact_string(a, a->addresses[i]),
				    fact_string(b, b->addresses[i]));
	assert_string_equal(fact_string(a, a->config_hash), fact_string(b, b->config_hash));
}

static void what_is_kept_is_read_as_what_arrived(void **state)
{
	/* Names twice, and in another order than they are kept in. */
	static const char *const pods[] = {
	    "{\"metadata\":{\"uid\":\"u-1\",\"name\":\"web\",\"namespace\":\"shop\","
	    "\"managedFields\":"
	    "[{\"f:labels\":{}}],\"creationTimestamp\":\"2026-11-23T23:38:57Z\",\"labels\":{\"b\":"
	    "\"2\",\"a\":\"1\",\"b\":\"3\"},\"annotations\":{\"kubernetes.io/"
	    "config.hash\":\"h-1\"},"
	    "\"resourceVersion\":\"42\"},\"kind\":\"Pod\",\"spec\":{\"nodeName\":\"k1\","
	    "\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]},\"status\":{\"podIP\":\"10.0.0.1\","
	    "\"podIPs\":[{\"ip\":\"10.0.0.1\"},{\"ip\":\"fd00::1\"}]},\"apiVersion\":\"v1\"}",
	    "{\"spec\":{\"nodeName\":\"k1\"},\"metadata\":{\"name\":\"a\",\"namespace\":\"b\","
	    "\"name\":\"c\"},\"metadata\":{\"name\":\"d\",\"namespace\":\"e\"},"
	    "\"spec\":{\"nodeName\":\"k2\"}}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pods); i++) {
		cleanup_packed struct packed p = {0};
		cleanup_packed struct packed kept = {0};
		const char *fault;

		assert_int_equal(pack(KIND_POD, pods[i], &p), 0);
		buf_add(&kept.text, p.text.data, p.text.len);
		assert_int_equal(packed_from_kept(&scratch, KIND_POD, &kept, &fault), 0);
		assert_null(fault);
		assert_string_equal(kept.name, p.name);
		assert_string_equal(kept.namespace, p.namespace);
		assert_string_equal(kept.uid, p.uid);
		assert_string_equal(kept.resource_version, p.resource_version);
		assert_string_equal(kept.node_name, p.node_name);
		assert_true(kept.created_ns == p.created_ns);
		assert_true(kept.group == p.group);
		assert_same_facts(&kept.facts, &p.facts);
	}
}

static void another_kind_is_refused(void **state)
{
	(void)state;
	assert_refused(KIND_POD,
		       "{\"kind\":\"Node\",\"metadata\":{\"name\":\"a\",\"namespace\":\"n\"}}");
	assert_refused(KIND_POD,
		       "{\"kind\":\"pod\",\"metadata\":{\"name\":\"a\",\"namespace\":\"n\"}}");
	assert_refused(KIND_POD,
		       "{\"kind\":\"PodX\",\"metadata\":{\"name\":\"a\",\"namespace\":\"n\"}}");
	assert_refused(KIND_POD,
		       "{\"kind\":\"\",\"metadata\":{\"name\":\"a\",\"namespace\":\"n\"}}");
}

static void what_is_no_object_is_refused(void **state)
{
	static const char *const bad[] = {"",
					  "null",
					  "[]",
					  "\"metadata\"",
					  "{}",
					  "{\"metadata\":null}",
					  "{\"metadata\":[]}",
					  "{\"metadata\":{}}",
					  "{\"metadata\":{\"name\":7}}",
					  "{\"metadata\":{\"name\":null}}",
					  "{\"metadata\":{\"name\":\"k\"}",
					  "{\"metadata\":{\"name\":\"k\"}}x"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_refused(KIND_NODE, bad[i]);
}

static void names_that_could_break_out_are_refused(void **state)
{
	static const char *const bad[] = {
	    "",      ".",       "..",       ".hidden",  "/", "a/b", "../x", "a/", "\\u002e\\u002e",
	    "a\\/b", "\\u0000", "a\\u0000", "a\\u0000b"};
	char json[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(json, sizeof(json), "{\"metadata\":{\"name\":\"%s\"}}", bad[i]);
		assert_refused(KIND_NODE, json);
		assert_refused(KIND_NAMESPACE, json);
		snprintf(json, sizeof(json), "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"n\"}}",
			 bad[i]);
		assert_refused(KIND_POD, json);
		snprintf(json, sizeof(json), "{\"metadata\":{\"name\":\"p\",\"namespace\":\"%s\"}}",
			 bad[i]);
		assert_refused(KIND_POD, json);
	}
}

static void names_have_their_longest(void **state)
{
	char json[512];
	char name[300];

	(void)state;
	memset(name, 'a', sizeof(name));
	for (int len = 253; len <= 254; len++) {
		cleanup_packed struct packed p = {0};

		snprintf(json, sizeof(json),
			 "{\"metadata\":{\"name\":\"%.*s\",\"namespace\":\"n\"}}", len, name);
		assert_int_equal(pack(KIND_POD, json, &p), len <= 253 ? 0 : -EINVAL);
	}
	for (int len = 63; len <= 64; len++) {
		cleanup_packed struct packed p = {0};

		snprintf(json, sizeof(json),
			 "{\"metadata\":{\"name\":\"p\",\"namespace\":\"%.*s\"}}", len, name);
		assert_int_equal(pack(KIND_POD, json, &p), len <= 63 ? 0 : -EINVAL);
	}
}

static void only_pods_have_a_namespace(void **state)
{
	(void)state;
	assert_refused(KIND_POD, "{\"metadata\":{\"name\":\"p\"}}");
	assert_refused(KIND_NODE, "{\"metadata\":{\"name\":\"k\",\"namespace\":\"n\"}}");
	assert_refused(KIND_NAMESPACE, "{\"metadata\":{\"name\":\"k\",\"namespace\":\"n\"}}");
}

static void the_kept_text_is_within_the_limit_too(void **state)
{
	cleanup_packed struct packed p = {0};
	cleanup_buf struct buf json = {0};
	const char *fault;

	(void)state;
	/* What comes in fits, but not with apiVersion and kind in front. */
	buf_addstr(&json, "{\"metadata\":{\"name\":\"k\"},\"x\":\"");
	buf_addfill(&json, 'x', JSON_TEXT_MAX - json.len - 2);
	buf_addstr(&json, "\"}");
	assert_int_equal(json.len, JSON_TEXT_MAX);
	assert_int_equal(packed_from_json(&scratch, KIND_NODE, json.data, json.len, &p, &fault),
			 -E2BIG);
	assert_non_null(fault);
}

static void where_the_json_ends_to_be_some_is_told(void **state)
{
	static const struct {
		const char *json;
		size_t off;
	} faults[] = {
	    {"{\"metadata\":{\"name\":k}}", 20},
	    {"{\"metadata\":{\"name\":\"k\"}", 24},
	    {"{\"metadata\":{\"name\":\"k\"}},", 25},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		cleanup_packed struct packed p = {0};
		const char *fault;

		assert_int_equal(packed_from_json(&scratch, KIND_NODE, faults[i].json,
						  strlen(faults[i].json), &p, &fault),
				 -EINVAL);
		assert_int_equal(p.fault_off, faults[i].off);
	}
}

/* So that a stream and the model never disagree about one. */
static void an_object_at_its_limits_is_kept(void **state)
{
	cleanup_packed struct packed p = {0};
	cleanup_buf struct buf json = {0};
	const char *fault;

	(void)state;
	buf_addstr(&json, "{\"metadata\":{\"name\":\"k\"},\"deep\":");
	buf_addfill(&json, '[', JSON_DEPTH_MAX - 1);
	buf_addfill(&json, ']', JSON_DEPTH_MAX - 1);
	buf_addstr(&json, ",\"x\":\"");
	buf_addfill(&json, 'x', OBJECT_TEXT_MAX - json.len - 2);
	buf_addstr(&json, "\"}");
	assert_int_equal(json.len, OBJECT_TEXT_MAX);
	assert_int_equal(
	    packed_from_json(&scratch, KIND_NAMESPACE, json.data, json.len, &p, &fault), 0);
}

static int release(void **state)
{
	(void)state;
	json_index_release(&scratch);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_the_indexes_need_is_taken_out),
	    cmocka_unit_test(what_is_missing_is_empty),
	    cmocka_unit_test(a_list_and_a_watch_give_the_same_text),
	    cmocka_unit_test(the_index_follows_its_pieces),
	    cmocka_unit_test(managed_fields_are_dropped_wherever_they_stand),
	    cmocka_unit_test(what_is_kept_is_read_as_what_arrived),
	    cmocka_unit_test(another_kind_is_refused),
	    cmocka_unit_test(what_is_no_object_is_refused),
	    cmocka_unit_test(names_that_could_break_out_are_refused),
	    cmocka_unit_test(names_have_their_longest),
	    cmocka_unit_test(only_pods_have_a_namespace),
	    cmocka_unit_test(the_kept_text_is_within_the_limit_too),
	    cmocka_unit_test(where_the_json_ends_to_be_some_is_told),
	    cmocka_unit_test(an_object_at_its_limits_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
