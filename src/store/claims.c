/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include <podfs/store/claims.h>
#include <podfs/store/collection.h>
#include <podfs/store/cookie.h>

#include "kept.h"

static struct collection_item claim_item(const void *claim)
{
	const struct claim *c = claim;

	return (struct collection_item){c->cookie, c->name};
}

/* Cookies have 63 bits; their highest ones choose the part, so that parts are in order. */
static size_t part_of(uint64_t cookie)
{
	return (size_t)(cookie >> 55) & (CLAIM_PARTS - 1);
}

int claims_reserve(struct claims *c, const struct claim *all, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (collection_reserve_more(&c->parts[part_of(all[i].cookie)], count) < 0)
			return -ENOMEM;
	return 0;
}

/* The better claim's pod is the one that has the name. */
static bool is_better(const struct claim *a, const struct claim *b)
{
	if (a->own != b->own)
		return a->own;
	if (a->pod->created_ns != b->pod->created_ns)
		return a->pod->created_ns > b->pod->created_ns;
	int order = strcmp(a->pod->uid, b->pod->uid);
	if (!order)
		order = strcmp(a->pod->namespace, b->pod->namespace);
	if (!order)
		order = strcmp(a->pod->name, b->pod->name);
	return order < 0;
}

/* Where the best claim to @claim's name is kept, or NULL. */
static struct claim **best_of(struct claims *c, const struct claim *claim)
{
	struct collection *part = &c->parts[part_of(claim->cookie)];
	size_t i = collection_after(part, claim_item, claim->cookie, claim->name);
	struct claim *best = i ? part->items[i - 1] : NULL;

	if (!best || best->cookie != claim->cookie || strcmp(best->name, claim->name) != 0)
		return NULL;
	return (struct claim **)&part->items[i - 1];
}

void claims_insert(struct claims *c, struct claim *claim)
{
	struct claim **at = best_of(c, claim);

	claim->next = NULL;
	if (!at) {
		collection_insert(&c->parts[part_of(claim->cookie)], claim_item, claim);
		return;
	}
	while (*at && !is_better(claim, *at))
		at = &(*at)->next;
	claim->next = *at;
	*at = claim;
}

void claims_remove(struct claims *c, struct claim *claim)
{
	struct claim **at = best_of(c, claim);

	if (*at == claim && !claim->next) {
		collection_remove(&c->parts[part_of(claim->cookie)], claim_item, claim);
		return;
	}
	while (*at != claim)
		at = &(*at)->next;
	*at = claim->next;
}

void claims_replace(struct claims *c, struct claim *old, struct claim *new)
{
	struct claim **at = best_of(c, old);

	while (*at != old)
		at = &(*at)->next;
	new->next = old->next;
	*at = new;
}

const struct claim *claims_find(const struct claims *c, const char *name, size_t len)
{
	return collection_find(&c->parts[part_of(cookie_of(name, len))], claim_item, name, len);
}

struct claim_cursor claims_seek(const struct claims *c, uint64_t cookie)
{
	size_t part = part_of(cookie);

	return (struct claim_cursor){part,
				     collection_after(&c->parts[part], claim_item, cookie, NULL)};
}

const struct claim *claims_next(const struct claims *c, struct claim_cursor *at)
{
	while (at->part < CLAIM_PARTS && at->i >= c->parts[at->part].count)
		*at = (struct claim_cursor){.part = at->part + 1};
	return at->part < CLAIM_PARTS ? c->parts[at->part].items[at->i++] : NULL;
}

void claims_changed(struct claims *c, int64_t now)
{
	if (!now)
		return;
	c->changed_ns = now;
	kept_set(&c->kept, now);
}

void claims_release(struct claims *c)
{
	for (size_t i = 0; i < CLAIM_PARTS; i++)
		collection_release(&c->parts[i]);
	kept_drop(&c->kept);
}
