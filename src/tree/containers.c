/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <podfs/base/array.h>
#include <podfs/base/bytes.h>
#include <podfs/tree/containers.h>

static const struct {
	const char *spec;
	const char *status;
	bool has_resources; /* the kubelet looks for them in these */
} lists[] = {
    {"containers", "containerStatuses", true},
    {"initContainers", "initContainerStatuses", true},
    {"ephemeralContainers", "ephemeralContainerStatuses", false},
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
		*ret = (struct container){lists[i].spec, lists[i].status, r == 0,
					  lists[i].has_resources};
		return 0;
	}
	return -ENOENT;
}

bool container_any(const struct view *view)
{
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		struct field list;

		if (find_list(view, "spec", lists[i].spec, &list) == 0 &&
		    json_first(&view->index, list.node))
			return true;
	}
	return false;
}

/* By name; of one name the one of the first list first. */
static int compare_names(const void *a, const void *b, void *names)
{
	const struct container_name *x = a;
	const struct container_name *y = b;
	int order = bytes_compare((char *)names + x->off, x->len, (char *)names + y->off, y->len);

	return order ? order : (x->list > y->list) - (x->list < y->list);
}

/* Adds the names of one list; of those in @statuses, which is sorted like it, it says so. */
static int add_names(struct container_list *to, unsigned int list, const struct field_list *specs,
		     const struct field_list *statuses)
{
	size_t base = to->names.len;
	size_t s = 0;

	if (buf_add(&to->names, specs->names.data, specs->names.len) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < specs->count; i++) {
		const struct field_entry *e = &specs->entries[i];
		int order = 1;

		while (s < statuses->count && order > 0) {
			order = bytes_compare(field_entry_name(specs, i), e->name_len,
					      field_entry_name(statuses, s),
					      statuses->entries[s].name_len);
			s += order >= 0;
		}
		if (array_grow(&to->entries, to->count, &to->cap, sizeof(*to->entries)) < 0)
			return -ENOMEM;
		to->entries[to->count++] = (struct container_name){
		    .off = (uint32_t)base + e->name_off,
		    .len = e->name_len,
		    .list = list,
		    .has_status = order == 0,
		};
	}
	return 0;
}

/* An empty listing if there is no such list. */
static int list_names(const struct view *view, const char *folder, const char *name,
		      struct field_list *ret)
{
	struct field list;
	int r = find_list(view, folder, name, &list);

	field_list_clear(ret);
	if (r == 0)
		return field_list(view, list, ret);
	return r == -ENOENT ? 0 : r;
}

int container_list(const struct view *view, struct container_list *ret)
{
	cleanup_field_list struct field_list specs = {0};
	cleanup_field_list struct field_list statuses = {0};
	size_t kept = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(lists); i++) {
		int r = list_names(view, "spec", lists[i].spec, &specs);

		if (r == 0 && !specs.count)
			continue;
		if (r == 0)
			r = list_names(view, "status", lists[i].status, &statuses);
		if (r == 0)
			r = add_names(ret, i, &specs, &statuses);
		if (r < 0)
			return r;
	}
	if (!ret->count)
		return 0;
	qsort_r(ret->entries, ret->count, sizeof(*ret->entries), compare_names, ret->names.data);
	/* The API server lets no two containers of a pod share a name. */
	for (size_t i = 0; i < ret->count; i++) {
		const struct container_name *e = &ret->entries[i];
		const struct container_name *last = &ret->entries[kept ? kept - 1 : 0];

		if (!kept || !bytes_equal(ret->names.data + e->off, e->len,
					  ret->names.data + last->off, last->len))
			ret->entries[kept++] = *e;
	}
	ret->count = kept;
	return 0;
}

void container_list_release(struct container_list *list)
{
	buf_release(&list->names);
	free(list->entries);
	*list = (struct container_list){0};
}

static int report(struct diff *diff, enum change_kind kind, const struct container_list *list,
		  size_t i, const char *below)
{
	cleanup_buf struct buf path = {0};

	buf_addstr(&path, "containers/");
	buf_add(&path, list->names.data + list->entries[i].off, list->entries[i].len);
	if (buf_addstr(&path, below) < 0)
		return -ENOMEM;
	return diff_add(diff, kind, path.data);
}

/* One that is in both: it may be of another kind, or have its status come or go. */
static int compare_both(const struct container_list *was, size_t i, const struct container_list *is,
			size_t j, struct diff *diff)
{
	bool had = was->entries[i].has_status;
	bool has = is->entries[j].has_status;

	if (was->entries[i].list == is->entries[j].list)
		return had == has
			   ? 0
			   : report(diff, has ? CHANGE_ADDED : CHANGE_REMOVED, is, j, "/status");
	int r = report(diff, CHANGE_REMOVED, was, i, "");
	return r < 0 ? r : report(diff, CHANGE_ADDED, is, j, "");
}

static int compare_lists(const struct container_list *was, const struct container_list *is,
			 struct diff *diff)
{
	size_t i = 0;
	size_t j = 0;
	int r = 0;

	if (!was->count != !is->count)
		return diff_add(diff, is->count ? CHANGE_ADDED : CHANGE_REMOVED, "containers");
	while (r == 0 && (i < was->count || j < is->count)) {
		const struct container_name *x = &was->entries[i];
		const struct container_name *y = &is->entries[j];
		int order = i == was->count  ? 1
			    : j == is->count ? -1
					     : bytes_compare(was->names.data + x->off, x->len,
							     is->names.data + y->off, y->len);

		if (order < 0)
			r = report(diff, CHANGE_REMOVED, was, i++, "");
		else if (order > 0)
			r = report(diff, CHANGE_ADDED, is, j++, "");
		else
			r = compare_both(was, i++, is, j++, diff);
	}
	return r;
}

/* Whether all that is in a folder of the object is written alike. */
static bool same_folder(const struct view *old, const struct view *new, const char *name)
{
	uint32_t was = json_member(&old->index, old->text, 0, name);
	uint32_t is = json_member(&new->index, new->text, 0, name);
	const struct json_node *a = &old->index.nodes[was];
	const struct json_node *b = &new->index.nodes[is];

	return was && is && bytes_equal(old->text + a->off, a->len, new->text + b->off, b->len);
}

bool container_naming_changed(const struct view *old, const struct view *new)
{
	if (same_folder(old, new, "spec") && same_folder(old, new, "status"))
		return false;
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
	cleanup_container_list struct container_list was = {0};
	cleanup_container_list struct container_list is = {0};
	int r = container_list(old, &was);

	if (r == 0)
		r = container_list(new, &is);
	return r < 0 ? r : compare_lists(&was, &is, diff);
}
