/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kind: the kinds of objects that are mirrored.
 */
#ifndef PODFS_MODEL_KIND_H
#define PODFS_MODEL_KIND_H

enum kind {
	KIND_UNSET,
	KIND_NAMESPACE,
	KIND_NODE,
	KIND_POD,
	KIND_COUNT,
};

/* The API's spelling: "Pod". */
const char *kind_name(enum kind kind);

/* The plural of URLs and RBAC rules: "pods". */
const char *kind_resource(enum kind kind);

#endif
