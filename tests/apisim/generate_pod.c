/* SPDX-License-Identifier: Apache-2.0 */
/* One pod: its metadata, its state, and now and then something odd. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generate.h"

enum state {
	STATE_RUNNING,
	STATE_PENDING,
	STATE_SUCCEEDED,
	STATE_CRASHING,
	STATE_EVICTED,
};

struct pod {
	char name[128], uid[37], node[32], host_ip[32], ip[32], ip6[40];
	char created[32], started[32], ready[32];
	enum state state;
	bool placed; /* on a node, with addresses */
};

static const char *const owner_kinds[] = {
    [OWNER_REPLICA_SET] = "ReplicaSet",
    [OWNER_STATEFUL_SET] = "StatefulSet",
    [OWNER_DAEMON_SET] = "DaemonSet",
    [OWNER_JOB] = "Job",
};

static enum state draw_state(struct rng *r, const struct workload *w)
{
	uint64_t n = rng_below(r, 1000);

	if (w->owner == OWNER_JOB)
		return n < 700 ? STATE_SUCCEEDED : STATE_RUNNING;
	return n < 15   ? STATE_PENDING
	       : n < 25 ? STATE_CRASHING
	       : n < 29 ? STATE_EVICTED
			: STATE_RUNNING;
}

static void draw(struct generator *g, const struct workload *w, uint64_t index, struct pod *p)
{
	uint64_t nodes = g->o->nodes ? g->o->nodes : 1, node = rng_below(&g->rng, nodes);
	char suffix[8];

	*p = (struct pod){.state = draw_state(&g->rng, w)};
	p->placed = p->state != STATE_PENDING;
	if (w->owner == OWNER_DAEMON_SET)
		node = index % nodes;
	rng_chars(&g->rng, "bcdfghjklmnpqrstvwxz2456789", 5, suffix);
	if (w->owner == OWNER_STATEFUL_SET)
		snprintf(p->name, sizeof(p->name), "%s-%llu", w->name, (unsigned long long)index);
	else
		snprintf(p->name, sizeof(p->name), "%s-%s", w->name, suffix);
	rng_uuid(&g->rng, p->uid);
	node_name(node, p->node);
	node_ip(node, p->host_ip);
	if (w->host_network)
		strcpy(p->ip, p->host_ip);
	else
		snprintf(p->ip, sizeof(p->ip), "10.%u.%u.%u", (unsigned)(64 + node / 250),
			 (unsigned)(node % 250), (unsigned)(2 + g->n_pods / nodes % 250));
	snprintf(p->ip6, sizeof(p->ip6), "fd00:10:64:%lx::%lx", (unsigned long)node,
		 0x1000 + (unsigned long)g->n_pods);
	format_time(g->start + (int64_t)(g->n_pods % 80000), p->created);
	format_time(g->start + (int64_t)(g->n_pods % 80000) + 1, p->started);
	format_time(g->start + (int64_t)(g->n_pods % 80000) + 9, p->ready);
}

/* Values that a file must hold to the byte. */
static void odd_annotations(struct generator *g, struct buf *b)
{
	static const char *const odd[][2] = {
	    {"example.com", "a key that is also a prefix"},
	    {"example.com/control", "\x01\x1b[31m\x7f"},
	    {"example.com/empty", ""},
	    {"example.com/html", "<a href=\"/?x=1&y=2\">&amp;</a>"},
	    {"example.com/line-end", "ends with a newline\n"},
	    {"example.com/lines", "first\nsecond\n\nfourth"},
	    {"example.com/no-newline", "$(reboot) `id` ' \" \\ %s %n"},
	    {"example.com/tabs", "a\tb\tc\r\n"},
	    {"example.com/unicode", "Gr\xc3\xbc\xc3\x9f"
				    "e, \xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e, \xf0\x9f\x98\x80, "
				    "\xe2\x80\xa8, \xc2\xa0"},
	    {"example.com/yaml", "no"},
	};
	uint64_t chosen = rng_next(&g->rng);

	for (size_t i = 0; i < ARRAY_SIZE(odd); i++)
		if (chosen >> i & 1)
			generate_pair(b, odd[i][0], odd[i][1]);
}

