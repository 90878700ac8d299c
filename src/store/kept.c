/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "found.h"
#include "kept.h"

/* The bytes of both begin with the key. Of a number only that is checked (record_check()). */
struct number {
	uint64_t key;
	int64_t value;
};

static uint64_t add_name(const struct arena *a, uint64_t h, const char *name)
{
	return hash_u64(h ^ hash_bytes(arena_key(a), name, strlen(name))) + 1;
}

static uint64_t number_key(const struct arena *arena, enum kept_what what, const char *a,
			   const char *b)
{
	return add_name(arena, add_name(arena, hash_u64((uint64_t)what), a), b);
}

/* Another uid is another object, and so is another name. */
static uint64_t history_key(const struct arena *a, const struct object *o)
{
	uint64_t h = add_name(a, hash_u64(UINT64_MAX - (uint64_t)o->kind), o->namespace);

	return add_name(a, add_name(a, h, o->name), o->uid);
}

static struct number *number_at(uint64_t off)
{
	return (struct number *)(void *)(arena_at(texts_arena(), off) + 1);
}

static void add(struct arena *a, enum record_form form, const struct buf *bytes, uint32_t constant,
		_Atomic uint64_t *owner)
{
	const struct record head = {
	    .form = (uint8_t)form,
	    .len = constant,
	    .bytes = (uint32_t)bytes->len,
	    .seq = texts_next_seq(),
	    .owner = owner,
	};
	uint64_t off;

	if (arena_add(a, &head, bytes->data, &off) == 0)
		*owner = off;
}

int64_t kept_open(enum kept_what what, const char *a, const char *b, int64_t value,
		  _Atomic uint64_t *ret)
{
	struct arena *arena = texts_arena_open();

	*ret = 0;
	if (!arena)
		return value;
	struct number n = {number_key(arena, what, a, b), value};
	const struct buf bytes = {.data = (char *)&n, .len = sizeof(n)};
	uint64_t off = found_take(KEPT_NUMBER, n.key, ret);
	if (off)
		return number_at(off)->value;
	add(arena, KEPT_NUMBER, &bytes, sizeof(n.key), ret);
	return value;
}

void kept_set(const _Atomic uint64_t *kept, int64_t value)
{
	if (*kept && texts_is_open())
		__atomic_store_n(&number_at(*kept)->value, value, __ATOMIC_RELEASE);
}

void kept_drop(_Atomic uint64_t *kept)
{
	if (*kept && texts_is_open())
		arena_drop(texts_arena_open(), *kept);
	*kept = 0;
}

void kept_history_write(struct object *o)
{
	struct arena *a = texts_arena_open();
	cleanup_buf struct buf bytes = {0};
	uint64_t key = a ? history_key(a, o) : 0;
	uint64_t before = o->kept;

	/* If there is no memory it is the one before that the next process finds. */
	if (!a || buf_add(&bytes, &key, sizeof(key)) < 0 || history_write(&o->history, &bytes) < 0)
		return;
	add(a, KEPT_HISTORY, &bytes, (uint32_t)bytes.len, &o->kept);
	if (before && before != o->kept)
		arena_drop(a, before);
}

int kept_history_read(struct object *o)
{
	uint64_t off =
	    found_take(KEPT_HISTORY, texts_is_open() ? history_key(texts_arena(), o) : 0, &o->kept);

	if (!off)
		return 0;
	const struct record *r = arena_at(texts_arena(), off);
	int err = history_read(&o->history, record_bytes(r) + sizeof(uint64_t),
			       r->bytes - sizeof(uint64_t));
	if (err != -EINVAL)
		return err;
	found_add_wrong();
	return 0;
}
