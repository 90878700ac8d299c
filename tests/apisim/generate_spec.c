/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A workload's template. Its text is written once and shared by its pods, and
 * so is the managedFields entry of the controller that made them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generate.h"
#include "managed.h"

static const struct shown main_fields[] = {
    {"POD_NAME", "metadata.name"},
    {"POD_NAMESPACE", "metadata.namespace"},
    {"POD_UID", "metadata.uid"},
    {"POD_IP", "status.podIP"},
    {"POD_IPS", "status.podIPs"},
    {"HOST_IP", "status.hostIP"},
    {"NODE_NAME", "spec.nodeName"},
    {"SERVICE_ACCOUNT", "spec.serviceAccountName"},
    {"APP_VERSION", "metadata.labels['app.kubernetes.io/version']"},
    {"CONFIG_SUM", "metadata.annotations['checksum/config']"},
};

static const struct shown extra_fields[] = {
    {"POD_NAME", "metadata.name"},
    {"POD_NAMESPACE", "metadata.namespace"},
};

static void field_env(struct buf *b, const struct shown *fields, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(b,
			   "{\"name\":\"%s\",\"valueFrom\":{\"fieldRef\":{\"apiVersion\":\"v1\","
			   "\"fieldPath\":\"%s\"}}},",
			   fields[i].name, fields[i].field);
}

static void resource_env(struct buf *b, const char *name, const char *resource, const char *divisor)
{
	buf_printf(b,
		   "{\"name\":\"%s\",\"valueFrom\":{\"resourceFieldRef\":{\"resource\":\"%s\","
		   "\"divisor\":\"%s\"}}},",
		   name, resource, divisor);
}

static void main_env(struct generator *g, const struct workload *w, struct buf *b)
{
	static const char *const levels[] = {"debug", "info", "warn"};

	buf_puts(b, "\"env\":[");
	field_env(b, main_fields, ARRAY_SIZE(main_fields));
	resource_env(b, "GOMAXPROCS", "limits.cpu", "1");
	resource_env(b, "CPU_REQUEST_M", "requests.cpu", "1m");
	resource_env(b, "MEM_LIMIT", "limits.memory", "0");
	if (rng_below(&g->rng, 2)) {
		resource_env(b, "MEM_LIMIT_MI", "limits.memory", "1Mi");
		resource_env(b, "DISK_LIMIT", "limits.ephemeral-storage", "1Gi");
	}
	if (rng_below(&g->rng, 2))
		buf_printf(b,
			   "{\"name\":\"DB_PASSWORD\",\"valueFrom\":{\"secretKeyRef\":{\"name\":"
			   "\"%s-db\",\"key\":\"password\",\"optional\":true}}},",
			   w->app);
	buf_printf(b,
		   "{\"name\":\"LOG_LEVEL\",\"value\":\"%s\"},{\"name\":"
		   "\"OTEL_RESOURCE_ATTRIBUTES\",\"value\":\"service.name=%s,k8s.pod.name="
		   "$(POD_NAME)\"},",
		   levels[rng_below(&g->rng, ARRAY_SIZE(levels))], w->app);
	buf_printf(b,
		   "{\"name\":\"DATABASE_URL\",\"value\":\"postgres://db.%s.svc:5432/%s?sslmode="
		   "require\\u0026pool=%u\"}],",
		   w->ns, w->app, (unsigned)rng_below(&g->rng, 50));
}

