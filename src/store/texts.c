/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <podfs/base/memory.h>

#include "found.h"
#include "texts_state.h"

/* With fewer texts that stand alone a dictionary takes more memory than it saves. */
#define LEARN_AT 512u
#define LEARN_FROM 128u /* of them, so that learning is quick */
#define LEARN_BYTES_MAX (8u << 20)

/* A text is read together with its base, so that is none that is large. */
#define BASE_BYTES_MAX (64u << 10)

/* What is no smaller than so much of the text has little in common with its base. */
#define ALIKE 8u

/* Against a base higher levels find nothing more. */
#define SIBLING_LEVEL 1

/*
 * Texts and their base have some 20 kB. In a table of 16 kB no less of that is found than in the
 * 128 kB that zstd would take, and a processor that did something else meanwhile has less to fetch.
 */
#define SIBLING_HASH_LOG 12

#define ROW_MIN 3u

/* What is larger goes back after use. */
#define SCRATCH_MAX (256u << 10)

struct texts texts;

/* Which opening of the memory it is: a seq is one of an opening. */
static atomic_uint opening;

/* What a thread needs to read; it goes with the thread. */
struct reader {
	ZSTD_DCtx *dctx;
	struct buf base; /* the last one, which is likely to be the next one's, too */
	uint64_t base_seq;
	unsigned int opening; /* that it is of */
};

static pthread_key_t reader_key;
static pthread_once_t reader_once = PTHREAD_ONCE_INIT;

static void reader_free(void *arg)
{
	struct reader *rd = arg;

	ZSTD_freeDCtx(rd->dctx);
	buf_release(&rd->base);
	free(rd);
}

static void make_reader_key(void)
{
	pthread_key_create(&reader_key, reader_free);
}

static struct reader *get_reader(void)
{
	static _Thread_local struct reader *mine;

	if (mine)
		return mine;
	pthread_once(&reader_once, make_reader_key);
	struct reader *rd = calloc(1, sizeof(*rd));
	if (!rd)
		return NULL;
	rd->dctx = ZSTD_createDCtx();
	if (!rd->dctx || pthread_setspecific(reader_key, rd) != 0) {
		reader_free(rd);
		return NULL;
	}
	mine = rd;
	return rd;
}

static struct record *base_record(uint32_t number)
{
	return arena_at(&texts.arena, atomic_load(&bases_at(&texts.bases, number)->off));
}

/* --- reading --- */

static int unpack(struct reader *rd, const struct record *r, char *out);

/* Into the reader's memory. */
static int read_base(struct reader *rd, const struct record *base)
{
	unsigned int now = atomic_load(&opening);

	if (rd->base_seq == base->seq && rd->opening == now)
		return 0;
	rd->base_seq = 0;
	rd->opening = now;
	buf_clear(&rd->base);
	int r = buf_reserve(&rd->base, base->len);
	if (r == 0)
		r = unpack(rd, base, rd->base.data);
	if (r < 0)
		return r;
	rd->base.len = base->len;
	rd->base_seq = base->seq;
	return 0;
}

/* A base is no sibling: so this goes one deep. */
static int unpack(struct reader *rd, const struct record *r, char *out)
{
	const ZSTD_DDict *dictionary = NULL;

	if (r->form == TEXT_PLAIN) {
		memcpy(out, record_bytes(r), r->len);
		return 0;
	}
	if (r->form == TEXT_SIBLING) {
		int err = read_base(rd, base_record(r->reference));

		if (err < 0)
			return err;
		ZSTD_DCtx_refPrefix(rd->dctx, rd->base.data, rd->base.len);
	} else {
		if (r->form == TEXT_DICTIONARY)
			dictionary = texts.dictionaries[r->kind].unpack;
		ZSTD_DCtx_refDDict(rd->dctx, dictionary);
	}
	size_t n = ZSTD_decompressDCtx(rd->dctx, out, r->len, record_bytes(r), r->bytes);
	if (n == r->len)
		return 0;
	ZSTD_DCtx_reset(rd->dctx, ZSTD_reset_session_only);
	return -EIO;
}

int texts_get(const struct version *v, char *out)
{
	struct reader *rd = get_reader();

	if (!rd)
		return -ENOMEM;
	uint32_t inside = arena_enter(&texts.arena);
	int r = unpack(rd, arena_at(&texts.arena, atomic_load(&v->off)), out);
	arena_leave(&texts.arena, inside);
	return r;
}

/* --- writing --- */

static int start(void)
{
	if (texts.cctx)
		return 0;
	if (!texts_arena_open())
		return -ENOMEM;
	for (size_t i = 0; i < KIND_COUNT; i++)
		texts.learn_at[i] = LEARN_AT;
	texts.cctx = ZSTD_createCCtx();
	if (!texts.cctx)
		return -ENOMEM;
	ZSTD_CCtx_setParameter(texts.cctx, ZSTD_c_compressionLevel, SIBLING_LEVEL);
	ZSTD_CCtx_setParameter(texts.cctx, ZSTD_c_hashLog, SIBLING_HASH_LOG);
	ZSTD_CCtx_setParameter(texts.cctx, ZSTD_c_contentSizeFlag, 0);
	ZSTD_CCtx_setParameter(texts.cctx, ZSTD_c_dictIDFlag, 0);
	return 0;
}

