/* SPDX-License-Identifier: Apache-2.0 */
/* The volumes of a workload's template, and where its containers mount them. */
#include "generate.h"

static const struct shown files[] = {
    {"labels", "metadata.labels"},
    {"annotations", "metadata.annotations"},
    {"meta/name", "metadata.name"},
    {"meta/namespace", "metadata.namespace"},
    {"meta/uid", "metadata.uid"},
    {"meta/version", "metadata.labels['app.kubernetes.io/version']"},
    {"meta/config-sum", "metadata.annotations['checksum/config']"},
};

static const struct {
	const char *file, *resource, *divisor;
} resource_files[] = {
    {"res/cpu_limit", "limits.cpu", "1m"},
    {"res/cpu_request", "requests.cpu", "0"},
    {"res/mem_limit", "limits.memory", "1Mi"},
    {"res/mem_request", "requests.memory", "1M"},
    {"res/disk_limit", "limits.ephemeral-storage", "1Gi"},
};

static void podinfo(const struct workload *w, struct buf *b)
{
	buf_puts(b, "{\"name\":\"podinfo\",\"downwardAPI\":{\"items\":[");
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		buf_printf(b,
			   "%s{\"path\":\"%s\",\"fieldRef\":{\"apiVersion\":\"v1\","
			   "\"fieldPath\":\"%s\"}%s}",
			   i ? "," : "", files[i].name, files[i].field,
			   i == ARRAY_SIZE(files) - 1 ? ",\"mode\":256" : "");
	for (size_t i = 0; i < ARRAY_SIZE(resource_files); i++)
		buf_printf(b,
			   ",{\"path\":\"%s\",\"resourceFieldRef\":{\"containerName\":\"%s\","
			   "\"resource\":\"%s\",\"divisor\":\"%s\"}}",
			   resource_files[i].file, w->app, resource_files[i].resource,
			   resource_files[i].divisor);
	buf_puts(b, "],\"defaultMode\":420}},");
}

void generate_volumes(struct generator *g, const struct workload *w, struct buf *b)
{
	bool memory = rng_below(&g->rng, 3) == 0;

	buf_puts(b, "\"volumes\":[");
	if (w->owner == OWNER_STATEFUL_SET)
		buf_printf(b,
			   "{\"name\":\"data\",\"persistentVolumeClaim\":{\"claimName\":"
			   "\"data-%s\"}},",
			   w->name);
	podinfo(w, b);
	buf_printf(b,
		   "{\"name\":\"config\",\"configMap\":{\"name\":\"%s-config\",\"defaultMode\":"
		   "420}},{\"name\":\"tmp\",\"emptyDir\":{%s}},",
		   w->app, memory ? "\"medium\":\"Memory\",\"sizeLimit\":\"64Mi\"" : "");
	buf_printf(b,
		   "{\"name\":\"kube-api-access-%.5s\",\"projected\":{\"sources\":[{"
		   "\"serviceAccountToken\":{\"expirationSeconds\":3607,\"path\":\"token\"}},{"
		   "\"configMap\":{\"name\":\"kube-root-ca.crt\",\"items\":[{\"key\":\"ca.crt\","
		   "\"path\":\"ca.crt\"}]}},{\"downwardAPI\":{\"items\":[{\"path\":\"namespace\","
		   "\"fieldRef\":{\"apiVersion\":\"v1\",\"fieldPath\":\"metadata.namespace\"}}]}}],"
		   "\"defaultMode\":420}}],",
		   w->hash);
}

void generate_mounts(const struct workload *w, bool main, struct buf *b)
{
	buf_puts(b, "\"volumeMounts\":[");
	if (main && w->owner == OWNER_STATEFUL_SET)
		buf_puts(b, "{\"name\":\"data\",\"mountPath\":\"/var/lib/data\"},");
	if (main)
		buf_printf(
		    b,
		    "{\"name\":\"podinfo\",\"readOnly\":true,\"mountPath\":\"/etc/podinfo\"},{"
		    "\"name\":\"config\",\"readOnly\":true,\"mountPath\":\"/etc/%s\"},",
		    w->app);
	buf_printf(b,
		   "{\"name\":\"tmp\",\"mountPath\":\"/tmp\"},{\"name\":\"kube-api-access-%.5s\","
		   "\"readOnly\":true,\"mountPath\":"
		   "\"/var/run/secrets/kubernetes.io/serviceaccount\"}],",
		   w->hash);
}
