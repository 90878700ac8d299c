/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "slab.h"

/* Empty pages that are not given back yet: a record that comes and goes costs no system call. */
#define KEPT_MAX 16u

#define NO_RECORD UINT16_MAX

/* At the start of a page. A free record begins with the number of the next one. */
struct page {
	uint32_t next; /* among those with room */
	uint32_t prev;
	uint16_t live;
	uint16_t fresh; /* records from this one on were never used */
	uint16_t free;  /* the first of those that were, or NO_RECORD */
	uint16_t unused;
};
_Static_assert(sizeof(struct page) == SLAB_HEAD, "records begin behind it");

static struct page *page_at(const struct slab *s, uint32_t number)
{
	return (struct page *)(void *)(s->pages.base + (size_t)number * REGION_PAGE);
}

int slab_init(struct slab *s, int memory, enum memory_area area, size_t record_size, size_t max)
{
	size_t per_page = (REGION_PAGE - SLAB_HEAD) / record_size;

	s->record_size = (uint16_t)record_size;
	s->per_page = (uint16_t)(per_page < 256 ? per_page : 256);
	s->page_count = 1;
	int r = region_map(&s->pages, memory, area, max);
	return r < 0 ? r : region_init(&s->empty, max / REGION_PAGE * sizeof(uint32_t));
}

void slab_release(struct slab *s)
{
	region_release(&s->pages);
	region_release(&s->empty);
}

static void link_page(struct slab *s, uint32_t number)
{
	struct page *p = page_at(s, number);

	p->prev = 0;
	p->next = s->roomy;
	if (p->next)
		page_at(s, p->next)->prev = number;
	s->roomy = number;
}

static void unlink_page(struct slab *s, uint32_t number)
{
	const struct page *p = page_at(s, number);

	if (p->next)
		page_at(s, p->next)->prev = p->prev;
	if (p->prev)
		page_at(s, p->prev)->next = p->next;
	else
		s->roomy = p->next;
}

static uint32_t *empty_at(const struct slab *s, uint32_t i)
{
	return (uint32_t *)(void *)s->empty.base + i;
}

/* Room for its number on the stack of empty pages comes first: giving back cannot fail. */
static int more_pages(struct slab *s)
{
	if (region_need(&s->empty, (s->page_count + 1) * sizeof(uint32_t)) < 0 ||
	    region_need(&s->pages, ((size_t)s->page_count + 1) * REGION_PAGE) < 0)
		return -ENOMEM;
	*empty_at(s, s->empty_count++) = s->page_count++;
	return 0;
}

static int take_page(struct slab *s)
{
	if (!s->empty_count && more_pages(s) < 0)
		return -ENOMEM;
	uint32_t number = *empty_at(s, --s->empty_count);
	if (s->kept)
		s->kept--;
	*page_at(s, number) = (struct page){.free = NO_RECORD};
	link_page(s, number);
	return 0;
}

static void give_page(struct slab *s, uint32_t number)
{
	*empty_at(s, s->empty_count++) = number;
	if (s->kept < KEPT_MAX) {
		s->kept++;
		return;
	}
	size_t oldest = (size_t)*empty_at(s, s->empty_count - 1 - KEPT_MAX) * REGION_PAGE;
	region_drop(&s->pages, oldest, oldest + REGION_PAGE);
}

uint32_t slab_new(struct slab *s)
{
	if (!s->roomy && take_page(s) < 0)
		return 0;
	struct page *p = page_at(s, s->roomy);
	uint32_t slot = s->roomy << 8;
	bool again = p->free != NO_RECORD;
	slot |= again ? p->free : p->fresh++;
	void *record = slab_at(s, slot);
	if (again)
		memcpy(&p->free, record, sizeof(p->free));
	memset(record, 0, s->record_size);
	if (++p->live == s->per_page)
		unlink_page(s, s->roomy);
	return slot;
}

void slab_free(struct slab *s, uint32_t slot)
{
	uint32_t number = slot >> 8;
	struct page *p = page_at(s, number);

	memcpy(slab_at(s, slot), &p->free, sizeof(p->free));
	p->free = (uint16_t)(slot & 0xff);
	if (p->live-- == s->per_page)
		link_page(s, number);
	if (p->live)
		return;
	unlink_page(s, number);
	give_page(s, number);
}

uint32_t slab_slot(const struct slab *s, const void *record)
{
	size_t at = (size_t)((const char *)record - s->pages.base);

	return (uint32_t)(at / REGION_PAGE << 8 | (at % REGION_PAGE - SLAB_HEAD) / s->record_size);
}

uint32_t slab_seek(const struct slab *s, uint32_t slot)
{
	uint32_t number = slot >> 8;
	uint32_t i = slot & 0xff;

	for (; number < s->page_count; number++, i = 0)
		if (number && page_at(s, number)->live && i < page_at(s, number)->fresh)
			return number << 8 | i;
	return 0;
}

/* --- what another process has left --- */

/* The first page from @number on that is not just zero; 0: none. */
static uint32_t next_page_left(const struct slab *s, uint32_t number)
{
	uint64_t at = memory_next(s->pages.memory, s->pages.area, (uint64_t)number * REGION_PAGE);

	return at < s->pages.usable ? (uint32_t)(at / REGION_PAGE) : 0;
}

uint32_t slab_next_left(const struct slab *s, uint32_t slot)
{
	uint32_t number = slot >> 8;

	if (number && (slot & 0xff) + 1 < s->per_page)
		return slot + 1;
	return next_page_left(s, number + 1) << 8;
}

bool slab_is_slot(const struct slab *s, uint32_t slot)
{
	uint32_t number = slot >> 8;

	return number && (slot & 0xff) < s->per_page &&
	       ((uint64_t)number + 1) * REGION_PAGE <= s->pages.usable;
}

/* Its head, from the records that live. */
static void take_over_page(struct slab *s, uint32_t number, bool (*lives)(const void *record))
{
	struct page *p = page_at(s, number);

	*p = (struct page){.fresh = s->per_page, .free = NO_RECORD};
	for (uint16_t i = 0; i < s->per_page; i++) {
		char *record = slab_at(s, number << 8 | i);

		if (lives(record)) {
			p->live++;
		} else {
			memset(record, 0, s->record_size);
			memcpy(record, &p->free, sizeof(p->free));
			p->free = i;
		}
	}
	if (p->live && p->live < s->per_page)
		link_page(s, number);
}

int slab_take_over(struct slab *s, bool (*lives)(const void *record))
{
	uint32_t number = 0;

	/* What has no page in memory is on the stack, and so is what has nothing in it. */
	while ((number = next_page_left(s, number + 1))) {
		while (s->page_count <= number)
			if (more_pages(s) < 0)
				return -ENOMEM;
		take_over_page(s, number, lives);
	}
	s->empty_count = 0;
	for (number = 1; number < s->page_count; number++) {
		if (next_page_left(s, number) == number && page_at(s, number)->live)
			continue;
		*empty_at(s, s->empty_count++) = number;
		region_drop(&s->pages, (size_t)number * REGION_PAGE,
			    ((size_t)number + 1) * REGION_PAGE);
	}
	return 0;
}
