/* SPDX-License-Identifier: Apache-2.0 */
#include "object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct kind_info kinds[N_KINDS] = {
    [KIND_NAMESPACES] = {"namespaces", "Namespace",
			 "{\"kind\":\"Namespace\",\"apiVersion\":\"v1\",", false},
    [KIND_NODES] = {"nodes", "Node", "{\"kind\":\"Node\",\"apiVersion\":\"v1\",", false},
    [KIND_PODS] = {"pods", "Pod", "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",", true},
};

char *object_key(const char *ns, const char *name)
{
	return ns ? xasprintf("%s/%s", ns, name) : xstrdup(name);
}

void text_replace(const char *text, size_t len, struct jspan span, const char *with,
		  struct buf *out)
{
	size_t before = (size_t)(span.p - text);

	buf_add(out, text, before);
	buf_puts(out, with);
	buf_add(out, span.p + span.len, len - before - span.len);
}

/* The text without kind and apiVersion, and with another resourceVersion if rv is not 0. */
static void write_bare(const char *text, size_t len, uint64_t rv, struct buf *out)
{
	struct jspan obj = jspan_at(text, text + len), k, v;
	struct jspan old = jspan_path(obj, "metadata.resourceVersion");
	const char *it = NULL, *from = NULL;
	char quoted[32];

	while (jspan_member(obj, &it, &k, &v)) {
		if ((k.len == 4 && !memcmp(k.p, "kind", 4)) ||
		    (k.len == 10 && !memcmp(k.p, "apiVersion", 10)))
			continue;
		buf_putc(out, from ? ',' : '{');
		from = k.p - 1;
		if (rv && old.p >= v.p && old.p < v.p + v.len) {
			snprintf(quoted, sizeof(quoted), "\"%llu\"", (unsigned long long)rv);
			text_replace(from, (size_t)(v.p + v.len - from), old, quoted, out);
		} else {
			buf_add(out, from, (size_t)(v.p + v.len - from));
		}
	}
	buf_puts(out, from ? "}" : "{}");
}

static void read_labels(struct object *o, struct jspan meta)
{
	struct jspan labels = jspan_get(meta, "labels"), k, v;
	const char *it = NULL;

	while (jspan_member(labels, &it, &k, &v)) {
		o->labels = xrealloc(o->labels, (o->n_labels + 1) * sizeof(*o->labels));
		o->labels[o->n_labels].key = xstrndup(k.p, k.len);
		o->labels[o->n_labels++].value = jspan_dup(v);
	}
}

static char *field(struct jspan obj, const char *path)
{
	char *s = jspan_dup(jspan_path(obj, path));

	return s ? s : xstrdup("");
}

static char *bool_field(struct jspan obj, const char *path)
{
	struct jspan v = jspan_path(obj, path);

	return xstrdup(v.p && v.len == 4 && !memcmp(v.p, "true", 4) ? "true" : "false");
}

/* The real server selects by the first address for podIP, and by any for podIPs. */
static char *pod_ips(struct jspan obj)
{
	struct jspan ips = jspan_path(obj, "status.podIPs"), e;
	const char *it = NULL;
	struct buf b = {0};

	while (jspan_element(ips, &it, &e)) {
		_cleanup_(freep) char *ip = jspan_dup(jspan_get(e, "ip"));

		if (b.len)
			buf_putc(&b, ',');
		if (ip)
			buf_puts(&b, ip);
	}
	return buf_steal(&b);
}

static void read_fields(struct object *o)
{
	struct jspan obj = object_span(o);

	o->fields[FIELD_NAME] = xstrdup(o->name);
	if (o->kind == KIND_NAMESPACES) {
		o->fields[FIELD_PHASE] = field(obj, "status.phase");
	} else if (o->kind == KIND_NODES) {
		o->fields[FIELD_UNSCHEDULABLE] = bool_field(obj, "spec.unschedulable");
	} else {
		struct jspan spec = jspan_get(obj, "spec");
		struct jspan status = jspan_get(obj, "status");

		o->fields[FIELD_NAMESPACE] = xstrdup(o->ns ? o->ns : "");
		o->fields[FIELD_NODE_NAME] = field(spec, "nodeName");
		o->fields[FIELD_RESTART_POLICY] = field(spec, "restartPolicy");
		o->fields[FIELD_SCHEDULER_NAME] = field(spec, "schedulerName");
		o->fields[FIELD_SERVICE_ACCOUNT] = field(spec, "serviceAccountName");
		o->fields[FIELD_HOST_NETWORK] = bool_field(spec, "hostNetwork");
		o->fields[FIELD_PHASE] = field(status, "phase");
		o->fields[FIELD_POD_IP] = field(status, "podIP");
		o->fields[FIELD_POD_IPS] = pod_ips(obj);
		o->fields[FIELD_NOMINATED_NODE] = field(status, "nominatedNodeName");
	}
}

struct object *object_new(enum kind kind, const char *text, size_t len, uint64_t rv)
{
	struct object *o = xcalloc(1, sizeof(*o));
	struct buf b = {0};
	struct jspan meta;

	atomic_init(&o->refs, 1);
	o->kind = kind;
	buf_reserve(&b, len + 64);
	write_bare(text, len, rv, &b);
	o->len = b.len;
	o->text = buf_steal(&b);
	meta = jspan_get(object_span(o), "metadata");
	o->name = jspan_dup(jspan_get(meta, "name"));
	if (kinds[kind].namespaced)
		o->ns = jspan_dup(jspan_get(meta, "namespace"));
	if (!o->name || (kinds[kind].namespaced && !o->ns)) {
		object_unref(o);
		return NULL;
	}
	o->key = object_key(o->ns, o->name);
	o->uid = field(meta, "uid");
	if (rv) {
		o->rv = rv;
	} else {
		_cleanup_(freep) char *s = field(meta, "resourceVersion");

		o->rv = strtoull(s, NULL, 10);
	}
	read_labels(o, meta);
	read_fields(o);
	return o;
}

struct object *object_ref(struct object *o)
{
	atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed);
	return o;
}

void object_unref(struct object *o)
{
	if (!o || atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) > 1)
		return;
	for (size_t i = 0; i < o->n_labels; i++) {
		free(o->labels[i].key);
		free(o->labels[i].value);
	}
	for (size_t i = 0; i < N_FIELDS; i++)
		free(o->fields[i]);
	free(o->labels);
	free(o->key);
	free(o->ns);
	free(o->name);
	free(o->uid);
	free(o->text);
	free(o);
}

void object_unrefp(struct object **o)
{
	object_unref(*o);
}

struct jspan object_span(const struct object *o)
{
	return (struct jspan){o->text, o->len};
}

size_t object_written_len(const struct object *o)
{
	return strlen(kinds[o->kind].prefix) + o->len - 1;
}

void object_write(const struct object *o, struct buf *out)
{
	buf_puts(out, kinds[o->kind].prefix);
	buf_add(out, o->text + 1, o->len - 1);
}

void object_write_with_rv(const struct object *o, uint64_t rv, struct buf *out)
{
	size_t at;

	buf_puts(out, kinds[o->kind].prefix);
	/* what follows opens with a brace where the prefix has its comma */
	at = --out->len;
	write_bare(o->text, o->len, rv, out);
	out->data[at] = ',';
}
