/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any number of a pod's files and variables may show its labels or annotations,
 * or one of them: so each map is sorted once, to compare it as a whole and to find
 * its keys in.
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

static const char *const names[] = {"labels", "annotations"};

static struct bytes member_key(const struct sorted_members *members, size_t i)
{
	return (struct bytes){members->keys.data + members->members[i].key_off,
			      members->members[i].key_len};
}

/* Whether two values differ, 0 for none, which is the empty one. */
static bool values_differ(struct map_diffs *d, uint32_t was, uint32_t is)
{
	struct bytes a = node_string(d->old, was, &d->a);
	struct bytes b = node_string(d->new, is, &d->b);

	return !bytes_equal(a.p, a.len, b.p, b.len);
}

/* The map as one text has its keys and values in this order, and nothing else. */
static bool wholes_differ(struct map_diffs *d, const struct map_diff *m)
{
	bool differs = m->was.count != m->is.count;

	for (size_t i = 0; i < m->was.count && !differs; i++) {
		struct bytes was = member_key(&m->was, i);
		struct bytes is = member_key(&m->is, i);

		differs = !bytes_equal(was.p, was.len, is.p, is.len) ||
			  values_differ(d, m->was.members[i].node, m->is.members[i].node);
	}
	return differs;
}

/* 0 or -ENOMEM. */
static int read_both(struct map_diffs *d, size_t i)
{
	struct map_diff *m = &d->maps[i];

	if (m->is_read)
		return 0;
	if (!same_text(d->old, view_member(d->old, "metadata", names[i]), d->new,
		       view_member(d->new, "metadata", names[i]))) {
		if (map_sort(d->old, names[i], &m->was) < 0 ||
		    map_sort(d->new, names[i], &m->is) < 0)
			return -ENOMEM;
		m->differs = wholes_differ(d, m);
	}
	m->is_read = true;
	return d->a.err ? d->a.err : d->b.err;
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

int map_diffs_compare(struct map_diffs *d, struct bytes path, bool *ret)
{
	struct subscript subscript;
	bool is_key = subscript_parse(path, &subscript);
	struct bytes map = path;
	size_t i = 0;

	if (is_key)
		map = (struct bytes){subscript.map, strlen(subscript.map)};
	else if (path.len > strlen("metadata.") &&
		 !memcmp(path.p, "metadata.", strlen("metadata.")))
		map = (struct bytes){path.p + strlen("metadata."), path.len - strlen("metadata.")};
	while (i < ARRAY_SIZE(names) && !bytes_are(map, names[i]))
		i++;
	if (i == ARRAY_SIZE(names))
		return -ENOENT;
	int r = read_both(d, i);
	const struct map_diff *m = &d->maps[i];
	*ret = m->differs;
	if (r == 0 && is_key)
		*ret = values_differ(d, find_key(&m->was, subscript.key),
				     find_key(&m->is, subscript.key));
	return d->a.err ? d->a.err : d->b.err ? d->b.err : r;
}

int map_diffs_keys(struct map_diffs *d, const char *map, struct diff *diff)
{
	size_t which = strcmp(map, names[0]) != 0;
	const struct map_diff *m = &d->maps[which];
	int r = read_both(d, which);
	size_t i = 0;
	size_t j = 0;

	while (r == 0 && (i < m->was.count || j < m->is.count)) {
		struct bytes key = {0};
		uint32_t was = 0;
		uint32_t is = 0;
		int order = i == m->was.count ? 1 : j == m->is.count ? -1 : 0;

		if (!order) {
			struct bytes other = member_key(&m->is, j);

			key = member_key(&m->was, i);
			order = bytes_compare(key.p, key.len, other.p, other.len);
		}
		if (order <= 0) {
			key = member_key(&m->was, i);
			was = m->was.members[i++].node;
		}
		if (order >= 0) {
			key = member_key(&m->is, j);
			is = m->is.members[j++].node;
		}
		if (values_differ(d, was, is))
			r = subscript_report(map, key, diff);
	}
	return d->a.err ? d->a.err : d->b.err ? d->b.err : r;
}