/* Packs into the scratch buffer: 0, or -E2BIG if it is not smaller than @max. */
static int pack_into(const char *text, size_t len, size_t max)
{
	struct buf *out = &texts.scratch;

	buf_clear(out);
	if (buf_reserve(out, max) < 0)
		return -ENOMEM;
	size_t n = ZSTD_compress2(texts.cctx, out->data, max, text, len);
	if (ZSTD_isError(n)) {
		/* Until then it would refuse to be given another dictionary. */
		ZSTD_CCtx_reset(texts.cctx, ZSTD_reset_session_only);
		return -E2BIG;
	}
	out->len = n;
	return 0;
}

/*
 * A list brings siblings one after the other. To make their base ready takes as
 * long as it saves for four of them.
 */
static void use_base(const struct reader *rd)
{
	if (texts.base_seq != rd->base_seq) {
		texts.base_seq = rd->base_seq;
		texts.row = 0;
		ZSTD_freeCDict(texts.base);
		texts.base = NULL;
	}
	if (++texts.row == ROW_MIN)
		texts.base = ZSTD_createCDict(rd->base.data, rd->base.len, SIBLING_LEVEL);
	if (texts.base)
		ZSTD_CCtx_refCDict(texts.cctx, texts.base);
	else
		ZSTD_CCtx_refPrefix(texts.cctx, rd->base.data, rd->base.len);
}

/* Against its group's base, if it is like it. */
static bool pack_as_sibling(const struct version_text *t, struct record *r)
{
	uint32_t base = t->group ? bases_find(&texts.bases, t->group) : 0;
	struct reader *rd = get_reader();

	if (!base || !rd || t->len > BASE_BYTES_MAX || read_base(rd, base_record(base)) < 0)
		return false;
	use_base(rd);
	if (pack_into(t->text, t->len, t->len / ALIKE) < 0)
		return false;
	r->form = TEXT_SIBLING;
	r->reference = base;
	return true;
}

static void pack_alone(const struct version_text *t, struct record *r)
{
	const ZSTD_CDict *dictionary = texts.dictionaries[t->kind].pack;

	r->form = dictionary ? TEXT_DICTIONARY : TEXT_ALONE;
	ZSTD_CCtx_refCDict(texts.cctx, dictionary);
	if (pack_into(t->text, t->len, t->len) < 0)
		r->form = TEXT_PLAIN;
}

/* The version or the base that has the record is led to it. */
static void lead(void *ctx, struct record *r, uint64_t off)
{
	(void)ctx;
	if (r->owner)
		atomic_store(r->owner, off);
	if (r->form != TEXT_SIBLING && r->reference)
		atomic_store(&bases_at(&texts.bases, r->reference)->off, off);
}

/* --- learning --- */

struct learning {
	enum kind kind;
	uint32_t met;
	struct samples samples;
	struct buf text;
};

static int read_record(struct learning *l, const struct record *r)
{
	struct reader *rd = get_reader();

	buf_clear(&l->text);
	if (!rd || buf_reserve(&l->text, r->len) < 0 || unpack(rd, r, l->text.data) < 0)
		return -ENOMEM;
	l->text.len = r->len;
	return 0;
}

static bool stands_alone(const struct learning *l, const struct record *r)
{
	return r->form == TEXT_ALONE && r->kind == l->kind;
}

static int sample(void *ctx, struct record *r, uint64_t off)
{
	struct learning *l = ctx;

	(void)off;
	if (!stands_alone(l, r) || l->met++ % (texts.alone[l->kind] / LEARN_FROM) != 0 ||
	    r->len > BASE_BYTES_MAX || l->samples.texts.len + r->len > LEARN_BYTES_MAX)
		return 0;
	int err = read_record(l, r);
	return err < 0 ? err : samples_add(&l->samples, l->text.data, l->text.len);
}

static int repack(void *ctx, struct record *r, uint64_t off)
{
	struct learning *l = ctx;
	uint64_t to;

	if (!stands_alone(l, r))
		return 0;
	int err = read_record(l, r);
	const struct version_text t = {l->kind, 0, l->text.data, l->text.len};
	struct record head = *r;
	if (err == 0) {
		pack_alone(&t, &head);
		head.bytes = (uint32_t)texts.scratch.len;
	}
	/* What could not be read, or packed, may stay as it is. */
	if (err < 0 || head.form != TEXT_DICTIONARY)
		return 0;
	if (arena_add(&texts.arena, &head, texts.scratch.data, &to) < 0)
		return -ENOMEM;
	texts.alone[l->kind]--;
	lead(NULL, arena_at(&texts.arena, to), to);
	arena_drop(&texts.arena, off);
	return 0;
}

