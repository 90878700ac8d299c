/* SPDX-License-Identifier: Apache-2.0 */
/*
 * views: other ways to a pod than by its namespace and name: by its labels, its
 * addresses and its uids; and what a change of the store does to them.
 */
#ifndef PODFS_STORE_VIEWS_H
#define PODFS_STORE_VIEWS_H

#include <podfs/store/claims.h>
#include <podfs/store/index.h>

/* What a pod has in them. Its address does not change while it is there. */
struct indexed {
	struct label_set labels;
	uint32_t slot; /* in the index of labels */
	uint32_t uid_count;
	uint32_t ip_count;
	struct claim claims[]; /* uids first */
};

/* Under the store's lock. */
const struct claims *store_by_uid(const struct store *s);
const struct claims *store_by_ip(const struct store *s);
const struct index *store_index(const struct store *s);

enum view_kind {
	VIEW_UNSET,
	VIEW_UID,
	VIEW_IP,
	VIEW_SELECTION, /* the pod itself came or went there */
};

struct view_change {
	enum view_kind view;
	uint32_t name_off; /* uid, address or selector, in `names` */
	bool went;         /* the name, or of a selection the pod; */
	bool came;         /* both: it leads to another pod */
	bool folder;       /* of a selection: with the pod, its namespace did */
};

struct view_changes {
	struct view_change *changes;
	size_t count;
	size_t cap;
	struct buf names;
	bool lost; /* no memory: there were more */
};

static inline const char *view_change_name(const struct view_changes *all, size_t i)
{
	return all->names.data + all->changes[i].name_off;
}

#endif
