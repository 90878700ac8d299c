/* SPDX-License-Identifier: Apache-2.0 */
#include "admit_pod.h"

#include <string.h>

static void default_probe(json_object *probe)
{
	json_object *http;

	if (!probe)
		return;
	http = jget(probe, "httpGet");
	if (http) {
		jdefault_str(http, "path", "/");
		jdefault_str(http, "scheme", "HTTP");
	}
	jdefault_int(probe, "timeoutSeconds", 1);
	jdefault_int(probe, "periodSeconds", 10);
	jdefault_int(probe, "successThreshold", 1);
	jdefault_int(probe, "failureThreshold", 3);
}

/* A request that is not given is the limit. */
static void default_requests(json_object *container)
{
	json_object *limits = jget(container, "resources.limits"), *requests;

	if (!limits || !json_object_object_length(limits))
		return;
	requests = jmake(container, "resources.requests");
	for (struct jmember m = {0}; jnext(limits, &m);) {
		if (!json_object_object_get(requests, m.key))
			jset(requests, m.key, jcopy(m.value));
	}
}

static void default_env(json_object *env)
{
	for (size_t i = 0; i < jlen(env); i++) {
		json_object *ref = jget(jat(env, i), "valueFrom.fieldRef");
		json_object *resource = jget(jat(env, i), "valueFrom.resourceFieldRef");

		if (ref)
			jdefault_str(ref, "apiVersion", "v1");
		if (resource)
			jdefault_str(resource, "divisor", "0");
	}
}

static bool image_is_latest(const char *image)
{
	const char *slash = strrchr(image, '/'), *colon = strrchr(image, ':');

	if (strchr(image, '@'))
		return false;
	return !colon || (slash && colon < slash) || !strcmp(colon, ":latest");
}

static void default_container(json_object *c)
{
	json_object *ports = jget(c, "ports");
	const char *image = jstr(c, "image");

	for (size_t i = 0; i < jlen(ports); i++)
		jdefault_str(jat(ports, i), "protocol", "TCP");
	default_env(jget(c, "env"));
	default_requests(c);
	default_probe(jget(c, "livenessProbe"));
	default_probe(jget(c, "readinessProbe"));
	default_probe(jget(c, "startupProbe"));
	jdefault_str(c, "terminationMessagePath", "/dev/termination-log");
	jdefault_str(c, "terminationMessagePolicy", "File");
	jdefault_str(c, "imagePullPolicy",
		     image && image_is_latest(image) ? "Always" : "IfNotPresent");
}

static void default_items(json_object *items)
{
	for (size_t i = 0; i < jlen(items); i++) {
		json_object *ref = jget(jat(items, i), "fieldRef");
		json_object *resource = jget(jat(items, i), "resourceFieldRef");

		if (ref)
			jdefault_str(ref, "apiVersion", "v1");
		if (resource)
			jdefault_str(resource, "divisor", "0");
	}
}

static void default_volume(json_object *v)
{
	static const char *const with_mode[] = {"secret", "configMap", "downwardAPI", "projected"};
	json_object *sources = jget(v, "projected.sources"), *host_path = jget(v, "hostPath");

	for (size_t i = 0; i < ARRAY_SIZE(with_mode); i++) {
		json_object *source = jget(v, with_mode[i]);

		if (source)
			jdefault_int(source, "defaultMode", 420);
	}
	default_items(jget(v, "downwardAPI.items"));
	for (size_t i = 0; i < jlen(sources); i++) {
		json_object *token = jget(jat(sources, i), "serviceAccountToken");

		default_items(jget(jat(sources, i), "downwardAPI.items"));
		if (token)
			jdefault_int(token, "expirationSeconds", 3600);
	}
	if (host_path && !jget(host_path, "type"))
		jset_str(host_path, "type", "");
	if (json_object_object_length(v) == 1)
		jset(v, "emptyDir", json_object_new_object());
}

static void tolerate(json_object *tolerations, const char *key)
{
	json_object *t;

	for (size_t i = 0; i < jlen(tolerations); i++) {
		const char *has = jstr(jat(tolerations, i), "key");

		if (!has || !*has || !strcmp(has, key))
			return;
	}
	t = json_object_new_object();
	jset_str(t, "key", key);
	jset_str(t, "operator", "Exists");
	jset_str(t, "effect", "NoExecute");
	jset_int(t, "tolerationSeconds", 300);
	json_object_array_add(tolerations, t);
}

static void each(json_object *array, void (*f)(json_object *))
{
	for (size_t i = 0; i < jlen(array); i++)
		f(jat(array, i));
}

void admit_pod_defaults(json_object *pod)
{
	json_object *spec = jmake(pod, "spec"), *tolerations;

	each(jget(spec, "containers"), default_container);
	each(jget(spec, "initContainers"), default_container);
	each(jget(spec, "ephemeralContainers"), default_container);
	each(jget(spec, "volumes"), default_volume);
	jdefault_str(spec, "restartPolicy", "Always");
	jdefault_int(spec, "terminationGracePeriodSeconds", 30);
	jdefault_str(spec, "dnsPolicy", "ClusterFirst");
	jdefault_str(spec, "serviceAccountName", "default");
	jdefault_str(spec, "serviceAccount", jstr(spec, "serviceAccountName"));
	jmake(spec, "securityContext");
	jdefault_str(spec, "schedulerName", "default-scheduler");
	jdefault_int(spec, "priority", 0);
	jdefault_bool(spec, "enableServiceLinks", true);
	jdefault_str(spec, "preemptionPolicy", "PreemptLowerPriority");
	tolerations = jget(spec, "tolerations");
	if (!json_object_is_type(tolerations, json_type_array)) {
		tolerations = json_object_new_array();
		jset(spec, "tolerations", tolerations);
	}
	tolerate(tolerations, "node.kubernetes.io/not-ready");
	tolerate(tolerations, "node.kubernetes.io/unreachable");
}