static int learn(struct learning *l)
{
	cleanup_buf struct buf bytes = {0};
	struct record head = {.kind = (uint8_t)l->kind, .form = TEXT_LEARNT};
	uint64_t off;
	int r = arena_each(&texts.arena, sample, l);

	if (r == 0)
		r = dictionary_train(&l->samples, &bytes);
	if (r < 0)
		return r;
	/* It is in the arena for the next process; this one has its own copy. */
	head.len = (uint32_t)bytes.len;
	head.bytes = head.len;
	head.seq = texts_next_seq();
	r = arena_add(&texts.arena, &head, bytes.data, &off);
	if (r < 0)
		return r;
	r = dictionary_load(&texts.dictionaries[l->kind], bytes.data, bytes.len);
	if (r < 0)
		arena_drop(&texts.arena, off);
	return r < 0 ? r : arena_each(&texts.arena, repack, l);
}

static void learn_if_enough(enum kind kind)
{
	struct learning l = {.kind = kind};

	if (texts.alone[kind] < texts.learn_at[kind] || texts.dictionaries[kind].pack)
		return;
	texts.learn_at[kind] *= 4;
	learn(&l);
	samples_release(&l.samples);
	buf_release(&l.text);
}

/* --- the texts of versions --- */

int texts_put(struct version *v, const struct version_text *t)
{
	struct record head = {.kind = (uint8_t)t->kind, .seq = v->seq, .owner = &v->off};
	const char *bytes;
	uint64_t off;

	if (start() < 0)
		return -ENOMEM;
	if (!pack_as_sibling(t, &head))
		pack_alone(t, &head);
	head.len = (uint32_t)t->len;
	bytes = head.form == TEXT_PLAIN ? t->text : texts.scratch.data;
	head.bytes = (uint32_t)(head.form == TEXT_PLAIN ? t->len : texts.scratch.len);
	if (head.form != TEXT_SIBLING && t->group && t->len <= BASE_BYTES_MAX)
		head.reference = bases_number(&texts.bases, t->group);
	int r = arena_add(&texts.arena, &head, bytes, &off);
	if (texts.scratch.cap > SCRATCH_MAX)
		buf_release(&texts.scratch);
	if (r < 0) {
		if (head.form != TEXT_SIBLING && head.reference)
			bases_give_back(&texts.bases, head.reference);
		return r;
	}
	atomic_init(&v->off, off);
	if (head.form == TEXT_SIBLING)
		base_record(head.reference)->users++;
	else if (head.reference)
		bases_lead(&texts.bases, head.reference, off);
	if (head.form == TEXT_ALONE) {
		texts.alone[t->kind]++;
		learn_if_enough(t->kind);
	}
	return 0;
}

static void drop_base_if_unused(struct record *r, uint64_t off)
{
	if (r->owner || r->users)
		return;
	if (r->reference)
		bases_remove(&texts.bases, r->reference);
	if (r->form == TEXT_ALONE)
		texts.alone[r->kind]--;
	arena_drop(&texts.arena, off);
}

void texts_drop(struct version *v)
{
	uint64_t off = atomic_load(&v->off);
	struct record *r = arena_at(&texts.arena, off);

	r->owner = NULL;
	if (r->form != TEXT_SIBLING) {
		drop_base_if_unused(r, off);
		return;
	}
	struct record *base = base_record(r->reference);
	arena_drop(&texts.arena, off);
	base->users--;
	drop_base_if_unused(base, atomic_load(&bases_at(&texts.bases, r->reference)->off));
}

void texts_tidy(void)
{
	arena_tidy(&texts.arena, lead, NULL);
}

void texts_mark(const struct version *v, bool current)
{
	struct record *r = arena_at(&texts.arena, atomic_load(&v->off));

	record_set_magic(r, current ? RECORD_CURRENT : RECORD_KEPT);
}

const struct arena *texts_arena(void)
{
	return &texts.arena;
}

uint64_t texts_next_seq(void)
{
	return ++texts.last_seq;
}

/* --- the memory --- */

bool texts_is_open(void)
{
	return texts.arena.base;
}

int texts_open(int memory_fd)
{
	if (texts_is_open())
		return -EBUSY;
	int r = arena_open(&texts.arena, memory_fd);
	atomic_fetch_add(&opening, 1);
	if (r == 0)
		r = found_look();
	if (r < 0)
		texts_close();
	return r;
}

struct arena *texts_arena_open(void)
{
	if (texts.arena.base)
		return &texts.arena;
	cleanup_close int fd = memory_new();
	if (fd < 0 || texts_open(fd) < 0)
		return NULL;
	/* Nobody was there before. */
	found_end();
	return &texts.arena;
}

void texts_close(void)
{
	arena_close(&texts.arena);
	found_release();
	bases_release(&texts.bases);
	for (size_t i = 0; i < KIND_COUNT; i++)
		dictionary_release(&texts.dictionaries[i]);
	ZSTD_freeCCtx(texts.cctx);
	ZSTD_freeCDict(texts.base);
	buf_release(&texts.scratch);
	texts = (struct texts){0};
}
