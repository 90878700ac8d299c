/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <podfs/tree/containers.h>

static const struct {
	const char *spec;
	const char *status;
} lists[] = {
    {"containers", "containerStatuses"},
    {"initContainers", "initContainerStatuses"},
    {"ephemeralContainers", "ephemeralContainerStatuses"},
};

/* The list at @folder/@name, if its elements are named by name. */
static int find_list(const struct view *view, const char *folder, const char *name,
		     struct field *ret)
{
	char path[64];
	int r;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	r = field_walk(view, field_root(), path, ret);
	if (r == 0 && ret->style != FIELD_BY_NAME)
		return -ENOENT;
	return r;
}

int container_find(const struct view *view, const char *name, size_t len, struct container *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		struct field list;
		struct field found;
		int r = find_list(view, "spec", lists[i].spec, &list);

		if (r == 0)
			r = field_lookup(view, list, name, len, &found);
		if (r == -ENOENT)
			continue;
		if (r < 0)
			return r;
		r = find_list(view, "status", lists[i].status, &list);
		if (r == 0)
			r = field_lookup(view, list, name, len, &found);
		if (r < 0 && r != -ENOENT)
			return r;
		*ret = (struct container){lists[i].spec, lists[i].status, r == 0};
		return 0;
	}
	return -ENOENT;
}

static int compare_entries(const void *a, const void *b, void *names)
{
	const struct field_entry *x = a;
	const struct field_entry *y = b;
	size_t n = x->name_len < y->name_len ? x->name_len : y->name_len;
	int order = memcmp((char *)names + x->name_off, (char *)names + y->name_off, n);

	return order ? order : (x->name_len > y->name_len) - (x->name_len < y->name_len);
}

static int append(struct field_list *to, const struct field_list *from)
{
	size_t base = to->names.len;
	struct field_entry *entries =
	    realloc(to->entries, (to->count + from->count) * sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	to->entries = entries;
	to->cap = to->count + from->count;
	if (buf_add(&to->names, from->names.data, from->names.len) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < from->count; i++) {
		entries[to->count] = from->entries[i];
		entries[to->count++].name_off += (uint32_t)base;
	}
	return 0;
}

int container_list(const struct view *view, struct field_list *ret)
{
	cleanup_field_list struct field_list part = {0};
	size_t kept = 0;

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		struct field list;
		int r = find_list(view, "spec", lists[i].spec, &list);

		if (r == -ENOENT)
			continue;
		if (r == 0)
			r = field_list(view, list, &part);
		if (r == 0 && part.count)
			r = append(ret, &part);
		if (r < 0)
			return r;
	}
	if (!ret->count)
		return 0;
	qsort_r(ret->entries, ret->count, sizeof(*ret->entries), compare_entries, ret->names.data);
	/* The API server lets no two containers of a pod share a name. */
	for (size_t i = 0; i < ret->count; i++)
		if (!kept ||
		    compare_entries(&ret->entries[kept - 1], &ret->entries[i], ret->names.data))
			ret->entries[kept++] = ret->entries[i];
	ret->count = kept;
	return 0;
}

struct sides {
	const struct view *old;
	const struct view *new;
	struct field_list was;
	struct field_list is;
	struct diff *diff;
};

static int compare_container(struct sides *s, const char *name, size_t len)
{
	cleanup_buf struct buf path = {0};
	struct container was = {0};
	struct container is = {0};
	int before = container_find(s->old, name, len, &was);
	int after = container_find(s->new, name, len, &is);
	bool moved = before == 0 && after == 0 && was.spec_list != is.spec_list;
	int r = buf_addstr(&path, "containers/");

	if (r == 0)
		r = buf_add(&path, name, len);
	if (r == 0 && before == 0 && (after < 0 || moved))
		r = diff_add(s->diff, CHANGE_REMOVED, path.data);
	if (r == 0 && after == 0 && (before < 0 || moved))
		return diff_add(s->diff, CHANGE_ADDED, path.data);
	if (r < 0 || before < 0 || after < 0 || was.has_status == is.has_status)
		return r;
	r = buf_addstr(&path, "/status");
	if (r < 0)
		return r;
	return diff_add(s->diff, is.has_status ? CHANGE_ADDED : CHANGE_REMOVED, path.data);
}

static int compare_lists(struct sides *s)
{
	int r = container_list(s->old, &s->was);

	if (r == 0)
		r = container_list(s->new, &s->is);
	if (r < 0)
		return r;
	if (!s->was.count != !s->is.count)
		return diff_add(s->diff, s->is.count ? CHANGE_ADDED : CHANGE_REMOVED, "containers");
	for (size_t i = 0; i < s->was.count && r == 0; i++)
		r = compare_container(s, field_entry_name(&s->was, i), s->was.entries[i].name_len);
	for (size_t i = 0; i < s->is.count && r == 0; i++) {
		struct container old;
		const char *name = field_entry_name(&s->is, i);
		size_t len = s->is.entries[i].name_len;

		if (container_find(s->old, name, len, &old) == -ENOENT)
			r = compare_container(s, name, len);
	}
	return r;
}

bool container_naming_changed(const struct view *old, const struct view *new)
{
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		struct field list;

		if ((find_list(old, "spec", lists[i].spec, &list) == 0) !=
			(find_list(new, "spec", lists[i].spec, &list) == 0) ||
		    (find_list(old, "status", lists[i].status, &list) == 0) !=
			(find_list(new, "status", lists[i].status, &list) == 0))
			return true;
	}
	return false;
}

int container_diff(const struct view *old, const struct view *new, struct diff *diff)
{
	struct sides s = {.old = old, .new = new, .diff = diff};
	int r = compare_lists(&s);

	field_list_release(&s.was);
	field_list_release(&s.is);
	return r;
}
