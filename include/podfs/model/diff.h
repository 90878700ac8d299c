/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff: what a new version of an object changes in its directories and files.
 */
#ifndef PODFS_MODEL_DIFF_H
#define PODFS_MODEL_DIFF_H

#include <podfs/model/field.h>

enum change_kind {
	CHANGE_UNSET,
	CHANGE_VALUE,   /* a file has other bytes */
	CHANGE_ADDED,   /* a name that was not there, with all that is below it */
	CHANGE_REMOVED, /* a name that is no more, with all that was below it */
};

/* A name that becomes a directory instead of a file is REMOVED, then ADDED. */
struct change {
	enum change_kind kind;
	bool unnoted;      /* history.h does not take it in: its time is another path's */
	uint32_t path_off; /* in `paths`: names joined by '/', NUL-terminated */
};

struct diff {
	struct buf paths;
	struct change *changes;
	size_t count;
	size_t cap;
};

/**
 * Compares two views of one object. What has the same text is not descended
 * into, so the cost follows the difference, not the object.
 *
 * @ret  zeroed or used before. 0 or -ENOMEM.
 */
int diff_views(const struct view *old, const struct view *new, struct diff *ret);

/* Adds a change that the views do not show. 0 or -ENOMEM. */
int diff_add(struct diff *diff, enum change_kind kind, const char *path);

/* The same, unnoted. */
int diff_add_unnoted(struct diff *diff, enum change_kind kind, const char *path);

static inline const char *diff_path(const struct diff *diff, size_t i)
{
	return diff->paths.data + diff->changes[i].path_off;
}

void diff_release(struct diff *diff);
#define cleanup_diff cleanup_(diff_release)

#endif
