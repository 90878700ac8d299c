/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <podfs/base/cleanup.h>
#include <podfs/base/memory.h>
#include <podfs/fs/fs.h>

#include "slots.h"

#define PAGE 4096u

/* Set by kernels from 6.9 on in a request that is sent again; not in Debian 12's header. */
#define UNIQUE_RESEND (UINT64_C(1) << 63)

struct slot {
	uint32_t crashed;   /* the thread got a fatal signal */
	uint32_t forgotten; /* how many of the request's FORGETs were applied, or about to be */
	uint32_t lookups;   /* how many of the following */
	uint32_t unused;
	uint64_t ids[SLOT_LOOKUPS];
	_Alignas(PAGE) char request[SLOT_REQUEST];
};

struct slots {
	struct slot (*banks)[FS_WORKERS_MAX];
	struct fs_head *head;
};

static _Thread_local struct slot *mine;

static struct slot *bank_of(const struct slots *s, uint32_t generation)
{
	return s->banks[generation % 2];
}

static struct fuse_in_header *request_of(struct slot *slot)
{
	return (void *)slot->request;
}

/* What is written before it is there if anything is that is written after it: whoever looks does so
 * when the process is dead. */
static inline void in_order(void)
{
	atomic_signal_fence(memory_order_seq_cst);
}

void slot_empty(struct slot *slot)
{
	request_of(slot)->len = 0;
	in_order();
	slot->lookups = 0;
	slot->forgotten = 0;
	slot->crashed = 0;
}

int slots_open(int memory, struct fs_head *head, struct slots **ret)
{
	struct slots *s = calloc(1, sizeof(*s));
	void *base = NULL;
	int r = s ? memory_map(memory, MEMORY_SLOTS, 2 * sizeof(*s->banks), &base) : -ENOMEM;

	if (r < 0) {
		free(s);
		return r;
	}
	s->banks = base;
	s->head = head;
	*ret = s;
	return 0;
}

void slots_close(struct slots *s)
{
	if (!s)
		return;
	munmap(s->banks, 2 * sizeof(*s->banks));
	free(s);
}

/* --- a thread's own --- */

static struct sigaction before[NSIG];

static const int fatal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS};

/* Async-signal-safe. The instruction that failed fails again, before whoever was there first. */
static void note_crash(int signo)
{
	if (mine)
		mine->crashed = 1;
	sigaction(signo, &before[signo], NULL);
}

static void watch_crashes(void)
{
	const struct sigaction action = {.sa_handler = note_crash, .sa_flags = SA_ONSTACK};

	for (size_t i = 0; i < ARRAY_SIZE(fatal); i++)
		sigaction(fatal[i], &action, &before[fatal[i]]);
}

struct slot *slots_use(struct slots *s, unsigned int thread)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct slot *slot = &bank_of(s, s->head->generation)[thread];

	pthread_once(&once, watch_crashes);
	/*
	 * What the kernel copies must find its page there: one that a signal keeps it from getting
	 * is an error of the request.
	 */
	memset(slot->request, 0, 2 * (size_t)PAGE);
	slot_empty(slot);
	mine = slot;
	return slot;
}

void slots_leave(void)
{
	mine = NULL;
}

char *slot_request(struct slot *slot)
{
	return slot->request;
}

void slot_looked_up(uint64_t id)
{
	if (!mine || mine->lookups == SLOT_LOOKUPS)
		return;
	mine->ids[mine->lookups] = id;
	in_order();
	mine->lookups++;
}

void slot_took_back(void)
{
	if (mine && mine->lookups)
		mine->lookups--;
}

void slot_forgets(void)
{
	if (!mine)
		return;
	mine->forgotten++;
	in_order();
}

/* --- what others left --- */

static void forget(struct inode_table *inodes, uint64_t id, uint64_t count)
{
	inode_lock(inodes);
	inode_forget(inodes, id, count);
	inode_unlock(inodes);
}

/* From the first that was not applied on; what is counted before it is applied is never applied
 * twice. */
