/* SPDX-License-Identifier: Apache-2.0 */
/*
 * history: when what in an object changed, for modification times.
 *
 * Paths are as in a diff. At least the latest 64 changes of an object are kept
 * apart; of HISTORY_MAX, older ones count for the folder they were in.
 */
#ifndef PODFS_MODEL_HISTORY_H
#define PODFS_MODEL_HISTORY_H

#include <podfs/model/diff.h>

#define HISTORY_MAX 128

struct history_entry {
	int64_t time_ns;
	char *path;
	bool below; /* it counts for everything below the path, too */
};

struct history {
	struct history_entry *entries;
	uint16_t count;
	uint16_t cap;
};

/**
 * Makes a diff small enough for history_add(): of more than HISTORY_MAX changes
 * all but the latest count for folders they have in common.
 *
 * @scratch  zeroed or used before; it may hold the result.
 * @ret      @diff itself if it is small, or @scratch.
 *
 * 0 or -ENOMEM.
 */
int history_fold(const struct diff *diff, struct diff *scratch, const struct diff **ret);

/* Notes all of a diff's changes, which should be few, at one time. 0 or -ENOMEM: then some are
 * missing. */
int history_add(struct history *h, const struct diff *diff, int64_t time_ns);

/* Adds an entry, of which there are fewer than HISTORY_MAX; takes its path. 0 or -ENOMEM. */
int history_push(struct history *h, char *path, bool below, int64_t time_ns);

/**
 * When the value or directory at @path last changed.
 *
 * @path     "" is the object itself.
 * @base_ns  the answer if nothing is known of it.
 */
int64_t history_time(const struct history *h, const char *path, bool is_dir, int64_t base_ns);

/* Appends it in a short form for history_read(). 0 or -ENOMEM. */
int history_write(const struct history *h, struct buf *out);

/* Into a zeroed one, to be released in any case. 0; -EINVAL: it is none; -ENOMEM. */
int history_read(struct history *h, const char *bytes, size_t len);

void history_release(struct history *h);

#endif
