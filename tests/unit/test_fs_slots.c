/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a worker leaves in its slots, and what the next one makes of it.
 */
#include "unit.h"

#include <linux/fuse.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <podfs/base/memory.h>

#include "fs/inode_table.h"
#include "fs/slots.h"

#define RESEND (UINT64_C(1) << 63)

static struct fs_head *head;
static struct slots *slots;
static struct inode_table *table;
static int memory;

/* Another worker: the one before is dead. */
static void next_worker(int death)
{
	slots_leave();
	slots_close(slots);
	head->generation++;
	head->death = death;
	assert_int_equal(slots_open(memory, head, &slots), 0);
}

static int set_up(void **state)
{
	(void)state;
	memory = memory_new();
	table = inode_table_new(memory);
	if (!table || fs_head_map(memory, &head) < 0)
		return -1;
	slots = NULL;
	next_worker(0);
	slots_recover(slots, table);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	slots_leave();
	slots_close(slots);
	inode_table_free(table);
	fs_head_unmap(head);
	close(memory);
	return 0;
}

static uint64_t add(const char *name, uint64_t lookups)
{
	const struct tree_entry entry = {
	    .name = name, .name_len = strlen(name), .kind = TREE_NAMESPACE};
	struct inode *n = inode_add(table, inode_get(table, INODE_ROOT), &entry, NULL, 5, NULL);

	while (inode_lookups(n) < lookups)
		inode_ref(n);
	return n->id;
}

static uint64_t lookups(uint64_t id)
{
	const struct inode *n = inode_get(table, id);

	return n ? inode_lookups(n) : 0;
}

/* As read() would. */
static void take(struct slot *slot, uint32_t opcode, uint64_t unique, uint64_t node,
		 const void *body, size_t len)
{
	struct fuse_in_header h = {
	    .len = (uint32_t)(sizeof(h) + len), .opcode = opcode, .unique = unique, .nodeid = node};

	memcpy(slot_request(slot), &h, sizeof(h));
	memcpy(slot_request(slot) + sizeof(h), body, len);
}

static void take_lookup(struct slot *slot, uint64_t unique)
{
	take(slot, FUSE_LOOKUP, unique, INODE_ROOT, "name", 5);
}

static void a_forget_that_was_read_and_not_applied_is_applied_once(void **state)
{
	const struct fuse_forget_in one = {.nlookup = 3};
	uint64_t id = add("a", 5);

	(void)state;
	take(slots_use(slots, 0), FUSE_FORGET, 7, id, &one, sizeof(one));
	next_worker(SIGKILL);
	slots_recover(slots, table);
	assert_int_equal(lookups(id), 2);
	next_worker(SIGKILL);
	slots_recover(slots, table);
	assert_int_equal(lookups(id), 2);
}

static void of_many_forgets_those_that_are_left_are_applied(void **state)
{
	struct {
		struct fuse_batch_forget_in head;
		struct fuse_forget_one all[3];
	} batch = {.head.count = 3};
	uint64_t ids[3];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		const char name[] = {(char)('a' + i), '\0'};

		ids[i] = add(name, 4);
		batch.all[i] = (struct fuse_forget_one){ids[i], 2};
	}
	struct slot *slot = slots_use(slots, 1);
	take(slot, FUSE_BATCH_FORGET, 9, 0, &batch, sizeof(batch));
	slot_forgets();
	inode_forget(table, ids[0], 2);
	next_worker(SIGSEGV);
	slots_recover(slots, table);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(lookups(ids[i]), 2);
}

static void a_count_that_is_wrong_is_not_believed(void **state)
{
	const struct fuse_batch_forget_in batch = {.count = UINT32_MAX};
	uint64_t id = add("a", 4);

	(void)state;
	take(slots_use(slots, 0), FUSE_BATCH_FORGET, 9, 0, &batch, sizeof(batch));
	next_worker(SIGKILL);
	slots_recover(slots, table);
	assert_int_equal(lookups(id), 4);
}

static void a_worker_that_dies_before_it_has_begun_loses_no_forget(void **state)
{
	const struct fuse_forget_in one = {.nlookup = 3};
	uint64_t id = add("a", 5);

	(void)state;
	take(slots_use(slots, 0), FUSE_FORGET, 7, id, &one, sizeof(one));
	next_worker(SIGKILL);
	next_worker(SIGKILL);
	slots_recover(slots, table);
	assert_int_equal(lookups(id), 2);
}

