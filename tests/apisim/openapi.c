/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /openapi/v3, made from the schema: kubectl looks there whether the server
 * checks fields itself, how lists merge, and what `kubectl explain` shows.
 * /openapi/v2 has the same definitions in JSON, and in protobuf what is asked for.
 */
#include <string.h>

#include "openapi_v2.h"
#include "schema.h"
#include "target.h"

static void write_ref(const char *name, const char *where, struct buf *out)
{
	buf_printf(out, "{\"$ref\":\"#/%s/io.k8s.api.core.v1.%s\"}", where, name);
}

static void write_plain(const struct schema_field *f, const char *where, struct buf *out)
{
	switch (f->type) {
	case TYPE_STRUCT:
		write_ref(f->of->name, where, out);
		break;
	case TYPE_INT:
		buf_puts(out, "{\"type\":\"integer\",\"format\":\"int64\"}");
		break;
	case TYPE_BOOL:
		buf_puts(out, "{\"type\":\"boolean\"}");
		break;
	case TYPE_TIME:
		buf_puts(out, "{\"type\":\"string\",\"format\":\"date-time\"}");
		break;
	case TYPE_INT_OR_STRING:
		buf_puts(out, "{\"type\":\"string\",\"format\":\"int-or-string\"}");
		break;
	case TYPE_ANY:
		buf_puts(out, "{\"type\":\"object\"}");
		break;
	default:
		buf_puts(out, "{\"type\":\"string\"}");
	}
}

static void write_field(const struct schema_field *f, const char *where, struct buf *out)
{
	if (f->container == MAP) {
		buf_puts(out, "{\"type\":\"object\",\"additionalProperties\":");
		write_plain(f, where, out);
		buf_putc(out, '}');
	} else if (f->container == LIST) {
		buf_puts(out, "{\"type\":\"array\",\"items\":");
		write_plain(f, where, out);
		if (f->merges)
			buf_puts(out, ",\"x-kubernetes-patch-strategy\":\"merge\"");
		if (f->merge_key)
			buf_printf(out, ",\"x-kubernetes-patch-merge-key\":\"%s\"", f->merge_key);
		buf_putc(out, '}');
	} else {
		write_plain(f, where, out);
	}
}

struct writer {
	struct buf *out;
	const char *where, *comma;
};

static void write_type(const struct schema_type *t, void *arg)
{
	struct writer *w = arg;
	bool top = false;

	buf_printf(w->out, "%s\"io.k8s.api.core.v1.%s\":{\"type\":\"object\",\"properties\":{",
		   w->comma, t->name);
	w->comma = ",";
	for (unsigned k = 0; k < N_KINDS; k++)
		top = top || !strcmp(kinds[k].kind, t->name);
	if (top)
		buf_puts(w->out,
			 "\"apiVersion\":{\"type\":\"string\"},\"kind\":{\"type\":\"string\"},");
	for (size_t i = 0; i < t->n_fields; i++) {
		buf_printf(w->out, "%s\"%s\":", i ? "," : "", t->fields[i].name);
		write_field(&t->fields[i], w->where, w->out);
	}
	buf_putc(w->out, '}');
	if (top)
		buf_printf(w->out,
			   ",\"x-kubernetes-group-version-kind\":[{\"group\":\"\",\"kind\":\"%s\","
			   "\"version\":\"v1\"}]",
			   t->name);
	buf_putc(w->out, '}');
}

static void write_types(const char *where, struct buf *out)
{
	struct writer w = {out, where, ""};

	buf_putc(out, '{');
	schema_each(write_type, &w);
	buf_putc(out, '}');
}

static void write_operation(const char *action, enum kind kind, bool patch, struct buf *out)
{
	static const char *const types[] = {
	    "application/json-patch+json", "application/merge-patch+json",
	    "application/strategic-merge-patch+json", "application/apply-patch+yaml"};

	buf_puts(out, "{\"parameters\":[{\"name\":\"dryRun\",\"in\":\"query\",\"schema\":{\"type\":"
		      "\"string\"}},{\"name\":\"fieldValidation\",\"in\":\"query\",\"schema\":{"
		      "\"type\":\"string\"}}],");
	if (patch) {
		buf_puts(out, "\"requestBody\":{\"content\":{");
		for (size_t i = 0; i < ARRAY_SIZE(types); i++)
			buf_printf(out, "%s\"%s\":{\"schema\":{\"type\":\"object\"}}", i ? "," : "",
				   types[i]);
		buf_puts(out, "}},");
	}
	buf_printf(
	    out,
	    "\"responses\":{\"200\":{\"description\":\"OK\"}},\"x-kubernetes-action\":\"%s\","
	    "\"x-kubernetes-group-version-kind\":{\"group\":\"\",\"kind\":\"%s\","
	    "\"version\":\"v1\"}}",
	    action, kinds[kind].kind);
}

static void write_paths(struct buf *out)
{
	buf_putc(out, '{');
	for (unsigned k = 0; k < N_KINDS; k++) {
		enum kind kind = (enum kind)k;
		const char *in = kinds[k].namespaced ? "namespaces/{namespace}/" : "";

		buf_printf(out, "%s\"/api/v1/%s%s\":{\"post\":", k ? "," : "", in,
			   kinds[k].resource);
		write_operation("post", kind, false, out);
		buf_printf(out, "},\"/api/v1/%s%s/{name}\":{\"put\":", in, kinds[k].resource);
		write_operation("put", kind, false, out);
		buf_puts(out, ",\"patch\":");
		write_operation("patch", kind, true, out);
		buf_putc(out, '}');
	}
	buf_putc(out, '}');
}

bool openapi_handle(struct request *req)
{
	struct buf b = {0};

	if (strcmp(req->method, "GET") != 0)
		return false;
	if (!strcmp(req->path, "/openapi/v3")) {
		buf_puts(&b,
			 "{\"paths\":{\"api/v1\":{\"serverRelativeURL\":\"/openapi/v3/api/v1\"}}}");
	} else if (!strcmp(req->path, "/openapi/v3/api/v1")) {
		buf_puts(&b,
			 "{\"openapi\":\"3.0.0\",\"info\":{\"title\":\"Kubernetes\",\"version\":"
			 "\"v1.27.1\"},\"paths\":");
		write_paths(&b);
		buf_puts(&b, ",\"components\":{\"schemas\":");
		write_types("components/schemas", &b);
		buf_puts(&b, "}}");
	} else if (!strcmp(req->path, "/openapi/v2")) {
		const char *accept = request_header(req, "Accept");

		if (accept && strstr(accept, "protobuf")) {
			openapi_v2_protobuf(&b);
			reply(req, 200,
			      "application/com.github.proto-openapi.spec.v2.v1.0+protobuf", &b);
			return true;
		}
		buf_puts(&b, "{\"swagger\":\"2.0\",\"info\":{\"title\":\"Kubernetes\",\"version\":"
			     "\"v1.27.1\"},\"paths\":{},\"definitions\":");
		write_types("definitions", &b);
		buf_putc(&b, '}');
	} else {
		return false;
	}
	reply_json(req, 200, &b);
	return true;
}
