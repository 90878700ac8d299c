/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names: each name that nodes have, once.
 *
 * Most names of a pod's tree are those of every other pod's. A name is known by
 * a number, and two names are the same if their numbers are. Under the inode
 * table's lock; but the text of a name that is kept may be read without.
 */
#ifndef PODFS_FS_NAMES_H
#define PODFS_FS_NAMES_H

#include <stdbool.h>

#include "chains.h"
#include "slab.h"

#define NAMES_CLASSES MEMORY_NAMES_COUNT

struct names {
	struct slab slabs[NAMES_CLASSES]; /* by length */
	struct chains all;
};

/* 0 or -ENOMEM. A zeroed struct may be released. */
int names_init(struct names *n, int memory);
void names_release(struct names *n);

/* 0: nobody has that name. */
uint32_t names_find(const struct names *n, const char *name, size_t len);

/* As names_find(), but makes it, and keeps it until names_unref(). 0: out of memory. */
uint32_t names_get(struct names *n, const char *name, size_t len);
void names_unref(struct names *n, uint32_t name);

/* Its text, which ends with a NUL. */
const char *names_text(const struct names *n, uint32_t name);

/*
 * What another process has left: whether a name is whole. Then nobody has one, until those who do
 * say so; in the end the others are free. 0 or -ENOMEM.
 */
bool names_is_whole(const struct names *n, uint32_t name);
void names_forget_users(struct names *n);
void names_use(struct names *n, uint32_t name);
int names_take_over(struct names *n);

#endif
