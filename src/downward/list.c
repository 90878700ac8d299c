/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include <podfs/base/array.h>

#include "internal.h"

void list_clear(struct downward_list *list)
{
	list->count = 0;
	buf_clear(&list->names);
}

void downward_list_release(struct downward_list *list)
{
	buf_release(&list->names);
	free(list->entries);
	*list = (struct downward_list){0};
}

/* Makes an entry of the name that `names` got since it was @off long. */
static int add_entry(struct downward_list *list, size_t off, struct downward_place place,
		     uint32_t node)
{
	size_t len = list->names.len - off;

	if (buf_addch(&list->names, '\0') < 0 ||
	    array_grow(&list->entries, list->count, &list->cap, sizeof(*list->entries)) < 0)
		return -ENOMEM;
	list->entries[list->count++] =
	    (struct downward_entry){(uint32_t)off, (uint32_t)len, place, node};
	return 0;
}

int list_add(struct downward_list *list, struct bytes name, struct downward_place place,
	     uint32_t node)
{
	size_t off = list->names.len;

	buf_add(&list->names, name.p, name.len);
	return add_entry(list, off, place, node);
}

int list_add_named(struct downward_list *list, const struct view *view, uint32_t n)
{
	cleanup_buf struct buf scratch = {0};
	size_t off = list->names.len;
	struct bytes name = node_string(view, node_member(view, n, "name"), &scratch);

	if (scratch.err)
		return -ENOMEM;
	if (!name_add(&list->names, name))
		return 0;
	return add_entry(list, off, (struct downward_place){.type = DOWNWARD_DIR}, n);
}

/* By name; of one name in the order in which they were added. */
static int compare_entries(const void *a, const void *b, void *names)
{
	const struct downward_entry *x = a;
	const struct downward_entry *y = b;
	int order = bytes_compare((char *)names + x->name_off, x->name_len,
				  (char *)names + y->name_off, y->name_len);

	return order ? order : (x->name_off > y->name_off) - (x->name_off < y->name_off);
}

void list_settle(struct downward_list *list)
{
	const char *names = list->names.data;
	size_t kept = 0;

	if (!list->count)
		return;
	qsort_r(list->entries, list->count, sizeof(*list->entries), compare_entries,
		list->names.data);
	for (size_t i = 0; i < list->count; i++) {
		const struct downward_entry *e = &list->entries[i];
		const struct downward_entry *last = &list->entries[kept ? kept - 1 : 0];

		if (!kept || !bytes_equal(names + e->name_off, e->name_len, names + last->name_off,
					  last->name_len))
			list->entries[kept++] = *e;
	}
	list->count = kept;
}
