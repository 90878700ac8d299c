/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <pthread.h>

#include <podfs/store/version.h>

/* Of the cache. */
#define LIMIT (4u << 20)

static struct version *make(size_t padding, unsigned n)
{
	cleanup_buf struct buf text = {0};

	buf_addf(&text, "{\"n\":%u,\"x\":\"", n);
	buf_addfill(&text, 'x', padding);
	buf_addstr(&text, "\"}");
	const struct version_text t = {KIND_POD, 0, text.data, text.len};
	struct version *v = version_new(&t);
	assert_non_null(v);
	return v;
}

static int clear(void **state)
{
	(void)state;
	opened_cache_clear();
	return 0;
}

static void versions_are_numbered_and_terminated(void **state)
{
	cleanup_buf struct buf text = {0};
	struct version *a = make(0, 1);
	struct version *b = make(5, 2);

	(void)state;
	assert_true(b->seq > a->seq);
	assert_int_equal(version_read(b, &text), 0);
	assert_string_equal(text.data, "{\"n\":2,\"x\":\"xxxxx\"}");
	assert_int_equal(text.len, b->len);
	version_unref(a);
	version_unref(b);
	version_unref(NULL);
}

static void an_opened_version_is_found_again(void **state)
{
	struct version *v = make(0, 1);
	struct opened *a = NULL;
	struct opened *b = NULL;

	(void)state;
	assert_int_equal(opened_get(v, &a), 0);
	assert_int_equal(opened_get(v, &b), 0);
	assert_ptr_equal(a, b);
	assert_int_equal(a->refs, 3);
	opened_unref(a);
	opened_unref(b);
	opened_cache_clear();
	assert_int_equal(v->refs, 1);
	version_unref(v);
}

static void an_opened_version_lives_as_long_as_it_is_held(void **state)
{
	struct version *v = make(0, 7);
	struct opened *o = NULL;
	const struct buf *json = NULL;
	const struct buf *again = NULL;

	(void)state;
	assert_int_equal(opened_get(v, &o), 0);
	version_unref(v);
	opened_cache_clear();
	assert_int_equal(opened_json(o, &json), 0);
	assert_string_equal(json->data, "{\n    \"n\": 7,\n    \"x\": \"\"\n}\n");
	assert_int_equal(opened_json(o, &again), 0);
	assert_ptr_equal(json->data, again->data);
	assert_int_equal(opened_yaml(o, &again), 0);
	/* `n` alone would be a truth value. */
	assert_string_equal(again->data, "\"n\": 7\nx: \"\"\n");
	opened_unref(o);
}

static void what_nobody_uses_is_dropped_beyond_a_limit(void **state)
{
	enum { MANY = 64, SIZE = 1 << 20 };
	struct version *versions[MANY];
	size_t kept = 0;

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		struct opened *o = NULL;

		versions[i] = make(SIZE, i);
		assert_int_equal(opened_get(versions[i], &o), 0);
		opened_unref(o);
	}
	for (size_t i = 0; i < MANY; i++)
		kept += versions[i]->refs > 1;
	assert_true(kept >= 1 && kept <= LIMIT / SIZE + 1);
	/* The latest are those that are kept. */
	for (size_t i = 0; i < kept; i++)
		assert_int_equal(versions[MANY - 1 - i]->refs, 2);
	for (size_t i = 0; i < MANY; i++)
		version_unref(versions[i]);
}

static void what_is_rendered_counts_too(void **state)
{
	enum { MANY = 24, SIZE = 128 << 10 };
	struct version *versions[MANY];
	size_t kept = 0;

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		struct opened *o = NULL;

		versions[i] = make(SIZE, i);
		assert_int_equal(opened_get(versions[i], &o), 0);
		opened_unref(o);
	}
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(versions[i]->refs, 2);
	for (size_t i = 0; i < MANY; i++) {
		struct opened *o = NULL;
		const struct buf *text = NULL;

		assert_int_equal(opened_get(versions[i], &o), 0);
		assert_int_equal(i % 2 ? opened_json(o, &text) : opened_yaml(o, &text), 0);
		assert_true(text->len > SIZE);
		assert_int_equal(versions[i]->refs, 2);
		opened_unref(o);
	}
	for (size_t i = 0; i < MANY; i++)
		kept += versions[i]->refs > 1;
	assert_in_range(kept, LIMIT / SIZE / 4, LIMIT / SIZE / 2);
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(versions[i]->refs, i < MANY - kept ? 1 : 2);
		version_unref(versions[i]);
	}
}

static void one_that_is_larger_than_the_limit_can_be_opened(void **state)
{
	struct version *v = make(JSON_TEXT_MAX - 64, 1);
	struct opened *o = NULL;
	const struct buf *text = NULL;

	(void)state;
	assert_int_equal(opened_get(v, &o), 0);
	assert_int_equal(o->view.len, v->len);
	/* Once in another form it is. */
	assert_int_equal(opened_json(o, &text), 0);
	assert_true(o->cost > LIMIT);
	opened_unref(o);
	version_unref(v);
}

enum { SHARED = 40, THREADS = 4, ROUNDS = 4000 };
static struct version *shared[SHARED];

static void *open_at_random(void *arg)
{
	struct dice dice = {(uint64_t)(uintptr_t)arg};
	size_t *faults = calloc(1, sizeof(*faults));

	for (int i = 0; i < ROUNDS && faults; i++) {
		unsigned n = dice_roll(&dice, SHARED);
		struct opened *o = NULL;
		const struct buf *json = NULL;
		char want[32];

		snprintf(want, sizeof(want), "{\n    \"n\": %u,", n);
		if (opened_get(shared[n], &o) < 0 || o->version != shared[n] ||
		    (dice_one_in(&dice, 2) &&
		     (opened_json(o, &json) < 0 || strncmp(json->data, want, strlen(want)) != 0)))
			++*faults;
		if (o)
			opened_unref(o);
		if (dice_one_in(&dice, 500))
			opened_cache_clear();
	}
	return faults;
}

static void many_threads_open_the_same_versions(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	for (unsigned i = 0; i < SHARED; i++)
		shared[i] = make(i % 2 ? 10 : 300000, i);
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, open_at_random, (void *)(i + 1)),
				 0);
	for (size_t i = 0; i < THREADS; i++) {
		void *faults = NULL;

		assert_int_equal(pthread_join(threads[i], &faults), 0);
		assert_non_null(faults);
		assert_int_equal(*(size_t *)faults, 0);
		free(faults);
	}
	opened_cache_clear();
	for (unsigned i = 0; i < SHARED; i++) {
		assert_int_equal(shared[i]->refs, 1);
		version_unref(shared[i]);
	}
}

#define version_test(fn) cmocka_unit_test_teardown(fn, clear)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    version_test(versions_are_numbered_and_terminated),
	    version_test(an_opened_version_is_found_again),
	    version_test(an_opened_version_lives_as_long_as_it_is_held),
	    version_test(what_nobody_uses_is_dropped_beyond_a_limit),
	    version_test(what_is_rendered_counts_too),
	    version_test(one_that_is_larger_than_the_limit_can_be_opened),
	    version_test(many_threads_open_the_same_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
