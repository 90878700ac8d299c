/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store in one process, which is killed, and what the next one makes of the
 * memory. What a store should have is known by playing the same steps without one.
 */
#include "world.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <podfs/base/memory.h>
#include <podfs/store/recover.h>
#include <podfs/store/views.h>

#include "store/texts.h"

enum { PODS = 60, NODES = 5, NAMESPACES = 700, FEW = 4, HELD = 24, DUMP = 64 << 20 };

/* What there is of a name: `v` is the step that put it last. */
struct thing {
	bool there;
	unsigned uid;
	unsigned v;
};

struct model {
	struct thing pods[PODS];
	struct thing nodes[NODES];
	struct thing namespaces[NAMESPACES];
	bool unreadable;
};

/* What the processes tell each other. */
struct board {
	atomic_uint done; /* steps */
	struct {
		uint64_t seq;
		unsigned pod;
		struct thing thing;
	} held[HELD];
	struct store_counts counts;
	size_t dump_len;
	char dump[DUMP];
};

static struct board *board;
static struct world world;
static int memory = -1;

/* --- what is put --- */

static void add_noise(struct buf *out, uint64_t seed, int n)
{
	struct dice dice = {seed};

	for (int i = 0; i < n; i++)
		buf_addf(out, "%08x", dice_roll(&dice, UINT32_MAX));
}

static void pod_json(struct buf *out, unsigned i, const struct thing *t)
{
	buf_addf(
	    out,
	    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p%u\",\"namespace\":"
	    "\"ns%u\",\"uid\":\"u%u-%u\",\"creationTimestamp\":\"2026-01-01T00:00:%02uZ\","
	    "\"labels\":{\"app\":\"a%u\",\"v\":\"%u\"},\"annotations\":{\"v\":\"%u\",\"noise\":\"",
	    i, i % FEW, i, t->uid, t->uid % 60, i % 3, t->v % 5, t->v);
	add_noise(out, t->v, t->v % 3 ? 2 : 150);
	buf_addf(out,
		 "\"}},\"spec\":{\"nodeName\":\"%s%.*u\",\"containers\":[{\"name\":\"c\","
		 "\"image\":\"i%u\",\"resources\":{\"requests\":{\"cpu\":\"%um\"}}}]},",
		 t->v % 7 ? "n" : "", t->v % 7 ? 1 : 0, t->v % 7 ? t->v % NODES : 0, i % 2, t->v);
	buf_addf(out, "\"status\":{\"podIP\":\"10.0.0.%u\",\"podIPs\":[{\"ip\":\"10.0.0.%u\"}]}}",
		 (i + t->v) % 40, (i + t->v) % 40);
}

static void named_json(struct buf *out, enum kind kind, unsigned i, const struct thing *t)
{
	bool node = kind == KIND_NODE;

	buf_addf(out,
		 "{\"apiVersion\":\"v1\",\"kind\":\"%s\",\"metadata\":{\"name\":\"%s%u\","
		 "\"uid\":\"%c%u-%u\",\"annotations\":{\"v\":\"%u\",\"common\":\"",
		 kind_name(kind), node ? "n" : "ns", i, node ? 'n' : 's', i, t->uid, t->v);
	add_noise(out, 1, 60);
	buf_addf(out, "\"}},\"status\":{\"allocatable\":{\"cpu\":\"%u\",\"memory\":\"1Gi\"}}}",
		 t->v % 4);
}

static void thing_json(struct buf *out, enum kind kind, unsigned i, const struct thing *t)
{
	buf_clear(out);
	if (kind == KIND_POD)
		pod_json(out, i, t);
	else
		named_json(out, kind, i, t);
}

static void thing_name(char ret[2][16], enum kind kind, unsigned i)
{
	snprintf(ret[0], 16, "%s", "");
	if (kind == KIND_POD)
		snprintf(ret[0], 16, "ns%u", i % FEW);
	snprintf(ret[1], 16, "%s%u", kind == KIND_POD ? "p" : kind == KIND_NODE ? "n" : "ns", i);
}

/* --- steps --- */

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void put_thing(enum kind kind, unsigned i, const struct thing *t)
{
	cleanup_buf struct buf json = {0};
	char names[2][16];

	thing_name(names, kind, i);
	thing_json(&json, kind, i, t);
	if (t->there)
		require(world_put(&world, kind, json.data) >= 0);
	else
		require(store_remove(world.store, kind, names[0], names[1]) >= 0);
}