static void apply_forgets(struct slot *slot, struct inode_table *inodes)
{
	const struct fuse_in_header *h = request_of(slot);
	const void *body = h + 1;

	if (h->opcode == FUSE_FORGET) {
		const struct fuse_forget_in *one = body;

		if (slot->forgotten++ == 0)
			forget(inodes, h->nodeid, one->nlookup);
		return;
	}
	const struct fuse_batch_forget_in *batch = body;
	const struct fuse_forget_one *all = (const void *)(batch + 1);
	size_t room = SLOT_REQUEST - sizeof(*h) - sizeof(*batch);
	uint32_t count = batch->count < room / sizeof(*all) ? batch->count : 0;
	while (slot->forgotten < count) {
		uint32_t i = slot->forgotten++;

		in_order();
		forget(inodes, all[i].nodeid, all[i].nlookup);
	}
}

/* The latest first, so that what is old gives way. */
static void suspect(struct fs_head *head, uint64_t unique, uint32_t weight)
{
	size_t i = 0;

	while (i < FS_SUSPECTS - 1 && head->suspects[i].unique != unique)
		i++;
	if (head->suspects[i].unique == unique)
		weight += head->suspects[i].weight;
	memmove(&head->suspects[1], &head->suspects[0], i * sizeof(*head->suspects));
	head->suspects[0] = (struct fs_suspect){.unique = unique, .weight = weight};
}

static bool is_forget(uint32_t opcode)
{
	return opcode == FUSE_FORGET || opcode == FUSE_BATCH_FORGET;
}

static void recover_forgets(struct slot *slot, struct inode_table *inodes)
{
	const struct fuse_in_header *h = request_of(slot);

	if (!h->len || !is_forget(h->opcode))
		return;
	apply_forgets(slot, inodes);
	slot_empty(slot);
}

/* Those that the supervisor took. */
static void apply_journal(struct fs_head *head, struct inode_table *inodes)
{
	while (head->forget_count) {
		const struct fs_forget *f = &head->forgets[--head->forget_count];

		in_order();
		forget(inodes, f->id, f->count);
	}
}

void slots_recover(struct slots *s, struct inode_table *inodes)
{
	struct slot *left = bank_of(s, s->head->generation - 1);
	struct slot *ours = bank_of(s, s->head->generation);

	for (size_t i = 0; i < FS_WORKERS_MAX; i++) {
		const struct fuse_in_header *h = request_of(&left[i]);

		recover_forgets(&left[i], inodes);
		if (h->len && s->head->death)
			suspect(s->head, h->unique & ~UNIQUE_RESEND,
				left[i].crashed ? FS_WEIGHT_CRASH : FS_WEIGHT_KILLED);
		/* Of the one before that, if the last did not come so far. */
		recover_forgets(&ours[i], inodes);
		slot_empty(&ours[i]);
	}
	apply_journal(s->head, inodes);
}

static void take_back(struct slot *slot, struct inode_table *inodes)
{
	while (slot->lookups) {
		uint64_t id = slot->ids[--slot->lookups];

		in_order();
		forget(inodes, id, 1);
	}
	slot_empty(slot);
}

static bool is_poison(const struct fs_head *head, uint64_t unique)
{
	for (size_t i = 0; i < FS_SUSPECTS; i++)
		if (head->suspects[i].unique == unique)
			return head->suspects[i].weight >= FS_WEIGHT_MAX;
	return false;
}

enum slot_verdict slot_taken(struct slots *s, struct slot *slot, struct inode_table *inodes)
{
	const struct fuse_in_header *h = request_of(slot);
	uint64_t unique = h->unique & ~UNIQUE_RESEND;

	if (unique == h->unique)
		return SLOT_SERVE;
	struct slot *left = bank_of(s, s->head->generation - 1);
	for (size_t i = 0; i < FS_WORKERS_MAX; i++) {
		const struct fuse_in_header *other = request_of(&left[i]);

		if (other->len && (other->unique & ~UNIQUE_RESEND) == unique)
			take_back(&left[i], inodes);
	}
	return is_poison(s->head, unique) ? SLOT_REFUSE : SLOT_SERVE;
}
