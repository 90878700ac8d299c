/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts say everything that objects are found by, so they are read once more,
 * by the code that reads what arrives. Newest first: of two states of one object
 * that both say they are what it is now, the later one is.
 */
#include <errno.h>
#include <string.h>

#include <podfs/store/recover.h>

#include "found.h"
#include "internal.h"
#include "kept.h"

int store_memory_open(int memory_fd)
{
	return texts_open(memory_fd);
}

void store_memory_close(void)
{
	versions_tidy();
	texts_close();
}

/* Puts an object back whose text was read. 0 or -ENOMEM. */
static int put_back(struct store *s, struct version *v, const struct packed *p,
		    struct store_recovered *ret)
{
	if (store_find_object(s, p->kind, p->namespace, p->name)) {
		texts_mark(v, false);
		ret->older++;
		return 0;
	}
	int r = store_add_object(s, p, version_ref(v), NULL);
	if (r < 0)
		return r;
	ret->objects++;
	return kept_history_read(store_find_object(s, p->kind, p->namespace, p->name));
}

/* @text keeps its memory from one to the next. */
static int recover_one(struct store *s, size_t i, struct buf *text, struct store_recovered *ret)
{
	cleanup_packed struct packed p = {0};
	struct version *v = found_text(i);
	enum found_use use = found_use(v);
	const char *fault;

	ret->older += use != FOUND_CURRENT;
	if (use == FOUND_OLD)
		return 0;
	int r = version_read(v, text);
	p.text = *text;
	if (r == 0)
		r = packed_from_kept(&s->json_index, found_kind(v), &p, &fault);
	if (r == 0) {
		found_set_group(i, p.group);
		r = use == FOUND_CURRENT ? put_back(s, v, &p, ret) : 0;
	} else if (r != -ENOMEM) {
		found_add_wrong();
		texts_mark(v, false);
		r = 0;
	}
	p.text = (struct buf){0};
	return r;
}

int store_recover(struct store *s, struct store_recovered *ret)
{
	cleanup_buf struct buf text = {0};
	int r = 0;

	*ret = (struct store_recovered){0};
	s->recovering = true;
	for (size_t i = found_count(); i > 0 && r == 0; i--)
		r = recover_one(s, i - 1, &text, ret);
	s->recovering = false;
	found_link_bases();
	ret->wrong = found_wrong();
	return r;
}

struct version *store_version(uint64_t seq)
{
	return found_version(seq);
}

void store_recovery_end(void)
{
	found_end();
}
