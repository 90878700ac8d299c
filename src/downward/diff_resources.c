/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include <podfs/model/resource_value.h>

#include "internal.h"

/* Every text that is a divisor of some resource; resource_divisor() says of which. */
static const char *const units[] = {"1",  "1m",  "1k",  "1M",  "1G",  "1T",  "1P",
				    "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"};

/* A resource of one container, before or now. */
struct amount {
	bool known;  /* it has files */
	bool listed; /* and one of them is listed */
	struct quantity quantity;
};

static int read_amount(const struct downward_source *s, uint32_t container,
		       const struct resource *resource, bool listed, struct amount *ret)
{
	int r = resource_amount(s, container, resource, DEFAULT_NODE, &ret->quantity);

	ret->known = r == 0;
	ret->listed = ret->known && listed;
	return r == -ENOENT ? 0 : r;
}

static enum change_kind compare_values(const struct resource *resource, const struct amount *was,
				       const struct amount *is, const struct quantity *divisor)
{
	bool cpu = bytes_are(resource->name, "cpu");

	if (was->known != is->known)
		return is->known ? CHANGE_ADDED : CHANGE_REMOVED;
	return is->known && resource_value(&was->quantity, divisor, cpu) !=
				resource_value(&is->quantity, divisor, cpu)
		   ? CHANGE_VALUE
		   : CHANGE_UNSET;
}

static int report_unit(struct diff *diff, enum change_kind kind, struct bytes path)
{
	cleanup_buf struct buf full = {0};

	buf_addstr(&full, "downward/");
	if (buf_add(&full, path.p, path.len) < 0)
		return -ENOMEM;
	return diff_add_unnoted(diff, kind, full.data);
}

/*
 * The file of a resource, whose path is @file, and those of its other units. They have one time,
 * downward_time_path(): a pod with ten containers would else fill its whole history with a resize.
 */
static int report_units(const struct resource *resource, struct bytes text,
			const struct amount *was, const struct amount *is, struct buf *file,
			struct diff *diff)
{
	size_t len = file->len;
	bool any = false;
	int r = 0;

	for (size_t i = 0; i <= ARRAY_SIZE(units) && r == 0; i++) {
		const char *unit = i ? units[i - 1] : "1";
		struct quantity divisor;

		if (resource_divisor(text.p, text.len, unit, strlen(unit), &divisor) < 0)
			continue;
		enum change_kind kind = compare_values(resource, was, is, &divisor);
		if (!i && was->listed != is->listed)
			kind = is->listed ? CHANGE_ADDED : CHANGE_REMOVED;
		if (i)
			buf_addf(file, "@%s", unit);
		struct bytes path = {file->data, file->len};
		if (kind != CHANGE_UNSET && file->err)
			r = file->err;
		else if (kind != CHANGE_UNSET)
			r = i ? report_unit(diff, kind, path) : report(diff, kind, path);
		any |= i && kind != CHANGE_UNSET;
		file->len = len;
	}
	if (r == 0 && any) {
		buf_addch(file, '@');
		r = file->err ? file->err
			      : report(diff, CHANGE_VALUE, (struct bytes){file->data, file->len});
		file->len = len;
	}
	return r;
}

/* Two sources, a container that is in both, and the huge pages that are listed in each. */
struct pair {
	const struct downward_source *old;
	const struct downward_source *new;
	struct bytes dir; /* the container's directory */
	uint32_t was;
	uint32_t is;
	bool same_amounts; /* its own are written alike */
	bool same_node;
	struct downward_list old_pages;
	struct downward_list new_pages;
	bool same_pages;
};

static int compare_resource(const struct pair *p, bool is_limit, struct bytes name, bool old_listed,
			    bool new_listed, struct diff *diff)
{
	cleanup_buf struct buf file = {0};
	struct resource resource = {is_limit, name};
	struct amount was;
	struct amount is;
	int r = read_amount(p->old, p->was, &resource, old_listed, &was);

	if (r == 0)
		r = read_amount(p->new, p->is, &resource, new_listed, &is);
	if (r < 0)
		return r;
	buf_addstr(&file, "resources/");
	buf_add(&file, p->dir.p, p->dir.len);
	buf_addch(&file, '/');
	size_t off = file.len;
	buf_addstr(&file, is_limit ? "limits." : "requests.");
	if (buf_add(&file, name.p, name.len) < 0)
		return -ENOMEM;
	/* The path may move when a unit is added to it; its text is the same at the start. */
	cleanup_buf struct buf text = {0};
	if (buf_add(&text, file.data + off, file.len - off) < 0)
		return -ENOMEM;
	return report_units(&resource, (struct bytes){text.data, text.len}, &was, &is, &file, diff);
}