static void change(struct dice *d, struct thing *t, unsigned k)
{
	bool was = t->there;

	t->there = !was || !dice_one_in(d, 5);
	t->uid += !was || dice_one_in(d, 9);
	t->v = k;
}

static void relist(struct dice *d, struct model *m, unsigned k, bool real)
{
	if (real)
		store_list_begin(world.store, KIND_POD);
	for (unsigned i = 0; i < PODS; i++) {
		struct thing *t = &m->pods[i];

		if (dice_one_in(d, 3))
			change(d, t, k);
		if (real && t->there)
			put_thing(KIND_POD, i, t);
	}
	if (real)
		store_list_end(world.store, KIND_POD);
}

/* Step @k, of the model alone or of the store, too. A step may be done twice. */
static void step(struct model *m, uint64_t seed, unsigned k, bool real)
{
	struct dice d = {seed * 1000003 + k};
	enum kind kind = KIND_POD;
	unsigned i = dice_roll(&d, PODS);
	struct thing *t = &m->pods[i];
	unsigned what = dice_roll(&d, 100);

	if (seed % 2 && k < NAMESPACES) {
		kind = KIND_NAMESPACE;
		i = k;
		t = &m->namespaces[i];
		*t = (struct thing){true, 1, k};
	} else if (what < 2) {
		relist(&d, m, k, real);
		return;
	} else if (what < 3) {
		m->unreadable = !m->unreadable;
		if (real)
			store_set_readable(world.store, KIND_NODE, !m->unreadable);
		return;
	} else {
		kind = what < 12 ? KIND_NODE : what < 17 ? KIND_NAMESPACE : KIND_POD;
		i %= kind == KIND_NODE ? NODES : kind == KIND_NAMESPACE ? FEW : PODS;
		t = kind == KIND_NODE ? &m->nodes[i] : kind == KIND_POD ? t : &m->namespaces[i];
		change(&d, t, k);
	}
	if (real)
		put_thing(kind, i, t);
}

static void on_changed(void *ctx, const struct store_change *c)
{
	(void)ctx;
	(void)c;
}

static void on_published(void *ctx)
{
	(void)ctx;
}

/* The next process's start. */
static struct store_recovered begin(void)
{
	const struct store_observer observer = {NULL, on_changed, on_published};
	struct store_recovered found;

	require(store_memory_open(memory) == 0);
	world_init(&world);
	world.tree.started_ns = 1;
	require(store_recover(world.store, &found) == 0);
	store_observe(world.store, &observer);
	return found;
}

/* --- what is compared --- */

static void dump(struct buf *out)
{
	cleanup_snapshot struct snapshot s = {0};

	world_look(&world, &s);
	for (size_t i = 0; i < s.count; i++)
		buf_addf(out, "%s %c %lld %u %zu %.*s\n", s.shots[i].path, s.shots[i].type,
			 (long long)s.shots[i].mtime_ns, s.shots[i].nlink, s.shots[i].len,
			 (int)s.shots[i].len, s.shots[i].data);
	require(!out->err && out->len < DUMP);
}

static struct object *find_thing(enum kind kind, unsigned i)
{
	char names[2][16];
	const struct store_namespace *ns;
	const struct store_node *node;

	thing_name(names, kind, i);
	if (kind == KIND_NODE) {
		node = store_find_node(world.store, names[1], strlen(names[1]));
		return node ? node->object : NULL;
	}
	const char *name = kind == KIND_POD ? names[0] : names[1];
	ns = store_find_namespace(world.store, name, strlen(name));
	if (kind == KIND_NAMESPACE)
		return ns ? ns->object : NULL;
	return ns ? store_find_pod(ns, names[1], strlen(names[1])) : NULL;
}

/* Whether a version, or none, is what a thing is put as. */
static bool is_thing(const struct version *v, enum kind kind, unsigned i, const struct thing *t)
{
	cleanup_buf struct buf text = {0};
	cleanup_buf struct buf want = {0};

	if (!v || !t->there)
		return !v && !t->there;
	thing_json(&want, kind, i, t);
	return version_read(v, &text) == 0 && text.len == want.len &&
	       !memcmp(text.data, want.data, text.len);
}