static void lookups_of_a_request_that_comes_again_are_taken_back(void **state)
{
	uint64_t given = add("a", 1);
	uint64_t kept = add("b", 1);
	struct slot *slot = slots_use(slots, 0);

	(void)state;
	take_lookup(slot, 20);
	slot_looked_up(given);
	slot_looked_up(kept);
	slot_took_back();
	next_worker(SIGKILL);
	slots_recover(slots, table);
	slot = slots_use(slots, 3);
	take_lookup(slot, 20 | RESEND);
	assert_int_equal(slot_taken(slots, slot, table), SLOT_SERVE);
	assert_int_equal(lookups(given), 0);
	assert_int_equal(lookups(kept), 1);
}

static void lookups_of_a_request_that_was_answered_stay(void **state)
{
	uint64_t given = add("a", 1);
	struct slot *slot = slots_use(slots, 0);

	(void)state;
	take_lookup(slot, 20);
	slot_looked_up(given);
	next_worker(SIGKILL);
	slots_recover(slots, table);
	slot = slots_use(slots, 0);
	take_lookup(slot, 21);
	assert_int_equal(slot_taken(slots, slot, table), SLOT_SERVE);
	slot_empty(slot);
	take_lookup(slot, 22 | RESEND);
	assert_int_equal(slot_taken(slots, slot, table), SLOT_SERVE);
	assert_int_equal(lookups(given), 1);
}

/* Dies of a signal in a handler, as a bug would make it. */
static void crash_at(uint64_t unique)
{
	pid_t pid = fork();

	if (pid == 0) {
		/* Another thread is at another one. */
		take_lookup(slots_use(slots, 1), 51);
		take_lookup(slots_use(slots, 0), unique);
		abort();
	}
	waitpid(pid, NULL, 0);
}

static enum slot_verdict verdict_on(uint64_t unique)
{
	struct slot *slot = slots_use(slots, 2);

	take_lookup(slot, unique | RESEND);
	enum slot_verdict verdict = slot_taken(slots, slot, table);
	slot_empty(slot);
	return verdict;
}

static void a_request_that_has_killed_two_workers_is_refused(void **state)
{
	(void)state;
	crash_at(50);
	next_worker(SIGABRT);
	slots_recover(slots, table);
	assert_int_equal(verdict_on(50), SLOT_SERVE);
	crash_at(50 | RESEND);
	next_worker(SIGABRT);
	slots_recover(slots, table);
	assert_int_equal(verdict_on(50), SLOT_REFUSE);
	assert_int_equal(verdict_on(51), SLOT_SERVE);
}

static void who_is_killed_from_outside_is_not_blamed_on_a_request(void **state)
{
	(void)state;
	for (int n = 0; n < 5; n++) {
		take_lookup(slots_use(slots, 0), 60);
		next_worker(SIGKILL);
		slots_recover(slots, table);
		assert_int_equal(verdict_on(60), SLOT_SERVE);
	}
	/* Nor is a worker that ended because it was told to. */
	for (int n = 0; n < 20; n++) {
		take_lookup(slots_use(slots, 0), 61);
		next_worker(0);
		slots_recover(slots, table);
	}
	assert_int_equal(verdict_on(61), SLOT_SERVE);
}

static void forgets_that_the_supervisor_took_are_applied(void **state)
{
	uint64_t a = add("a", 5);
	uint64_t b = add("b", 5);

	(void)state;
	head->forgets[0] = (struct fs_forget){a, 1};
	head->forgets[1] = (struct fs_forget){b, 4};
	head->forgets[2] = (struct fs_forget){a, 1};
	head->forget_count = 3;
	next_worker(SIGKILL);
	slots_recover(slots, table);
	assert_int_equal(lookups(a), 3);
	assert_int_equal(lookups(b), 1);
	assert_int_equal(head->forget_count, 0);
}

int main(void)
{
#define slots_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    slots_test(a_forget_that_was_read_and_not_applied_is_applied_once),
	    slots_test(of_many_forgets_those_that_are_left_are_applied),
	    slots_test(a_count_that_is_wrong_is_not_believed),
	    slots_test(a_worker_that_dies_before_it_has_begun_loses_no_forget),
	    slots_test(lookups_of_a_request_that_comes_again_are_taken_back),
	    slots_test(lookups_of_a_request_that_was_answered_stay),
	    slots_test(a_request_that_has_killed_two_workers_is_refused),
	    slots_test(who_is_killed_from_outside_is_not_blamed_on_a_request),
	    slots_test(forgets_that_the_supervisor_took_are_applied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
