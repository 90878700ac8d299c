/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup: which pod a process is in, by the text of its /proc/PID/cgroup.
 *
 * A kubelet gives each pod a cgroup with the pod's uid in its name, and puts
 * the pod's containers below it. What is below a container is the container's
 * own: a process can make a cgroup there that is named like another pod's, and
 * move into it. So what counts is the outermost cgroup that has a pod's name,
 * which only the kubelet can have made, unless it is in what systemd leaves to
 * a user of the host (user@1000.service): there nothing counts; it is either a pod that is known,
 * or the process is in none. A name further in is never taken instead, as a pod that is not known
 * (deleted, or in a namespace that is not shown) could otherwise pass for one that is.
 *
 * One thing can rightly be around a cluster's pods: another pod, in one
 * container of which a whole node runs. Then podfs is in that container, too.
 *
 * Pure functions of their arguments.
 */
#ifndef PODFS_CALLER_CGROUP_H
#define PODFS_CALLER_CGROUP_H

#include <stdbool.h>
#include <stddef.h>

/* A UUID, or the 32 hexadecimal digits that a static pod's cgroup carries. */
#define POD_UID_MAX 36

struct pod_uid {
	char text[POD_UID_MAX + 1];
};

/* Where podfs itself is: paths are judged by that. */
struct cgroup_own {
	const char *text; /* its own /proc/PID/cgroup; "": not known */
	bool rooted;      /* "/" is podfs's own container: it has a cgroup namespace of its own */
};

enum cgroup_place {
	CGROUP_NOWHERE, /* in no pod, or in none that is known, or it cannot be said for certain */
	CGROUP_OWN_POD, /* in the pod that podfs is in */
	CGROUP_POD,
};

/* Whether there is a pod of that uid. */
typedef bool (*cgroup_known_fn)(void *ctx, const char *uid);

/**
 * Whether @name is what a kubelet calls a pod's cgroup: `pod<uid>` with the
 * cgroupfs driver, `kubepods-burstable-pod<uid>.slice`, with `_` for `-` in the
 * uid, with systemd's.
 */
bool cgroup_pod_uid(const char *name, size_t len, struct pod_uid *ret);

/**
 * Finds the pod of a process.
 *
 * @text  its /proc/PID/cgroup, as podfs reads it: any number of hierarchies.
 * @ret   the pod's uid; of CGROUP_POD alone.
 */
enum cgroup_place cgroup_find(const struct cgroup_own *own, const char *text, cgroup_known_fn known,
			      void *ctx, struct pod_uid *ret);

/* Whether who has that text is at the root of its cgroup namespace, in every hierarchy. */
bool cgroup_is_root(const char *text);

#endif
