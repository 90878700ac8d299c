/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slab: records of one size, each named by a 32-bit slot.
 *
 * A record does not move while it is there. Records lie in pages, and a page in
 * which none is left goes back to the system.
 *
 *     slot = page << 8 | record in it           page 0 is not used: slot 0 is none
 *
 * Under its owner's lock; but a record that is known to stay may be read without.
 *
 * The records are in an area that outlives the process. What the pages' heads
 * say is made anew from them by the next one.
 */
#ifndef PODFS_FS_SLAB_H
#define PODFS_FS_SLAB_H

#include <stdbool.h>
#include <stdint.h>

#include "region.h"

/* Before the records of a page. */
#define SLAB_HEAD 16u

struct slab {
	struct region pages;
	struct region empty; /* a stack of the numbers of pages in which there is nothing */
	uint32_t empty_count;
	uint32_t kept; /* of these the last are still memory */
	uint32_t page_count;
	uint32_t roomy;       /* the first of the pages in use that have room; 0: none */
	uint16_t record_size; /* a multiple of 4 */
	uint16_t per_page;
};

/* For up to @max bytes of records; 0 or -ENOMEM. A zeroed slab may be released. */
int slab_init(struct slab *s, int memory, enum memory_area area, size_t record_size, size_t max);
void slab_release(struct slab *s);

/* A zeroed record; 0: out of memory. */
uint32_t slab_new(struct slab *s);
void slab_free(struct slab *s, uint32_t slot);

static inline void *slab_at(const struct slab *s, uint32_t slot)
{
	return s->pages.base + (size_t)(slot >> 8) * REGION_PAGE + SLAB_HEAD +
	       (size_t)(slot & 0xff) * s->record_size;
}

/* The slot of a record. */
uint32_t slab_slot(const struct slab *s, const void *record);

/*
 * What an area that another process has left holds, before anything else is done with the slab:
 * all records that may be there, used ones and others, one after the other from @slot 0 on; 0: no
 * more.
 */
uint32_t slab_next_left(const struct slab *s, uint32_t slot);

/* Whether there can be a record of that slot. */
bool slab_is_slot(const struct slab *s, uint32_t slot);

/* Takes over the records for which @lives says so; others are free. 0 or -ENOMEM. */
int slab_take_over(struct slab *s, bool (*lives)(const void *record));

/* The first slot from @slot on that was ever used, or 0. What is in it may have been freed. */
uint32_t slab_seek(const struct slab *s, uint32_t slot);

#endif
