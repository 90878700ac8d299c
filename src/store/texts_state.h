/* SPDX-License-Identifier: Apache-2.0 */
/* What texts are kept with, for the files that share it. */
#ifndef PODFS_STORE_TEXTS_STATE_H
#define PODFS_STORE_TEXTS_STATE_H

#include "bases.h"
#include "dictionary.h"
#include "texts.h"

struct texts {
	struct arena arena;
	uint64_t last_seq;
	struct bases bases;
	struct dictionary dictionaries[KIND_COUNT];
	uint32_t alone[KIND_COUNT];    /* how many stand alone */
	uint32_t learn_at[KIND_COUNT]; /* how many must */
	ZSTD_CCtx *cctx;
	ZSTD_CDict *base; /* the latest base made ready, while its siblings come in a row */
	uint64_t base_seq;
	uint32_t row;
	struct buf scratch;
};

extern struct texts texts;

#endif