static void large_annotation(struct generator *g, struct buf *b)
{
	size_t size = 20000 + rng_below(&g->rng, 180000);
	struct buf value = {0};

	for (unsigned line = 0; value.len < size; line++)
		buf_printf(&value, "%u: {\"id\":\"%016llx\",\"ok\":true}\n", line,
			   (unsigned long long)rng_next(&g->rng));
	buf_puts(b, ",\"report.example.com/full\":");
	buf_json(b, value.data, value.len);
	buf_release(&value);
}

static void annotations(struct generator *g, const struct workload *w, const struct pod *p,
			struct buf *out)
{
	struct buf b = {0}, network = {0};
	char id[65];
	bool odd = rng_below(&g->rng, 20) == 0;

	/* capitals sort before everything else */
	if (odd && rng_below(&g->rng, 2))
		generate_pair(&b, "EXAMPLE.com/Owner", "Upper Case");
	buf_printf(&b, "%s%.*s", b.len ? "," : "", (int)w->annotations.len, w->annotations.data);
	if (p->placed && !w->host_network) {
		_cleanup_(freep) char *cidr = xasprintf("%s/32", p->ip), *text = NULL;

		rng_hex(&g->rng, 64, id);
		generate_pair(&b, "cni.projectcalico.org/containerID", id);
		generate_pair(&b, "cni.projectcalico.org/podIP", cidr);
		if (odd)
			odd_annotations(g, &b);
		buf_printf(
		    &network,
		    "[{\n  \"name\": \"k8s-pod-network\",\n  \"ips\": [\n    \"%s\"\n  ],\n  "
		    "\"default\": true,\n  \"dns\": {}\n}]",
		    p->ip);
		text = buf_steal(&network);
		generate_pair(&b, "k8s.v1.cni.cncf.io/network-status", text);
	} else if (odd) {
		odd_annotations(g, &b);
	}
	generate_pair(&b, "prometheus.io/path", "/metrics");
	generate_pair(&b, "prometheus.io/port", "9090");
	generate_pair(&b, "prometheus.io/scrape", "true");
	if (rng_below(&g->rng, 400) == 0)
		large_annotation(g, &b);
	buf_printf(out, ",\"annotations\":{");
	buf_add(out, b.data, b.len);
	buf_putc(out, '}');
	buf_release(&b);
}

/* The status as the kubelet's entry lists it. */
static void kubelet_entry(const struct workload *w, const struct pod *p, struct buf *out)
{
	static const char *const types[] = {"ContainersReady", "Initialized", "PodScheduled",
					    "Ready"};

	buf_printf(
	    out,
	    ",{\"manager\":\"kubelet\",\"operation\":\"Update\",\"apiVersion\":\"v1\",\"time\":"
	    "\"%s\",\"fieldsType\":\"FieldsV1\",\"fieldsV1\":{\"f:status\":{\"f:conditions\":{"
	    "\".\":{}",
	    p->ready);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		buf_printf(out,
			   ",\"k:{\\\"type\\\":\\\"%s\\\"}\":{\".\":{},\"f:lastProbeTime\":{},"
			   "\"f:lastTransitionTime\":{},\"f:status\":{},\"f:type\":{}}",
			   types[i]);
	buf_printf(out,
		   "},\"f:containerStatuses\":{},\"f:hostIP\":{}%s,\"f:phase\":{},\"f:podIP\":{},"
		   "\"f:podIPs\":{\".\":{},\"k:{\\\"ip\\\":\\\"%s\\\"}\":{\".\":{},\"f:ip\":{}}",
		   w->n_init ? ",\"f:initContainerStatuses\":{}" : "", p->ip);
	if (w->ipv6)
		buf_printf(out, ",\"k:{\\\"ip\\\":\\\"%s\\\"}\":{\".\":{},\"f:ip\":{}}", p->ip6);
	buf_puts(out, "},\"f:startTime\":{}}},\"subresource\":\"status\"}");
}

