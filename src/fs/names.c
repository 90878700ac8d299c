/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include <podfs/base/hash.h>
#include <podfs/model/field.h>

#include "names.h"

/* Bytes of each kind of record, and of names with a length class there may be. */
#define CLASS_BYTES (256u << 20)
#define NAMES_MAX (32u << 20)

/* A name's number is its slab's above that of its record. */
#define CLASS_SHIFT 29

struct name {
	uint32_t next; /* in its chain */
	uint32_t hash;
	uint32_t refs;
	uint8_t len;
	char text[];
};

/* Most are "name", "value" and the like; then uids and pods' names; label keys' are the longest. */
static const uint16_t record_sizes[NAMES_CLASSES] = {24, 32, 48, 64, 128, 272};
_Static_assert(offsetof(struct name, text) + FIELD_NAME_MAX < 272, "the longest name fits");

static struct name *name_at(const struct names *n, uint32_t name)
{
	return slab_at(&n->slabs[name >> CLASS_SHIFT], name & ((UINT32_C(1) << CLASS_SHIFT) - 1));
}

static uint32_t *next_name(void *ctx, uint32_t name)
{
	return &name_at(ctx, name)->next;
}

static uint64_t hash_of(void *ctx, uint32_t name)
{
	return name_at(ctx, name)->hash;
}

static const struct chains_of names_of = {next_name, hash_of};

int names_init(struct names *n, int memory)
{
	int r = chains_init(&n->all, NAMES_MAX, &names_of, n);

	for (size_t i = 0; i < NAMES_CLASSES && r == 0; i++)
		r = slab_init(&n->slabs[i], memory, (enum memory_area)(MEMORY_NAMES + i),
			      record_sizes[i], CLASS_BYTES);
	return r;
}

void names_release(struct names *n)
{
	for (size_t i = 0; i < NAMES_CLASSES; i++)
		slab_release(&n->slabs[i]);
	chains_release(&n->all);
}

static uint32_t find(const struct names *n, uint32_t hash, const char *text, size_t len)
{
	uint32_t name = chains_first(&n->all, hash);

	while (name) {
		const struct name *at = name_at(n, name);

		if (at->hash == hash && at->len == len && !memcmp(at->text, text, len))
			break;
		name = at->next;
	}
	return name;
}

static uint32_t hash_name(const char *text, size_t len)
{
	return (uint32_t)hash_bytes(hash_process_key(), text, len);
}

uint32_t names_find(const struct names *n, const char *name, size_t len)
{
	return find(n, hash_name(name, len), name, len);
}

uint32_t names_get(struct names *n, const char *text, size_t len)
{
	uint32_t hash = hash_name(text, len);
	uint32_t name = find(n, hash, text, len);
	uint32_t class = 0;

	if (name) {
		name_at(n, name)->refs++;
		return name;
	}
	if (len > FIELD_NAME_MAX)
		return 0;
	while (offsetof(struct name, text) + len >= record_sizes[class])
		class ++;
	name = slab_new(&n->slabs[class]);
	if (!name)
		return 0;
	name |= class << CLASS_SHIFT;
	struct name *at = name_at(n, name);
	at->hash = hash;
	at->refs = 1;
	at->len = (uint8_t)len;
	memcpy(at->text, text, len);
	chains_add(&n->all, name);
	return name;
}

void names_unref(struct names *n, uint32_t name)
{
	struct name *at = name_at(n, name);

	if (--at->refs)
		return;
	chains_remove(&n->all, name);
	slab_free(&n->slabs[name >> CLASS_SHIFT], name & ((UINT32_C(1) << CLASS_SHIFT) - 1));
}

const char *names_text(const struct names *n, uint32_t name)
{
	return name_at(n, name)->text;
}

/* --- what another process has left --- */

void names_forget_users(struct names *n)
{
	for (size_t i = 0; i < NAMES_CLASSES; i++) {
		struct slab *s = &n->slabs[i];

		for (uint32_t slot = 0; (slot = slab_next_left(s, slot));)
			((struct name *)slab_at(s, slot))->refs = 0;
	}
}

bool names_is_whole(const struct names *n, uint32_t name)
{
	uint32_t class = name >> CLASS_SHIFT;

	if (class >= NAMES_CLASSES ||
	    !slab_is_slot(&n->slabs[class], name & ((UINT32_C(1) << CLASS_SHIFT) - 1)))
		return false;
	const struct name *at = name_at(n, name);
	return at->len && offsetof(struct name, text) + at->len < record_sizes[class] &&
	       strnlen(at->text, (size_t)at->len + 1) == at->len && !memchr(at->text, '/', at->len);
}

void names_use(struct names *n, uint32_t name)
{
	name_at(n, name)->refs++;
}

static bool has_users(const void *record)
{
	const struct name *name = record;

	return name->refs > 0;
}

int names_take_over(struct names *n)
{
	int r = 0;

	for (uint32_t i = 0; i < NAMES_CLASSES && r == 0; i++) {
		struct slab *s = &n->slabs[i];

		r = slab_take_over(s, has_users);
		for (uint32_t slot = 0; r == 0 && (slot = slab_next_left(s, slot));) {
			struct name *at = slab_at(s, slot);

			if (!at->refs)
				continue;
			/* This process has another key. */
			at->hash = hash_name(at->text, at->len);
			chains_add(&n->all, slot | i << CLASS_SHIFT);
		}
	}
	return r;
}
