/* SPDX-License-Identifier: Apache-2.0 */
#include <podfs/base/bytes.h>

#include "field_internal.h"

/* The directories that a listing shows. */
static int count_listed(const struct view *view, struct field dir, uint32_t *ret)
{
	cleanup_field_list struct field_list list = {0};
	int r = field_list(view, dir, &list);

	for (size_t i = 0; i < list.count && r == 0; i++)
		*ret += field_is_dir(list.entries[i].field);
	return r;
}

/* So many maps and lists of one map are each compared to all that follow. */
#define COUNT_PAIRS_MAX 32

/* Whether a member behind @n has the same key; false for @ret_sure: too hard to say. */
static bool is_replaced(const struct view *view, uint32_t n, bool *ret_sure)
{
	const struct json_node *node = node_at(view, n);

	*ret_sure = !node->key_decode;
	for (uint32_t c = node->next; c && *ret_sure; c = node_at(view, c)->next) {
		const struct json_node *later = node_at(view, c);

		*ret_sure = !later->key_decode;
		if (bytes_equal(view->text + node->key_off, node->key_len,
				view->text + later->key_off, later->key_len))
			return true;
	}
	return false;
}

/* Of a map: without a listing, unless its keys need one to be understood. */
static int count_in_map(const struct view *view, struct field dir, uint32_t *ret)
{
	uint32_t compared = 0;

	for (uint32_t c = json_first(&view->index, dir.node); c; c = node_at(view, c)->next) {
		const struct json_node *node = node_at(view, c);
		bool sure = true;

		if ((node->type != JSON_OBJECT && node->type != JSON_ARRAY) ||
		    field_is_hidden(view, dir, c))
			continue;
		bool replaced = compared++ < COUNT_PAIRS_MAX && is_replaced(view, c, &sure);
		if (!sure || compared > COUNT_PAIRS_MAX || !node->key_len ||
		    node->key_len > FIELD_NAME_MAX / 3) {
			*ret = 0;
			return count_listed(view, dir, ret);
		}
		*ret += !replaced;
	}
	return 0;
}

int field_count_dirs(const struct view *view, struct field dir, uint32_t *ret)
{
	*ret = 0;
	switch (dir.style) {
	case FIELD_UNSET:
	case FIELD_FILE:
	case FIELD_PREFIX:
		return 0;
	case FIELD_OBJECT:
	case FIELD_METADATA:
	case FIELD_MAP:
		return count_in_map(view, dir, ret);
	default:
		return count_listed(view, dir, ret);
	}
}

static int count_left_out(const struct view *view, const struct field_list *list)
{
	int count = (int)list->left_out;

	for (size_t i = 0; i < list->count; i++) {
		cleanup_field_list struct field_list below = {0};

		if (!field_is_dir(list->entries[i].field))
			continue;
		int r = field_list_below(view, list, i, &below);
		if (r == 0)
			r = count_left_out(view, &below);
		if (r < 0)
			return r;
		count += r;
	}
	return count;
}

int field_count_left_out(const struct view *view)
{
	cleanup_field_list struct field_list list = {0};

	/* An escape makes three bytes of one, so shorter keys always fit. */
	if (view->index.key_max <= FIELD_NAME_MAX / 3)
		return 0;
	int r = field_list(view, field_root(), &list);
	return r < 0 ? r : count_left_out(view, &list);
}
