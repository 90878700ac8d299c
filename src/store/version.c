/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A version's last reference may go on any thread, but only the loop changes
 * the arena: what is dead waits for it in a list.
 */
#include <string.h>

#include "texts.h"

static _Atomic(struct version *) dead;

static void bury(void)
{
	struct version *v = atomic_exchange(&dead, NULL);

	while (v) {
		struct version *next = v->next;

		texts_drop(v);
		free(v);
		v = next;
	}
}

struct version *version_new(const struct version_text *text)
{
	struct version *v = malloc(sizeof(*v));

	versions_tidy();
	if (!v)
		return NULL;
	atomic_init(&v->refs, 1);
	v->seq = texts_next_seq();
	v->len = (uint32_t)text->len;
	if (texts_put(v, text) < 0) {
		free(v);
		return NULL;
	}
	return v;
}

struct version *version_ref(struct version *v)
{
	atomic_fetch_add_explicit(&v->refs, 1, memory_order_relaxed);
	return v;
}

void version_unref(struct version *v)
{
	if (!v || atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel) > 1)
		return;
	/* The record is the next process's. */
	if (!texts_is_open()) {
		free(v);
		return;
	}
	v->next = atomic_load(&dead);
	while (!atomic_compare_exchange_weak(&dead, &v->next, v)) {}
}

int version_read(const struct version *v, struct buf *ret)
{
	buf_clear(ret);
	int r = buf_reserve(ret, v->len);
	if (r == 0)
		r = texts_get(v, ret->data);
	if (r < 0)
		return r;
	ret->len = v->len;
	ret->data[ret->len] = '\0';
	return 0;
}

int version_same(const struct version *v, const char *text, size_t len, struct buf *scratch)
{
	if (v->len != len)
		return 0;
	int r = version_read(v, scratch);
	return r < 0 ? r : !memcmp(scratch->data, text, len);
}

void versions_tidy(void)
{
	bury();
	texts_tidy();
}
