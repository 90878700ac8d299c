/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed: from the client into the store.
 *
 * The client knows resources and texts, the store kinds and packed objects;
 * this is the only place that knows both. [loop]
 */
#ifndef PODFS_FEED_H
#define PODFS_FEED_H

#include <podfs/kube/client.h>
#include <podfs/store/store.h>

struct feeds;

struct feed {
	struct feeds *feeds;
	enum kind kind;
};

struct feeds {
	struct store *store;
	struct json_index index; /* scratch space for packing */
	struct feed feed[KUBE_N_RESOURCES];
};

/* The kind of what a resource lists. [any thread] */
enum kind feed_kind(enum kube_resource r);

/**
 * Leads what comes into sinks into @store.
 *
 * @f          stays where it is, and the store stays, for as long as the sinks are used.
 * @ret_sinks  one a resource.
 */
void feeds_init(struct feeds *f, struct store *store,
		struct reflector_sink ret_sinks[KUBE_N_RESOURCES]);

/* Tells the store what may be read, as far as that is known by now. */
void feeds_set_readable(struct feeds *f, const struct kube_state *state);

/* Not while a sink may still be called. One that is all zero may be released, too. */
/* What could not be read by the worker before is not there for this one, until it can be. */
void feeds_resume(struct feeds *f, const struct kube_resume *resume);

void feeds_release(struct feeds *f);

#endif
