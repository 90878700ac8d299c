/* SPDX-License-Identifier: Apache-2.0 */
/*
 * downward: what the Downward API gives a pod, as directories and files.
 *
 * All of it is a pure function of the pod and of the Node it is on. Paths are
 * below the pod's `downward/`: "metadata.labels", "resources/main/limits.cpu@1m",
 * "volumes/podinfo/labels", "env/main/POD_IP"; "" is `downward/` itself. A
 * container, volume or variable whose name has a '/' or '%' is called as
 * podfs(5) says under "Keys"; of two things of one name the first one counts
 * (of two variables and two volume items the last, as in the kubelet), and what
 * no file can be called has none.
 *
 * A file exists if the kubelet would have its bytes, from what is known here:
 * without the node there is no limit that the node would have set.
 *
 * Some names are found but not listed, each in one spelling:
 * `metadata.labels['KEY']` and `metadata.annotations['KEY']` of every key that a
 * pod may have, with '/' written %2F and '%' written %25; `limits.memory@1Mi`
 * with each divisor that the API allows, as it prints it (not `@1000m`);
 * `limits.hugepages-SIZE` of sizes that neither the pod nor the node has.
 */
#ifndef PODFS_DOWNWARD_DOWNWARD_H
#define PODFS_DOWNWARD_DOWNWARD_H

#include <sys/types.h>

#include <podfs/model/diff.h>
#include <podfs/model/field.h>

struct downward_source {
	const struct view *pod;
	const struct view *node; /* NULL: there is none, or it may not be read */
};

enum downward_type {
	DOWNWARD_UNSET,
	DOWNWARD_DIR,
	DOWNWARD_FILE,
};

struct downward_place {
	enum downward_type type;
	mode_t mode; /* the permissions of a file: 0444 unless a volume says otherwise */
};

struct downward_entry {
	uint32_t name_off; /* in `names` */
	uint32_t name_len;
	struct downward_place place;
	uint32_t node; /* the module's own */
};

/* A directory's entries, sorted by the bytes of their names. */
struct downward_list {
	struct buf names; /* each with a NUL behind it */
	struct downward_entry *entries;
	size_t count;
	size_t cap;
};

/* Finds a file or a directory. 0; -ENOENT; -ENOMEM. */
int downward_find(const struct downward_source *s, const char *path, struct downward_place *ret);

/* Appends the bytes of a file. 0; -ENOENT: there is no such file; -ENOMEM. */
int downward_read(const struct downward_source *s, const char *path, struct buf *out);

/* Lists a directory into a zeroed or used list. 0; -ENOENT: no such directory; -ENOMEM. */
int downward_list(const struct downward_source *s, const char *path, struct downward_list *ret);

static inline const char *downward_entry_name(const struct downward_list *list, size_t i)
{
	return list->names.data + list->entries[i].name_off;
}

void downward_list_release(struct downward_list *list);
#define cleanup_downward_list cleanup_(downward_list_release)

/*
 * How much of a file's path, below the pod's directory, a diff gives the time of its changes to:
 * "downward/resources/main/limits.cpu@" for all divisors of an amount, else all of it.
 */
size_t downward_time_path(const char *path);

/*
 * Whether what differs between two states of a Node, NULL for none, can show in a pod that is
 * on it: it does not for a heartbeat.
 */
bool downward_node_matters(const struct view *old, const struct view *new);

/**
 * Adds what differs between two sources to a diff, as paths below the pod's
 * directory ("downward/metadata.labels"): each name at most once, except that
 * what becomes a directory, stops being one or gets another mode is REMOVED,
 * then ADDED.
 *
 * Names that are only looked up are reported like all others. One that was or
 * will be listed is ADDED or REMOVED even if it is found before and after.
 * Those with a divisor are unnoted; what notes them is a VALUE change of
 * downward_time_path(), which is no name.
 *
 * What nothing here depends on may differ at no cost: the texts that count are
 * compared first.
 *
 * 0 or -ENOMEM: then some are missing.
 */
int downward_diff(const struct downward_source *old, const struct downward_source *new,
		  struct diff *ret);

#endif
