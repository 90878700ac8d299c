/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index against what a look at every pod says, while pods come, go and
 * change their labels.
 */
#include "unit.h"

#include <malloc.h>
#include <time.h>

#include <podfs/store/index.h>

#define PODS 200
#define LABELS_MAX 6

/* A pod as the test knows it. */
struct pod {
	bool there;
	uint32_t slot;
	uint32_t terms[LABELS_MAX];
	struct label_set labels;
	struct pod_facts facts;
	unsigned int met;
};

static struct index ix;
static struct pod pods[PODS];

static int set_up(void **state)
{
	(void)state;
	ix = (struct index){0};
	memset(pods, 0, sizeof(pods));
	for (size_t i = 0; i < PODS; i++)
		pods[i].labels.terms = pods[i].terms;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < PODS; i++)
		pod_facts_release(&pods[i].facts);
	index_release(&ix);
	return 0;
}

/* "a=1,b=2": in the order of the keys. */
static void make_facts(const char *labels, struct pod_facts *f)
{
	f->labels = calloc(LABELS_MAX, sizeof(*f->labels));
	assert_non_null(f->labels);
	buf_addch(&f->strings, '\0');
	while (*labels) {
		size_t key = strcspn(labels, "=");
		size_t value = strcspn(labels + key + 1, ",");
		struct fact_label *label = &f->labels[f->label_count++];

		label->key = (uint32_t)f->strings.len;
		buf_add(&f->strings, labels, key);
		buf_addch(&f->strings, '\0');
		label->value = (uint32_t)f->strings.len;
		buf_add(&f->strings, labels + key + 1, value);
		buf_addch(&f->strings, '\0');
		labels += key + 1 + value;
		labels += *labels == ',';
	}
}

static void put(struct pod *p, const char *labels)
{
	uint32_t terms[LABELS_MAX];
	struct label_set new = {.terms = terms};
	struct pod_facts facts = {0};

	make_facts(labels, &facts);
	assert_int_equal(index_prepare(&ix, &facts, &new), 0);
	if (p->there)
		index_change(&ix, p->slot, &p->labels, &new);
	else
		p->slot = index_add(&ix, p, &new);
	p->there = true;
	memcpy(p->terms, terms, sizeof(terms));
	p->labels.count = new.count;
	pod_facts_release(&p->facts);
	p->facts = facts;
	assert_true(index_same(&ix, &p->labels, &p->facts));
}

static void take_away(struct pod *p)
{
	index_remove(&ix, p->slot, &p->labels);
	p->there = false;
}

static const char *fact_value(const void *facts, const char *key)
{
	const struct pod_facts *f = facts;

	for (size_t i = 0; i < f->label_count; i++)
		if (!strcmp(fact_string(f, f->labels[i].key), key))
			return fact_string(f, f->labels[i].value);
	return NULL;
}

static int meet(void *ctx, void *pod)
{
	struct pod *p = pod;

	(void)ctx;
	assert_true(p->there);
	p->met++;
	return 0;
}

static void assert_right(const char *text)
{
	cleanup_selector struct selector s = {0};
	const struct requirement *r;
	size_t met = 0;

	assert_int_equal(selector_parse(text, strlen(text), &s), 0);
	size_t estimate = index_estimate(&ix, &s, &r);
	for (size_t i = 0; i < PODS; i++)
		pods[i].met = 0;
	if (r)
		index_each(&ix, r, meet, NULL);
	for (size_t i = 0; i < PODS; i++) {
		struct pod *p = &pods[i];
		bool want = p->there && selector_matches(&s, fact_value, &p->facts);

		if (p->there && index_selects(&ix, &s, &p->labels) != want)
			fail_msg("%s: pod %zu is%s selected", text, i, want ? " not" : "");
		if (r &&
		    p->met != (p->there && requirement_matches(r, fact_value(&p->facts, r->key))))
			fail_msg("%s: pod %zu is met %u times", text, i, p->met);
		met += p->met;
	}
	/* Numbers compared are the one case in which more are counted than met. */
	if (r && (r->op == REQUIRE_IN || r->op == REQUIRE_KEY))
		assert_int_equal(met, estimate);
}

