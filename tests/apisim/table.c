/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "table_pod.h"

#define MINUTE INT64_C(60)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define YEAR (365 * DAY)

struct column {
	const char *name, *type, *format, *description;
	int priority;
};

static const struct column name_column = {
    "Name", "string", "name",
    "Name must be unique within a namespace. Is required when creating resources, although "
    "some resources may allow a client to request the generation of an appropriate name "
    "automatically.",
    0};

static const struct column namespace_columns[] = {
    {"Status", "string", "", "The status of the namespace", 0},
    {"Age", "string", "", "How long ago it was created.", 0},
    {0},
};

static const struct column node_columns[] = {
    {"Status", "string", "", "The status of the node", 0},
    {"Roles", "string", "", "The roles of the node", 0},
    {"Age", "string", "", "How long ago it was created.", 0},
    {"Version", "string", "", "Kubelet Version reported by the node.", 0},
    {"Internal-IP", "string", "", "List of addresses reachable to the node.", 1},
    {"External-IP", "string", "", "List of addresses reachable to the node.", 1},
    {"OS-Image", "string", "", "OS Image reported by the node.", 1},
    {"Kernel-Version", "string", "", "Kernel Version reported by the node.", 1},
    {"Container-Runtime", "string", "", "ContainerRuntime Version reported by the node.", 1},
    {0},
};

static const struct column pod_columns[] = {
    {"Ready", "string", "", "The aggregate readiness state of this pod for accepting traffic.", 0},
    {"Status", "string", "", "The aggregate status of the containers in this pod.", 0},
    {"Restarts", "string", "",
     "The number of times the containers in this pod have been restarted and when the last "
     "container in this pod has restarted.",
     0},
    {"Age", "string", "", "How long ago it was created.", 0},
    {"IP", "string", "", "The IP address that has been allocated to the pod.", 1},
    {"Node", "string", "", "The node that runs the pod.", 1},
    {"Nominated Node", "string", "", "The node that is to run the pod.", 1},
    {"Readiness Gates", "string", "", "The conditions that readiness waits for.", 1},
    {0},
};

static void write_column(const struct column *c, struct buf *out)
{
	buf_puts(out, "{\"name\":");
	buf_json_str(out, c->name);
	buf_printf(out, ",\"type\":\"%s\",\"format\":\"%s\",\"description\":", c->type, c->format);
	buf_json_str(out, c->description);
	buf_printf(out, ",\"priority\":%d}", c->priority);
}

void table_columns(enum kind kind, struct buf *out)
{
	static const struct column *const columns[N_KINDS] = {
	    [KIND_NAMESPACES] = namespace_columns,
	    [KIND_NODES] = node_columns,
	    [KIND_PODS] = pod_columns,
	};

	buf_putc(out, '[');
	write_column(&name_column, out);
	for (const struct column *c = columns[kind]; c->name; c++) {
		buf_putc(out, ',');
		write_column(c, out);
	}
	buf_putc(out, ']');
}

/* Two units while the larger one is small, as kubectl prints ages. */
static const struct {
	int64_t below, unit;
	char name;
	int64_t rest; /* 0: none */
	char rest_name;
} ages[] = {
    {2 * MINUTE, 1, 's'},    {10 * MINUTE, MINUTE, 'm', 1, 's'},
    {3 * HOUR, MINUTE, 'm'}, {8 * HOUR, HOUR, 'h', MINUTE, 'm'},
    {2 * DAY, HOUR, 'h'},    {8 * DAY, DAY, 'd', HOUR, 'h'},
    {2 * YEAR, DAY, 'd'},    {8 * YEAR, YEAR, 'y', DAY, 'd'},
    {INT64_MAX, YEAR, 'y'},
};

