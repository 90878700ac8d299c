/* SPDX-License-Identifier: Apache-2.0 */
/* dictionary: what the texts of one kind have in common, learnt from some of them. */
#ifndef PODFS_STORE_DICTIONARY_H
#define PODFS_STORE_DICTIONARY_H

#include <podfs/base/buf.h>
#include <zstd.h>

struct dictionary {
	ZSTD_CDict *pack;
	ZSTD_DDict *unpack; /* NULL: there is none */
};

struct samples {
	struct buf texts; /* one behind the other */
	size_t *sizes;
	size_t count;
	size_t cap;
};

/* Adds a text. 0 or -ENOMEM. */
int samples_add(struct samples *s, const char *text, size_t len);
void samples_release(struct samples *s);
#define cleanup_samples cleanup_(samples_release)

/* Learns a dictionary. 0; -EINVAL: they have too little in common; -ENOMEM. @ret is empty. */
int dictionary_train(const struct samples *s, struct buf *ret);

/* Makes one ready from its bytes. 0 or -ENOMEM. */
int dictionary_load(struct dictionary *d, const char *bytes, size_t len);
void dictionary_release(struct dictionary *d);

#endif
