/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A death can have come between any two steps of the writer. So there may be two
 * copies of a record that was being moved; versions that were not published
 * yet, or were not dropped yet; a base whose last sibling has gone. The first
 * are resolved here, the others by what nobody takes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <podfs/base/array.h>

#include "found.h"
#include "texts_state.h"

struct text {
	uint64_t seq;
	uint64_t off; /* of its record, until it has a version */
	struct version *version;
	uint32_t base; /* its number, 0: it is none */
	uint64_t group;
};

struct kept {
	uint64_t key;
	_Atomic uint64_t off; /* 0: free, or taken */
};

static struct {
	uint64_t wrong;
	struct text *texts;
	size_t count;
	size_t cap;
	bool linked;
	struct kept *kept; /* by key; a power of two, and room for as many again */
	size_t buckets;
	uint64_t *kept_offs; /* until they are there */
	size_t kept_count;
	size_t kept_cap;
} found;

static struct record *at(uint64_t off)
{
	return arena_at(&texts.arena, off);
}

static void drop_wrong(uint64_t off)
{
	arena_drop(&texts.arena, off);
	found.wrong++;
}

uint64_t found_wrong(void)
{
	return found.wrong;
}

void found_add_wrong(void)
{
	found.wrong++;
}

/* --- dictionaries --- */

static int take_dictionary(const struct record *r, uint64_t off)
{
	struct dictionary *d = &texts.dictionaries[r->kind];

	/* A copy of one that was being moved. */
	if (d->pack) {
		arena_drop(&texts.arena, off);
		return 0;
	}
	return dictionary_load(d, record_bytes(r), r->bytes);
}

/* --- all records --- */

static int note_text(const struct record *r, uint64_t off)
{
	if (array_grow(&found.texts, found.count, &found.cap, sizeof(*found.texts)) < 0)
		return -ENOMEM;
	found.texts[found.count++] = (struct text){.seq = r->seq, .off = off};
	return 0;
}

static int note_kept(uint64_t off)
{
	if (array_grow(&found.kept_offs, found.kept_count, &found.kept_cap,
		       sizeof(*found.kept_offs)) < 0)
		return -ENOMEM;
	found.kept_offs[found.kept_count++] = off;
	return 0;
}

static int note(void *ctx, struct record *r, uint64_t off)
{
	(void)ctx;
	if (r->seq > texts.last_seq)
		texts.last_seq = r->seq;
	r->owner = NULL;
	r->users = 0;
	switch (r->kind < KIND_COUNT ? r->form : RECORD_UNSET) {
	case TEXT_PLAIN:
	case TEXT_ALONE:
	case TEXT_DICTIONARY:
	case TEXT_SIBLING:
		if (r->kind != KIND_UNSET)
			return note_text(r, off);
		break;
	case TEXT_LEARNT:
		return take_dictionary(r, off);
	case KEPT_NUMBER:
	case KEPT_HISTORY:
		if (r->bytes >= (r->form == KEPT_NUMBER ? 2 : 1) * sizeof(uint64_t))
			return note_kept(off);
		break;
	default:
		break;
	}
	drop_wrong(off);
	return 0;
}

/* --- texts --- */

static int by_seq(const void *a, const void *b)
{
	const struct text *x = a;
	const struct text *y = b;

	return (x->seq > y->seq) - (x->seq < y->seq);
}

/* What it is packed with is there. A base has a lower number than its siblings. */
static int find_support(struct text *t, const struct record *r)
{
	if (r->form == TEXT_DICTIONARY && !texts.dictionaries[r->kind].unpack)
		return -EINVAL;
	if (r->form == TEXT_SIBLING) {
		uint64_t base = bases_off(&texts.bases, r->reference);

		if (!base)
			return -EINVAL;
		at(base)->users++;
		return 0;
	}
	t->base = r->reference;
	return t->base ? bases_restore(&texts.bases, t->base, t->off) : 0;
}

static int make_version(struct text *t)
{
	struct record *r = at(t->off);
	struct version *v = malloc(sizeof(*v));

	if (!v)
		return -ENOMEM;
	atomic_init(&v->refs, 1);
	v->len = r->len;
	v->seq = r->seq;
	atomic_init(&v->off, t->off);
	r->owner = &v->off;
	t->version = v;
	if (r->form == TEXT_ALONE)
		texts.alone[r->kind]++;
	return 0;
}