/* 0: nothing, 1: requests, 2: requests and a limit, 3: both equal */
static void resources(struct generator *g, struct workload *w, unsigned class, struct buf *b)
{
	static const char *const cpu[] = {"10m", "50m", "100m", "250m", "1", "2"};
	static const char *const memory[] = {"32Mi", "64Mi", "128Mi", "512Mi", "1Gi", "4Gi"};
	size_t i = rng_below(&g->rng, 5), j = rng_below(&g->rng, 5);

	if (class == 0)
		buf_puts(b, "\"resources\":{},");
	else if (class == 1)
		buf_printf(b, "\"resources\":{\"requests\":{\"cpu\":\"%s\",\"memory\":\"%s\"}},",
			   cpu[i], memory[j]);
	else if (class == 2)
		buf_printf(
		    b,
		    "\"resources\":{\"limits\":{\"cpu\":\"%s\",\"memory\":\"%s\"},\"requests\":"
		    "{\"cpu\":\"%s\",\"memory\":\"%s\"}},",
		    cpu[i + 1], memory[j + 1], cpu[i], memory[j]);
	else
		buf_printf(
		    b,
		    "\"resources\":{\"limits\":{\"cpu\":\"%s\",\"memory\":\"%s\"},\"requests\":"
		    "{\"cpu\":\"%s\",\"memory\":\"%s\"}},",
		    cpu[i], memory[j], cpu[i], memory[j]);
	w->qos = class == 0 ? "BestEffort" : class == 3 ? "Guaranteed" : "Burstable";
}

static void probe(const char *name, const char *path, unsigned delay, unsigned period,
		  struct buf *b)
{
	buf_printf(b,
		   "\"%s\":{\"httpGet\":{\"path\":\"%s\",\"port\":\"http\",\"scheme\":\"HTTP\"},",
		   name, path);
	if (delay)
		buf_printf(b, "\"initialDelaySeconds\":%u,", delay);
	buf_printf(b,
		   "\"timeoutSeconds\":1,\"periodSeconds\":%u,\"successThreshold\":1,"
		   "\"failureThreshold\":3},",
		   period);
}

static const char tail[] =
    "\"terminationMessagePath\":\"/dev/termination-log\",\"terminationMessagePolicy\":\"File\","
    "\"imagePullPolicy\":\"IfNotPresent\"";

static void main_container(struct generator *g, struct workload *w, unsigned class, struct buf *b)
{
	buf_printf(
	    b,
	    "{\"name\":\"%s\",\"image\":\"%s\",\"args\":[\"--listen=:8080\",\"--config=/etc/%s"
	    "/config.yaml\",\"--metrics=:9090\"],\"ports\":[{\"name\":\"http\","
	    "\"containerPort\":8080,\"protocol\":\"TCP\"},{\"name\":\"metrics\","
	    "\"containerPort\":9090,\"protocol\":\"TCP\"}],",
	    w->containers[0], w->images[0], w->app);
	main_env(g, w, b);
	resources(g, w, class, b);
	generate_mounts(w, true, b);
	probe("livenessProbe", "/healthz", 10, 10, b);
	probe("readinessProbe", "/ready", 0, 5, b);
	if (rng_below(&g->rng, 3) == 0)
		probe("startupProbe", "/healthz", 1, 1, b);
	if (rng_below(&g->rng, 4) == 0)
		buf_puts(b, "\"lifecycle\":{\"preStop\":{\"exec\":{\"command\":[\"/bin/sh\",\"-c\","
			    "\"sleep 5 \\u0026\\u0026 kill -TERM 1\"]}}},");
	buf_puts(b, tail);
	buf_puts(b,
		 ",\"securityContext\":{\"capabilities\":{\"drop\":[\"ALL\"]},\"runAsUser\":65532,"
		 "\"runAsNonRoot\":true,\"readOnlyRootFilesystem\":true,"
		 "\"allowPrivilegeEscalation\":false}}");
}

static void extra_container(struct generator *g, struct workload *w, unsigned i, unsigned class,
			    struct buf *b)
{
	const char *qos = w->qos;

	buf_printf(b,
		   ",{\"name\":\"%s\",\"image\":\"%s\",\"args\":[\"--service=%s\"],\"ports\":[{"
		   "\"name\":\"admin-%u\",\"containerPort\":%u,\"protocol\":\"TCP\"}],\"env\":[",
		   w->containers[i], w->images[i], w->app, i, 15000 + i);
	field_env(b, extra_fields, ARRAY_SIZE(extra_fields));
	resource_env(b, "CPU_LIMIT", "limits.cpu", "1");
	buf_puts(b, "{\"name\":\"EMPTY\"}],");
	resources(g, w, class, b);
	w->qos = class == 3 ? qos : w->qos;
	generate_mounts(w, false, b);
	buf_puts(b, tail);
	buf_putc(b, '}');
}

