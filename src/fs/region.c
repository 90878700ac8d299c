/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/mman.h>

#include "region.h"

/* Bytes that are made usable at a time: a system call each. */
#define STEP (256u << 10)

int region_init(struct region *r, size_t max)
{
	void *base;

	max = (max + STEP - 1) / STEP * STEP;

	/* Address space that nobody may touch costs nothing, whatever the rules of overcommit. */
	for (;; max = max / STEP / 2 * STEP) {
		base =
		    mmap(NULL, max, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (base != MAP_FAILED)
			break;
		if (max == STEP)
			return -ENOMEM;
	}
	/* A huge page would come back whole for the sake of a small one in it. */
	madvise(base, max, MADV_NOHUGEPAGE);
	*r = (struct region){.base = base, .max = max};
	return 0;
}

int region_map(struct region *r, int memory, enum memory_area area, size_t max)
{
	void *base;
	int err;

	max = max / STEP * STEP;
	while ((err = memory_reserve(memory, area, max, &base)) == -ENOMEM && max > STEP)
		max = max / STEP / 2 * STEP;
	if (err < 0)
		return -ENOMEM;
	*r = (struct region){.base = base, .max = max, .area = area, .memory = memory};
	return region_need(r, memory_end(memory, area));
}

void region_release(struct region *r)
{
	if (r->base)
		munmap(r->base, r->max);
	*r = (struct region){0};
}

int region_need(struct region *r, size_t size)
{
	if (size <= r->usable)
		return 0;
	size_t usable = (size + STEP - 1) / STEP * STEP;
	if (usable > r->max ||
	    mprotect(r->base + r->usable, usable - r->usable, PROT_READ | PROT_WRITE) < 0)
		return -ENOMEM;
	r->usable = usable;
	return 0;
}

void region_drop(struct region *r, size_t from, size_t to)
{
	if (r->area)
		memory_drop(r->memory, r->area, from, to);
	else
		madvise(r->base + from, to - from, MADV_DONTNEED);
}