static int make_versions(void)
{
	size_t count = found.count;
	int r = 0;

	if (count)
		qsort(found.texts, count, sizeof(*found.texts), by_seq);
	found.count = 0;
	for (size_t i = 0; i < count && r == 0; i++) {
		struct text *t = &found.texts[i];

		if (found.count && found.texts[found.count - 1].seq == t->seq) {
			arena_drop(&texts.arena, t->off);
			continue;
		}
		r = find_support(t, at(t->off));
		if (r == -EINVAL) {
			drop_wrong(t->off);
			r = 0;
			continue;
		}
		if (r == 0)
			r = make_version(t);
		if (r == 0)
			found.texts[found.count++] = *t;
	}
	return r < 0 ? r : bases_restored(&texts.bases);
}

size_t found_count(void)
{
	return found.count;
}

struct version *found_text(size_t i)
{
	return found.texts[i].version;
}

static struct text *find(uint64_t seq)
{
	const struct text key = {.seq = seq};

	return found.count ? bsearch(&key, found.texts, found.count, sizeof(*found.texts), by_seq)
			   : NULL;
}

struct version *found_version(uint64_t seq)
{
	const struct text *t = find(seq);

	return t ? version_ref(t->version) : NULL;
}

static const struct record *record_of(const struct version *v)
{
	return at(atomic_load(&v->off));
}

enum found_use found_use(const struct version *v)
{
	const struct record *r = record_of(v);

	if (r->magic == RECORD_CURRENT)
		return FOUND_CURRENT;
	return r->form != TEXT_SIBLING && r->reference ? FOUND_BASE : FOUND_OLD;
}

enum kind found_kind(const struct version *v)
{
	return record_of(v)->kind;
}

void found_set_group(size_t i, uint64_t group)
{
	found.texts[i].group = group;
}

void found_link_bases(void)
{
	for (size_t i = 0; i < found.count && !found.linked; i++) {
		const struct text *t = &found.texts[i];

		if (t->base)
			bases_restore_group(&texts.bases, t->base, t->group);
	}
	found.linked = true;
}

/* --- what is kept besides --- */

static uint64_t key_of(uint64_t off)
{
	uint64_t key;

	memcpy(&key, record_bytes(at(off)), sizeof(key));
	return key;
}

/* The place of a key, or a free one for it. */
static struct kept *place_of(uint64_t key)
{
	size_t i = (size_t)key & (found.buckets - 1);

	while (found.kept[i].off && found.kept[i].key != key)
		i = (i + 1) & (found.buckets - 1);
	return &found.kept[i];
}

/* Of two with one key the later one is true. */
static void add_kept(uint64_t off)
{
	uint64_t key = key_of(off);
	struct kept *k = place_of(key);
	uint64_t other = k->off;

	if (other && at(other)->seq > at(off)->seq) {
		arena_drop(&texts.arena, off);
		return;
	}
	k->key = key;
	k->off = off;
	at(off)->owner = &k->off;
	if (other)
		arena_drop(&texts.arena, other);
}

static int map_kept(void)
{
	size_t buckets = 16;

	while (buckets < found.kept_count * 2)
		buckets *= 2;
	found.kept = calloc(buckets, sizeof(*found.kept));
	if (!found.kept)
		return -ENOMEM;
	found.buckets = buckets;
	for (size_t i = 0; i < found.kept_count; i++)
		add_kept(found.kept_offs[i]);
	free(found.kept_offs);
	found.kept_offs = NULL;
	found.kept_count = 0;
	return 0;
}

uint64_t found_take(enum record_form form, uint64_t key, _Atomic uint64_t *owner)
{
	struct kept *k = found.kept ? place_of(key) : NULL;
	uint64_t off = k ? k->off : 0;
	struct record *r = at(off);

	if (!off || r->form != form || r->owner != &k->off)
		return 0;
	r->owner = owner;
	*owner = off;
	return off;
}

int found_look(void)
{
	int r = arena_scan(&texts.arena, &found.wrong);

	if (r == 0)
		r = arena_each(&texts.arena, note, NULL);
	if (r == 0)
		r = make_versions();
	return r < 0 ? r : map_kept();
}

void found_end(void)
{
	found_link_bases();
	for (size_t i = 0; i < found.buckets; i++) {
		uint64_t off = found.kept[i].off;

		if (off && at(off)->owner == &found.kept[i].off)
			arena_drop(&texts.arena, off);
	}
	found_release();
	versions_tidy();
}

void found_release(void)
{
	for (size_t i = 0; i < found.count; i++)
		version_unref(found.texts[i].version);
	free(found.texts);
	free(found.kept);
	free(found.kept_offs);
	memset(&found, 0, sizeof(found));
}