static void metadata(struct generator *g, const struct workload *w, const struct pod *p,
		     uint64_t rv, struct buf *out)
{
	buf_printf(out,
		   "{\"metadata\":{\"name\":\"%s\",\"generateName\":\"%s-\",\"namespace\":\"%s\","
		   "\"uid\":\"%s\",\"resourceVersion\":\"%llu\",\"creationTimestamp\":\"%s\"",
		   p->name, w->name, w->ns, p->uid, (unsigned long long)rv, p->created);
	if (w->labels.len) {
		buf_puts(out, ",\"labels\":{");
		buf_add(out, w->labels.data, w->labels.len);
		buf_putc(out, '}');
	}
	annotations(g, w, p, out);
	buf_printf(
	    out,
	    ",\"ownerReferences\":[{\"apiVersion\":\"%s/v1\",\"kind\":\"%s\",\"name\":\"%s\","
	    "\"uid\":\"%s\",\"controller\":true,\"blockOwnerDeletion\":true}]",
	    w->owner == OWNER_JOB ? "batch" : "apps", owner_kinds[w->owner], w->name, w->owner_uid);
	buf_printf(out,
		   ",\"managedFields\":[{\"manager\":\"kube-controller-manager\",\"operation\":"
		   "\"Update\",\"apiVersion\":\"v1\",\"time\":\"%s\",\"fieldsType\":\"FieldsV1\","
		   "\"fieldsV1\":%s}",
		   p->created, w->managed);
	if (p->placed)
		kubelet_entry(w, p, out);
	buf_puts(out, "]},\"spec\":{");
	buf_add(out, w->spec_before.data, w->spec_before.len);
	if (p->placed)
		buf_printf(out, "\"nodeName\":\"%s\",", p->node);
	buf_add(out, w->spec_after.data, w->spec_after.len);
}

static void condition(struct buf *out, const char *comma, const char *type, bool is,
		      const char *time, const char *why)
{
	buf_printf(out,
		   "%s{\"type\":\"%s\",\"status\":\"%s\",\"lastProbeTime\":null,"
		   "\"lastTransitionTime\":\"%s\"%s}",
		   comma, type, is ? "True" : "False", time, why);
}

static void conditions(const struct workload *w, const struct pod *p, struct buf *out)
{
	bool up = p->state == STATE_RUNNING;
	const char *why = p->state == STATE_SUCCEEDED ? ",\"reason\":\"PodCompleted\""
			  : up                        ? ""
						      : ",\"reason\":\"ContainersNotReady\"";

	buf_puts(out, "\"conditions\":[");
	if (w->gate)
		condition(out, "", "cloud.example.com/load-balancer-ready", up, p->ready, "");
	condition(out, w->gate ? "," : "", "Initialized", true, p->ready, "");
	condition(out, ",", "Ready", up, p->ready, why);
	condition(out, ",", "ContainersReady", up, p->ready, why);
	condition(out, ",", "PodScheduled", true, p->ready, "");
	buf_putc(out, ']');
}

static void container_id(struct generator *g, struct buf *out, const char *image)
{
	char id[65], digest[65];

	rng_hex(&g->rng, 64, id);
	rng_hex(&g->rng, 64, digest);
	buf_printf(
	    out,
	    "\"image\":\"%s\",\"imageID\":\"%.*s@sha256:%s\",\"containerID\":\"containerd://%s\"",
	    image, (int)(strrchr(image, ':') - image), image, digest, id);
}

static void terminated(struct generator *g, const struct pod *p, int code, const char *reason,
		       struct buf *out)
{
	char id[65];

	rng_hex(&g->rng, 64, id);
	buf_printf(out,
		   "{\"terminated\":{\"exitCode\":%d,\"reason\":\"%s\",\"startedAt\":\"%s\","
		   "\"finishedAt\":\"%s\",\"containerID\":\"containerd://%s\"}}",
		   code, reason, p->started, p->ready, id);
}

static void init_statuses(struct generator *g, const struct workload *w, const struct pod *p,
			  struct buf *out)
{
	_cleanup_(freep) char *image =
	    xasprintf("registry.example.com/shop/%s-migrate:%s", w->app, w->version);

