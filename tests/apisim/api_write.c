/* SPDX-License-Identifier: Apache-2.0 */
/* POST and DELETE. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "admit.h"
#include "managed.h"
#include "render.h"
#include "selector.h"
#include "status.h"
#include "store.h"
#include "target.h"
#include "validate.h"
#include "yamldoc.h"

static bool keep_document(json_object *doc, void *arg)
{
	json_object **ret = arg;

	*ret = jcopy(doc);
	return false;
}

json_object *request_object(struct request *req)
{
	const char *type = request_header(req, "Content-Type");
	json_object *o = NULL;

	if (type && strstr(type, "protobuf")) {
		status_reply(req, 415, "UnsupportedMediaType",
			     "the body of the request was in an unknown format - accepted media "
			     "types include: application/json, application/yaml",
			     NULL);
		return NULL;
	}
	buf_putc(&req->body, '\0');
	req->body.len--;
	if (type && strstr(type, "yaml"))
		yaml_each("body", req->body.data, req->body.len, keep_document, &o);
	else
		o = jparse(req->body.data, req->body.len);
	if (!json_object_is_type(o, json_type_object)) {
		json_object_put(o);
		status_bad_request(req, "the object provided is unrecognized (must be of type "
					"Object): couldn't get version/kind; json parse error");
		return NULL;
	}
	return o;
}

void reply_object(struct request *req, unsigned code, const struct object *o)
{
	struct view view = view_of(req);
	struct buf b = {0};

	if (!view.format)
		view.format = FORMAT_FULL;
	render_object(o, view, &b);
	buf_putc(&b, '\n');
	reply_json(req, code, &b);
}

/* The body says what it is, and its namespace is that of the path. */
static bool check_body(struct request *req, const struct target *t, json_object *o)
{
	const char *kind = jstr(o, "kind"), *version = jstr(o, "apiVersion");
	const char *ns = jstr(o, "metadata.namespace"), *name = jstr(o, "metadata.name");
	const char *generate = jstr(o, "metadata.generateName");
	_cleanup_(freep) char *message = NULL;

	if ((kind && strcmp(kind, kinds[t->kind].kind) != 0) ||
	    (version && strcmp(version, "v1") != 0))
		message = xasprintf("%s in version \"%s\" cannot be handled as a %s: converting "
				    "(%s) to (%s): unknown conversion",
				    kind ? kind : "", version ? version : "", kinds[t->kind].kind,
				    kind ? kind : "", kinds[t->kind].kind);
	else if (t->ns && ns && *ns && strcmp(ns, t->ns) != 0)
		message = xasprintf("the namespace of the provided object does not match the "
				    "namespace sent on the request");
	else if ((!name || !*name) && (!generate || !*generate)) {
		struct field_error e = {
		    (char[]){"metadata.name"},
		    (char[]){"Required value: name or generateName is required"},
		    "FieldValueRequired"};

		status_invalid(req, kinds[t->kind].kind, "", &e, 1);
		return false;
	} else {
		return true;
	}
	status_bad_request(req, message);
	return false;
}

static bool namespace_there(struct request *req, const struct target *t)
{
	_cleanup_(object_unrefp) struct object *ns = NULL;

	if (!kinds[t->kind].namespaced)
		return true;
	ns = store_get(KIND_NAMESPACES, NULL, t->ns);
	if (!ns)
		status_not_found(req, "namespaces", t->ns);
	return ns;
}

static bool is_dry_run(const struct request *req)
{
	const char *value = request_arg(req, "dryRun");

	return value && !strcmp(value, "All");
}

void api_create(struct request *req, const struct target *t)
{
	_cleanup_(jputp) json_object *body = NULL, *o = NULL;
	_cleanup_(object_unrefp) struct object *made = NULL;
	_cleanup_(freep) char *text = NULL, *manager = NULL;
	const char *field_manager = request_arg(req, "fieldManager");

	if (kinds[t->kind].namespaced && !t->ns) {
		status_method_not_allowed(req);
		return;
	}
	body = request_object(req);
	if (!body || !check_body(req, t, body))
		return;
	o = validate_fields(req, t->kind, body);
	if (!o || !namespace_there(req, t))
		return;
	manager = field_manager ? xstrdup(field_manager)
				: managed_name(request_header(req, "User-Agent"));
	admit(t->kind, o, t->ns, manager);
	text = validate_text(req, t->kind, o);
	if (!text)
		return;
	if (is_dry_run(req)) {
		made = object_new(t->kind, text, strlen(text), 0);
		reply_object(req, 201, made);
	} else if (store_create(t->kind, text, strlen(text), &made) == -EEXIST) {
		status_already_exists(req, kinds[t->kind].resource, jstr(o, "metadata.name"));
	} else {
		reply_object(req, 201, made);
	}
}

