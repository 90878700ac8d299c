/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generate: a cluster out of numbers: an online shop, many times over.
 *
 * The same options and seed give the same bytes. Pods come in workloads that
 * share a template, as replicas do; a workload's shape is drawn first, then
 * each pod's own names, addresses and states. Strewn in is what is rare but
 * real: see generate_spice() and the shapes in generate_spec.c.
 */
#pragma once

#include "options.h"
#include "util.h"

/** Loads namespaces, nodes and pods into the store, if the options ask for any. */
void generate_all(const struct options *o);

/* --- between the generator's files --- */

enum owner {
	OWNER_REPLICA_SET,
	OWNER_STATEFUL_SET,
	OWNER_DAEMON_SET,
	OWNER_JOB,
};

enum { CONTAINERS_MAX = 4 };

/** A template, and how its pods are made. */
struct workload {
	const char *app, *component, *ns;
	char *name; /* of the owner: "cart-api-7d9f8c6b5" */
	char owner_uid[37], hash[16], version[16], config_sum[65];
	enum owner owner;
	bool ipv6, host_network, gate, priority;
	unsigned n_containers, n_init; /* of those, the last init container may be a sidecar */
	bool sidecar;
	char *containers[CONTAINERS_MAX], *images[CONTAINERS_MAX];
	const char *qos;
	struct buf labels, annotations;     /* members of the maps, sorted, without braces */
	struct buf spec_before, spec_after; /* around nodeName */
	char *managed;                      /* the entry of the controller */
};

struct generator {
	const struct options *o;
	struct rng rng;
	uint64_t rv, n_workloads, n_pods;
	int64_t start; /* of the cluster, in seconds */
};

/** What a variable, or a file, shows. */
struct shown {
	const char *name, *field;
};

void workload_draw(struct generator *g, struct workload *w, const char *ns);
void workload_release(struct workload *w);
/** The template: spec, in two parts, and what goes with it. */
void generate_spec(struct generator *g, struct workload *w);
void generate_volumes(struct generator *g, const struct workload *w, struct buf *b);
void generate_mounts(const struct workload *w, bool main, struct buf *b);
/** One pod of it, as text. */
void generate_pod(struct generator *g, const struct workload *w, uint64_t index, struct buf *out);
/** One node, as text. */
void generate_node(struct generator *g, uint64_t index, struct buf *out);

/** Adds `"key":"value"` for a map, after a comma if there is something before. */
void generate_pair(struct buf *out, const char *key, const char *value);
/** The node of that index: its name, and its addresses as pods report them. */
void node_name(uint64_t index, char out[32]);
void node_ip(uint64_t index, char out[32]);
