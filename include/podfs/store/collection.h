/* SPDX-License-Identifier: Apache-2.0 */
/*
 * collection: pointers in the order of a cookie and a name.
 *
 * Both stand at places the collection is told, so that objects, namespaces and
 * nodes need no common head. Two names may share a cookie.
 */
#ifndef PODFS_STORE_COLLECTION_H
#define PODFS_STORE_COLLECTION_H

#include <podfs/store/store.h>

struct collection_item {
	uint64_t cookie;
	const char *name;
};

typedef struct collection_item (*collection_key_fn)(const void *item);

struct collection_item object_item(const void *object);
struct collection_item namespace_item(const void *ns);
struct collection_item node_item(const void *node);
struct collection_item node_namespace_item(const void *node_namespace);

/* The index of the first item behind (@cookie, @name); @name NULL: behind all with that cookie. */
size_t collection_after(const struct collection *c, collection_key_fn key, uint64_t cookie,
			const char *name);

/* The item of that name, or NULL. Not for collections in which a name may repeat. */
void *collection_find(const struct collection *c, collection_key_fn key, const char *name,
		      size_t len);

/* Room for one more, or for @count. 0 or -ENOMEM. */
int collection_reserve(struct collection *c);
int collection_reserve_more(struct collection *c, size_t count);

/* After collection_reserve() this cannot fail. */
void collection_insert(struct collection *c, collection_key_fn key, void *item);
void collection_remove(struct collection *c, collection_key_fn key, const void *item);

/* When one came or went; 0: it is as it was. [loop] */
void collection_changed(struct collection *c, int64_t now);

void collection_release(struct collection *c);

#endif