/* Each name is as it was before the step that was being done, or as after it. */
static void check_all(enum kind kind, unsigned count, const struct thing *before,
		      const struct thing *after)
{
	for (unsigned i = 0; i < count; i++) {
		struct object *o = find_thing(kind, i);
		const struct version *v = o ? o->version : NULL;

		if (!is_thing(v, kind, i, &before[i]) && !is_thing(v, kind, i, &after[i]))
			fail_msg("%s %u is not what it was", kind_name(kind), i);
	}
}

static void check_model(uint64_t seed)
{
	static struct model before;
	static struct model after;
	unsigned done = board->done;

	memset(&before, 0, sizeof(before));
	for (unsigned k = 0; k < done; k++)
		step(&before, seed, k, false);
	after = before;
	step(&after, seed, done, false);
	check_all(KIND_POD, PODS, before.pods, after.pods);
	check_all(KIND_NODE, NODES, before.nodes, after.nodes);
	check_all(KIND_NAMESPACE, NAMESPACES, before.namespaces, after.namespaces);
	bool unreadable = !store_readable(world.store, KIND_NODE);
	assert_true(unreadable == before.unreadable || unreadable == after.unreadable);
}

struct tally {
	uint64_t current;
	uint64_t numbers;
	uint64_t histories;
};

/* Each record has somebody who needs it. */
static int tally_one(void *ctx, struct record *r, uint64_t off)
{
	struct tally *t = ctx;

	assert_true(!r->owner || *r->owner == off);
	assert_int_equal(r->check, record_check(texts_arena(), r));
	if (r->form == KEPT_NUMBER || r->form == KEPT_HISTORY)
		assert_non_null(r->owner);
	else if (r->form != TEXT_LEARNT && r->magic != RECORD_CURRENT)
		assert_true(r->users > 0);
	t->current += r->magic == RECORD_CURRENT;
	t->numbers += r->form == KEPT_NUMBER;
	t->histories += r->form == KEPT_HISTORY;
	return 0;
}

static void check_nothing_is_left_over(void)
{
	struct store_counts counts;
	struct tally t = {0};
	uint64_t numbers = 7;

	versions_tidy();
	store_counts(world.store, &counts);
	arena_each(texts_arena_open(), tally_one, &t);
	assert_int_equal(t.current, counts.objects[KIND_POD] + counts.objects[KIND_NODE] +
					counts.objects[KIND_NAMESPACE]);
	assert_true(t.histories <= t.current);
	store_rdlock(world.store);
	const struct collection *c = store_namespaces(world.store);
	numbers += c->count;
	c = store_nodes(world.store);
	numbers += c->count;
	for (size_t i = 0; i < c->count; i++)
		numbers += ((const struct store_node *)c->items[i])->namespaces.count;
	store_rdunlock(world.store);
	assert_int_equal(t.numbers, numbers);
}

static int only_dictionaries(void *ctx, struct record *r, uint64_t off)
{
	(void)ctx;
	(void)off;
	return r->form != TEXT_LEARNT;
}

/* The store goes, and takes all that it kept with it. */
static void end_for_good(void)
{
	world_release(&world);
	versions_tidy();
	assert_int_equal(arena_each(texts_arena_open(), only_dictionaries, NULL), 0);
	store_memory_close();
}

/* The memory is left to the next one. */
static void hand_on(void)
{
	opened_cache_clear();
	store_memory_close();
	world_release(&world);
}

/* --- one that dies when it is at rest --- */

static void hold(struct version **held, struct dice *d, const struct model *m)
{
	unsigned i = dice_roll(d, PODS);
	size_t slot = dice_roll(d, HELD);
	struct object *o = find_thing(KIND_POD, i);

	if (!o)
		return;
	version_unref(held[slot]);
	held[slot] = version_ref(o->version);
	board->held[slot].seq = o->version->seq;
	board->held[slot].pod = i;
	board->held[slot].thing = m->pods[i];
}

static _Noreturn void live_and_die(uint64_t seed, unsigned steps, bool look)
{
	static struct version *held[HELD];
	static struct model m;
	cleanup_buf struct buf all = {0};
	struct dice d = {seed};

	begin();
	store_recovery_end();
	for (unsigned k = 0; k < steps; k++) {
		step(&m, seed, k, true);
		if (dice_one_in(&d, 10))
			hold(held, &d, &m);
	}
	board->done = steps;
	if (look) {
		dump(&all);
		memcpy(board->dump, all.data, all.len);
		board->dump_len = all.len;
	}
	store_counts(world.store, &board->counts);
	kill(getpid(), SIGKILL);
	abort();
}

