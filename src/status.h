/* SPDX-License-Identifier: Apache-2.0 */
/* status: what .podfs says about the filesystem. [any thread] */
#ifndef PODFS_STATUS_H
#define PODFS_STATUS_H

#include <podfs/fs/fs.h>
#include <podfs/fs/head.h>
#include <podfs/kube/client.h>

#include "self.h"

struct status {
	struct kube_client *client;
	struct store *store;
	struct fs *fs;
	struct self *self;
	const struct fs_head *head; /* NULL: there is no supervisor */
};

/* `key: value` lines. 0 or -ENOMEM. */
int status_text(void *status, struct buf *out);

/* Prometheus's text format. */
int status_metrics(void *status, struct buf *out);

int status_version(void *status, struct buf *out);

/* A resource's state in a few words: "watching", "not readable (...)". */
int status_describe(const struct kube_resource_state *s, struct buf *out);

#endif
