/* SPDX-License-Identifier: Apache-2.0 */
#include "admit.h"

#include <string.h>
#include <time.h>

#include "admit_pod.h"
#include "managed.h"
#include "schema.h"
#include "store.h"

static void give_name(json_object *meta)
{
	const char *generate = jstr(meta, "generateName"), *name = jstr(meta, "name");
	_cleanup_(freep) char *made = NULL;
	char uuid[37], suffix[6];
	struct rng r;

	if ((name && *name) || !generate || !*generate)
		return;
	random_uuid(uuid);
	r.state = 0;
	for (const char *p = uuid; *p; p++)
		r.state = r.state * 31 + (uint64_t)*p;
	/* the letters that Kubernetes uses: no vowels, no digits that look like letters */
	rng_chars(&r, "bcdfghjklmnpqrstvwxz2456789", 5, suffix);
	made = xasprintf("%.58s%s", generate, suffix);
	jset_str(meta, "name", made);
}

static void admit_node(json_object *o, const char *now)
{
	static const char *const conditions[][4] = {
	    {"MemoryPressure", "False", "KubeletHasSufficientMemory",
	     "kubelet has sufficient memory available"},
	    {"DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"},
	    {"PIDPressure", "False", "KubeletHasSufficientPID",
	     "kubelet has sufficient PID available"},
	    {"Ready", "True", "KubeletReady", "kubelet is posting ready status"},
	};
	static const char *const amounts[][2] = {
	    {"cpu", "8"},           {"ephemeral-storage", "101241Mi"},
	    {"hugepages-2Mi", "0"}, {"memory", "32780Mi"},
	    {"pods", "110"},
	};
	const char *name = jstr(o, "metadata.name");
	json_object *status = jmake(o, "status"), *list, *info;
	unsigned hash = 0;

	jdefault_str(jmake(o, "metadata.labels"), "kubernetes.io/hostname", name);
	for (const char *p = name; *p; p++)
		hash = hash * 31 + (unsigned char)*p;
	for (size_t i = 0; i < ARRAY_SIZE(amounts); i++) {
		jdefault_str(jmake(status, "capacity"), amounts[i][0], amounts[i][1]);
		jdefault_str(jmake(status, "allocatable"), amounts[i][0],
			     jstr(jget(status, "capacity"), amounts[i][0]));
	}
	if (!jget(status, "conditions")) {
		list = json_object_new_array();
		for (size_t i = 0; i < ARRAY_SIZE(conditions); i++) {
			json_object *c = json_object_new_object();

			jset_str(c, "type", conditions[i][0]);
			jset_str(c, "status", conditions[i][1]);
			jset_str(c, "lastHeartbeatTime", now);
			jset_str(c, "lastTransitionTime", now);
			jset_str(c, "reason", conditions[i][2]);
			jset_str(c, "message", conditions[i][3]);
			json_object_array_add(list, c);
		}
		jset(status, "conditions", list);
	}
	if (!jget(status, "addresses")) {
		_cleanup_(freep) char *ip =
		    xasprintf("192.168.%u.%u", hash / 250 % 250, hash % 250 + 1);
		json_object *a = json_object_new_object(), *h = json_object_new_object();

		list = json_object_new_array();
		jset_str(a, "type", "InternalIP");
		jset_str(a, "address", ip);
		jset_str(h, "type", "Hostname");
		jset_str(h, "address", name);
		json_object_array_add(list, a);
		json_object_array_add(list, h);
		jset(status, "addresses", list);
	}
	jdefault_int(jmake(status, "daemonEndpoints.kubeletEndpoint"), "Port", 10250);
	info = jmake(status, "nodeInfo");
	jdefault_str(info, "kernelVersion", "6.1.0-18-amd64");
	jdefault_str(info, "osImage", "Debian GNU/Linux 12 (bookworm)");
	jdefault_str(info, "containerRuntimeVersion", "containerd://1.7.1");
	jdefault_str(info, "kubeletVersion", "v1.27.1");
	jdefault_str(info, "kubeProxyVersion", "v1.27.1");
	jdefault_str(info, "operatingSystem", "linux");
	jdefault_str(info, "architecture", "amd64");
}

static void admit_ns(json_object *o)
{
	json_object *finalizers = jget(o, "spec.finalizers");

	jset_str(jmake(o, "metadata.labels"), "kubernetes.io/metadata.name",
		 jstr(o, "metadata.name"));
	if (!jlen(finalizers)) {
		finalizers = json_object_new_array();
		json_object_array_add(finalizers, json_object_new_string("kubernetes"));
		jset(jmake(o, "spec"), "finalizers", finalizers);
	}
	jset_str(jmake(o, "status"), "phase", "Active");
}

void admit(enum kind kind, json_object *o, const char *ns, const char *manager)
{
	json_object *meta = jmake(o, "metadata");
	char uid[37], now[32];

	format_time(time(NULL), now);
	give_name(meta);
	if (kinds[kind].namespaced)
		jset_str(meta, "namespace", ns);
	random_uuid(uid);
	jset_str(meta, "uid", uid);
	jset_str(meta, "resourceVersion", "0");
	jset_str(meta, "creationTimestamp", now);
	json_object_object_del(meta, "managedFields");
	json_object_object_del(meta, "deletionTimestamp");
	if (kind == KIND_PODS)
		admit_pod_defaults(o);
	else if (kind == KIND_NODES)
		admit_node(o, now);
	else
		admit_ns(o);
	managed_created(kind, o, manager, now);
	if (kind == KIND_PODS) {
		_cleanup_(jputp) json_object *before = jcopy(o);

		admit_pod_run(o, now);
		managed_updated(kind, before, o, "kubelet", "Update", "status", now);
	}
}

void admit_complete(json_object *pod)
{
	admit_pod_defaults(pod);
}

char *admit_text(enum kind kind, json_object *o, char **ret_message)
{
	struct schema_report report = {0};
	struct buf b = {0};
	char *text = NULL;

	if (schema_write(kind, o, &b, &report)) {
		text = buf_steal(&b);
	} else {
		*ret_message = report.mismatch;
		report.mismatch = NULL;
		buf_release(&b);
	}
	schema_report_release(&report);
	return text;
}

void admit_namespace(const char *name)
{
	struct object *there = store_get(KIND_NAMESPACES, NULL, name);
	_cleanup_(jputp) json_object *o = NULL;
	_cleanup_(freep) char *text = NULL, *message = NULL;

	if (there) {
		object_unref(there);
		return;
	}
	o = json_object_new_object();
	jset_str(jmake(o, "metadata"), "name", name);
	admit(KIND_NAMESPACES, o, NULL, "kube-apiserver");
	text = admit_text(KIND_NAMESPACES, o, &message);
	store_create(KIND_NAMESPACES, text, strlen(text), NULL);
}
