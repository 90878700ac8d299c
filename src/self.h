/* SPDX-License-Identifier: Apache-2.0 */
/*
 * self: who asks? Which pod /self leads to, by the command line, the
 * environment, or the thread that looks.
 */
#ifndef PODFS_SELF_H
#define PODFS_SELF_H

#include <stdatomic.h>

#include <podfs/base/error.h>
#include <podfs/config/config.h>
#include <podfs/tree/tree.h>

struct self {
	struct tree *tree;
	char *namespace; /* podfs's own pod, or the one it was told; NULL: none */
	char *pod;
	const char *source; /* where that is from: "POD_NAME" */
	bool by_caller;
	bool rooted;         /* cgroup.h: of podfs itself */
	struct buf own_text; /* likewise */
	atomic_bool saw_unseen;
};

/* Checks the value of --self. 0 or -EINVAL with @e filled. */
int self_check(const char *option, struct error *e);

/**
 * Finds out which pod it is, and tells @tree.
 *
 * @self    zeroed; to be released in any case.
 * @option  what --self says, checked, or NULL.
 * @env     NULL: the process's own environment.
 * @tree    must live as long as @self, and be told nothing else about it.
 *
 * 0 or -ENOMEM.
 */
int self_init(struct self *self, const char *option, const struct config_env *env,
	      struct tree *tree);
void self_release(struct self *self);

/**
 * Where /self leads for a thread: a link's target.
 *
 * @proc  the proc filesystem: "/proc".
 *
 * [any thread] Takes the store's lock, shared. 0; -ENOENT: it is in no pod that is shown, or cannot
 * be seen; -ENOMEM.
 */
int self_of_caller(struct self *self, const char *proc, pid_t tid, struct buf *target);

/* Appends a few words for .podfs/status: "shop/web-1 (from POD_NAME)". [any thread] As above. */
int self_describe(struct self *self, struct buf *out);

#endif
