/* SPDX-License-Identifier: Apache-2.0 */
#include "render.h"

#include <string.h>

#include "table.h"

#define PARTIAL_PREFIX                                                                             \
	"{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":"

static bool has(const char *range, size_t n, const char *what)
{
	return memmem(range, n, what, strlen(what));
}

struct view view_of(const struct request *req)
{
	const char *accept = request_header(req, "Accept"),
		   *include = request_arg(req, "includeObject");
	struct view view = {FORMAT_NONE, INCLUDE_METADATA};

	if (include && !strcmp(include, "Object"))
		view.include = INCLUDE_OBJECT;
	if (include && !strcmp(include, "None"))
		view.include = INCLUDE_NONE;
	for (const char *p = accept && *accept ? accept : "*/*"; *p;) {
		size_t n = strcspn(p, ",");

		if (has(p, n, "application/json") && has(p, n, "as=Table")) {
			/* v1beta1 has the same form, but another name */
			if (has(p, n, "v=v1;") || !has(p, n, "v=v1beta1"))
				view.format = FORMAT_TABLE;
		} else if (has(p, n, "application/json") && has(p, n, "as=PartialObjectMetadata"))
			view.format = FORMAT_PARTIAL;
		else if ((has(p, n, "application/json") && !has(p, n, "as=")) || has(p, n, "*/*") ||
			 has(p, n, "application/*"))
			view.format = FORMAT_FULL;
		if (view.format)
			break;
		p += n;
		p += strspn(p, ", ");
	}
	return view;
}

static void partial(const struct object *o, struct buf *out)
{
	struct jspan meta = jspan_get(object_span(o), "metadata");

	buf_puts(out, PARTIAL_PREFIX);
	buf_add(out, meta.p, meta.len);
	buf_putc(out, '}');
}

static void row(const struct object *o, struct view view, struct buf *out)
{
	buf_puts(out, "{\"cells\":");
	table_cells(o, out);
	if (view.include != INCLUDE_NONE) {
		buf_puts(out, ",\"object\":");
		if (view.include == INCLUDE_OBJECT)
			object_write(o, out);
		else
			partial(o, out);
	}
	buf_putc(out, '}');
}

void render_object(const struct object *o, struct view view, struct buf *out)
{
	if (view.format == FORMAT_FULL) {
		object_write(o, out);
	} else if (view.format == FORMAT_PARTIAL) {
		partial(o, out);
	} else {
		render_list_head(o->kind, view, o->rv, NULL, -1, out);
		row(o, view, out);
		render_list_tail(out);
	}
}

void render_item(const struct object *o, struct view view, struct buf *out)
{
	if (view.format == FORMAT_FULL)
		buf_add(out, o->text, o->len);
	else if (view.format == FORMAT_PARTIAL)
		partial(o, out);
	else
		row(o, view, out);
}

void render_list_head(enum kind kind, struct view view, uint64_t rv, const char *next,
		      int64_t remaining, struct buf *out)
{
	if (view.format == FORMAT_TABLE)
		buf_puts(out, "{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/v1\"");
	else if (view.format == FORMAT_PARTIAL)
		buf_puts(
		    out,
		    "{\"kind\":\"PartialObjectMetadataList\",\"apiVersion\":\"meta.k8s.io/v1\"");
	else
		buf_printf(out, "{\"kind\":\"%sList\",\"apiVersion\":\"v1\"", kinds[kind].kind);
	buf_printf(out, ",\"metadata\":{\"resourceVersion\":\"%llu\"", (unsigned long long)rv);
	if (next) {
		buf_puts(out, ",\"continue\":");
		buf_json_str(out, next);
	}
	if (next && remaining >= 0)
		buf_printf(out, ",\"remainingItemCount\":%lld", (long long)remaining);
	buf_putc(out, '}');
	if (view.format == FORMAT_TABLE) {
		buf_puts(out, ",\"columnDefinitions\":");
		table_columns(kind, out);
		buf_puts(out, ",\"rows\":[");
	} else {
		buf_puts(out, ",\"items\":[");
	}
}

void render_list_tail(struct buf *out)
{
	buf_puts(out, "]}");
}

void render_bookmark(enum kind kind, struct view view, uint64_t rv, bool initial_end,
		     struct buf *out)
{
	static const char *const empty[N_KINDS] = {
	    [KIND_NAMESPACES] = ",\"spec\":{},\"status\":{}",
	    [KIND_NODES] = ",\"spec\":{},\"status\":{\"daemonEndpoints\":{\"kubeletEndpoint\":"
			   "{\"Port\":0}},\"nodeInfo\":{\"machineID\":\"\",\"systemUUID\":\"\","
			   "\"bootID\":\"\",\"kernelVersion\":\"\",\"osImage\":\"\","
			   "\"containerRuntimeVersion\":\"\",\"kubeletVersion\":\"\","
			   "\"kubeProxyVersion\":\"\",\"operatingSystem\":\"\","
			   "\"architecture\":\"\"}}",
	    [KIND_PODS] = ",\"spec\":{\"containers\":null},\"status\":{}",
	};

	if (view.format == FORMAT_TABLE) {
		render_list_head(kind, view, rv, NULL, -1, out);
		render_list_tail(out);
		return;
	}
	buf_puts(out, view.format == FORMAT_PARTIAL
			  ? "{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1\","
			  : kinds[kind].prefix);
	buf_printf(out, "\"metadata\":{\"resourceVersion\":\"%llu\",\"creationTimestamp\":null%s}",
		   (unsigned long long)rv,
		   initial_end ? ",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}" : "");
	if (view.format == FORMAT_FULL)
		buf_puts(out, empty[kind]);
	buf_putc(out, '}');
}