static int wait_for(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void check_held(void)
{
	for (size_t i = 0; i < HELD; i++) {
		if (!board->held[i].seq)
			continue;
		struct version *v = store_version(board->held[i].seq);
		assert_non_null(v);
		assert_int_equal(v->seq, board->held[i].seq);
		assert_true(is_thing(v, KIND_POD, board->held[i].pod, &board->held[i].thing));
		version_unref(v);
	}
	assert_null(store_version(UINT64_MAX));
}

static void same_line(const struct buf *is)
{
	size_t i = 0;

	while (i < is->len && i < board->dump_len && is->data[i] == board->dump[i])
		i++;
	if (i == is->len && i == board->dump_len)
		return;
	while (i > 0 && is->data[i - 1] != '\n')
		i--;
	fail_msg("it was:\n%.300s\nit is:\n%.300s", board->dump + i, is->data + i);
}

/* That is: every path, byte, time and link count of the tree, by all ways to it. */
static void users_see_no_difference(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 6; seed++) {
		cleanup_buf struct buf all = {0};
		struct store_counts counts;

		memset(board, 0, offsetof(struct board, dump));
		memory = memory_new();
		pid_t pid = fork();
		if (!pid)
			live_and_die(seed, (seed % 2 ? NAMESPACES : 0) + (unsigned)seed * 300,
				     true);
		assert_true(WIFSIGNALED(wait_for(pid)) && board->dump_len);
		struct store_recovered found = begin();
		dump(&all);
		same_line(&all);
		check_model(seed);
		check_held();
		store_counts(world.store, &counts);
		assert_memory_equal(counts.objects, board->counts.objects, sizeof(counts.objects));
		assert_int_equal(counts.bytes, board->counts.bytes);
		assert_int_equal(counts.left_out, board->counts.left_out);
		assert_int_equal(found.wrong, 0);
		assert_int_equal(found.objects, counts.objects[KIND_POD] +
						    counts.objects[KIND_NODE] +
						    counts.objects[KIND_NAMESPACE]);
		assert_true(found.older > 0);
		store_recovery_end();
		check_nothing_is_left_over();
		end_for_good();
		close(memory);
	}
}

/* --- those that die at any moment --- */

static _Noreturn void live_until_killed(uint64_t seed)
{
	static struct model m;
	unsigned k = board->done;

	for (unsigned i = 0; i < k; i++)
		step(&m, seed, i, false);
	begin();
	store_recovery_end();
	/* What it was told last comes once more. */
	for (;; k++) {
		step(&m, seed, k, true);
		board->done = k + 1;
	}
}

static bool has_ended(pid_t pid)
{
	siginfo_t info = {0};

	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT);
	return info.si_pid == pid;
}

/* Kills it a little after it got so far, or while it is still on its way. */
static void kill_at_random(pid_t pid, struct dice *d, unsigned most)
{
	unsigned to = board->done + dice_roll(d, most);
	unsigned spins = dice_roll(d, 20000);

	if (dice_one_in(d, 3))
		usleep(dice_roll(d, 3000));
	else
		while (board->done < to && !has_ended(pid))
			sched_yield();
	for (unsigned i = 0; i < spins; i++)
		atomic_load(&board->done);
	kill(pid, SIGKILL);
	assert_true(WTERMSIG(wait_for(pid)) == SIGKILL);
}

static void a_death_at_any_moment_costs_at_most_the_step_it_was_in(void **state)
{
	struct dice d = {1};

	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		memset(board, 0, offsetof(struct board, dump));
		memory = memory_new();
		for (unsigned round = 0; round < 30; round++) {
			pid_t pid = fork();
			if (!pid)
				live_until_killed(seed);
			kill_at_random(pid, &d, round < 15 ? 60 : 400);
			/* Else the next one dies in what this one left, perhaps at its start. */
			if (round % 3)
				continue;
			struct store_recovered found = begin();
			assert_int_equal(found.wrong, 0);
			check_model(seed);
			if (round % 2) {
				cleanup_buf struct buf all = {0};

				store_recovery_end();
				check_nothing_is_left_over();
				dump(&all);
			}
			hand_on();
		}
		begin();
		check_model(seed);
		store_recovery_end();
		check_nothing_is_left_over();
		end_for_good();
		close(memory);
	}
}