static void a_pod_is_found_by_its_labels(void **state)
{
	const struct requirement *r;
	cleanup_selector struct selector s = {0};

	(void)state;
	assert_right("a=1");
	put(&pods[0], "a=1,b=2");
	put(&pods[1], "a=1");
	put(&pods[2], "");
	assert_right("a=1");
	assert_right("a,b in (1,2)");
	assert_int_equal(selector_parse("a=1,b", 5, &s), 0);
	assert_int_equal(index_estimate(&ix, &s, &r), 1);
	assert_string_equal(r->key, "b");
	put(&pods[0], "b=3");
	assert_right("a=1");
	assert_right("b=2");
	take_away(&pods[1]);
	assert_right("a");
	assert_int_equal(index_estimate(&ix, &s, &r), 0);
}

static void nothing_is_left_of_labels_nobody_has(void **state)
{
	(void)state;
	for (size_t i = 0; i < PODS; i++) {
		char labels[64];

		snprintf(labels, sizeof(labels), "a=%zu,b=%zu,c=", i, i % 7);
		put(&pods[i], labels);
	}
	assert_int_equal(ix.term_count, 3 + PODS + 7 + 1);
	for (size_t i = 0; i < PODS; i++)
		put(&pods[i], "d=");
	assert_int_equal(ix.term_count, 2);
	for (size_t i = 0; i < PODS; i++)
		take_away(&pods[i]);
	assert_int_equal(ix.term_count, 0);
}

static void what_was_prepared_in_vain_is_forgotten(void **state)
{
	uint32_t terms[LABELS_MAX];
	struct label_set labels = {.terms = terms};
	cleanup_pod_facts struct pod_facts facts = {0};

	(void)state;
	put(&pods[0], "a=1");
	make_facts("a=1,b=2", &facts);
	assert_int_equal(index_prepare(&ix, &facts, &labels), 0);
	assert_int_equal(ix.term_count, 4);
	index_unprepare(&ix, &labels);
	assert_int_equal(ix.term_count, 2);
	assert_right("a=1");
}

static void random_labels(struct dice *d, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (char key = 'a'; key < 'a' + LABELS_MAX; key++) {
		if (dice_one_in(d, 2))
			continue;
		len += (size_t)snprintf(out + len, size - len, "%s%c=%.*s", len ? "," : "", key,
					dice_one_in(d, 9) ? 0 : 1, &"0123456789"[dice_roll(d, 5)]);
	}
}

static void churn_never_makes_it_wrong(void **state)
{
	static const char *const selectors[] = {
	    "",
	    "a",
	    "!a",
	    "a=1",
	    "a!=1",
	    "a=",
	    "a in (1,2,)",
	    "b notin (3)",
	    "a>1",
	    "a<3,b>0",
	    "a=1,b=2",
	    "a,!b",
	    "c,d,e,f",
	    "f in (0,9),!a",
	    "zz",
	    "zz notin (1)",
	    "a=7",
	};
	struct dice d = {3};
	char labels[64];

	(void)state;
	for (unsigned int i = 0; i < 20000; i++) {
		/* Few pods at first, so that slots are used again. */
		struct pod *p = &pods[dice_roll(&d, i < 10000 ? 12 : PODS)];

		if (p->there && dice_one_in(&d, 3)) {
			take_away(p);
		} else {
			random_labels(&d, labels, sizeof(labels));
			put(p, labels);
		}
		assert_right(selectors[dice_roll(&d, ARRAY_SIZE(selectors))]);
	}
}

