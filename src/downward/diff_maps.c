/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any number of a pod's files and variables may show its labels or annotations,
 * or one of them: so each map is compared as a whole once, and sorted once to
 * find its keys in.
 */
#include <errno.h>

#include "internal.h"

void map_diffs_release(struct map_diffs *d)
{
	for (size_t i = 0; i < ARRAY_SIZE(d->maps); i++) {
		sorted_members_release(&d->maps[i].was);
		sorted_members_release(&d->maps[i].is);
	}
	buf_release(&d->a);
	buf_release(&d->b);
}

static int compare_whole(struct map_diffs *d, struct map_diff *m, const char *map, bool *ret)
{
	if (!m->is_compared) {
		buf_clear(&d->a);
		buf_clear(&d->b);
		if (map_read(d->old, map, &d->a) < 0 || map_read(d->new, map, &d->b) < 0)
			return -ENOMEM;
		m->differs = !bytes_equal(d->a.data, d->a.len, d->b.data, d->b.len);
		m->is_compared = true;
	}
	*ret = m->differs;
	return 0;
}

/* The value of a key that is in a sorted map; 0: it is not. */
static uint32_t find_key(const struct sorted_members *members, struct bytes key)
{
	size_t low = 0;
	size_t high = members->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct sorted_member *m = &members->members[mid];
		int order =
		    bytes_compare(members->keys.data + m->key_off, m->key_len, key.p, key.len);

		if (!order)
			return m->node;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return 0;
}

static int compare_key(struct map_diffs *d, struct map_diff *m, const struct subscript *subscript,
		       bool *ret)
{
	if (!m->is_sorted && (map_sort(d->old, subscript->map, &m->was) < 0 ||
			      map_sort(d->new, subscript->map, &m->is) < 0))
		return -ENOMEM;
	m->is_sorted = true;
	struct bytes was = node_string(d->old, find_key(&m->was, subscript->key), &d->a);
	struct bytes is = node_string(d->new, find_key(&m->is, subscript->key), &d->b);
	*ret = !bytes_equal(was.p, was.len, is.p, is.len);
	return d->a.err ? d->a.err : d->b.err;
}

int map_diffs_compare(struct map_diffs *d, struct bytes path, bool *ret)
{
	static const char *const names[] = {"labels", "annotations"};
	struct subscript subscript;
	bool is_key = subscript_parse(path, &subscript);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (is_key && !strcmp(subscript.map, names[i]))
			return compare_key(d, &d->maps[i], &subscript, ret);
		if (!is_key && path.len == strlen("metadata.") + strlen(names[i]) &&
		    !memcmp(path.p, "metadata.", strlen("metadata.")) &&
		    !memcmp(path.p + strlen("metadata."), names[i], strlen(names[i])))
			return compare_whole(d, &d->maps[i], names[i], ret);
	}
	return -ENOENT;
}
