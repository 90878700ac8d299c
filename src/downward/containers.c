/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "internal.h"

static const struct {
	enum container_kind kind;
	const char *list;
} lists[] = {
    {CONTAINER_APP, "containers"},
    {CONTAINER_INIT, "initContainers"},
    {CONTAINER_EPHEMERAL, "ephemeralContainers"},
};

int containers_list(const struct view *pod, unsigned int kinds, struct downward_list *ret)
{
	list_clear(ret);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		uint32_t n = view_member(pod, "spec", lists[i].list);

		if (!(kinds & lists[i].kind))
			continue;
		for (uint32_t c = node_first(pod, n); c; c = node_at(pod, c)->next)
			if (list_add_named(ret, pod, c) < 0)
				return -ENOMEM;
	}
	list_settle(ret);
	return 0;
}

/* The element of a list whose name is @name, or whose file name is. */
static uint32_t find_named(const struct view *pod, const char *list, struct bytes name,
			   bool escaped, struct buf *scratch, struct buf *file_name)
{
	uint32_t n = view_member(pod, "spec", list);

	for (uint32_t c = node_first(pod, n); c; c = node_at(pod, c)->next) {
		uint32_t string = node_member(pod, c, "name");

		if (!string || node_at(pod, string)->type != JSON_STRING)
			continue;
		struct bytes is = field_string(pod, string, scratch);
		if (escaped) {
			buf_clear(file_name);
			if (!name_add(file_name, is))
				continue;
			is = (struct bytes){file_name->data, file_name->len};
		}
		if (bytes_equal(is.p, is.len, name.p, name.len))
			return c;
	}
	return 0;
}

int container_at(const struct view *pod, unsigned int kinds, struct bytes name, uint32_t *ret)
{
	cleanup_buf struct buf scratch = {0};
	cleanup_buf struct buf file_name = {0};

	*ret = 0;
	for (size_t i = 0; i < ARRAY_SIZE(lists) && !*ret; i++)
		if (kinds & lists[i].kind)
			*ret = find_named(pod, lists[i].list, name, true, &scratch, &file_name);
	return scratch.err ? scratch.err : file_name.err;
}

int container_named(const struct view *pod, struct bytes name, uint32_t *ret,
		    enum container_kind *ret_kind)
{
	cleanup_buf struct buf scratch = {0};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		if (!(CONTAINERS_NAMED & lists[i].kind))
			continue;
		*ret = find_named(pod, lists[i].list, name, false, &scratch, NULL);
		*ret_kind = lists[i].kind;
		if (*ret || scratch.err)
			return scratch.err;
	}
	return -ENOENT;
}
