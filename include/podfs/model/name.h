/* SPDX-License-Identifier: Apache-2.0 */
/*
 * name: keys and strings of a view, and what a file is called after them.
 */
#ifndef PODFS_MODEL_NAME_H
#define PODFS_MODEL_NAME_H

#include <podfs/model/field.h>

/* Bytes that belong to somebody else; they may hold anything. */
struct bytes {
	const char *p;
	size_t len;
};

/* Where a key or a string stands if it can be used as it is, else decoded into @scratch. */
struct bytes field_key(const struct view *view, uint32_t n, struct buf *scratch);
struct bytes field_string(const struct view *view, uint32_t n, struct buf *scratch);

/*
 * Appends a key as a file's name: podfs(5) has the rules ("Keys"). False if no
 * file can have it; @names is as before then.
 */
bool name_add(struct buf *names, struct bytes key);

#endif