static int compare_both(const struct pair *p, const char *name, size_t len, bool was, bool is,
			struct diff *diff)
{
	int r = compare_resource(p, true, (struct bytes){name, len}, was, is, diff);

	return r < 0 ? r : compare_resource(p, false, (struct bytes){name, len}, was, is, diff);
}

/* Which of two sorted lists' next entries comes first: < 0, > 0, or 0 for both. */
static int next_of(const struct downward_list *a, size_t i, const struct downward_list *b, size_t j)
{
	if (i == a->count || j == b->count)
		return i == a->count ? 1 : -1;
	return bytes_compare(downward_entry_name(a, i), a->entries[i].name_len,
			     downward_entry_name(b, j), b->entries[j].name_len);
}

static bool same_names(const struct downward_list *a, const struct downward_list *b)
{
	size_t i = 0;

	while (i < a->count && i < b->count && !next_of(a, i, b, i))
		i++;
	return i == a->count && i == b->count;
}

/* The pages are those of all containers and the node, each with its own or none in every container.
 */
static int compare_pages(const struct pair *p, struct diff *diff)
{
	size_t i = 0;
	size_t j = 0;
	int r = 0;

	if (p->same_amounts && p->same_pages)
		return 0;
	while (r == 0 && (i < p->old_pages.count || j < p->new_pages.count)) {
		int order = next_of(&p->old_pages, i, &p->new_pages, j);
		const struct downward_list *from = order <= 0 ? &p->old_pages : &p->new_pages;
		size_t at = order <= 0 ? i : j;

		if (order || !p->same_amounts)
			r = compare_both(p, downward_entry_name(from, at),
					 from->entries[at].name_len, order <= 0, order >= 0, diff);
		i += order <= 0;
		j += order >= 0;
	}
	return r;
}

static int compare_containers(const struct pair *p, struct diff *diff)
{
	static const char *const plain[] = {"cpu", "memory", "ephemeral-storage"};
	int r = 0;

	for (size_t n = 0; n < ARRAY_SIZE(plain) && r == 0; n++)
		if (!p->same_amounts || !p->same_node)
			r = compare_both(p, plain[n], strlen(plain[n]), true, true, diff);
	return r < 0 ? r : compare_pages(p, diff);
}

static int report_container(struct diff *diff, enum change_kind kind, const char *name)
{
	cleanup_buf struct buf path = {0};

	if (buf_addf(&path, "resources/%s", name) < 0)
		return -ENOMEM;
	return report(diff, kind, (struct bytes){path.data, path.len});
}

static int compare_lists(struct pair *p, const struct downward_list *was,
			 const struct downward_list *is, struct diff *diff)
{
	size_t i = 0;
	size_t j = 0;
	int r = 0;

	if (!was->count != !is->count)
		return report(diff, is->count ? CHANGE_ADDED : CHANGE_REMOVED,
			      (struct bytes){"resources", strlen("resources")});
	while (r == 0 && (i < was->count || j < is->count)) {
		int order = next_of(was, i, is, j);

		if (order < 0) {
			r = report_container(diff, CHANGE_REMOVED, downward_entry_name(was, i++));
		} else if (order > 0) {
			r = report_container(diff, CHANGE_ADDED, downward_entry_name(is, j++));
		} else {
			p->dir =
			    (struct bytes){downward_entry_name(is, j), is->entries[j].name_len};
			p->was = was->entries[i++].node;
			p->is = is->entries[j++].node;
			p->same_amounts =
			    same_text(p->old->pod, node_member(p->old->pod, p->was, "resources"),
				      p->new->pod, node_member(p->new->pod, p->is, "resources"));
			r = compare_containers(p, diff);
		}
	}
	return r;
}

int resources_diff(const struct downward_source *old, const struct downward_source *new,
		   struct diff *diff)
{
	cleanup_downward_list struct downward_list was = {0};
	cleanup_downward_list struct downward_list is = {0};
	struct pair p = {.old = old, .new = new, .same_node = old->node == new->node};
	int r = containers_list(old->pod, CONTAINERS_NAMED, &was);

	if (r == 0)
		r = containers_list(new->pod, CONTAINERS_NAMED, &is);
	if (r == 0)
		r = hugepages_list(old, &p.old_pages);
	if (r == 0)
		r = hugepages_list(new, &p.new_pages);
	p.same_pages = same_names(&p.old_pages, &p.new_pages);
	if (r == 0)
		r = compare_lists(&p, &was, &is, diff);
	downward_list_release(&p.old_pages);
	downward_list_release(&p.new_pages);
	return r;
}
