/* SPDX-License-Identifier: Apache-2.0 */
#include "generate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store.h"

static const char *const apps[] = {
    "auth",   "billing",  "cart",    "catalog",   "checkout", "fulfilment", "inventory", "mail",
    "orders", "payments", "pricing", "recommend", "reviews",  "search",     "session",   "web",
};

static const char *const components[] = {"api", "worker", "consumer", "frontend", "cache", "db"};

void generate_pair(struct buf *out, const char *key, const char *value)
{
	if (out->len && out->data[out->len - 1] != '{')
		buf_putc(out, ',');
	buf_json_str(out, key);
	buf_putc(out, ':');
	buf_json_str(out, value);
}

/* Every so often a shape comes for certain: a small cluster has the rare ones too. */
static enum owner draw_owner(struct generator *g)
{
	uint64_t n = rng_below(&g->rng, 100);

	if (g->n_workloads % 16 == 5)
		return OWNER_JOB;

	return n < 76   ? OWNER_REPLICA_SET
	       : n < 86 ? OWNER_STATEFUL_SET
	       : n < 94 ? OWNER_DAEMON_SET
			: OWNER_JOB;
}

static unsigned draw_containers(struct generator *g)
{
	uint64_t n = rng_below(&g->rng, 100);

	if (g->n_workloads % 50 == 7)
		return 4;

	return n < 45 ? 1 : n < 82 ? 2 : 3;
}

void workload_draw(struct generator *g, struct workload *w, const char *ns)
{
	static const char *const extras[] = {"", "envoy", "log-shipper", "metrics"};
	struct rng *r = &g->rng;
	unsigned major, minor;

	*w = (struct workload){.ns = ns, .owner = draw_owner(g)};
	w->app = apps[rng_below(r, ARRAY_SIZE(apps))];
	w->component = components[rng_below(r, ARRAY_SIZE(components))];
	rng_chars(r, "bcdfghjklmnpqrstvwxz2456789", 10, w->hash);
	rng_uuid(r, w->owner_uid);
	rng_hex(r, 64, w->config_sum);
	/* one draw a statement: the order in which arguments are evaluated is nobody's promise */
	major = (unsigned)rng_below(r, 5);
	minor = (unsigned)rng_below(r, 30);
	snprintf(w->version, sizeof(w->version), "v%u.%u.%u", major, minor,
		 (unsigned)rng_below(r, 10));
	w->name = w->owner == OWNER_REPLICA_SET
		      ? xasprintf("%s-%s-%s", w->app, w->component, w->hash)
		      : xasprintf("%s-%s-%.4s", w->app, w->component, w->hash);
	w->ipv6 = rng_below(r, 2);
	w->host_network = w->owner == OWNER_DAEMON_SET && rng_below(r, 2);
	w->gate = rng_below(r, 20) == 0;
	w->priority = rng_below(r, 10) == 0;
	w->n_containers = draw_containers(g);
	w->n_init = rng_below(r, 5) == 0 ? 1 + (unsigned)rng_below(r, 2) : 0;
	w->sidecar = w->n_init == 2;
	for (unsigned i = 0; i < w->n_containers; i++) {
		w->containers[i] = xstrdup(i ? extras[i] : w->app);
		w->images[i] = i ? xasprintf("registry.example.com/platform/%s:1.%u", extras[i],
					     (unsigned)rng_below(r, 40))
				 : xasprintf("registry.example.com/shop/%s-%s:%s", w->app,
					     w->component, w->version);
	}
	g->n_workloads++;
	generate_spec(g, w);
}

void workload_release(struct workload *w)
{
	for (unsigned i = 0; i < w->n_containers; i++) {
		free(w->containers[i]);
		free(w->images[i]);
	}
	buf_release(&w->labels);
	buf_release(&w->annotations);
	buf_release(&w->spec_before);
	buf_release(&w->spec_after);
	free(w->managed);
	free(w->name);
}

