/* SPDX-License-Identifier: Apache-2.0 */
/*
 * containers: <pod>/containers, which has every kind of container by its name.
 */
#ifndef PODFS_TREE_CONTAINERS_H
#define PODFS_TREE_CONTAINERS_H

#include <podfs/model/diff.h>

struct container {
	const char *spec_list;   /* "containers", "initContainers", "ephemeralContainers" */
	const char *status_list; /* "containerStatuses", ... */
	bool has_status;
};

/* 0; -ENOENT; -ENOMEM. */
int container_find(const struct view *view, const char *name, size_t len, struct container *ret);

/*
 * Fills a zeroed list with the names of all containers, sorted. A list whose
 * elements are not named by `name` is left out. 0 or -ENOMEM.
 */
int container_list(const struct view *view, struct field_list *ret);

/*
 * Whether a list of containers is named by `name` in one view and by index in
 * the other. Its elements may be called the same in both (a container "0"), so
 * that a diff of the fields says nothing.
 */
bool container_naming_changed(const struct view *old, const struct view *new);

/* Adds to @diff what @new changes in "containers". 0 or -ENOMEM. */
int container_diff(const struct view *old, const struct view *new, struct diff *diff);

#endif
