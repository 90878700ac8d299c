/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include <podfs/base/array.h>
#include <podfs/store/slots.h>

/* A free slot's next one is kept in an odd number, which no pointer to an item is. */
static void *link_to(uint32_t next)
{
	return (void *)((uintptr_t)next * 2 + 1);
}

static bool is_link(const void *item)
{
	return (uintptr_t)item & 1;
}

int slots_reserve(struct slots *s)
{
	if (s->free)
		return 0;
	if (s->count == UINT32_MAX - 1)
		return -ENOMEM;
	return array_grow(&s->items, s->count, &s->cap, sizeof(*s->items));
}

uint32_t slots_take(struct slots *s, void *item)
{
	uint32_t slot = s->free ? s->free - 1 : s->count++;

	if (s->free)
		s->free = (uint32_t)((uintptr_t)s->items[slot] / 2);
	s->items[slot] = item;
	return slot;
}

void slots_drop(struct slots *s, uint32_t slot)
{
	s->items[slot] = link_to(s->free);
	s->free = slot + 1;
}

void *slots_get(const struct slots *s, uint32_t slot)
{
	void *item = s->items[slot];

	return is_link(item) ? NULL : item;
}

void slots_release(struct slots *s)
{
	free(s->items);
	*s = (struct slots){0};
}
