/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the next process makes of an inode table whose process was killed: a
 * child works on a table and says in memory that is shared what it does, until
 * it is killed, wherever it is. What it had done must be there, and what it was
 * about to do must be there whole or not at all.
 */
#include "unit.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <podfs/base/memory.h>

#include "fs/inode_table.h"

#define NODES 600u

struct said {
	uint32_t doing; /* the node something is done to, and 1 more; 0: none */
	uint32_t rounds;
	struct {
		uint64_t id; /* 0: not there */
		uint64_t lookups;
		uint32_t parent; /* as in `doing`; 0: the root */
		uint32_t children;
		uint32_t content; /* bytes of its own; 0: it has a name */
		bool detached;
	} nodes[NODES];
};

static struct said *said;
static int memory;

static int set_up(void **state)
{
	(void)state;
	memory = memory_new();
	said = mmap(NULL, sizeof(*said), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return memory < 0 || said == MAP_FAILED ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	munmap(said, sizeof(*said));
	close(memory);
	return 0;
}

static void name_of(uint32_t i, char *ret, size_t size)
{
	snprintf(ret, size, i % 3 ? "name-%u" : "a-name-that-is-longer-%u", i);
}

static struct inode *add(struct inode_table *t, struct inode *parent, uint32_t i, struct pin *pin)
{
	char name[64];

	name_of(i, name, sizeof(name));
	const struct tree_entry entry = {.name = name,
					 .name_len = strlen(name),
					 .kind = pin ? TREE_SELF_STATUS : TREE_NAMESPACE};
	return inode_add(t, parent, &entry, NULL, i + 100, pin);
}

static struct pin *content_of(uint32_t i, uint32_t len)
{
	struct pin *p = pin_new();

	for (uint32_t n = 0; n < len; n++)
		buf_addch(&p->content, (char)('a' + (n + i) % 26));
	return p;
}

/* --- the child --- */

static void come(struct inode_table *t, struct dice *d, uint32_t i)
{
	uint32_t parent = dice_roll(d, NODES);
	uint32_t content = dice_one_in(d, 4) ? 1 + dice_roll(d, 2000) : 0;
	bool has = parent != i && said->nodes[parent].id && !said->nodes[parent].content &&
		   !said->nodes[parent].detached;
	struct inode *p = inode_get(t, has ? said->nodes[parent].id : INODE_ROOT);
	struct inode *n = add(t, p, i, content ? content_of(i, content) : NULL);

	said->nodes[i].lookups = 1;
	said->nodes[i].parent = has ? parent + 1 : 0;
	said->nodes[i].children = 0;
	said->nodes[i].content = content;
	said->nodes[i].detached = content > 0;
	said->nodes[i].id = n->id;
	if (has)
		said->nodes[parent].children++;
}

static void went(uint32_t i)
{
	while (said->nodes[i].id && !said->nodes[i].lookups && !said->nodes[i].children) {
		uint32_t parent = said->nodes[i].parent;

		said->nodes[i].id = 0;
		if (!parent)
			break;
		i = parent - 1;
		said->nodes[i].children--;
	}
}

static void change(struct inode_table *t, struct dice *d, uint32_t i)
{
	struct inode *n = inode_get(t, said->nodes[i].id);

	switch (dice_roll(d, 3)) {
	case 0:
		inode_ref(n);
		said->nodes[i].lookups++;
		break;
	case 1:
		if (said->nodes[i].lookups) {
			inode_forget(t, said->nodes[i].id, 1);
			said->nodes[i].lookups--;
			went(i);
		}
		break;
	default:
		if (n->attached && !said->nodes[i].children) {
			inode_detach(t, n, content_of(i, 7));
			said->nodes[i].detached = true;
			said->nodes[i].content = 7;
		}
	}
}

_Noreturn static void work(struct inode_table *t, uint64_t seed)
{
	struct dice d = {seed};

	for (;; said->rounds++) {
		uint32_t i = dice_roll(&d, NODES);

		__atomic_store_n(&said->doing, i + 1, __ATOMIC_SEQ_CST);
		if (said->nodes[i].id)
			change(t, &d, i);
		else
			come(t, &d, i);
		__atomic_store_n(&said->doing, 0, __ATOMIC_SEQ_CST);
	}
}

/* --- who comes after it --- */

static struct object *no_object(void *ctx, const char *path)
{
	(void)ctx;
	(void)path;
	return NULL;
}

static struct selection *no_selection(void *ctx, const char *path)
{
	(void)ctx;
	(void)path;
	return NULL;
}

static struct version *no_version(void *ctx, uint64_t seq)
{
	(void)ctx;
	(void)seq;
	return NULL;
}

static const struct inode_finders nothing_to_find = {NULL, no_object, no_selection, no_version};

static void check_content(const struct inode_table *t, const struct inode *n, uint32_t i)
{
	const struct pin *pin = inode_pin(t, n);

	assert_non_null(pin);
	assert_int_equal(pin->content.len, said->nodes[i].content);
	for (uint32_t k = 0; k < said->nodes[i].content; k++)
		assert_int_equal(pin->content.data[k], 'a' + (k + i) % 26);
}

/* Whether what was under way touched it: itself, and those above it. */
static bool touched(uint32_t i)
{
	for (uint32_t at = said->doing; at; at = said->nodes[at - 1].parent)
		if (at == i + 1)
			return true;
	return false;
}

static void check_node(struct inode_table *t, uint32_t i)
{
	struct inode *n = inode_get(t, said->nodes[i].id);
	char name[64];

	assert_non_null(n);
	name_of(i, name, sizeof(name));
	assert_string_equal(inode_name(t, n), name);
	assert_int_equal(n->ino, i + 100);
	const struct inode *parent = inode_parent(t, n);
	assert_int_equal(parent->id, said->nodes[i].parent
					 ? said->nodes[said->nodes[i].parent - 1].id
					 : (uint64_t)INODE_ROOT);
	if (touched(i))
		return;
	assert_int_equal(inode_lookups(n), said->nodes[i].lookups);
	assert_int_equal(n->attached, !said->nodes[i].detached);
	if (said->nodes[i].content)
		check_content(t, n, i);
	else if (!said->nodes[i].detached)
		assert_ptr_equal(inode_child(t, inode_get(t, parent->id), name, strlen(name)), n);
}

/* Says how many there are. */
static uint64_t check(struct inode_table *t)
{
	uint64_t count = 1;

	for (uint32_t i = 0; i < NODES; i++) {
		if (!said->nodes[i].id || (touched(i) && !inode_get(t, said->nodes[i].id)))
			continue;
		check_node(t, i);
		count++;
	}
	return count;
}

static uint32_t number_of(const char *name)
{
	return (uint32_t)strtoul(strrchr(name, '-') + 1, NULL, 10);
}

/* Of what was under way it is not known how far it came: from now on what is there counts. */
static void say_what_is_there(struct inode_table *t)
{
	struct inode_summary some[64];
	uint32_t at = 0;
	size_t count;

	memset(said->nodes, 0, sizeof(said->nodes));
	said->doing = 0;
	while ((count = inode_summaries(t, &at, some, ARRAY_SIZE(some))))
		for (size_t k = 0; k < count; k++) {
			const struct inode *n = inode_get(t, some[k].id);
			const struct pin *pin = inode_pin(t, n);

			if (n->id == INODE_ROOT)
				continue;
			uint32_t i = number_of(some[k].name);
			uint32_t parent = some[k].parent == INODE_ROOT
					      ? 0
					      : number_of(inode_name(t, inode_parent(t, n))) + 1;
			said->nodes[i].id = n->id;
			said->nodes[i].lookups = inode_lookups(n);
			said->nodes[i].parent = parent;
			said->nodes[i].content = pin ? (uint32_t)pin->content.len : 0;
			said->nodes[i].detached = !n->attached;
			if (parent)
				said->nodes[parent - 1].children++;
		}
}

static void forget_all(struct inode_table *t)
{
	struct inode_summary some[64];
	size_t count;
	bool any = true;

	while (any) {
		uint32_t at = 0;

		any = false;
		while ((count = inode_summaries(t, &at, some, ARRAY_SIZE(some))))
			for (size_t i = 0; i < count; i++) {
				const struct inode *n = inode_get(t, some[i].id);

				if (!n || n->id == INODE_ROOT || !inode_lookups(n))
					continue;
				any = true;
				inode_forget(t, n->id, inode_lookups(n));
			}
	}
}

static struct inode_table *recover(struct inode_recovered *ret)
{
	struct inode_table *t = inode_table_recover(memory, &nothing_to_find, ret);

	assert_non_null(t);
	return t;
}

/* Lets a child take a table over and work on it for a moment, and kills it. */
static void run_and_kill(uint64_t seed, long ns)
{
	struct inode_recovered found;
	const struct timespec moment = {0, ns};
	uint32_t before = said->rounds;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		work(recover(&found), seed);
	while (__atomic_load_n(&said->rounds, __ATOMIC_SEQ_CST) < before + 300)
		sched_yield();
	nanosleep(&moment, NULL);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static void a_table_is_what_it_was_when_its_process_was_killed(void **state)
{
	struct inode_recovered found;
	struct inode_table *t = inode_table_new(memory);
	uint64_t last = 0;
	uint32_t midway = 0;
	struct dice d = {7};

	(void)state;
	for (uint32_t life = 0; life < 60; life++) {
		inode_table_free(t);
		run_and_kill(life, dice_roll(&d, 300000));
		t = recover(&found);
		assert_int_equal(found.dropped, 0);
		assert_int_equal(found.lost, 0);
		uint64_t count = check(t);
		/* What was just coming may be one more. */
		assert_true(found.nodes >= count && found.nodes <= count + (said->doing != 0));
		assert_true(*t->last_id >= last);
		last = *t->last_id;
		midway += said->doing != 0;
		say_what_is_there(t);
	}
	assert_true(midway > 10);
	forget_all(t);
	assert_int_equal(inode_count(t), 1);
	inode_table_free(t);
}

static void whoever_recovers_may_be_killed_too(void **state)
{
	struct inode_recovered found;
	struct inode_table *t = inode_table_new(memory);

	(void)state;
	inode_table_free(t);
	run_and_kill(3, 2000000);
	for (int n = 0; n < 20; n++) {
		const struct timespec moment = {0, n * 20000};
		pid_t pid = fork();

		if (pid == 0) {
			recover(&found);
			pause();
		}
		nanosleep(&moment, NULL);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	t = recover(&found);
	assert_int_equal(found.dropped, 0);
	check(t);
	inode_table_free(t);
}

/* Not a byte of a record is believed: whatever is wrong is left out, and nothing is followed. */
static void damage_is_dropped(void **state)
{
	struct inode_recovered found;
	struct inode_table *t = inode_table_new(memory);
	struct dice d = {11};

	(void)state;
	inode_table_free(t);
	run_and_kill(5, 1000000);
	t = recover(&found);
	for (int n = 0; n < 300; n++) {
		char *base = t->nodes.pages.base + REGION_PAGE;
		size_t at = dice_roll(&d, 12 * REGION_PAGE);

		/* The root is needed. */
		if (at >= SLAB_HEAD + sizeof(struct inode))
			base[at] = (char)(base[at] ^ (1 << dice_roll(&d, 8)));
	}
	inode_table_free(t);
	t = recover(&found);
	assert_true(found.nodes > 1);
	forget_all(t);
	inode_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_table_is_what_it_was_when_its_process_was_killed,
					    set_up, tear_down),
	    cmocka_unit_test_setup_teardown(whoever_recovers_may_be_killed_too, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(damage_is_dropped, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
