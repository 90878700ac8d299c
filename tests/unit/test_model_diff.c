/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A diff is right if it turns the old projection into the new one, and says
 * nothing else.
 */
#include "turns.h"

static void random_documents_turn_into_each_other(void **state)
{
	struct dice dice = {4};

	(void)state;
	for (int round = 0; round < 3000; round++) {
		cleanup_doc struct doc a = {0};
		cleanup_doc struct doc b = {0};

		doc_random(&dice, &a);
		doc_random(&dice, &b);
		assert_turns_into(&a, &b);
		assert_turns_into(&b, &a);
	}
}

static void a_document_turns_into_what_it_is_edited_to(void **state)
{
	struct dice dice = {5};

	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct doc docs[2] = {0};
		int is = 0;

		doc_random(&dice, &docs[is]);
		for (int step = 0; step < 8; step++, is = !is) {
			doc_mutate(&dice, &docs[is], &docs[!is]);
			assert_turns_into(&docs[is], &docs[!is]);
			assert_turns_into(&docs[!is], &docs[is]);
		}
		doc_release(&docs[0]);
		doc_release(&docs[1]);
	}
}

static void equal_documents_give_nothing(void **state)
{
	struct dice dice = {6};

	(void)state;
	for (int round = 0; round < 2000; round++) {
		cleanup_doc struct doc a = {0};
		cleanup_doc struct doc b = {0};
		cleanup_diff struct diff diff = {0};

		doc_random(&dice, &a);
		doc_parse(&b, a.text.data);
		assert_int_equal(diff_views(&a.view, &b.view, &diff), 0);
		assert_int_equal(diff.count, 0);
	}
}

static void assert_says(const char *old, const char *new, const char *want)
{
	static const char letters[] = {
	    [CHANGE_VALUE] = '=', [CHANGE_ADDED] = '+', [CHANGE_REMOVED] = '-'};
	cleanup_doc struct doc a = {0};
	cleanup_doc struct doc b = {0};
	cleanup_diff struct diff diff = {0};
	cleanup_buf struct buf said = {0};

	doc_parse(&a, old);
	doc_parse(&b, new);
	buf_addstr(&said, "");
	/* Used before: what was in it must not show. */
	assert_int_equal(diff_add(&diff, CHANGE_VALUE, "older"), 0);
	assert_int_equal(diff_views(&a.view, &b.view, &diff), 0);
	for (size_t i = 0; i < diff.count; i++)
		buf_addf(&said, "%c%s ", letters[diff.changes[i].kind], diff_path(&diff, i));
	assert_string_equal(said.data, want);
}

static void only_what_a_reader_sees_counts(void **state)
{
	(void)state;
	assert_says("{\"a\":1}", " { \"a\" : 1 } ", "");
	assert_says("{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", "");
	assert_says("{\"a\":\"<\"}", "{\"a\":\"\\u003c\"}", "");
	assert_says("{\"a\":\"1\"}", "{\"a\":1}", "");
	assert_says("{\"a\":null}", "{}", "");
	assert_says("{\"kind\":\"A\"}", "{\"kind\":\"B\"}", "");
	assert_says("{\"env\":[{\"name\":\"a\"},{\"name\":\"b\"}]}",
		    "{\"env\":[{\"name\":\"b\"},{\"name\":\"a\"}]}", "");
	assert_says("{\"a\":1}", "{\"a\":1.0}", "=a ");
}

static void a_change_is_said_at_the_topmost_name(void **state)
{
	(void)state;
	assert_says("{}", "{\"a\":{\"b\":{\"c\":1}}}", "+a ");
	assert_says("{\"a\":{\"b\":{\"c\":1}}}", "{\"a\":{}}", "-a/b ");
	assert_says("{\"a\":1}", "{\"a\":{}}", "-a +a ");
	assert_says("{\"a\":[]}", "{\"a\":\"\"}", "-a +a ");
	assert_says("{\"a\":[]}", "{\"a\":{}}", "");
	assert_says("{\"a\":[1,2,3]}", "{\"a\":[1,3]}", "=a/1 -a/2 ");
}

static void a_list_that_is_named_otherwise_is_other_names(void **state)
{
	(void)state;
	assert_says("{\"env\":[{\"name\":\"a\"},{\"name\":\"b\"}]}",
		    "{\"env\":[{\"name\":\"a\"},{\"name\":\"a\"}]}",
		    "+env/0 +env/1 -env/a -env/b ");
}

static void a_label_that_becomes_a_prefix_is_a_directory_instead(void **state)
{
	(void)state;
	assert_says("{\"metadata\":{\"labels\":{\"a\":\"x\"}}}",
		    "{\"metadata\":{\"labels\":{\"a\":\"x\",\"a/b\":\"y\"}}}",
		    "-metadata/labels/a +metadata/labels/a ");
	assert_says("{\"metadata\":{\"labels\":{\"a/b\":\"y\",\"a/c\":\"z\"}}}",
		    "{\"metadata\":{\"labels\":{\"a/c\":\"z\",\"a/b\":\"n\"}}}",
		    "=metadata/labels/a/b ");
}

/* A label map of many prefixes; every @nth value is another one. */
static void make_prefixes(struct doc *d, int count, int nth)
{
	buf_addstr(&d->text, "{\"metadata\":{\"annotations\":{");
	for (int i = 0; i < count; i++)
		buf_addf(&d->text, "%s\"p%d/k\":\"%s\"", i ? "," : "", i, i % nth ? "x" : "y");
	buf_addstr(&d->text, "}}}");
	doc_index(d);
}

/* In quadratic time this takes minutes. */
static void a_hundred_thousand_prefixes_are_compared_in_one_go(void **state)
{
	cleanup_doc struct doc a = {0};
	cleanup_doc struct doc b = {0};
	cleanup_diff struct diff diff = {0};

	(void)state;
	make_prefixes(&a, 100000, 1000000);
	make_prefixes(&b, 100002, 50000);
	assert_int_equal(diff_views(&a.view, &b.view, &diff), 0);
	assert_int_equal(diff.count, 3);
	assert_string_equal(diff_path(&diff, 0), "metadata/annotations/p100000");
	assert_int_equal(diff.changes[0].kind, CHANGE_ADDED);
	assert_string_equal(diff_path(&diff, 1), "metadata/annotations/p100001");
	assert_string_equal(diff_path(&diff, 2), "metadata/annotations/p50000/k");
	assert_int_equal(diff.changes[2].kind, CHANGE_VALUE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_what_a_reader_sees_counts),
	    cmocka_unit_test(a_change_is_said_at_the_topmost_name),
	    cmocka_unit_test(a_list_that_is_named_otherwise_is_other_names),
	    cmocka_unit_test(a_label_that_becomes_a_prefix_is_a_directory_instead),
	    cmocka_unit_test(equal_documents_give_nothing),
	    cmocka_unit_test(random_documents_turn_into_each_other),
	    cmocka_unit_test(a_document_turns_into_what_it_is_edited_to),
	    cmocka_unit_test(a_hundred_thousand_prefixes_are_compared_in_one_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
