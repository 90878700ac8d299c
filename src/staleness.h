/* SPDX-License-Identifier: Apache-2.0 */
/*
 * staleness: what is shown while the server is away.
 *
 * The log says a loss once and the return once; --stale=deny makes reads fail
 * when what is shown is too old. [loop] unless it says otherwise.
 */
#ifndef PODFS_STALENESS_H
#define PODFS_STALENESS_H

#include <podfs/fs/fs.h>
#include <podfs/kube/client.h>

struct staleness {
	struct kube_client *client;
	struct fs *fs;
	int64_t deny_after_ms; /* -1: old is better than nothing */
	uv_timer_t timer; /* when what is shown gets too old, unless the server is back by then */
	bool lost;        /* what the log knows of */
	bool told_forbidden[KUBE_N_RESOURCES];
	bool denying; /* reads fail: what was last known is too old */
};

/* Since when something that is shown is not up to date; 0: all of it is. [any thread] */
int64_t stale_since_ms(const struct kube_state *state);

/* @s stays where it is until the loop has closed the timer. */
void staleness_init(struct staleness *s, uv_loop_t *loop, int64_t deny_after_ms);

/* From now on there is something to deny, and a client that is asked when it gets too old. */
void staleness_start(struct staleness *s, struct kube_client *client, struct fs *fs);

/* Says what changed, and denies or serves. After staleness_start(). */
void staleness_update(struct staleness *s, const struct kube_state *state);

/* Before the client or the mount goes. */
void staleness_stop(struct staleness *s);

#endif
