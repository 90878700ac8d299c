/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's limits and requests, in any of the units that a divisor may be.
 *
 * A limit of cpu, memory or ephemeral storage that is unset or zero is what the
 * node has to give. Without the node it is not known, and has no file.
 */
#include <errno.h>
#include <inttypes.h>

#include <podfs/model/resource_value.h>

#include "internal.h"

#define HUGEPAGES "hugepages-"

static const struct downward_place file_place = {DOWNWARD_FILE, 0444};

static const char *const plain[] = {"cpu", "memory", "ephemeral-storage"};

static bool is_plain(struct bytes name)
{
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		if (bytes_are(name, plain[i]))
			return true;
	return false;
}

static bool is_hugepages(struct bytes name)
{
	return name.len >= strlen(HUGEPAGES) && !memcmp(name.p, HUGEPAGES, strlen(HUGEPAGES));
}

bool resource_parse(struct bytes text, struct resource *ret)
{
	const char *dot = text.len ? memchr(text.p, '.', text.len) : NULL;

	if (!dot)
		return false;
	struct bytes folder = {text.p, (size_t)(dot - text.p)};
	ret->is_limit = bytes_are(folder, "limits");
	ret->name = (struct bytes){dot + 1, text.len - folder.len - 1};
	return (ret->is_limit || bytes_are(folder, "requests")) &&
	       (is_plain(ret->name) || is_hugepages(ret->name));
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The API server's JSON may have space around an amount, and an amount that is a number. */
int quantity_at(const struct view *view, uint32_t n, struct quantity *ret)
{
	cleanup_buf struct buf scratch = {0};
	struct bytes text = {"0", 1};

	if (n && node_at(view, n)->type == JSON_NUMBER)
		text = (struct bytes){view->text + node_at(view, n)->off, node_at(view, n)->len};
	else if (n && node_at(view, n)->type == JSON_STRING)
		text = field_string(view, n, &scratch);
	else if (n && node_at(view, n)->type != JSON_NULL)
		return -EINVAL;
	while (text.len && is_space(text.p[0]))
		text = (struct bytes){text.p + 1, text.len - 1};
	while (text.len && is_space(text.p[text.len - 1]))
		text.len--;
	return quantity_parse(text.p, text.len, ret) < 0 ? -EINVAL : 0;
}

/* The last member of a map of amounts with that name, or 0. */
static uint32_t find_amount(const struct view *view, uint32_t map, struct bytes name,
			    struct buf *scratch)
{
	uint32_t found = 0;

	if (!map || node_at(view, map)->type != JSON_OBJECT)
		return 0;
	for (uint32_t c = node_first(view, map); c; c = node_at(view, c)->next) {
		struct bytes key = field_key(view, c, scratch);

		if (bytes_equal(key.p, key.len, name.p, name.len))
			found = c;
	}
	return found;
}

/* An amount in a map, 0 if it has none. 0; -EINVAL; -ENOMEM. */
static int amount_in(const struct view *view, uint32_t map, struct bytes name, struct quantity *ret)
{
	cleanup_buf struct buf scratch = {0};
	uint32_t n = find_amount(view, map, name, &scratch);

	return scratch.err ? scratch.err : quantity_at(view, n, ret);
}

/* The limits or requests of @holder: a container, or the pod's spec. */
static uint32_t amounts_of(const struct view *pod, uint32_t holder, bool limits)
{
	return node_member(pod, node_member(pod, holder, "resources"),
			   limits ? "limits" : "requests");
}

/*
 * Whether a limit of the whole pod stands for a container's that is unset: there is none of
 * ephemeral storage, and the kubelet looks at none of what its node, if that is known, lacks. 0;
 * 1; -ENOMEM.
 */
static int pod_limit_counts(const struct downward_source *s, struct bytes name)
{
	cleanup_buf struct buf scratch = {0};

	if (bytes_are(name, "ephemeral-storage"))
		return 0;
	if (!s->node)
		return 1;
	uint32_t has =
	    find_amount(s->node, view_member(s->node, "status", "allocatable"), name, &scratch);
	return scratch.err ? scratch.err : has != 0;
}

/* The limit of the whole pod, 0 if it has none that counts. 0; -EINVAL; -ENOMEM. */
static int pod_limit(const struct downward_source *s, struct bytes name, struct quantity *ret)
{
	uint32_t spec = json_member(&s->pod->index, s->pod->text, 0, "spec");
	int r = pod_limit_counts(s, name);

	return r <= 0 ? r : amount_in(s->pod, amounts_of(s->pod, spec, true), name, ret);
}

int resource_amount(const struct downward_source *s, uint32_t container,
		    const struct resource *resource, enum resource_default fallback,
		    struct quantity *ret)
{
	struct bytes name = resource->name;
	uint32_t map = amounts_of(s->pod, container, resource->is_limit);
	int r = amount_in(s->pod, map, name, ret);

	if (!resource->is_limit || fallback == DEFAULT_NONE || !is_plain(name) || r < 0 ||
	    !quantity_is_zero(ret))
		return r == -EINVAL ? -ENOENT : r;
	if (fallback == DEFAULT_POD) {
		r = pod_limit(s, name, ret);
		if (r < 0 || !quantity_is_zero(ret))
			return r == -EINVAL ? -ENOENT : r;
	}
	if (!s->node)
		return -ENOENT;
	r = amount_in(s->node, view_member(s->node, "status", "allocatable"), name, ret);
	return r == -EINVAL ? -ENOENT : r;
}

int amount_print(const struct resource *resource, const struct quantity *amount,
		 const struct quantity *divisor, struct buf *out)
{
	return buf_addf(out, "%" PRId64,
			resource_value(amount, divisor, bytes_are(resource->name, "cpu")));
}

/* The divisor that @unit is for a resource, if it is written as the API prints it. */
static int read_unit(struct bytes resource, struct bytes unit, struct quantity *ret)
{
	cleanup_buf struct buf canonical = {0};

	if (resource_divisor(resource.p, resource.len, unit.p, unit.len, ret) < 0)
		return -ENOENT;
	if (quantity_add_text(&canonical, ret) < 0)
		return -ENOMEM;
	return bytes_equal(canonical.data, canonical.len, unit.p, unit.len) ? 0 : -ENOENT;
}

int resource_read(const struct downward_source *s, uint32_t container, struct bytes name,
		  struct buf *out)
{
	const char *at = name.len ? memchr(name.p, '@', name.len) : NULL;
	struct bytes text = {name.p, at ? (size_t)(at - name.p) : name.len};
	struct bytes unit = {at ? at + 1 : "1", at ? name.len - text.len - 1 : 1};
	struct resource resource;
	struct quantity divisor;
	struct quantity amount;

	if (!resource_parse(text, &resource))
		return -ENOENT;
	int r = read_unit(text, unit, &divisor);
	if (r == 0)
		r = resource_amount(s, container, &resource, DEFAULT_NODE, &amount);
	return r == 0 && out ? amount_print(&resource, &amount, &divisor, out) : r;
}

size_t downward_time_path(const char *path)
{
	static const char dir[] = "downward/resources/";
	const char *at = NULL;

	if (!strncmp(path, dir, strlen(dir)))
		at = strchr(path + strlen(dir) + strcspn(path + strlen(dir), "/"), '@');
	return at ? (size_t)(at - path) + 1 : strlen(path);
}

/* Adds those in a map of amounts that a file can be called after. */
static int add_hugepages(const struct view *view, uint32_t map, struct downward_list *to)
{
	cleanup_buf struct buf scratch = {0};
	size_t max = FIELD_NAME_MAX - strlen("requests.");

	if (!map || node_at(view, map)->type != JSON_OBJECT)
		return 0;
	for (uint32_t c = node_first(view, map); c; c = node_at(view, c)->next) {
		struct bytes key = field_key(view, c, &scratch);

		if (is_hugepages(key) && key.len <= max && !memchr(key.p, '/', key.len) &&
		    !memchr(key.p, '\0', key.len) && !memchr(key.p, '@', key.len) &&
		    list_add(to, key, file_place, 0) < 0)
			return -ENOMEM;
	}
	return scratch.err;
}

/* Of limits and of requests. */
static int add_held(const struct view *pod, uint32_t holder, struct downward_list *to)
{
	int r = add_hugepages(pod, amounts_of(pod, holder, true), to);

	return r < 0 ? r : add_hugepages(pod, amounts_of(pod, holder, false), to);
}

int hugepages_list(const struct downward_source *s, struct downward_list *ret)
{
	static const char *const lists[] = {"containers", "initContainers"};
	uint32_t spec = json_member(&s->pod->index, s->pod->text, 0, "spec");
	int r = add_held(s->pod, spec, ret);

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		uint32_t n = view_member(s->pod, "spec", lists[i]);

		for (uint32_t c = node_first(s->pod, n); c && r == 0; c = node_at(s->pod, c)->next)
			r = add_held(s->pod, c, ret);
	}
	if (r == 0 && s->node)
		r = add_hugepages(s->node, view_member(s->node, "status", "allocatable"), ret);
	list_settle(ret);
	return r;
}

/* Adds a resource's two files, as far as they exist. */
static int list_resource(const struct downward_source *s, uint32_t container, const char *name,
			 struct downward_list *ret)
{
	static const char *const folders[] = {"limits.", "requests."};

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		cleanup_buf struct buf file = {0};

		buf_addstr(&file, folders[i]);
		if (buf_addstr(&file, name) < 0)
			return -ENOMEM;
		int r = resource_read(s, container, (struct bytes){file.data, file.len}, NULL);
		if (r == 0)
			r = list_add(ret, (struct bytes){file.data, file.len}, file_place, 0);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	return 0;
}

int resources_list(const struct downward_source *s, uint32_t container, struct downward_list *ret)
{
	cleanup_downward_list struct downward_list pages = {0};
	int r = hugepages_list(s, &pages);

	for (size_t i = 0; i < ARRAY_SIZE(plain) && r == 0; i++)
		r = list_resource(s, container, plain[i], ret);
	for (size_t i = 0; i < pages.count && r == 0; i++)
		r = list_resource(s, container, downward_entry_name(&pages, i), ret);
	list_settle(ret);
	return r;
}