static void generate_namespace(struct generator *g, const char *name)
{
	struct buf b = {0};
	char uid[37], now[32];

	rng_uuid(&g->rng, uid);
	format_time(g->start, now);
	buf_printf(
	    &b,
	    "{\"metadata\":{\"name\":\"%s\",\"uid\":\"%s\",\"resourceVersion\":\"%llu\","
	    "\"creationTimestamp\":\"%s\",\"labels\":{\"kubernetes.io/metadata.name\":\"%s\"}"
	    ",\"managedFields\":[{\"manager\":\"kubectl-create\",\"operation\":\"Update\","
	    "\"apiVersion\":\"v1\",\"time\":\"%s\",\"fieldsType\":\"FieldsV1\",\"fieldsV1\":{"
	    "\"f:metadata\":{\"f:labels\":{\".\":{},\"f:kubernetes.io/metadata.name\":{}}}}}]"
	    "},\"spec\":{\"finalizers\":[\"kubernetes\"]},\"status\":{\"phase\":\"Active\"}}",
	    name, uid, (unsigned long long)++g->rv, now, name, now);
	store_load(KIND_NAMESPACES, b.data, b.len, true);
	buf_release(&b);
}

/* Sets of replicas as large as real ones: most small, a few large. */
static uint64_t draw_replicas(struct generator *g, const struct workload *w)
{
	if (w->owner == OWNER_DAEMON_SET)
		return g->o->nodes ? g->o->nodes : 1;
	return rng_below(&g->rng, 8) ? 1 + rng_below(&g->rng, 12) : 12 + rng_below(&g->rng, 60);
}

static void generate_pods(struct generator *g)
{
	uint64_t namespaces = g->o->namespaces ? g->o->namespaces : 1;
	struct buf b = {0};

	while (g->n_pods < g->o->pods) {
		struct workload w;
		char ns[32];
		uint64_t replicas;

		/* the first workloads go round, so that every namespace has pods */
		snprintf(ns, sizeof(ns), "team-%03llu",
			 (unsigned long long)(g->n_pods < namespaces * 4
						  ? g->n_pods % namespaces
						  : rng_below(&g->rng, namespaces)));
		workload_draw(g, &w, ns);
		replicas = draw_replicas(g, &w);
		if (g->n_pods < namespaces * 4)
			replicas = 1;
		for (uint64_t i = 0; i < replicas && g->n_pods < g->o->pods; i++) {
			b.len = 0;
			generate_pod(g, &w, i, &b);
			buf_putc(&b, '\0');
			store_load(KIND_PODS, b.data, b.len - 1, true);
			g->n_pods++;
		}
		workload_release(&w);
	}
	buf_release(&b);
}

void generate_all(const struct options *o)
{
	static const char *const always[] = {"default", "kube-node-lease", "kube-public",
					     "kube-system"};
	struct generator g = {
	    .o = o, .rng = {o->seed}, .rv = o->first_revision ? o->first_revision - 1 : 200};
	uint64_t nodes = o->nodes ? o->nodes : o->pods ? 1 : 0;
	uint64_t namespaces = o->namespaces ? o->namespaces : o->pods ? 1 : 0;
	struct buf b = {0};

	if (!o->pods && !o->nodes && !o->namespaces)
		return;
	/* 2026-11-23 00:00:00: a fixed day, or no two runs would be alike */
	g.start = 1795392000;
	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		generate_namespace(&g, always[i]);
	for (uint64_t i = 0; i < namespaces; i++) {
		char name[32];

		snprintf(name, sizeof(name), "team-%03llu", (unsigned long long)i);
		generate_namespace(&g, name);
	}
	for (uint64_t i = 0; i < nodes; i++) {
		b.len = 0;
		generate_node(&g, i, &b);
		buf_putc(&b, '\0');
		store_load(KIND_NODES, b.data, b.len - 1, true);
	}
	buf_release(&b);
	generate_pods(&g);
}