/* 150,000 pods with 12 labels, of which many pods share most and ten pods each two. */
static void it_is_small(void **state)
{
	static const unsigned int values[12] = {3,   3,   5,    10,   20,    50,
						100, 500, 1000, 2000, 15000, 15000};
	const uint32_t count = 150000;
	cleanup_free struct label_set *sets = calloc(count, sizeof(*sets));
	size_t labels = 0;

	(void)state;
	assert_non_null(sets);
	size_t before = mallinfo2().uordblks;
	for (uint32_t i = 0; i < count; i++) {
		struct pod_facts f = {0};

		f.labels = calloc(12, sizeof(*f.labels));
		for (unsigned int k = 0; k < 12; k++) {
			f.labels[k].key = (uint32_t)f.strings.len;
			buf_addf(&f.strings, "key.example/%c%c", 'a' + k, '\0');
			f.labels[k].value = (uint32_t)f.strings.len;
			buf_addf(&f.strings, "value-%u%c", i % values[k], '\0');
		}
		f.label_count = 12;
		sets[i].terms = malloc(12 * sizeof(uint32_t));
		labels += malloc_usable_size(sets[i].terms) + sizeof(size_t);
		assert_int_equal(index_prepare(&ix, &f, &sets[i]), 0);
		index_add(&ix, &sets[i], &sets[i]);
		pod_facts_release(&f);
	}
	/* A sanitizer's malloc() does not say. */
	size_t used = mallinfo2().uordblks;
	size_t bytes = index_bytes(&ix) + labels;
	print_message("%zu bytes in all, %zu with malloc()'s own\n", bytes,
		      used > before ? used - before : 0);
	assert_in_range(bytes, count * 12 * 4, 25u << 20);
	for (uint32_t i = 0; i < count; i++)
		free(sets[i].terms);
}

static int64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* What it costs to change one of @count labels, the best of some times. */
static int64_t cost_of_a_change(uint32_t count)
{
	struct label_set sets[2] = {{calloc(count, sizeof(uint32_t)), 0},
				    {calloc(count, sizeof(uint32_t)), 0}};
	int64_t best = INT64_MAX;
	uint32_t slot = 0;

	for (uint32_t n = 0; n < 6; n++) {
		struct label_set *new = &sets[n % 2];
		cleanup_pod_facts struct pod_facts f = {0};

		f.labels = calloc(count, sizeof(*f.labels));
		for (uint32_t i = 0; i < count; i++) {
			f.labels[i].key = (uint32_t)f.strings.len;
			buf_addf(&f.strings, "k%06u%c", i, '\0');
			f.labels[i].value = (uint32_t)f.strings.len;
			buf_addf(&f.strings, "%u%c", i == count / 2 ? n : 0, '\0');
		}
		f.label_count = count;
		assert_int_equal(index_prepare(&ix, &f, new), 0);
		int64_t start = cpu_ns();
		if (n)
			index_change(&ix, slot, &sets[(n + 1) % 2], new);
		else
			slot = index_add(&ix, sets, new);
		int64_t cost = cpu_ns() - start;
		best = n && cost < best ? cost : best;
		assert_true(index_same(&ix, new, &f));
	}
	index_remove(&ix, slot, &sets[1]);
	free(sets[0].terms);
	free(sets[1].terms);
	assert_int_equal(ix.term_count, 0);
	return best;
}

/* Readers wait meanwhile, and an object may have more than 100,000 labels. */
static void a_change_costs_time_by_the_labels(void **state)
{
	(void)state;
	int64_t some = cost_of_a_change(5000);
	int64_t many = cost_of_a_change(80000);

	if (many > some * 80)
		fail_msg("%lld us of 5000 labels, %lld us of 80000", (long long)some / 1000,
			 (long long)many / 1000);
}

#define index_test(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    index_test(a_pod_is_found_by_its_labels),
	    index_test(nothing_is_left_of_labels_nobody_has),
	    index_test(what_was_prepared_in_vain_is_forgotten),
	    index_test(churn_never_makes_it_wrong),
	    index_test(a_change_costs_time_by_the_labels),
	    index_test(it_is_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
