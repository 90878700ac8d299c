/* SPDX-License-Identifier: Apache-2.0 */
/*
 * region: memory that grows in place, up to a limit, and gives pages back.
 *
 * Address space is reserved once, so what lies in it never moves and is named
 * by its offset; pages are there once they are written, and not when dropped.
 * It is the process's own, or an area of what outlives it.
 */
#ifndef PODFS_FS_REGION_H
#define PODFS_FS_REGION_H

#include <stddef.h>

#include <podfs/base/memory.h>

#define REGION_PAGE 4096u

struct region {
	char *base;
	size_t usable; /* bytes from the start that may be written */
	size_t max;
	enum memory_area area; /* MEMORY_UNSET: our own */
	int memory;            /* which the area is in; the caller's */
};

/*
 * Reserves about @max bytes, or less, if a limit of the process does not allow them. 0 or -ENOMEM.
 * A zeroed region may be released.
 */
int region_init(struct region *r, size_t max);
/* The same for an area, with what is in it. */
int region_map(struct region *r, int memory, enum memory_area area, size_t max);
void region_release(struct region *r);

/* Makes the first @size bytes usable; new ones are zero. 0 or -ENOMEM. */
int region_need(struct region *r, size_t size);

/* Gives the pages from @from to before @to back, both multiples of REGION_PAGE: they are zero. */
void region_drop(struct region *r, size_t from, size_t to);

#endif
