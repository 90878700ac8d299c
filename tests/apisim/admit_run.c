/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduler and the kubelet: a node, addresses, containers that run. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "admit_pod.h"
#include "store.h"

static atomic_uint scheduled;

static bool has_label(const struct object *o, const char *key, const char *value)
{
	for (size_t i = 0; i < o->n_labels; i++)
		if (!strcmp(o->labels[i].key, key) && !strcmp(o->labels[i].value, value))
			return true;
	return false;
}

static bool node_fits(const struct object *node, json_object *wanted)
{
	if (strcmp(node->fields[FIELD_UNSCHEDULABLE], "false") != 0)
		return false;
	if (!json_object_is_type(wanted, json_type_object))
		return true;
	for (struct jmember m = {0}; jnext(wanted, &m);) {
		if (!has_label(node, m.key, json_object_get_string(m.value)))
			return false;
	}
	return true;
}

/* In turn over the nodes that take new pods and have the labels asked for. */
static struct object *choose_node(json_object *spec)
{
	struct snapshot nodes;
	struct object *node = NULL;
	unsigned first;

	if (store_snapshot(KIND_NODES, NULL, 0, &nodes) < 0)
		return NULL;
	first = scheduled++;
	for (size_t i = 0; i < nodes.n && !node; i++) {
		struct object *o = nodes.v[(first + i) % nodes.n];

		if (node_fits(o, jget(spec, "nodeSelector")))
			node = object_ref(o);
	}
	snapshot_release(&nodes);
	return node;
}

static char *node_ip(const char *name)
{
	struct object *node = store_get(KIND_NODES, NULL, name);
	struct jspan addresses, a;
	const char *it = NULL;
	char *ip = NULL;

	if (!node)
		return xstrdup("192.168.0.1");
	addresses = jspan_path(object_span(node), "status.addresses");
	while (!ip && jspan_element(addresses, &it, &a))
		if (jspan_is(jspan_get(a, "type"), "InternalIP"))
			ip = jspan_dup(jspan_get(a, "address"));
	object_unref(node);
	return ip ? ip : xstrdup("192.168.0.1");
}

static void add_condition(json_object *list, const char *type, bool is, const char *now)
{
	json_object *c;

	for (size_t i = 0; i < jlen(list); i++)
		if (!strcmp(jstr(jat(list, i), "type") ? jstr(jat(list, i), "type") : "", type))
			return;
	c = json_object_new_object();
	jset_str(c, "type", type);
	jset_str(c, "status", is ? "True" : "False");
	jset_str(c, "lastTransitionTime", now);
	json_object_array_add(list, c);
}

static json_object *list_of(json_object *o, const char *key)
{
	json_object *list = jget(o, key);

	if (!json_object_is_type(list, json_type_array)) {
		list = json_object_new_array();
		jset(o, key, list);
	}
	return list;
}

static json_object *status_of(json_object *list, const char *name)
{
	json_object *c;

	for (size_t i = 0; i < jlen(list); i++) {
		const char *has = jstr(jat(list, i), "name");

		if (has && !strcmp(has, name))
			return jat(list, i);
	}
	c = json_object_new_object();
	jset_str(c, "name", name);
	json_object_array_add(list, c);
	return c;
}

/* One status for each container; what the manifest says of it stays. */
static void run_containers(json_object *spec, json_object *status, const char *what,
			   const char *statuses, bool init, const char *now)
{
	json_object *containers = jget(spec, what), *list;

	if (!jlen(containers))
		return;
	list = list_of(status, statuses);
	for (size_t i = 0; i < jlen(containers); i++) {
		json_object *c = jat(containers, i), *s;
		const char *image = jstr(c, "image") ? jstr(c, "image") : "";
		const char *restart = jstr(c, "restartPolicy");
		bool ends = init && !(restart && !strcmp(restart, "Always"));
		char id[65], digest[65], uuid[37];
		_cleanup_(freep) char *container_id = NULL, *image_id = NULL;
		struct rng r = {0};

		random_uuid(uuid);
		for (const char *p = uuid; *p; p++)
			r.state = r.state * 131 + (uint64_t)*p;
		rng_hex(&r, 64, id);
		r.state = 0;
		for (const char *p = image; *p; p++)
			r.state = r.state * 131 + (uint64_t)*p;
		rng_hex(&r, 64, digest);
		container_id = xasprintf("containerd://%s", id);
		image_id = xasprintf("%.*s@sha256:%s", (int)strcspn(image, "@"), image, digest);
		s = status_of(list, jstr(c, "name") ? jstr(c, "name") : "");
		if (!jget(s, "state") && ends) {
			json_object *t = jmake(s, "state.terminated");

			jset_int(t, "exitCode", 0);
			jset_str(t, "reason", "Completed");
			jset_str(t, "startedAt", now);
			jset_str(t, "finishedAt", now);
			jset_str(t, "containerID", container_id);
		} else if (!jget(s, "state")) {
			jset_str(jmake(s, "state.running"), "startedAt", now);
		}
		jdefault_bool(s, "ready", true);
		jdefault_int(s, "restartCount", 0);
		jdefault_str(s, "image", image);
		jdefault_str(s, "imageID", image_id);
		jdefault_str(s, "containerID", container_id);
		jdefault_bool(s, "started", !ends);
	}
}

