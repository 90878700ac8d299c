/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "reflector_internal.h"
#include "scope.h"

const char *kube_resource_name(enum kube_resource r)
{
	static const char *const names[] = {
	    [KUBE_NAMESPACES] = "namespaces",
	    [KUBE_NODES] = "nodes",
	    [KUBE_PODS] = "pods",
	};

	return names[r];
}

int scope_target(const struct scope *s, enum kube_resource r, struct buf *ret_path,
		 struct buf *ret_query)
{
	cleanup_buf struct buf field = {0};

	if (r == KUBE_PODS && *s->namespace)
		buf_addf(ret_path, "/api/v1/namespaces/%s/pods", s->namespace);
	else
		buf_addf(ret_path, "/api/v1/%s", kube_resource_name(r));
	if (r == KUBE_PODS && s->label_selector)
		query_add(ret_query, "labelSelector", s->label_selector);
	if (r == KUBE_PODS && s->field_selector)
		query_add(ret_query, "fieldSelector", s->field_selector);
	/* A list of one: that is what a right on this namespace alone allows. */
	if (r == KUBE_NAMESPACES && *s->namespace) {
		buf_addf(&field, "metadata.name=%s", s->namespace);
		query_add(ret_query, "fieldSelector", field.err ? "" : field.data);
	}
	return ret_path->err || ret_query->err || field.err ? -ENOMEM : 0;
}
