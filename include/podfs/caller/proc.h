/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc: what /proc says about a thread's cgroups. [any thread]
 */
#ifndef PODFS_CALLER_PROC_H
#define PODFS_CALLER_PROC_H

#include <stdbool.h>
#include <sys/types.h>

#include <podfs/base/buf.h>

/* Bytes of a thread's cgroup file: each path has at most PATH_MAX, and there are few hierarchies.
 */
#define PROC_CGROUP_MAX 131072

/**
 * Reads /proc/TID/cgroup, which is of any thread, not only of a process's first.
 *
 * @proc  where the proc filesystem is: "/proc".
 * @ret   empty; NUL-terminated on success.
 *
 * 0; -ENOENT: there is no such thread, or not any more; -E2BIG: over
 * PROC_CGROUP_MAX; -ENOMEM; or what open() and read() gave.
 */
int proc_cgroup(const char *proc, pid_t tid, struct buf *ret);

/* The same for the caller itself. */
int proc_own_cgroup(const char *proc, struct buf *ret);

/* Whether podfs has another cgroup namespace than the system's first. */
bool proc_cgroup_is_namespaced(const char *proc);

#endif