static void init_containers(struct generator *g, const struct workload *w, struct buf *b)
{
	buf_printf(
	    b,
	    "\"initContainers\":[{\"name\":\"migrate\",\"image\":\"registry.example.com/shop/"
	    "%s-migrate:%s\",\"command\":[\"/migrate\",\"up\"],\"env\":[",
	    w->app, w->version);
	field_env(b, extra_fields, ARRAY_SIZE(extra_fields));
	buf_printf(b,
		   "{\"name\":\"INIT_MEM\",\"valueFrom\":{\"resourceFieldRef\":{\"resource\":"
		   "\"limits.memory\",\"divisor\":\"1Mi\"}}}],\"resources\":{\"requests\":{\"cpu\":"
		   "\"10m\",\"memory\":\"32Mi\"}},%s}",
		   tail);
	if (w->sidecar)
		buf_printf(
		    b,
		    ",{\"name\":\"proxy\",\"image\":\"registry.example.com/platform/proxy:2.%u"
		    "\",\"resources\":{\"requests\":{\"cpu\":\"10m\"}},\"restartPolicy\":"
		    "\"Always\",%s}",
		    (unsigned)rng_below(&g->rng, 10), tail);
	buf_puts(b, "],");
}

static void placement(struct generator *g, const struct workload *w, struct buf *b)
{
	buf_puts(b, "\"securityContext\":{\"fsGroup\":65532,\"seccompProfile\":{\"type\":"
		    "\"RuntimeDefault\"}},");
	if (rng_below(&g->rng, 6) == 0)
		buf_puts(b, "\"imagePullSecrets\":[{\"name\":\"registry\"}],");
	if (w->owner == OWNER_STATEFUL_SET)
		buf_printf(b, "\"subdomain\":\"%s\",", w->app);
	if (rng_below(&g->rng, 5) == 0)
		buf_printf(
		    b,
		    "\"affinity\":{\"podAntiAffinity\":{"
		    "\"preferredDuringSchedulingIgnoredDuringExecution\":[{\"weight\":100,"
		    "\"podAffinityTerm\":{\"labelSelector\":{\"matchLabels\":{\"app\":\"%s\"}},"
		    "\"topologyKey\":\"kubernetes.io/hostname\"}}]}},",
		    w->app);
	buf_puts(b, "\"schedulerName\":\"default-scheduler\",\"tolerations\":[{\"key\":"
		    "\"node.kubernetes.io/memory-pressure\",\"operator\":\"Exists\",\"effect\":"
		    "\"NoSchedule\"},{\"key\":\"node.kubernetes.io/not-ready\",\"operator\":"
		    "\"Exists\",\"effect\":\"NoExecute\",\"tolerationSeconds\":300},{\"key\":"
		    "\"node.kubernetes.io/unreachable\",\"operator\":\"Exists\",\"effect\":"
		    "\"NoExecute\",\"tolerationSeconds\":300}],");
	if (rng_below(&g->rng, 10) == 0)
		buf_puts(b,
			 "\"hostAliases\":[{\"ip\":\"10.0.0.9\",\"hostnames\":[\"legacy.internal\","
			 "\"db.internal\"]}],");
	if (w->priority)
		buf_puts(b, "\"priorityClassName\":\"business-critical\",\"priority\":1000000,");
	else
		buf_puts(b, "\"priority\":0,");
	if (w->gate)
		buf_puts(b, "\"readinessGates\":[{\"conditionType\":"
			    "\"cloud.example.com/load-balancer-ready\"}],");
	buf_puts(b, "\"enableServiceLinks\":true,\"preemptionPolicy\":\"PreemptLowerPriority\"");
	if (w->owner == OWNER_REPLICA_SET)
		buf_printf(
		    b,
		    ",\"topologySpreadConstraints\":[{\"maxSkew\":1,\"topologyKey\":"
		    "\"topology.kubernetes.io/zone\",\"whenUnsatisfiable\":\"ScheduleAnyway\","
		    "\"labelSelector\":{\"matchLabels\":{\"app\":\"%s\"}}}]",
		    w->app);
	buf_putc(b, '}');
}

