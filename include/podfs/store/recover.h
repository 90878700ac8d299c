/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recover: a store that outlives the process.
 *
 * Objects, older versions that somebody holds, and when what was last changed lie
 * in a memory (base/memory.h) that is handed from process to process. Whoever
 * has it next starts in this order, all on the loop's thread, before there is
 * another one:
 *
 *	store_memory_open(fd)      what is in the memory is looked through
 *	store_new(rules)
 *	store_recover(s)           everything is as it was when the other one ended
 *	store_version(seq) ...     who held an older version takes it
 *	store_recovery_end()       what nobody took goes
 *	store_observe(s), a list or a watch
 *
 * An empty memory is one that has nothing in it. It may be killed at any moment,
 * in this order too.
 */
#ifndef PODFS_STORE_RECOVER_H
#define PODFS_STORE_RECOVER_H

#include <podfs/store/store.h>

/**
 * Opens the memory, once in a process, before anything else of the store. A process
 * that does not has a memory of its own.
 *
 * @memory_fd  from memory_new(); it stays the caller's, who may close it.
 *
 * 0 or -errno; -EBUSY: one is open.
 */
int store_memory_open(int memory_fd);

/*
 * From now on the memory is the next process's. Nothing is written after that, no version
 * is read; references and the store are given back as always. The loop is the last thread
 * that has to do with the store. After store_free() instead of before it, the memory is empty.
 */
void store_memory_close(void);

struct store_recovered {
	uint64_t objects;
	uint64_t older; /* versions that are not an object's newest */
	uint64_t wrong; /* records that were damaged, and dropped: a list brings what is missing */
};

/**
 * Puts what was there into a new store, without telling an observer.
 *
 * @ret  set in any case.
 *
 * 0 or -ENOMEM: then another process may try.
 */
int store_recover(struct store *s, struct store_recovered *ret);

/* The version of that number, with a reference for the caller; NULL: there is none. */
struct version *store_version(uint64_t seq);

void store_recovery_end(void);

#endif
