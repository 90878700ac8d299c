/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include <podfs/base/array.h>
#include <zdict.h>

#include "dictionary.h"

#define DICTIONARY_BYTES (64u << 10)

/* Level 1 is a little faster and packs 6 % worse, levels from 4 on are no better: docs/adr/0005. */
#define DICTIONARY_LEVEL 3

int samples_add(struct samples *s, const char *text, size_t len)
{
	if (array_grow(&s->sizes, s->count, &s->cap, sizeof(*s->sizes)) < 0 ||
	    buf_add(&s->texts, text, len) < 0)
		return -ENOMEM;
	s->sizes[s->count++] = len;
	return 0;
}

void samples_release(struct samples *s)
{
	buf_release(&s->texts);
	free(s->sizes);
	*s = (struct samples){0};
}

int dictionary_train(const struct samples *s, struct buf *ret)
{
	if (buf_reserve(ret, DICTIONARY_BYTES) < 0)
		return -ENOMEM;
	size_t n = ZDICT_trainFromBuffer(ret->data, DICTIONARY_BYTES, s->texts.data, s->sizes,
					 (unsigned)s->count);
	if (ZDICT_isError(n))
		return -EINVAL;
	ret->len = n;
	return 0;
}

int dictionary_load(struct dictionary *d, const char *bytes, size_t len)
{
	d->pack = ZSTD_createCDict(bytes, len, DICTIONARY_LEVEL);
	d->unpack = ZSTD_createDDict(bytes, len);
	if (d->pack && d->unpack)
		return 0;
	dictionary_release(d);
	return -ENOMEM;
}

void dictionary_release(struct dictionary *d)
{
	ZSTD_freeCDict(d->pack);
	ZSTD_freeDDict(d->unpack);
	*d = (struct dictionary){0};
}
