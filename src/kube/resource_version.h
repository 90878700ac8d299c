/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resource_version: order of resourceVersions, as Kubernetes 1.35 defines it
 * (KEP-5504): decimal numbers of any length, comparable within one resource of
 * one cluster only.
 */
#ifndef PODFS_KUBE_RESOURCE_VERSION_H
#define PODFS_KUBE_RESOURCE_VERSION_H

#include <stdbool.h>
#include <stddef.h>

#define RESOURCE_VERSION_MAX 63

/* Digits without a leading zero; "0" is none. */
bool resource_version_valid(const char *s);

/**
 * @ret  below 0, 0, above 0: @a is older, the same, newer.
 *
 * 0, or -EINVAL: one of them is ill-formed and they differ, so nothing can be said.
 */
int resource_version_compare(const char *a, const char *b, int *ret);

/* metadata.resourceVersion of an object's text. 0, or -EINVAL: none, or too long to be one. */
int resource_version_of(const char *obj, size_t len, char ret[RESOURCE_VERSION_MAX + 1]);

#endif
