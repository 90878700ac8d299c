/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts of versions against plain copies of them, while they come, go, are
 * held and are moved.
 */
#include "unit.h"

#include <inttypes.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <podfs/base/clock.h>
#include <podfs/base/hash.h>
#include <podfs/base/memory.h>

#include "store/texts.h"

/* A text that has much in common with those of its group, and little with others. */
static void make_text(struct buf *out, uint64_t group, uint64_t n)
{
	struct dice of_group = {group};
	struct dice of_one = {n ^ (group << 32)};

	buf_clear(out);
	buf_addf(out, "{\"group\":%u,\"n\":%u,\"id\":\"", (unsigned)group, (unsigned)n);
	for (int i = 0; i < 8; i++)
		buf_addf(out, "%08x", dice_roll(&of_one, UINT32_MAX));
	buf_addstr(out, "\",\"common\":[");
	for (int i = 0; i < 40; i++)
		buf_addf(out, "{\"name\":\"%x\",\"value\":\"%x\"},", dice_roll(&of_group, 1u << 24),
			 dice_roll(&of_group, 1u << 30));
	buf_addstr(out, "0]}");
}

static struct version *make(enum kind kind, uint64_t group, uint64_t n)
{
	cleanup_buf struct buf text = {0};

	make_text(&text, group, n);
	const struct version_text t = {kind, group, text.data, text.len};
	struct version *v = version_new(&t);
	assert_non_null(v);
	return v;
}

static bool reads_as(const struct version *v, uint64_t group, uint64_t n)
{
	cleanup_buf struct buf want = {0};
	cleanup_buf struct buf text = {0};

	make_text(&want, group, n);
	return version_read(v, &text) == 0 && text.len == want.len &&
	       !memcmp(text.data, want.data, want.len);
}

static enum record_form form_of(const struct version *v)
{
	return arena_at(texts_arena(), v->off)->form;
}

/* All memory of a test's own is given back: what is dead waits for readers that have left. */
static int settle(void **state)
{
	(void)state;
	versions_tidy();
	versions_tidy();
	return 0;
}

static uint64_t live(void)
{
	versions_tidy();
	return texts_arena()->live;
}

static void a_text_is_packed_against_one_of_its_group(void **state)
{
	struct version *first = make(KIND_POD, 1, 1);
	struct version *second = make(KIND_POD, 1, 2);
	struct version *other = make(KIND_POD, 2, 3);
	struct version *of_none = make(KIND_POD, 0, 4);

	(void)state;
	assert_int_equal(form_of(first), TEXT_ALONE);
	assert_int_equal(form_of(second), TEXT_SIBLING);
	assert_int_equal(form_of(other), TEXT_ALONE);
	assert_int_equal(form_of(of_none), TEXT_ALONE);
	assert_true(arena_at(texts_arena(), second->off)->bytes < 120);
	assert_true(reads_as(second, 1, 2));
	assert_true(reads_as(first, 1, 1));
	assert_true(reads_as(other, 2, 3));
	assert_true(reads_as(of_none, 0, 4));
	version_unref(first);
	version_unref(second);
	version_unref(other);
	version_unref(of_none);
}

static void a_base_stays_as_long_as_a_sibling_needs_it(void **state)
{
	uint64_t before = live();
	struct version *first = make(KIND_POD, 1, 1);
	struct version *second = make(KIND_POD, 1, 2);
	uint64_t both = live();

	(void)state;
	version_unref(first);
	assert_int_equal(live(), both);
	assert_true(reads_as(second, 1, 2));
	struct version *third = make(KIND_POD, 1, 3);
	assert_int_equal(form_of(third), TEXT_SIBLING);
	version_unref(second);
	assert_true(reads_as(third, 1, 3));
	version_unref(third);
	assert_int_equal(live(), before);
	/* The group is forgotten with it. */
	third = make(KIND_POD, 1, 3);
	assert_int_equal(form_of(third), TEXT_ALONE);
	version_unref(third);
}

static void what_is_unlike_its_base_is_the_next_base(void **state)
{
	cleanup_buf struct buf text = {0};
	struct version *first = make(KIND_POD, 1, 1);

	(void)state;
	/* After siblings in a row, for which the base was made ready. */
	for (uint64_t n = 2; n < 9; n++) {
		struct version *sibling = make(KIND_POD, 1, n);

		assert_true(reads_as(sibling, 1, n));
		version_unref(sibling);
	}
	make_text(&text, 99, 1);
	const struct version_text t = {KIND_POD, 1, text.data, text.len};
	struct version *unlike = version_new(&t);
	struct version *like = version_new(&t);
	assert_int_equal(form_of(unlike), TEXT_ALONE);
	assert_int_equal(form_of(like), TEXT_SIBLING);
	assert_true(reads_as(unlike, 99, 1));
	version_unref(unlike);
	version_unref(first);
	assert_true(reads_as(like, 99, 1));
	version_unref(like);
}