/* Sorted, as the server writes maps. Some workloads have none at all. */
static void labels(struct generator *g, struct workload *w)
{
	_cleanup_(freep) char *instance = xasprintf("%s-%s", w->app, w->ns);
	struct buf *b = &w->labels;
	bool collides = rng_below(&g->rng, 25) == 0;

	if (w->owner == OWNER_JOB && rng_below(&g->rng, 4) == 0)
		return;
	generate_pair(b, "app", w->app);
	/* a key that is another key's prefix */
	if (collides)
		generate_pair(b, "app.kubernetes.io", "a-key-without-a-name");
	generate_pair(b, "app.kubernetes.io/component", w->component);
	generate_pair(b, "app.kubernetes.io/instance", instance);
	generate_pair(b, "app.kubernetes.io/name", w->app);
	generate_pair(b, "app.kubernetes.io/part-of", "shop");
	generate_pair(b, "app.kubernetes.io/version", w->version);
	if (rng_below(&g->rng, 10) == 0)
		generate_pair(b, "canary", "");
	if (w->owner == OWNER_REPLICA_SET)
		generate_pair(b, "pod-template-hash", w->hash);
	generate_pair(b, "team", w->ns);
	generate_pair(b, "tier", rng_below(&g->rng, 2) ? "backend" : "data");
}

/* The controller's entry, worked out by the same code that serves writes. */
static void managed(struct generator *g, struct workload *w)
{
	struct buf b = {0}, m = {0};
	json_object *o;
	char now[32];

	buf_printf(
	    &b,
	    "{\"metadata\":{\"generateName\":\"%s-\",\"labels\":{%.*s},\"annotations\":{%.*s},"
	    "\"ownerReferences\":[{\"uid\":\"%s\"}]},\"spec\":{%.*s%.*s}",
	    w->name, (int)w->labels.len, w->labels.data, (int)w->annotations.len,
	    w->annotations.data, w->owner_uid, (int)w->spec_before.len, w->spec_before.data,
	    (int)w->spec_after.len, w->spec_after.data);
	buf_putc(&b, '\0');
	o = jparse(b.data, b.len - 1);
	format_time(g->start, now);
	managed_created(KIND_PODS, o, "kube-controller-manager", now);
	buf_puts(&m, json_object_to_json_string_ext(
			 jget(jat(jget(o, "metadata.managedFields"), 0), "fieldsV1"),
			 JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	w->managed = buf_steal(&m);
	json_object_put(o);
	buf_release(&b);
}

void generate_spec(struct generator *g, struct workload *w)
{
	static const unsigned classes[] = {0, 1, 2, 2, 2, 3};
	unsigned class = classes[rng_below(&g->rng, ARRAY_SIZE(classes))];
	struct buf *b = &w->spec_before;

	labels(g, w);
	generate_pair(&w->annotations, "checksum/config", w->config_sum);
	generate_volumes(g, w, b);
	if (w->n_init)
		init_containers(g, w, b);
	buf_puts(b, "\"containers\":[");
	main_container(g, w, class, b);
	for (unsigned i = 1; i < w->n_containers; i++)
		extra_container(g, w, i, class, b);
	if (w->n_init && !strcmp(w->qos, "Guaranteed"))
		w->qos = "Burstable";
	buf_printf(b,
		   "],\"restartPolicy\":\"%s\",\"terminationGracePeriodSeconds\":30,\"dnsPolicy\":"
		   "\"%s\",",
		   w->owner == OWNER_JOB ? "Never" : "Always",
		   w->host_network ? "ClusterFirstWithHostNet" : "ClusterFirst");
	if (rng_below(&g->rng, 8) == 0)
		buf_puts(b, "\"nodeSelector\":{\"kubernetes.io/os\":\"linux\"},");
	buf_printf(b, "\"serviceAccountName\":\"%s\",\"serviceAccount\":\"%s\",", w->app, w->app);
	if (w->host_network)
		buf_puts(&w->spec_after, "\"hostNetwork\":true,");
	placement(g, w, &w->spec_after);
	managed(g, w);
}