static bool counts_for_qos(const char *resource)
{
	return !strcmp(resource, "cpu") || !strcmp(resource, "memory");
}

/* Guaranteed: every container has equal requests and limits of both; BestEffort: none has any. */
static const char *qos_class(json_object *spec)
{
	static const char *const lists[] = {"containers", "initContainers"};
	bool any = false, guaranteed = true;

	for (size_t l = 0; l < ARRAY_SIZE(lists); l++) {
		json_object *list = jget(spec, lists[l]);

		for (size_t i = 0; i < jlen(list); i++) {
			json_object *limits = jget(jat(list, i), "resources.limits");
			json_object *requests = jget(jat(list, i), "resources.requests");

			if (requests) {
				for (struct jmember m = {0}; jnext(requests, &m);) {
					any = any || counts_for_qos(m.key);
				}
			}
			guaranteed = guaranteed && limits && jget(limits, "cpu") &&
				     jget(limits, "memory") &&
				     jequal(jget(limits, "cpu"), jget(requests, "cpu")) &&
				     jequal(jget(limits, "memory"), jget(requests, "memory"));
		}
	}
	return guaranteed ? "Guaranteed" : any ? "Burstable" : "BestEffort";
}

static void set_address(json_object *status, const char *one, const char *many, const char *ip)
{
	json_object *list, *entry;

	jdefault_str(status, one, ip);
	if (jlen(jget(status, many)))
		return;
	list = list_of(status, many);
	entry = json_object_new_object();
	jset_str(entry, "ip", jstr(status, one));
	json_object_array_add(list, entry);
}

void admit_pod_run(json_object *pod, const char *now)
{
	static atomic_uint addresses;
	json_object *spec = jmake(pod, "spec"), *status = jmake(pod, "status"), *conditions;
	_cleanup_(freep) char *host_ip = NULL, *ip = NULL;
	const char *phase = jstr(status, "phase");
	bool pending = phase && !strcmp(phase, "Pending");
	struct object *node = NULL;
	unsigned n;

	if (!jstr(spec, "nodeName") && !pending && !jlen(jget(spec, "schedulingGates")))
		node = choose_node(spec);
	if (node)
		jset_str(spec, "nodeName", node->name);
	object_unref(node);
	jdefault_str(status, "qosClass", qos_class(spec));
	if (!jstr(spec, "nodeName") || pending) {
		jdefault_str(status, "phase", "Pending");
		conditions = list_of(status, "conditions");
		add_condition(conditions, "PodScheduled", jstr(spec, "nodeName"), now);
		return;
	}
	jdefault_str(status, "phase", "Running");
	conditions = list_of(status, "conditions");
	add_condition(conditions, "Initialized", true, now);
	add_condition(conditions, "Ready", true, now);
	add_condition(conditions, "ContainersReady", true, now);
	add_condition(conditions, "PodScheduled", true, now);
	host_ip = node_ip(jstr(spec, "nodeName"));
	set_address(status, "hostIP", "hostIPs", host_ip);
	n = addresses++;
	ip = json_object_get_boolean(jget(spec, "hostNetwork"))
		 ? xstrdup(host_ip)
		 : xasprintf("10.244.%u.%u", n / 250 % 250, n % 250 + 2);
	set_address(status, "podIP", "podIPs", ip);
	jdefault_str(status, "startTime", now);
	run_containers(spec, status, "initContainers", "initContainerStatuses", true, now);
	run_containers(spec, status, "containers", "containerStatuses", false, now);
	run_containers(spec, status, "ephemeralContainers", "ephemeralContainerStatuses", false,
		       now);
}
