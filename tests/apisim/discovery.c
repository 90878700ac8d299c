/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client reads before it asks for objects: versions, groups, resources,
 * health; and the collections that are always empty.
 */
#include <string.h>

#include "auth.h"
#include "recorded.h"
#include "render.h"
#include "resources.h"
#include "status.h"
#include "store.h"
#include "target.h"

static bool is_health(const char *path)
{
	return !strcmp(path, "/healthz") || !strcmp(path, "/livez") || !strcmp(path, "/readyz");
}

/* "/apis/GROUP" or "/apis/GROUP/VERSION"; the copies are cut in place. */
static bool handle_group(const char *path, struct buf *b)
{
	_cleanup_(freep) char *group = xstrdup(path + 6);
	char *slash = strchr(group, '/');
	struct jspan g;

	if (slash) {
		*slash = '\0';
		return !strchr(slash + 1, '/') && resources_list(group, slash + 1, b);
	}
	g = resources_group(group);
	if (!g.p)
		return false;
	buf_puts(b, "{\"kind\":\"APIGroup\",\"apiVersion\":\"v1\",");
	buf_add(b, g.p + 1, g.len - 1);
	buf_putc(b, '\n');
	return true;
}

bool discovery_handle(struct request *req)
{
	const char *path = req->path;
	struct buf b = {0};

	if (strcmp(req->method, "GET") != 0)
		return false;
	if (is_health(path)) {
		buf_puts(&b, "ok");
		reply(req, 200, "text/plain; charset=utf-8", &b);
		reply_header(req, "X-Content-Type-Options", "nosniff");
		return true;
	}
	if (!strcmp(path, "/"))
		buf_add(&b, recorded_root, recorded_root_len);
	else if (!strcmp(path, "/version") || !strcmp(path, "/version/"))
		buf_add(&b, recorded_version, recorded_version_len);
	else if (!strcmp(path, "/api") || !strcmp(path, "/api/"))
		buf_add(&b, recorded_api, recorded_api_len);
	else if (!strcmp(path, "/api/v1") || !strcmp(path, "/api/v1/"))
		resources_list("", "v1", &b);
	else if (!strcmp(path, "/apis") || !strcmp(path, "/apis/"))
		buf_add(&b, recorded_apis, recorded_apis_len);
	else if (strncmp(path, "/apis/", 6) != 0 || !handle_group(path, &b))
		return false;
	reply_json(req, 200, &b);
	return true;
}

struct empty {
	char *group, *version, *ns, *resource, *name;
};

static char *take_part(const char **p)
{
	size_t n = strcspn(*p, "/");
	char *part = n ? xstrndup(*p, n) : NULL;

	*p += n + ((*p)[n] == '/');
	return part;
}

/* /api/v1/... or /apis/GROUP/VERSION/..., then [namespaces/NS/]RESOURCE[/NAME] */
static bool parse_empty(const char *p, struct empty *e)
{
	if (!strncmp(p, "/api/", 5)) {
		p += 5;
		e->group = xstrdup("");
	} else if (!strncmp(p, "/apis/", 6)) {
		p += 6;
		e->group = take_part(&p);
	} else {
		return false;
	}
	e->version = take_part(&p);
	if (!strncmp(p, "namespaces/", 11)) {
		p += 11;
		e->ns = take_part(&p);
	}
	e->resource = take_part(&p);
	e->name = take_part(&p);
	return e->group && e->version && e->resource && !*p;
}

static void not_found(struct request *req, const struct empty *e)
{
	_cleanup_(freep) char *full =
	    *e->group ? xasprintf("%s.%s", e->resource, e->group) : xstrdup(e->resource);
	_cleanup_(freep) char *message = xasprintf("%s \"%s\" not found", full, e->name);
	struct buf b = {0};
	_cleanup_(freep) char *details = NULL;

	buf_puts(&b, "{\"name\":");
	buf_json_str(&b, e->name);
	if (*e->group)
		buf_printf(&b, ",\"group\":\"%s\"", e->group);
	buf_printf(&b, ",\"kind\":\"%s\"}", e->resource);
	details = buf_steal(&b);
	status_reply(req, 404, "NotFound", message, details);
}

static void empty_list(struct request *req, const struct empty *e, const char *kind)
{
	struct view view = view_of(req);
	struct buf b = {0};

	/* a watch of nothing: over at once, the client comes again */
	if (!request_arg_true(req, "watch")) {
		if (view.format == FORMAT_TABLE)
			buf_printf(&b, "{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/v1\"");
		else
			buf_printf(&b, "{\"kind\":\"%sList\",\"apiVersion\":\"%s%s%s\"", kind,
				   e->group, *e->group ? "/" : "", e->version);
		buf_printf(&b, ",\"metadata\":{\"resourceVersion\":\"%llu\"},",
			   (unsigned long long)store_rv());
		if (view.format == FORMAT_TABLE)
			buf_puts(&b,
				 "\"columnDefinitions\":[{\"name\":\"Name\",\"type\":\"string\","
				 "\"format\":\"name\",\"description\":\"\",\"priority\":0}],"
				 "\"rows\":[]}\n");
		else
			buf_puts(&b, "\"items\":[]}\n");
	}
	reply_json(req, 200, &b);
}

static void release_empty(struct empty *e)
{
	freep(&e->group);
	freep(&e->version);
	freep(&e->ns);
	freep(&e->resource);
	freep(&e->name);
}

bool empty_handle(struct request *req)
{
	struct empty e = {0};
	_cleanup_(freep) char *kind = NULL;
	bool get = !strcmp(req->method, "GET");

	if (parse_empty(req->path, &e))
		kind = resources_kind(e.group, e.version, e.resource);
	if (!kind) {
		release_empty(&e);
		return false;
	}
	if (!get && strcmp(req->method, "DELETE") != 0)
		status_method_not_allowed(req);
	else if (!auth_allows(req,
			      !get                             ? "delete"
			      : e.name                         ? "get"
			      : request_arg_true(req, "watch") ? "watch"
							       : "list",
			      e.group, e.resource, "", e.ns, e.name))
		;
	else if (e.name)
		not_found(req, &e);
	else
		empty_list(req, &e, kind);
	release_empty(&e);
	return true;
}
