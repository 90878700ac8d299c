/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metadata.labels['k']: one value of a label map, as it is, without quotes.
 *
 * A key that the pod lacks has the empty value; one that no pod can have is no
 * path.
 */
#include <errno.h>

#include <podfs/model/label_name.h>

#include "internal.h"

/*
 * Go's lower case, as far as it makes a key's letters: two letters beyond ASCII
 * have one of these for their small letter, the Kelvin sign and the dotted I.
 */
static size_t lower(const char *s, size_t len, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (len - i >= 3 && !memcmp(s + i, "\xe2\x84\xaa", 3)) {
			out[n++] = 'k';
			i += 2;
		} else if (len - i >= 2 && !memcmp(s + i, "\xc4\xb0", 2)) {
			out[n++] = 'i';
			i += 1;
		} else {
			out[n++] = (char)(s[i] >= 'A' && s[i] <= 'Z' ? s[i] - 'A' + 'a' : s[i]);
		}
	}
	return n;
}

/* Whether an object can have that key. Annotations are checked in small letters. */
static bool key_is_valid(const char *map, struct bytes key)
{
	/* Three bytes can become one. */
	char small[3 * (LABEL_PREFIX_MAX + 1 + LABEL_NAME_MAX)] = {0};

	if (key.len > sizeof(small))
		return false;
	if (!strcmp(map, "labels"))
		return label_key_is_valid(key.p, key.len);
	return label_key_is_valid(small, lower(key.p, key.len, small));
}

static const struct {
	const char *path;
	const char *map;
} maps[] = {
    {"metadata.labels", "labels"},
    {"metadata.annotations", "annotations"},
};

bool subscript_parse(struct bytes path, struct subscript *ret)
{
	const char *open = path.len ? memmem(path.p, path.len, "['", 2) : NULL;

	if (!open || path.len < 2 || memcmp(path.p + path.len - 2, "']", 2) != 0)
		return false;
	struct bytes map = {path.p, (size_t)(open - path.p)};
	const char *end = path.p + path.len - 2;
	/* In "['']" the ends may not overlap. */
	if (end < open + 2)
		return false;
	ret->key = (struct bytes){open + 2, (size_t)(end - open - 2)};
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		ret->map = maps[i].map;
		if (bytes_are(map, maps[i].path))
			return key_is_valid(ret->map, ret->key);
	}
	return false;
}

int subscript_read(const struct view *pod, const struct subscript *subscript, struct buf *out)
{
	cleanup_buf struct buf scratch = {0};
	uint32_t map = view_member(pod, "metadata", subscript->map);
	uint32_t found = 0;

	if (!map || node_at(pod, map)->type != JSON_OBJECT)
		return 0;
	/* Of equal keys the last one counts, as in Go. */
	for (uint32_t c = node_first(pod, map); c; c = node_at(pod, c)->next) {
		struct bytes key = field_key(pod, c, &scratch);

		if (bytes_equal(key.p, key.len, subscript->key.p, subscript->key.len))
			found = c;
	}
	struct bytes value = node_string(pod, found, &scratch);
	return scratch.err ? scratch.err : buf_add(out, value.p, value.len);
}

int subscript_report(const char *map, struct bytes key, struct diff *diff)
{
	cleanup_buf struct buf path = {0};

	if (!key_is_valid(map, key))
		return 0;
	buf_addf(&path, "metadata.%s['", map);
	if (!name_add(&path, key))
		return 0;
	if (buf_addstr(&path, "']") < 0)
		return -ENOMEM;
	return path.len > FIELD_NAME_MAX
		   ? 0
		   : report(diff, CHANGE_VALUE, (struct bytes){path.data, path.len});
}

int map_sort(const struct view *pod, const char *map, struct sorted_members *ret)
{
	uint32_t n = view_member(pod, "metadata", map);

	return n && node_at(pod, n)->type == JSON_OBJECT ? sort_members(pod, n, ret) : 0;
}
