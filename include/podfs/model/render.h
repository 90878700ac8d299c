/* SPDX-License-Identifier: Apache-2.0 */
/*
 * render: a whole object as kubectl prints it.
 */
#ifndef PODFS_MODEL_RENDER_H
#define PODFS_MODEL_RENDER_H

#include <podfs/model/field.h>

/*
 * Appends what `kubectl get -o json` prints, to the byte: Go's
 * json.MarshalIndent with four spaces, keys in the order of their bytes, '<',
 * '>', '&', U+2028 and U+2029 escaped, a newline at the end.
 *
 * 0 or -ENOMEM.
 */
int render_json(const struct view *view, struct buf *out);

/*
 * Appends the same data as YAML, with keys in the same order. What a YAML 1.1
 * reader would take for something else than a string is quoted.
 *
 * 0 or -ENOMEM.
 */
int render_yaml(const struct view *view, struct buf *out);

/*
 * Appends a number as Go prints it, which reads whole numbers as int64 and all
 * others as float64.
 *
 * @point  with a point before an exponent: YAML 1.1 takes 1e+21 for a string.
 *
 * 0 or -ENOMEM.
 */
int render_number(struct buf *out, const char *token, size_t len, bool point);

/*
 * The members of object @n in the order of their keys, each key once: the
 * nodes' numbers and their decoded keys. @ret is zeroed or used before; null
 * members are kept.
 *
 * 0 or -ENOMEM.
 */
struct sorted_member {
	uint32_t node;
	uint32_t key_off; /* in `keys` */
	uint32_t key_len;
};

struct sorted_members {
	struct buf keys;
	struct sorted_member *members;
	size_t count;
};

int sort_members(const struct view *view, uint32_t n, struct sorted_members *ret);

void sorted_members_release(struct sorted_members *s);
#define cleanup_sorted_members cleanup_(sorted_members_release)

#endif