/* The object's last state, as its end is announced. */
static char *last_text(const struct object *o)
{
	struct jspan meta = jspan_get(object_span(o), "metadata");
	struct jspan created = jspan_get(meta, "creationTimestamp");
	char now[32];
	struct buf b = {0};
	_cleanup_(freep) char *with = NULL;

	if (!created.p || jspan_get(meta, "deletionTimestamp").p)
		return xstrndup(o->text, o->len);
	format_time(time(NULL), now);
	with = xasprintf("%.*s,\"deletionTimestamp\":\"%s\",\"deletionGracePeriodSeconds\":0",
			 (int)created.len, created.p, now);
	text_replace(o->text, o->len, created, with, &b);
	return buf_steal(&b);
}

/* Deletes whatever version is the newest; NULL if it is gone. */
static struct object *delete_now(struct object *o)
{
	struct object *last = NULL;
	int r = -EAGAIN;

	object_ref(o);
	while (r == -EAGAIN) {
		_cleanup_(freep) char *text =
		    o->kind == KIND_PODS ? last_text(o) : xstrndup(o->text, o->len);

		r = store_delete(o, text, strlen(text), &last);
		if (r == -EAGAIN) {
			struct object *newer = store_get_key(o->kind, o->key);

			if (!newer)
				break;
			object_unref(o);
			o = newer;
		}
	}
	object_unref(o);
	return r == 0 ? last : NULL;
}

static void delete_pods_of(const char *ns)
{
	struct snapshot pods;

	if (store_snapshot(KIND_PODS, ns, 0, &pods) < 0)
		return;
	for (size_t i = 0; i < pods.n; i++)
		object_unref(delete_now(pods.v[i]));
	snapshot_release(&pods);
}

/* Preconditions of DeleteOptions: uid and resourceVersion. */
static bool check_preconditions(struct request *req, const struct object *o, json_object *options)
{
	const char *uid = jstr(options, "preconditions.uid");
	const char *rv = jstr(options, "preconditions.resourceVersion");
	_cleanup_(freep) char *now = xasprintf("%llu", (unsigned long long)o->rv);
	_cleanup_(freep) char *message = NULL, *details = NULL;
	struct buf b = {0};

	if (uid && strcmp(uid, o->uid) != 0)
		message = xasprintf("Precondition failed: UID in precondition: %s, UID in object "
				    "meta: %s",
				    uid, o->uid);
	else if (rv && strcmp(rv, now) != 0)
		message = xasprintf("Precondition failed: ResourceVersion in precondition: %s, "
				    "ResourceVersion in object meta: %s",
				    rv, now);
	else
		return true;
	buf_printf(&b, "{\"name\":\"%s\",\"kind\":\"%s\"}", o->name, kinds[o->kind].resource);
	details = buf_steal(&b);
	{
		_cleanup_(freep) char *full =
		    xasprintf("Operation cannot be fulfilled on %s \"%s\": %s",
			      kinds[o->kind].resource, o->name, message);

		status_reply(req, 409, "Conflict", full, details);
	}
	return false;
}

void api_delete(struct request *req, const struct target *t)
{
	_cleanup_(object_unrefp) struct object *o = store_get(t->kind, t->ns, t->name),
					       *last = NULL;
	_cleanup_(jputp) json_object *options = jparse(req->body.data, req->body.len);
	_cleanup_(freep) char *details = NULL;

	if (!o) {
		status_not_found(req, kinds[t->kind].resource, t->name);
		return;
	}
	if (!check_preconditions(req, o, options))
		return;
	if (is_dry_run(req)) {
		reply_object(req, 200, o);
		return;
	}
	if (t->kind == KIND_NAMESPACES)
		delete_pods_of(t->name);
	last = delete_now(o);
	if (!last) {
		status_not_found(req, kinds[t->kind].resource, t->name);
	} else if (t->kind == KIND_NODES) {
		details = xasprintf("{\"name\":\"%s\",\"kind\":\"nodes\",\"uid\":\"%s\"}", o->name,
				    o->uid);
		status_reply(req, 200, NULL, NULL, details);
	} else {
		reply_object(req, 200, last);
	}
}

void api_delete_collection(struct request *req, const struct target *t)
{
	const char *labels = request_arg(req, "labelSelector");
	const char *fields = request_arg(req, "fieldSelector");
	_cleanup_(freep) char *message = NULL;
	struct selector selector = {0};
	struct snapshot items;
	struct buf b = {0};
	bool first = true;

	if ((labels && !selector_parse_labels(&selector, labels, &message)) ||
	    (fields && !selector_parse_fields(&selector, t->kind, fields, &message))) {
		selector_release(&selector);
		status_bad_request(req, message);
		return;
	}
	store_snapshot(t->kind, t->ns, 0, &items);
	render_list_head(t->kind, (struct view){FORMAT_FULL, INCLUDE_NONE}, store_rv(), NULL, -1,
			 &b);
	for (size_t i = 0; i < items.n; i++) {
		struct object *last = NULL;

		if (selector_matches(&selector, items.v[i]))
			last = delete_now(items.v[i]);
		if (!last)
			continue;
		if (!first)
			buf_putc(&b, ',');
		first = false;
		buf_add(&b, last->text, last->len);
		object_unref(last);
	}
	render_list_tail(&b);
	buf_putc(&b, '\n');
	selector_release(&selector);
	snapshot_release(&items);
	reply_json(req, 200, &b);
}