static void what_does_not_pack_is_kept_as_it_is(void **state)
{
	enum { SIZE = 3 << 20 };
	cleanup_free char *noise = malloc(SIZE);
	cleanup_buf struct buf text = {0};
	struct dice dice = {7};
	uint64_t before = live();

	(void)state;
	assert_non_null(noise);
	for (size_t i = 0; i < SIZE; i++)
		noise[i] = (char)dice_roll(&dice, 256);
	const struct version_text large = {KIND_POD, 5, noise, SIZE};
	const struct version_text small = {KIND_POD, 5, "{}", 2};
	struct version *a = version_new(&large);
	struct version *b = version_new(&small);
	assert_int_equal(form_of(a), TEXT_PLAIN);
	assert_int_equal(form_of(b), TEXT_PLAIN);
	assert_int_equal(version_read(a, &text), 0);
	assert_memory_equal(text.data, noise, SIZE);
	assert_int_equal(version_same(a, noise, SIZE, &text), 1);
	noise[SIZE - 1] ^= 1;
	assert_int_equal(version_same(a, noise, SIZE, &text), 0);
	assert_int_equal(version_read(b, &text), 0);
	assert_string_equal(text.data, "{}");
	version_unref(a);
	version_unref(b);
	assert_int_equal(live(), before);
}

static void many_that_stand_alone_are_learnt_from(void **state)
{
	enum { MANY = 700 };
	struct version *versions[MANY];
	uint64_t bytes = 0;
	uint64_t alone = 0;

	(void)state;
	for (uint64_t i = 0; i < MANY; i++) {
		/* No two are of one group, but they have all in common but a number. */
		cleanup_buf struct buf text = {0};

		for (uint64_t j = 0; j < 6; j++) {
			cleanup_buf struct buf part = {0};

			make_text(&part, 1000 + j, j);
			buf_add(&text, part.data, part.len);
		}
		buf_addf(&text, "%u", (unsigned)i);
		const struct version_text t = {KIND_NAMESPACE, i + 1, text.data, text.len};
		versions[i] = version_new(&t);
		assert_non_null(versions[i]);
		if (!i)
			alone = arena_at(texts_arena(), versions[i]->off)->bytes;
	}
	for (uint64_t i = 0; i < MANY; i++) {
		cleanup_buf struct buf text = {0};

		assert_int_equal(form_of(versions[i]), TEXT_DICTIONARY);
		bytes += arena_at(texts_arena(), versions[i]->off)->bytes;
		assert_int_equal(version_read(versions[i], &text), 0);
		assert_int_equal(strtoul(strrchr(text.data, '}') + 1, NULL, 10), i);
		version_unref(versions[i]);
	}
	assert_true(bytes / MANY < alone / 2);
}

/* What another process would find that maps the arena. */
static void all_records_are_found_and_checked_by_who_maps_them(void **state)
{
	enum { MANY = 5000 };
	struct version **versions = calloc(MANY, sizeof(*versions));
	uint64_t found = 0;

	(void)state;
	assert_non_null(versions);
	for (uint64_t i = 0; i < MANY; i++)
		versions[i] = make(KIND_POD, i % 10 + 1, i);
	const struct arena *a = texts_arena();
	size_t size = (size_t)a->count * ARENA_SEGMENT;
	void *mapped = NULL;
	assert_int_equal(memory_map(a->fd, MEMORY_ARENA, size, &mapped), 0);
	const char *map = mapped;
	for (uint64_t i = 0; i < MANY; i++) {
		const struct record *r =
		    (const struct record *)(const void *)(map + versions[i]->off);

		assert_int_equal(r->magic, RECORD_KEPT);
		assert_int_equal(r->check, record_check(a, r));
		assert_int_equal(r->seq, versions[i]->seq);
		assert_int_equal(r->len, versions[i]->len);
		found++;
	}
	assert_int_equal(found, MANY);
	munmap(mapped, size);
	for (uint64_t i = 0; i < MANY; i++)
		version_unref(versions[i]);
	free(versions);
}

/* Bytes of the arena's mapping that may be read. */
static size_t readable_bytes(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	size_t bytes = 0;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		uintptr_t from;
		uintptr_t to;
		char mode;

		if (strstr(line, "/memfd:podfs ") &&
		    sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %c", &from, &to, &mode) == 3 &&
		    mode == 'r')
			bytes += to - from;
	}
	fclose(maps);
	return bytes;
}

/* A checker of leaks reads whatever may be read, and makes memory of what is reserved. */
static void no_more_can_be_touched_than_is_used(void **state)
{
	enum { SIZE = 5 << 20 };
	cleanup_free char *text = malloc(SIZE);
	struct dice dice = {9};

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < SIZE; i++)
		text[i] = (char)dice_roll(&dice, 256);
	const struct version_text t = {KIND_POD, 5, text, SIZE};
	struct version *v = version_new(&t);
	assert_non_null(v);
	assert_true(readable_bytes() >= SIZE);
	assert_int_equal(readable_bytes(), texts_arena()->usable);
	version_unref(v);
}

/* A small cluster for a long time: of each place the newest version, and some that are held. */
enum { PLACES = 3000, HELD = 200, ROUNDS = 300000, GROUPS = 60 };