/* --- what was damaged --- */

/* Where there is something. */
static uint64_t place_to_damage(struct dice *d, uint64_t size)
{
	for (;;) {
		uint64_t off = 64 + dice_roll(d, (uint32_t)size - 8192);

		/* Not what it is all hashed with: then all is lost. */
		if (memory_next(memory, MEMORY_ARENA, off) == off)
			return off;
	}
}

static void damage(struct dice *d)
{
	uint64_t size = UINT64_C(4) * ARENA_SEGMENT;
	void *base = NULL;

	assert_int_equal(memory_map(memory, MEMORY_ARENA, size, &base), 0);
	for (unsigned n = 1 + dice_roll(d, 6); n; n--) {
		char *at = (char *)base + place_to_damage(d, size);
		unsigned run = dice_one_in(d, 4) ? dice_roll(d, 500) : 1;

		for (unsigned i = 0; i < run; i++)
			at[i] = dice_one_in(d, 2) ? 0 : (char)(at[i] ^ (1 << dice_roll(d, 8)));
	}
	munmap(base, size);
}

static void what_was_damaged_is_dropped_and_counted(void **state)
{
	struct dice d = {5};
	uint64_t wrong = 0;
	uint64_t lost = 0;
	uint64_t left = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 16; seed++) {
		static struct model m;

		memset(board, 0, offsetof(struct board, dump));
		memset(&m, 0, sizeof(m));
		memory = memory_new();
		pid_t pid = fork();
		if (!pid)
			live_and_die(seed % 4, 1500, false);
		assert_int_equal(WTERMSIG(wait_for(pid)), SIGKILL);
		damage(&d);
		for (unsigned k = 0; k < board->done; k++)
			step(&m, seed % 4, k, false);
		struct store_recovered found = begin();
		for (unsigned i = 0; i < PODS; i++) {
			struct object *o = find_thing(KIND_POD, i);

			lost += !o && m.pods[i].there;
			left += o != NULL;
			assert_true(!o || is_thing(o->version, KIND_POD, i, &m.pods[i]));
		}
		wrong += found.wrong;
		store_recovery_end();
		/* A list repairs it. */
		store_list_begin(world.store, KIND_POD);
		for (unsigned i = 0; i < PODS; i++)
			if (m.pods[i].there)
				put_thing(KIND_POD, i, &m.pods[i]);
		store_list_end(world.store, KIND_POD);
		check_all(KIND_POD, PODS, m.pods, m.pods);
		hand_on();
		/* What is dropped is not found again. */
		found = begin();
		assert_int_equal(found.wrong, 0);
		check_all(KIND_POD, PODS, m.pods, m.pods);
		store_recovery_end();
		end_for_good();
		close(memory);
	}
	assert_true(wrong > 16);
	assert_true(lost > 0 && lost < left);
}

static void a_memory_of_another_layout_is_an_empty_one(void **state)
{
	void *base = NULL;

	(void)state;
	memset(board, 0, offsetof(struct board, dump));
	memory = memory_new();
	pid_t pid = fork();
	if (!pid)
		live_and_die(2, 300, false);
	assert_int_equal(WTERMSIG(wait_for(pid)), SIGKILL);
	assert_int_equal(memory_map(memory, MEMORY_ARENA, 4096, &base), 0);
	*(uint64_t *)base += 1;
	munmap(base, 4096);
	struct store_recovered found = begin();
	assert_int_equal(found.objects + found.older + found.wrong, 0);
	store_recovery_end();
	assert_int_equal(world_put_pod(&world, "a", "b", "1", ""), 1);
	hand_on();
	found = begin();
	assert_int_equal(found.objects, 1);
	store_recovery_end();
	end_for_good();
	close(memory);
}

/* What failed must not make the others fail. */
static int let_go(void **state)
{
	(void)state;
	store_memory_close();
	return 0;
}

static int make_board(void **state)
{
	(void)state;
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return board == MAP_FAILED ? -1 : 0;
}

#define recover_test(fn) cmocka_unit_test_teardown(fn, let_go)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    recover_test(users_see_no_difference),
	    recover_test(a_death_at_any_moment_costs_at_most_the_step_it_was_in),
	    recover_test(what_was_damaged_is_dropped_and_counted),
	    recover_test(a_memory_of_another_layout_is_an_empty_one),
	};

	return cmocka_run_group_tests(tests, make_board, NULL);
}
