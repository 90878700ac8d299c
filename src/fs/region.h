/* SPDX-License-Identifier: Apache-2.0 */
/*
 * region: memory that grows in place, up to a limit, and gives pages back.
 *
 * Address space is reserved once, so what lies in it never moves and is named
 * by its offset; pages are there once they are written, and not when dropped.
 */
#ifndef PODFS_FS_REGION_H
#define PODFS_FS_REGION_H

#include <stddef.h>

#define REGION_PAGE 4096u

struct region {
	char *base;
	size_t usable; /* bytes from the start that may be written */
	size_t max;
};

/*
 * Reserves about @max bytes, or less, if a limit of the process does not allow them. 0 or -ENOMEM.
 * A zeroed region may be released.
 */
int region_init(struct region *r, size_t max);
void region_release(struct region *r);

/* Makes the first @size bytes usable; new ones are zero. 0 or -ENOMEM. */
int region_need(struct region *r, size_t size);

/* Gives the pages from @from to before @to back, both multiples of REGION_PAGE: they are zero. */
void region_drop(struct region *r, size_t from, size_t to);

#endif