	buf_puts(out, ",\"initContainerStatuses\":[{\"name\":\"migrate\",\"state\":");
	terminated(g, p, 0, "Completed", out);
	buf_puts(out, ",\"lastState\":{},\"ready\":true,\"restartCount\":0,");
	container_id(g, out, image);
	if (w->sidecar) {
		buf_printf(out,
			   "},{\"name\":\"proxy\",\"state\":{\"running\":{\"startedAt\":\"%s\"}},"
			   "\"lastState\":{},\"ready\":true,\"restartCount\":0,",
			   p->started);
		container_id(g, out, "registry.example.com/platform/proxy:2.1");
		buf_puts(out, ",\"started\":true");
	}
	buf_puts(out, "}]");
}

static void statuses(struct generator *g, const struct workload *w, const struct pod *p,
		     struct buf *out)
{
	buf_puts(out, ",\"containerStatuses\":[");
	for (unsigned i = 0; i < w->n_containers; i++) {
		bool crashing = p->state == STATE_CRASHING && i == 0;
		bool restarted = crashing || rng_below(&g->rng, 12) == 0;
		bool up = p->state != STATE_SUCCEEDED && !crashing;

		buf_printf(out, "%s{\"name\":\"%s\",\"state\":", i ? "," : "", w->containers[i]);
		if (crashing)
			buf_printf(
			    out,
			    "{\"waiting\":{\"reason\":\"CrashLoopBackOff\",\"message\":\"back-off "
			    "5m0s restarting failed container=%s pod=%s_%s(%s)\"}}",
			    w->containers[i], p->name, w->ns, p->uid);
		else if (p->state == STATE_SUCCEEDED)
			terminated(g, p, 0, "Completed", out);
		else
			buf_printf(out, "{\"running\":{\"startedAt\":\"%s\"}}", p->ready);
		buf_puts(out, ",\"lastState\":");
		if (restarted)
			terminated(g, p, 137, "OOMKilled", out);
		else
			buf_puts(out, "{}");
		buf_printf(out, ",\"ready\":%s,\"restartCount\":%u,", up ? "true" : "false",
			   restarted ? (unsigned)(1 + rng_below(&g->rng, 40)) : 0);
		container_id(g, out, w->images[i]);
		buf_printf(out, ",\"started\":%s}", up ? "true" : "false");
	}
	buf_putc(out, ']');
}

static void status(struct generator *g, const struct workload *w, const struct pod *p,
		   struct buf *out)
{
	static const char *const phases[] = {
	    [STATE_RUNNING] = "Running",     [STATE_PENDING] = "Pending",
	    [STATE_SUCCEEDED] = "Succeeded", [STATE_CRASHING] = "Running",
	    [STATE_EVICTED] = "Failed",
	};

	buf_printf(out, ",\"status\":{\"phase\":\"%s\",", phases[p->state]);
	if (p->state == STATE_PENDING) {
		buf_puts(out, "\"conditions\":[");
		condition(
		    out, "", "PodScheduled", false, p->created,
		    ",\"reason\":\"Unschedulable\",\"message\":\"0/5 nodes are available: 5 "
		    "Insufficient memory. preemption: 0/5 nodes are available: 5 No preemption "
		    "victims found for incoming pod.\"");
		buf_printf(out, "],\"qosClass\":\"%s\"}}", w->qos);
		return;
	}
	if (p->state == STATE_EVICTED) {
		buf_printf(out,
			   "\"message\":\"The node was low on resource: memory. \",\"reason\":"
			   "\"Evicted\",\"startTime\":\"%s\",\"qosClass\":\"%s\"}}",
			   p->started, w->qos);
		return;
	}
	conditions(w, p, out);
	buf_printf(out, ",\"hostIP\":\"%s\",\"podIP\":\"%s\",\"podIPs\":[{\"ip\":\"%s\"}",
		   p->host_ip, p->ip, p->ip);
	if (w->ipv6)
		buf_printf(out, ",{\"ip\":\"%s\"}", p->ip6);
	buf_printf(out, "],\"startTime\":\"%s\"", p->started);
	if (w->n_init)
		init_statuses(g, w, p, out);
	statuses(g, w, p, out);
	buf_printf(out, ",\"qosClass\":\"%s\"}}", w->qos);
}

void generate_pod(struct generator *g, const struct workload *w, uint64_t index, struct buf *out)
{
	struct pod p;

	draw(g, w, index, &p);
	metadata(g, w, &p, ++g->rv, out);
	status(g, w, &p, out);
}
