/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a path to a handler:
 *
 *	/api/v1/namespaces[/NAME[/SUB]]
 *	/api/v1/nodes[/NAME[/SUB]]
 *	/api/v1/pods
 *	/api/v1/namespaces/NS/pods[/NAME[/SUB]]
 *	/api/v1/watch/...                          the same, watched
 */
#include <stdlib.h>
#include <string.h>

#include "auth.h"
#include "fault.h"
#include "status.h"
#include "target.h"

enum { PARTS_MAX = 6 };

static size_t split(const char *path, char **parts)
{
	size_t n = 0;

	while (*path && n < PARTS_MAX) {
		size_t len = strcspn(path, "/");

		parts[n++] = xstrndup(path, len);
		path += len + (path[len] == '/');
	}
	/* longer than any path there is */
	return *path ? PARTS_MAX + 1 : n;
}

static bool kind_of(const char *resource, enum kind *ret)
{
	for (unsigned k = 0; k < N_KINDS; k++)
		if (!strcmp(kinds[k].resource, resource)) {
			*ret = (enum kind)k;
			return true;
		}
	return false;
}

/* The parts move into the target; what is left over stays where it is. */
static bool read_parts(char **parts, size_t n, struct target *t)
{
	size_t used = 1;

	if (n < 1 || n > PARTS_MAX || !kind_of(parts[0], &t->kind))
		return false;
	if (t->kind == KIND_NAMESPACES && n >= 3 && kind_of(parts[2], &t->kind)) {
		if (!kinds[t->kind].namespaced)
			return false;
		t->ns = xstrdup(parts[1]);
		used = 3;
	}
	if (n > used)
		t->name = xstrdup(parts[used++]);
	/* a pod's name says nothing without its namespace */
	if (t->name && kinds[t->kind].namespaced && !t->ns)
		return false;
	t->subresource = xstrdup(n > used ? parts[used++] : "");
	/* /namespaces/NS/events and the like are collections of other kinds */
	return used == n && (!*t->subresource || !strcmp(t->subresource, "status"));
}

static bool parse(const char *path, struct target *ret, bool *ret_watch)
{
	char *parts[PARTS_MAX] = {0};
	bool ok;
	size_t n;

	if (strncmp(path, "/api/v1/", 8) != 0)
		return false;
	path += 8;
	*ret_watch = !strncmp(path, "watch/", 6);
	n = split(*ret_watch ? path + 6 : path, parts);
	ok = read_parts(parts, n, ret);
	for (size_t i = 0; i < PARTS_MAX; i++)
		free(parts[i]);
	return ok;
}

static const char *verb_of(const struct request *req, const struct target *t, bool watch)
{
	if (!strcmp(req->method, "GET") || !strcmp(req->method, "HEAD"))
		return t->name && !watch ? "get" : watch ? "watch" : "list";
	if (!strcmp(req->method, "POST"))
		return "create";
	if (!strcmp(req->method, "PUT"))
		return "update";
	if (!strcmp(req->method, "PATCH"))
		return "patch";
	if (!strcmp(req->method, "DELETE"))
		return t->name ? "delete" : "deletecollection";
	return NULL;
}

static void dispatch(struct request *req, const struct target *t, const char *verb)
{
	static const struct {
		const char *verb;
		void (*handle)(struct request *req, const struct target *t);
		bool named, sub; /* with a name; with a subresource too */
	} handlers[] = {
	    {"get", api_get, true, true},
	    {"list", api_list, false, false},
	    {"watch", api_watch, false, false},
	    {"create", api_create, false, false},
	    {"update", api_replace, true, true},
	    {"patch", api_patch, true, true},
	    {"delete", api_delete, true, false},
	    {"deletecollection", api_delete_collection, false, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(handlers); i++)
		if (!strcmp(handlers[i].verb, verb)) {
			bool watches = !strcmp(verb, "watch");

			if ((!watches && handlers[i].named != !!t->name) ||
			    (*t->subresource && !handlers[i].sub))
				break;
			handlers[i].handle(req, t);
			return;
		}
	status_method_not_allowed(req);
}

static void handle_target(struct request *req, const struct target *t, bool watch)
{
	const char *verb, *ns = t->ns;

	watch = watch || (!t->name && request_arg_true(req, "watch"));
	verb = verb_of(req, t, watch);
	if (!verb) {
		status_method_not_allowed(req);
		return;
	}
	req->resource = kinds[t->kind].resource;
	req->verb = watch && request_arg_true(req, "sendInitialEvents") ? "stream" : verb;
	if (fault_answer(req))
		return;
	if (t->kind == KIND_NAMESPACES && t->name)
		ns = t->name;
	if (auth_allows(req, verb, "", kinds[t->kind].resource, t->subresource, ns, t->name))
		dispatch(req, t, verb);
}

void api_handle(struct request *req)
{
	struct target t = {0};
	bool watch = false;

	if (!strncmp(req->path, "/apisim/", 8))
		control_handle(req);
	else if (parse(req->path, &t, &watch))
		handle_target(req, &t, watch);
	else if (fault_answer(req))
		;
	else if (!discovery_handle(req) && !openapi_handle(req) && !review_handle(req) &&
		 !empty_handle(req))
		status_no_such_path(req);
	free(t.ns);
	free(t.name);
	free(t.subresource);
}