struct place {
	_Atomic(struct version *) version;
	uint64_t group;
	uint64_t n;
};

static void replace(struct place *p, uint64_t group, uint64_t n)
{
	struct version *old = p->version;

	p->version = n ? make(KIND_POD, group, n) : NULL;
	p->group = group;
	p->n = n;
	version_unref(old);
}

static void a_day_of_changes_takes_no_more_memory_than_an_hour(void **state)
{
	struct place *places = calloc(PLACES, sizeof(*places));
	struct place *held = calloc(HELD, sizeof(*held));
	struct dice dice = {11};
	uint64_t most = 0;

	(void)state;
	assert_non_null(places);
	assert_non_null(held);
	for (uint64_t i = 1; i <= ROUNDS; i++) {
		struct place *p = &places[dice_roll(&dice, PLACES)];

		if (dice_one_in(&dice, 20) && p->version) {
			struct place *h = &held[dice_roll(&dice, HELD)];

			version_unref(h->version);
			h->version = version_ref(p->version);
			h->group = p->group;
			h->n = p->n;
		}
		/* Workloads are rolled out anew all the time: groups come and go. */
		replace(p, 1 + i / 3000 * 7 + dice_roll(&dice, GROUPS),
			dice_one_in(&dice, 10) ? 0 : i);
		const struct arena *a = texts_arena();
		most = a->used > most ? a->used : most;
		/* A quarter of each segment may be dead; one is open, and one may be leaving. */
		if (a->used > a->live + a->live / 3 + 3 * ARENA_SEGMENT)
			fail_msg("%u: %u bytes for %u", (unsigned)i, (unsigned)a->used,
				 (unsigned)a->live);
	}
	assert_true(most < UINT64_C(8) << 20);
	assert_true(texts_arena()->count < 12);
	for (size_t i = 0; i < PLACES; i++) {
		assert_true(!places[i].version ||
			    reads_as(places[i].version, places[i].group, places[i].n));
		version_unref(places[i].version);
	}
	for (size_t i = 0; i < HELD; i++) {
		assert_true(!held[i].version ||
			    reads_as(held[i].version, held[i].group, held[i].n));
		version_unref(held[i].version);
	}
	free(places);
	free(held);
}

enum { SHARED = 400, READERS = 3, CHANGES = 40000 };
static struct place shared[SHARED];
static pthread_rwlock_t shared_lock = PTHREAD_RWLOCK_INITIALIZER;
static atomic_bool over;

static void *read_at_random(void *arg)
{
	struct dice dice = {(uint64_t)(uintptr_t)arg};
	size_t *faults = calloc(1, sizeof(*faults));

	while (faults && !over) {
		const struct place *p = &shared[dice_roll(&dice, SHARED)];

		pthread_rwlock_rdlock(&shared_lock);
		struct version *v = version_ref(p->version);
		uint64_t group = p->group;
		uint64_t n = p->n;
		pthread_rwlock_unlock(&shared_lock);
		*faults += !reads_as(v, group, n);
		version_unref(v);
	}
	return faults;
}

static void readers_are_never_led_astray_by_what_moves(void **state)
{
	pthread_t threads[READERS];
	struct dice dice = {3};

	(void)state;
	for (uint64_t i = 0; i < SHARED; i++)
		replace(&shared[i], 1 + i % 7, i + 1);
	for (uintptr_t i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_at_random, (void *)(i + 1)),
				 0);
	for (uint64_t i = 1; i <= CHANGES; i++) {
		struct place *p = &shared[dice_roll(&dice, SHARED)];
		struct version *v = make(KIND_POD, 1 + i / 5000, SHARED + i);

		pthread_rwlock_wrlock(&shared_lock);
		struct version *old = p->version;
		p->version = v;
		p->group = 1 + i / 5000;
		p->n = SHARED + i;
		pthread_rwlock_unlock(&shared_lock);
		version_unref(old);
	}
	over = true;
	for (size_t i = 0; i < READERS; i++) {
		void *faults = NULL;

		assert_int_equal(pthread_join(threads[i], &faults), 0);
		assert_non_null(faults);
		assert_int_equal(*(size_t *)faults, 0);
		free(faults);
	}
	for (size_t i = 0; i < SHARED; i++)
		version_unref(shared[i].version);
	assert_true(texts_arena()->used < 4 * ARENA_SEGMENT);
}

#define texts_test(fn) cmocka_unit_test_teardown(fn, settle)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    texts_test(a_text_is_packed_against_one_of_its_group),
	    texts_test(a_base_stays_as_long_as_a_sibling_needs_it),
	    texts_test(what_is_unlike_its_base_is_the_next_base),
	    texts_test(what_does_not_pack_is_kept_as_it_is),
	    texts_test(many_that_stand_alone_are_learnt_from),
	    texts_test(all_records_are_found_and_checked_by_who_maps_them),
	    texts_test(no_more_can_be_touched_than_is_used),
	    texts_test(a_day_of_changes_takes_no_more_memory_than_an_hour),
	    texts_test(readers_are_never_led_astray_by_what_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