void table_age(struct jspan time_span, struct buf *out)
{
	_cleanup_(freep) char *s = jspan_dup(time_span);
	int64_t then = parse_time(s), n = (int64_t)time(NULL) - then, rest;
	size_t i = 0;

	if (then < 0) {
		buf_puts(out, "<unknown>");
		return;
	}
	if (n < 0)
		n = 0;
	while (n >= ages[i].below)
		i++;
	buf_printf(out, "%lld%c", (long long)(n / ages[i].unit), ages[i].name);
	rest = ages[i].rest ? n % ages[i].unit / ages[i].rest : 0;
	if (rest)
		buf_printf(out, "%lld%c", (long long)rest, ages[i].rest_name);
}

void table_cell(struct buf *out, struct buf *value)
{
	buf_putc(out, ',');
	buf_json(out, value->data ? value->data : "", value->len);
	value->len = 0;
}

static void cell_str(struct buf *out, const char *s)
{
	buf_putc(out, ',');
	buf_json_str(out, s);
}

static void cell_at(struct buf *out, struct jspan obj, const char *path, const char *otherwise)
{
	_cleanup_(freep) char *s = jspan_dup(jspan_path(obj, path));

	cell_str(out, s && *s ? s : otherwise);
}

static void node_status(struct jspan obj, struct buf *b)
{
	struct jspan conditions = jspan_path(obj, "status.conditions"), c;
	struct jspan off = jspan_path(obj, "spec.unschedulable");
	const char *it = NULL;

	while (jspan_element(conditions, &it, &c))
		if (jspan_is(jspan_get(c, "type"), "Ready"))
			buf_puts(b,
				 jspan_is(jspan_get(c, "status"), "True") ? "Ready" : "NotReady");
	if (!b->len)
		buf_puts(b, "Unknown");
	if (off.p && *off.p == 't')
		buf_puts(b, ",SchedulingDisabled");
}

static void node_roles(const struct object *o, struct buf *b)
{
	static const char prefix[] = "node-role.kubernetes.io/";

	for (size_t i = 0; i < o->n_labels; i++)
		if (!strncmp(o->labels[i].key, prefix, sizeof(prefix) - 1))
			buf_printf(b, "%s%s", b->len ? "," : "",
				   o->labels[i].key + sizeof(prefix) - 1);
	if (!b->len)
		buf_puts(b, "<none>");
}

static void node_address(struct jspan obj, const char *type, struct buf *b)
{
	struct jspan list = jspan_path(obj, "status.addresses"), a;
	const char *it = NULL;

	while (!b->len && jspan_element(list, &it, &a))
		if (jspan_is(jspan_get(a, "type"), type))
			jspan_decode(jspan_get(a, "address"), b);
	if (!b->len)
		buf_puts(b, "<none>");
}

static void node_cells(const struct object *o, struct jspan obj, struct buf *b, struct buf *out)
{
	node_status(obj, b);
	table_cell(out, b);
	node_roles(o, b);
	table_cell(out, b);
	table_age(jspan_path(obj, "metadata.creationTimestamp"), b);
	table_cell(out, b);
	cell_at(out, obj, "status.nodeInfo.kubeletVersion", "");
	node_address(obj, "InternalIP", b);
	table_cell(out, b);
	node_address(obj, "ExternalIP", b);
	table_cell(out, b);
	cell_at(out, obj, "status.nodeInfo.osImage", "<unknown>");
	cell_at(out, obj, "status.nodeInfo.kernelVersion", "<unknown>");
	cell_at(out, obj, "status.nodeInfo.containerRuntimeVersion", "<unknown>");
}

void table_cells(const struct object *o, struct buf *out)
{
	struct jspan obj = object_span(o);
	struct buf b = {0};

	buf_putc(out, '[');
	buf_json_str(out, o->name);
	if (o->kind == KIND_NAMESPACES) {
		cell_at(out, obj, "status.phase", "");
		table_age(jspan_path(obj, "metadata.creationTimestamp"), &b);
		table_cell(out, &b);
	} else if (o->kind == KIND_NODES) {
		node_cells(o, obj, &b, out);
	} else {
		table_pod_cells(obj, &b, out);
	}
	buf_putc(out, ']');
	buf_release(&b);
}
