/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include <podfs/store/collection.h>
#include <podfs/store/cookie.h>

#include "kept.h"

struct collection_item object_item(const void *object)
{
	const struct object *o = object;

	return (struct collection_item){o->cookie, o->name};
}

struct collection_item namespace_item(const void *ns)
{
	const struct store_namespace *n = ns;

	return (struct collection_item){n->cookie, n->name};
}

struct collection_item node_item(const void *node)
{
	const struct store_node *n = node;

	return (struct collection_item){n->cookie, n->name};
}

struct collection_item node_namespace_item(const void *node_namespace)
{
	const struct store_node_namespace *n = node_namespace;

	return namespace_item(n->ns);
}

size_t collection_after(const struct collection *c, collection_key_fn key, uint64_t cookie,
			const char *name)
{
	size_t low = 0;
	size_t high = c->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		struct collection_item item = key(c->items[mid]);
		bool behind = item.cookie != cookie ? item.cookie > cookie
						    : name && strcmp(item.name, name) > 0;

		if (behind)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

void *collection_find(const struct collection *c, collection_key_fn key, const char *name,
		      size_t len)
{
	uint64_t cookie = cookie_of(name, len);

	for (size_t i = collection_after(c, key, cookie - 1, NULL); i < c->count; i++) {
		struct collection_item item = key(c->items[i]);

		if (item.cookie != cookie)
			return NULL;
		if (strlen(item.name) == len && !memcmp(item.name, name, len))
			return c->items[i];
	}
	return NULL;
}

int collection_reserve(struct collection *c)
{
	return collection_reserve_more(c, 1);
}

int collection_reserve_more(struct collection *c, size_t count)
{
	if (c->count + count <= c->cap)
		return 0;
	/* Many have one item or two for good, so a first one asks for as much as malloc() gives. */
	size_t cap = c->cap ? c->cap + c->cap / 4 + count : count < 3 ? 3 : count;
	void **items = realloc(c->items, cap * sizeof(*items));

	if (!items)
		return -ENOMEM;
	c->items = items;
	c->cap = cap;
	return 0;
}

void collection_insert(struct collection *c, collection_key_fn key, void *item)
{
	struct collection_item k = key(item);
	size_t i = collection_after(c, key, k.cookie, k.name);

	assert(c->count < c->cap);
	memmove(c->items + i + 1, c->items + i, (c->count - i) * sizeof(*c->items));
	c->items[i] = item;
	c->count++;
}

void collection_remove(struct collection *c, collection_key_fn key, const void *item)
{
	struct collection_item k = key(item);
	size_t i = collection_after(c, key, k.cookie, k.name);

	/* It is the last of its name's, or one of the few that share it, before that. */
	while (i > 0 && c->items[i - 1] != item)
		i--;
	assert(i > 0);
	memmove(c->items + i - 1, c->items + i, (c->count - i) * sizeof(*c->items));
	c->count--;
}

void collection_changed(struct collection *c, int64_t now)
{
	if (!now)
		return;
	c->changed_ns = now;
	kept_set(&c->kept, now);
}

void collection_release(struct collection *c)
{
	kept_drop(&c->kept);
	free(c->items);
	*c = (struct collection){0};
}
