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
	bool has_resources; /* not an ephemeral one */
};

/* 0; -ENOENT; -ENOMEM. */
int container_find(const struct view *view, const char *name, size_t len, struct container *ret);

/* Whether there is one at all. */
bool container_any(const struct view *view);

struct container_name {
	uint32_t off; /* in `names` */
	uint32_t len;
	unsigned int list; /* 0..2: containers, initContainers, ephemeralContainers */
	bool has_status;
};

struct container_list {
	struct buf names;
	struct container_name *entries;
	size_t count;
	size_t cap;
};

/*
 * Fills a zeroed list with all containers, sorted by name. A list whose elements
 * are not named by `name` is left out. 0 or -ENOMEM.
 */
int container_list(const struct view *view, struct container_list *ret);
void container_list_release(struct container_list *list);
#define cleanup_container_list cleanup_(container_list_release)

/*
 * Whether a list of containers is named by `name` in one view and by index in
 * the other. Its elements may be called the same in both (a container "0"), so
 * that a diff of the fields says nothing.
 */
bool container_naming_changed(const struct view *old, const struct view *new);

/* Adds to @diff what @new changes in "containers". 0 or -ENOMEM. */
int container_diff(const struct view *old, const struct view *new, struct diff *diff);

#endif
