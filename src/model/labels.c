/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A label map shows one level more than it has: keys are grouped by what stands
 * before their '/'. A group in which a '/' occurs is a FIELD_PREFIX, whose node
 * is the group's first member; the key without '/' is `.value` in it.
 *
 *     {"a/b":1, "c":2, "a":3}        a/b=1  a/.value=3  c=2
 *
 * A place is too small to say who else is in its group. So a listing of the map
 * remembers what it was made of, and field_list_below() goes from there to the
 * members of one group, without looking for them in all of the map again.
 *
 * How many directories are in a group must be known without looking, too, as
 * the attributes of all groups are asked for with their listing. No API server
 * lets a label's value be a map or a list, so there are none; a group that has
 * such a value all the same has a style of its own, and is searched.
 */
#include <string.h>

#include "field_internal.h"

#define VALUE_NAME ".value"

struct bytes label_prefix(struct bytes key, bool *ret_slash)
{
	const char *slash = key.len ? memchr(key.p, '/', key.len) : NULL;

	*ret_slash = slash;
	return slash ? (struct bytes){key.p, (size_t)(slash - key.p)} : key;
}

struct bytes label_rest(struct bytes key)
{
	bool slash;
	struct bytes prefix = label_prefix(key, &slash);

	if (!slash)
		return (struct bytes){VALUE_NAME, sizeof(VALUE_NAME) - 1};
	return (struct bytes){key.p + prefix.len + 1, key.len - prefix.len - 1};
}

enum field_style label_style(const struct json_node *value)
{
	switch (value->type) {
	case JSON_NULL:
		/* It opens no directory: the group may have nothing else. */
		return FIELD_UNSET;
	case JSON_OBJECT:
	case JSON_ARRAY:
		return FIELD_PREFIX_DEEP;
	default:
		return FIELD_PREFIX;
	}
}

/* Adds member @n of a group to the group's directory. */
static int add_member(const struct view *view, uint32_t n, struct buf *scratch,
		      struct field_list *ret)
{
	return entries_add(ret, label_rest(field_key(view, n, scratch)),
			   field_child(view, FIELD_PREFIX, n));
}

int field_list_below(const struct view *view, const struct field_list *list, size_t i,
		     struct field_list *ret)
{
	const struct field_entry *e = &list->entries[i];
	cleanup_buf struct buf scratch = {0};
	int r = 0;

	if (!field_is_prefix(e->field))
		return field_list(view, e->field, ret);
	field_list_clear(ret);
	for (uint32_t m = 0; m < e->members && r == 0; m++)
		r = add_member(view, list->members[e->member + m], &scratch, ret);
	entries_settle(ret);
	return r < 0 ? r : scratch.err;
}
