/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include <podfs/base/array.h>
#include <podfs/base/bytes.h>

#include "field_internal.h"

/* Escaping cannot shorten a key, so that one over the limit is refused before the work. */
bool name_add(struct buf *names, struct bytes key)
{
	size_t start = names->len;

	if (!key.len || key.len > FIELD_NAME_MAX || memchr(key.p, '\0', key.len))
		return false;
	if (key.len <= 2 && key.p[0] == '.' && key.p[key.len - 1] == '.') {
		for (size_t i = 0; i < key.len; i++)
			buf_addstr(names, "%2E");
		return true;
	}
	if (!memchr(key.p, '/', key.len) && !memchr(key.p, '%', key.len)) {
		buf_add(names, key.p, key.len);
		return true;
	}
	for (size_t i = 0; i < key.len; i++) {
		if (key.p[i] == '/')
			buf_addstr(names, "%2F");
		else if (key.p[i] == '%')
			buf_addstr(names, "%25");
		else
			buf_addch(names, key.p[i]);
	}
	if (names->err || names->len - start <= FIELD_NAME_MAX)
		return true;
	names->len = start;
	return false;
}

int entries_add(struct field_list *list, struct bytes key, struct field f)
{
	size_t off = list->names.len;

	if (!name_add(&list->names, key)) {
		list->left_out++;
		return 0;
	}
	if (array_grow(&list->entries, list->count, &list->cap, sizeof(*list->entries)) < 0)
		return -ENOMEM;
	list->entries[list->count++] = (struct field_entry){
	    .name_off = (uint32_t)off,
	    .name_len = (uint32_t)(list->names.len - off),
	    .field = f,
	};
	return list->names.err;
}

static int compare_names(const char *names, const struct field_entry *a,
			 const struct field_entry *b)
{
	return bytes_compare(names + a->name_off, a->name_len, names + b->name_off, b->name_len);
}

static int compare_entries(const void *a, const void *b, void *names)
{
	const struct field_entry *x = a;
	const struct field_entry *y = b;
	int order = compare_names(names, x, y);

	return order ? order : (x->field.node > y->field.node) - (x->field.node < y->field.node);
}

void same_name_add(struct same_name *s, struct field f)
{
	/* No member is node 0. */
	if (f.node > s->latest.node)
		s->latest = f;
	if (!s->first || f.node < s->first)
		s->first = f.node;
	s->prefix |= field_is_prefix(f);
	s->nested |= f.style != FIELD_UNSET && f.style != FIELD_FILE && f.style != FIELD_PREFIX;
}

struct field same_name_field(const struct same_name *s)
{
	/* Of equal keys the last one counts, but a '/' in any opens a directory for all. */
	if (!s->prefix)
		return s->latest;
	return field_at(s->first, s->nested ? FIELD_PREFIX_DEEP : FIELD_PREFIX);
}

void entries_settle(struct field_list *list)
{
	size_t kept = 0;

	if (!list->count)
		return;
	qsort_r(list->entries, list->count, sizeof(*list->entries), compare_entries,
		list->names.data);
	for (size_t i = 0; list->members && i < list->count; i++)
		list->members[i] = list->entries[i].field.node;
	for (size_t i = 0; i < list->count;) {
		struct field_entry entry = list->entries[i];
		struct same_name same = {0};

		entry.member = (uint32_t)i;
		do {
			same_name_add(&same, list->entries[i].field);
		} while (++i < list->count &&
			 !compare_names(list->names.data, &entry, &list->entries[i]));
		entry.members = (uint32_t)i - entry.member;
		entry.field = same_name_field(&same);
		if (entry.field.style != FIELD_UNSET)
			list->entries[kept++] = entry;
	}
	list->count = kept;
}
