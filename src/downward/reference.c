/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a fieldRef or a resourceFieldRef stands for.
 *
 * Limits that are unset differ by who asks, as in the kubelet: a volume gives
 * any container the node's amount; a variable gives an app container, and the
 * container it is in, the pod's own limit or the node's, and an init container
 * that it names nothing at all.
 */
#include <errno.h>

#include <podfs/model/resource_value.h>

#include "internal.h"

static int read_field(const struct downward_source *s, uint32_t ref, enum field_use use,
		      struct buf *out)
{
	cleanup_buf struct buf version_buf = {0};
	cleanup_buf struct buf path_buf = {0};
	uint32_t n = node_member(s->pod, ref, "apiVersion");
	struct bytes version = node_string(s->pod, n, &version_buf);

	if (version.len && !bytes_are(version, "v1"))
		return -ENOENT;
	n = node_member(s->pod, ref, "fieldPath");
	struct bytes path = node_string(s->pod, n, &path_buf);
	if (version_buf.err || path_buf.err)
		return -ENOMEM;
	int r = field_read(s, path, use, out);
	/* A pod that was not created through the API may have none: its variable is empty. */
	if (r == -ENOENT && use == USE_ENV && bytes_are(path, "spec.serviceAccountName"))
		return 0;
	return r;
}

/* Which container a resourceFieldRef means, and where its limits come from if it has none. */
static int find_container(const struct downward_source *s, uint32_t ref, uint32_t own,
			  uint32_t *ret, enum resource_default *ret_fallback)
{
	cleanup_buf struct buf scratch = {0};
	uint32_t n = node_member(s->pod, ref, "containerName");
	struct bytes name = node_string(s->pod, n, &scratch);
	enum container_kind kind;

	if (scratch.err)
		return scratch.err;
	*ret = own;
	*ret_fallback = DEFAULT_POD;
	if (own && !name.len)
		return 0;
	int r = container_named(s->pod, name, ret, &kind);
	if (!own)
		*ret_fallback = DEFAULT_NODE;
	else if (r == 0 && kind != CONTAINER_APP)
		*ret_fallback = DEFAULT_NONE;
	return r;
}

/*
 * Any divisor will do here: the API server has let this one in, and the kubelet
 * does not ask again.
 */
static int read_resource(const struct downward_source *s, uint32_t ref, uint32_t own,
			 struct buf *out)
{
	cleanup_buf struct buf scratch = {0};
	struct bytes text = node_string(s->pod, node_member(s->pod, ref, "resource"), &scratch);
	enum resource_default fallback;
	struct resource resource;
	struct quantity divisor;
	struct quantity amount;
	uint32_t container;

	if (scratch.err)
		return scratch.err;
	if (!resource_parse(text, &resource) ||
	    quantity_at(s->pod, node_member(s->pod, ref, "divisor"), &divisor) < 0)
		return -ENOENT;
	int r = find_container(s, ref, own, &container, &fallback);
	if (r == 0)
		r = resource_amount(s, container, &resource, fallback, &amount);
	return r == 0 && out ? amount_print(&resource, &amount, &divisor, out) : r;
}

struct bytes reference_field(const struct view *pod, uint32_t holder, struct buf *scratch)
{
	uint32_t field = node_member(pod, holder, "fieldRef");

	return node_string(pod, node_member(pod, field, "fieldPath"), scratch);
}

int reference_read(const struct downward_source *s, uint32_t holder, uint32_t container,
		   struct buf *out)
{
	uint32_t field = node_member(s->pod, holder, "fieldRef");
	uint32_t resource = node_member(s->pod, holder, "resourceFieldRef");

	if (field && node_at(s->pod, field)->type == JSON_OBJECT)
		return read_field(s, field, container ? USE_ENV : USE_VOLUME, out);
	if (resource && node_at(s->pod, resource)->type == JSON_OBJECT)
		return read_resource(s, resource, container, out);
	return -ENOENT;
}
