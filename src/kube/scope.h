/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scope: which objects of which namespace, as paths and queries.
 */
#ifndef PODFS_KUBE_SCOPE_H
#define PODFS_KUBE_SCOPE_H

#include <podfs/base/buf.h>
#include <podfs/kube/client.h>

struct scope {
	char namespace[64]; /* "": all */
	char *label_selector;
	char *field_selector;
};

/**
 * Where a resource is listed: the path, and the selectors as a query ("" for
 * none). 0 or -ENOMEM.
 */
int scope_target(const struct scope *s, enum kube_resource r, struct buf *ret_path,
		 struct buf *ret_query);

#endif
