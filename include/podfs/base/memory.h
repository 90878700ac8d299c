/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory: what must outlive the process that serves.
 *
 * A memfd, divided into areas of address space. The supervisor makes it, each
 * worker maps it; a worker that was killed leaves everything in it as it was at
 * that moment. Pages are zero until they are written, and again when dropped.
 * What lies in it knows other things by offsets and numbers, never by pointers.
 */
#ifndef PODFS_BASE_MEMORY_H
#define PODFS_BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* A name has one area for each class of lengths (fs/names.h). */
#define MEMORY_NAMES_COUNT 6

enum memory_area {
	MEMORY_UNSET,
	MEMORY_HEAD,     /* what the supervisor and the worker tell each other: worker/head.h */
	MEMORY_SLOTS,    /* the requests that threads have taken: fs/slots.h */
	MEMORY_ARENA,    /* packed objects: store/arena.h */
	MEMORY_NODES,    /* of the inode table: fs/inode.h */
	MEMORY_HOLDS,    /* what they show */
	MEMORY_CONTENTS, /* bytes that were made for one node */
	MEMORY_NAMES,    /* and those that follow */
	MEMORY_AREAS = MEMORY_NAMES + MEMORY_NAMES_COUNT,
};

/* Bytes of address space, a multiple of 1 GiB; no memory. */
uint64_t memory_area_size(enum memory_area area);

/*
 * Makes one; its size is sealed, so that no process can take pages away from under another.
 * A descriptor that exec() closes, or -errno.
 */
int memory_new(void);

/* Maps the first @size bytes of an area, shared. 0 or -errno. */
int memory_map(int fd, enum memory_area area, size_t size, void **ret);

/*
 * The same for what will hardly be used whole: nothing of it may be touched before memory_use().
 * Who goes through all that may be read, as a checker of leaks does, would make memory of it.
 */
int memory_reserve(int fd, enum memory_area area, size_t size, void **ret);

/* The bytes from @from to before @to of what was reserved, multiples of a page's size, may be
 * used. 0 or -errno. */
int memory_use(void *base, size_t from, size_t to);

/* The pages from @from to before @to, both multiples of a page's size, are zero from now on. */
void memory_drop(int fd, enum memory_area area, uint64_t from, uint64_t to);

/*
 * The first byte of the area at or behind @from that may be something else than zero, in whole
 * pages; the area's size: there is none.
 */
uint64_t memory_next(int fd, enum memory_area area, uint64_t from);

/* Behind that there are only zeros: a multiple of a page's size, 0 if there is nothing else. */
uint64_t memory_end(int fd, enum memory_area area);

#endif
