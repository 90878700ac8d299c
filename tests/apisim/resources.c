/* SPDX-License-Identifier: Apache-2.0 */
#include "resources.h"

#include <string.h>

#include "recorded.h"

static const struct {
	const char *group, *version, *name, *singular, *kind, *short_name;
	bool namespaced;
} resources[] = {
    {"admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations",
     "mutatingwebhookconfiguration", "MutatingWebhookConfiguration", NULL, false},
    {"admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations",
     "validatingwebhookconfiguration", "ValidatingWebhookConfiguration", NULL, false},
    {"apiextensions.k8s.io", "v1", "customresourcedefinitions", "customresourcedefinition",
     "CustomResourceDefinition", "crd", false},
    {"apiregistration.k8s.io", "v1", "apiservices", "apiservice", "APIService", NULL, false},
    {"apps", "v1", "controllerrevisions", "controllerrevision", "ControllerRevision", NULL, true},
    {"apps", "v1", "daemonsets", "daemonset", "DaemonSet", "ds", true},
    {"apps", "v1", "deployments", "deployment", "Deployment", "deploy", true},
    {"apps", "v1", "replicasets", "replicaset", "ReplicaSet", "rs", true},
    {"apps", "v1", "statefulsets", "statefulset", "StatefulSet", "sts", true},
    {"authentication.k8s.io", "v1", "tokenreviews", "tokenreview", "TokenReview", NULL, false},
    {"authorization.k8s.io", "v1", "selfsubjectaccessreviews", "selfsubjectaccessreview",
     "SelfSubjectAccessReview", NULL, false},
    {"autoscaling", "v1", "horizontalpodautoscalers", "horizontalpodautoscaler",
     "HorizontalPodAutoscaler", "hpa", true},
    {"autoscaling", "v2", "horizontalpodautoscalers", "horizontalpodautoscaler",
     "HorizontalPodAutoscaler", "hpa", true},
    {"certificates.k8s.io", "v1", "certificatesigningrequests", "certificatesigningrequest",
     "CertificateSigningRequest", "csr", false},
    {"coordination.k8s.io", "v1", "leases", "lease", "Lease", NULL, true},
    {"discovery.k8s.io", "v1", "endpointslices", "endpointslice", "EndpointSlice", NULL, true},
    {"events.k8s.io", "v1", "events", "event", "Event", "ev", true},
    {"flowcontrol.apiserver.k8s.io", "v1beta2", "flowschemas", "flowschema", "FlowSchema", NULL,
     false},
    {"flowcontrol.apiserver.k8s.io", "v1beta3", "flowschemas", "flowschema", "FlowSchema", NULL,
     false},
    {"networking.k8s.io", "v1", "ingresses", "ingress", "Ingress", "ing", true},
    {"networking.k8s.io", "v1", "networkpolicies", "networkpolicy", "NetworkPolicy", "netpol",
     true},
    {"node.k8s.io", "v1", "runtimeclasses", "runtimeclass", "RuntimeClass", NULL, false},
    {"policy", "v1", "poddisruptionbudgets", "poddisruptionbudget", "PodDisruptionBudget", "pdb",
     true},
    {"rbac.authorization.k8s.io", "v1", "clusterrolebindings", "clusterrolebinding",
     "ClusterRoleBinding", NULL, false},
    {"rbac.authorization.k8s.io", "v1", "clusterroles", "clusterrole", "ClusterRole", NULL, false},
    {"rbac.authorization.k8s.io", "v1", "rolebindings", "rolebinding", "RoleBinding", NULL, true},
    {"rbac.authorization.k8s.io", "v1", "roles", "role", "Role", NULL, true},
    {"scheduling.k8s.io", "v1", "priorityclasses", "priorityclass", "PriorityClass", "pc", false},
    {"storage.k8s.io", "v1", "csinodes", "csinode", "CSINode", NULL, false},
    {"storage.k8s.io", "v1", "storageclasses", "storageclass", "StorageClass", "sc", false},
};

static struct jspan span_of(const char *text, size_t len)
{
	return jspan_at(text, text + len);
}

struct jspan resources_group(const char *name)
{
	struct jspan groups = jspan_get(span_of(recorded_apis, recorded_apis_len), "groups"), g;
	const char *it = NULL;

	while (jspan_element(groups, &it, &g))
		if (jspan_is(jspan_get(g, "name"), name))
			return g;
	return (struct jspan){0};
}

static bool has_version(const char *group, const char *version)
{
	struct jspan versions = jspan_get(resources_group(group), "versions"), v;
	const char *it = NULL;

	while (jspan_element(versions, &it, &v))
		if (jspan_is(jspan_get(v, "version"), version))
			return true;
	return false;
}

bool resources_list(const char *group, const char *version, struct buf *out)
{
	const char *comma = "";

	if (!*group && !strcmp(version, "v1")) {
		buf_add(out, recorded_api_v1, recorded_api_v1_len);
		return true;
	}
	if (!has_version(group, version))
		return false;
	if (!strcmp(group, "batch") && !strcmp(version, "v1")) {
		buf_add(out, recorded_batch_v1, recorded_batch_v1_len);
		return true;
	}
	buf_printf(out,
		   "{\"kind\":\"APIResourceList\",\"apiVersion\":\"v1\",\"groupVersion\":\"%s/%s\","
		   "\"resources\":[",
		   group, version);
	for (size_t i = 0; i < ARRAY_SIZE(resources); i++) {
		if (strcmp(resources[i].group, group) != 0 ||
		    strcmp(resources[i].version, version) != 0)
			continue;
		buf_printf(out,
			   "%s{\"name\":\"%s\",\"singularName\":\"%s\",\"namespaced\":%s,"
			   "\"kind\":\"%s\",\"verbs\":[%s]",
			   comma, resources[i].name, resources[i].singular,
			   resources[i].namespaced ? "true" : "false", resources[i].kind,
			   strstr(resources[i].kind, "Review") ? "\"create\""
							       : "\"get\",\"list\",\"watch\"");
		if (resources[i].short_name)
			buf_printf(out, ",\"shortNames\":[\"%s\"]", resources[i].short_name);
		buf_putc(out, '}');
		comma = ",";
	}
	buf_puts(out, "]}\n");
	return true;
}

char *resources_kind(const char *group, const char *version, const char *resource)
{
	struct buf b = {0};
	_cleanup_(freep) char *text = NULL;
	struct jspan list, r;
	const char *it = NULL;
	size_t len;

	if (!resources_list(group, version, &b))
		return NULL;
	len = b.len;
	text = buf_steal(&b);
	list = jspan_get(span_of(text, len), "resources");
	while (jspan_element(list, &it, &r))
		if (jspan_is(jspan_get(r, "name"), resource))
			return jspan_dup(jspan_get(r, "kind"));
	return NULL;
}
