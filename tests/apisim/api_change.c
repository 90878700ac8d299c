/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PUT and PATCH, of objects and of their status.
 *
 * A change is worked out on the newest version without any lock; if somebody
 * was faster, it is worked out again, unless it names the version it is for.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "admit.h"
#include "managed.h"
#include "patch.h"
#include "status.h"
#include "store.h"
#include "target.h"
#include "validate.h"

enum change_type {
	CHANGE_UNSET,
	CHANGE_MERGE,
	CHANGE_STRATEGIC,
	CHANGE_JSON,
	CHANGE_APPLY,
	CHANGE_REPLACE,
};

struct change {
	struct request *req;
	const struct target *t;
	enum change_type type;
	json_object *patch;
	char *manager;
};

static enum change_type type_of(struct request *req)
{
	static const struct {
		const char *content_type;
		enum change_type type;
	} types[] = {
	    {"application/merge-patch+json", CHANGE_MERGE},
	    {"application/strategic-merge-patch+json", CHANGE_STRATEGIC},
	    {"application/json-patch+json", CHANGE_JSON},
	    {"application/apply-patch+yaml", CHANGE_APPLY},
	    {"application/apply-patch+json", CHANGE_APPLY},
	};
	const char *header = request_header(req, "Content-Type");
	size_t n = header ? strcspn(header, "; ") : 0;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (n == strlen(types[i].content_type) &&
		    !strncmp(header, types[i].content_type, n))
			return types[i].type;
	return CHANGE_UNSET;
}

/* What the server alone decides stays as it was. */
static void keep(json_object *from, json_object *to, const char *key)
{
	json_object *old = jget(from, key);

	if (old)
		jset(to, key, jcopy(old));
	else
		json_object_object_del(to, key);
}

static void keep_server_fields(const struct change *c, json_object *old, json_object *o)
{
	static const char *const meta[] = {"name",
					   "namespace",
					   "uid",
					   "creationTimestamp",
					   "deletionTimestamp",
					   "deletionGracePeriodSeconds",
					   "selfLink",
					   "generation",
					   "managedFields"};
	json_object *old_meta = jget(old, "metadata"), *new_meta = jmake(o, "metadata");

	for (size_t i = 0; i < ARRAY_SIZE(meta); i++)
		keep(old_meta, new_meta, meta[i]);
	if (!strcmp(c->t->subresource, "status")) {
		keep(old, o, "spec");
		keep(old_meta, new_meta, "labels");
		keep(old_meta, new_meta, "annotations");
	} else {
		keep(old, o, "status");
	}
}

static json_object *changed(const struct change *c, json_object *old)
{
	_cleanup_(freep) char *message = NULL;
	json_object *o = NULL;

	switch (c->type) {
	case CHANGE_MERGE:
		return patch_merge(old, c->patch);
	case CHANGE_STRATEGIC:
	case CHANGE_APPLY:
		return patch_strategic(c->t->kind, old, c->patch);
	case CHANGE_JSON:
		o = patch_json(old, c->patch, &message);
		if (!o)
			status_reply(c->req, 422, "Invalid", message, NULL);
		return o;
	default:
		return jcopy(c->patch);
	}
}

/* A version that the change names must be the newest. */
static bool version_fits(const struct change *c, const struct object *old, json_object *o)
{
	const char *rv = jstr(o, "metadata.resourceVersion"), *uid = jstr(o, "metadata.uid");
	_cleanup_(freep) char *now = xasprintf("%llu", (unsigned long long)old->rv);

	return (!rv || !*rv || !strcmp(rv, now)) && (!uid || !*uid || !strcmp(uid, old->uid));
}

static bool names_version(const struct change *c)
{
	const char *rv = c->type == CHANGE_JSON ? NULL : jstr(c->patch, "metadata.resourceVersion");

	return rv && *rv;
}

/* The text without its managedFields, to see whether a change changes anything. */
static bool same_but_managers(const char *a, size_t a_len, const char *b, size_t b_len)
{
	struct jspan x = jspan_path(jspan_at(a, a + a_len), "metadata.managedFields");
	struct jspan y = jspan_path(jspan_at(b, b + b_len), "metadata.managedFields");
	size_t head = x.p ? (size_t)(x.p - a) : a_len, head_y = y.p ? (size_t)(y.p - b) : b_len;

	return head == head_y && !memcmp(a, b, head) &&
	       a_len - head - x.len == b_len - head - y.len &&
	       !memcmp(a + head + x.len, b + head + y.len, a_len - head - x.len);
}

static bool is_dry_run(const struct request *req)
{
	const char *value = request_arg(req, "dryRun");

	return value && !strcmp(value, "All");
}

/* The new version's text, or NULL with the request answered. */
static char *work_out(struct change *c, struct object *old)
{
	_cleanup_(jputp) json_object *before = jparse(old->text, old->len);
	_cleanup_(jputp) json_object *sent = NULL, *after = NULL;
	_cleanup_(freep) char *plain = NULL, *message = NULL;
	const char *operation = c->type == CHANGE_APPLY ? "Apply" : "Update";
	const char *name;
	char now[32], *text;

	sent = changed(c, before);
	if (!sent)
		return NULL;
	after = validate_fields(c->req, old->kind, sent);
	if (!after)
		return NULL;
	name = jstr(after, "metadata.name");
	if (name && strcmp(name, old->name) != 0) {
		status_bad_request(c->req, "the name of the object does not match the name on the "
					   "URL");
		return NULL;
	}
	if (!version_fits(c, old, after)) {
		status_conflict(c->req, kinds[old->kind].resource, old->name);
		return NULL;
	}
	jset(jmake(after, "metadata"), "resourceVersion",
	     jcopy(jget(before, "metadata.resourceVersion")));
	keep_server_fields(c, before, after);
	if (old->kind == KIND_PODS && !*c->t->subresource)
		admit_complete(after);
	plain = validate_text(c->req, old->kind, after);
	if (!plain)
		return NULL;
	if (same_but_managers(old->text, old->len, plain, strlen(plain)))
		return xstrndup(old->text, old->len);
	/* compare what will be kept, not what was sent: quantities and times have one form */
	json_object_put(after);
	after = jparse(plain, strlen(plain));
	format_time(time(NULL), now);
	managed_updated(old->kind, before, after, c->manager, operation, c->t->subresource, now);
	text = admit_text(old->kind, after, &message);
	return text ? text : xstrndup(plain, strlen(plain));
}

static void carry_out(struct change *c)
{
	for (;;) {
		_cleanup_(object_unrefp) struct object *old =
		    store_get(c->t->kind, c->t->ns, c->t->name);
		_cleanup_(object_unrefp) struct object *made = NULL;
		_cleanup_(freep) char *text = NULL;
		int r;

		if (!old) {
			status_not_found(c->req, kinds[c->t->kind].resource, c->t->name);
			return;
		}
		text = work_out(c, old);
		if (!text)
			return;
		if (!strcmp(text, old->text)) {
			reply_object(c->req, 200, old);
			return;
		}
		if (is_dry_run(c->req)) {
			made = object_new(old->kind, text, strlen(text), old->rv);
			reply_object(c->req, 200, made);
			return;
		}
		r = store_replace(old, text, strlen(text), &made);
		if (r == 0) {
			reply_object(c->req, 200, made);
			return;
		}
		if (r == -EAGAIN && names_version(c)) {
			status_conflict(c->req, kinds[c->t->kind].resource, c->t->name);
			return;
		}
		if (r == -EINVAL) {
			status_bad_request(c->req, "the object has lost its name");
			return;
		}
	}
}

static void run(struct change *c)
{
	const char *manager = request_arg(c->req, "fieldManager");

	c->manager =
	    manager ? xstrdup(manager) : managed_name(request_header(c->req, "User-Agent"));
	carry_out(c);
	free(c->manager);
	json_object_put(c->patch);
}

void api_replace(struct request *req, const struct target *t)
{
	struct change c = {.req = req, .t = t, .type = CHANGE_REPLACE};

	c.patch = request_object(req);
	if (c.patch)
		run(&c);
}

/* Server-side apply of what is not there creates it. */
static bool creates(const struct change *c)
{
	_cleanup_(object_unrefp) struct object *old = NULL;

	if (c->type != CHANGE_APPLY || *c->t->subresource)
		return false;
	old = store_get(c->t->kind, c->t->ns, c->t->name);
	return !old;
}

void api_patch(struct request *req, const struct target *t)
{
	struct change c = {.req = req, .t = t, .type = type_of(req)};

	if (!c.type) {
		status_reply(req, 415, "UnsupportedMediaType",
			     "the body of the request was in an unknown format - accepted media "
			     "types include: application/json-patch+json, "
			     "application/merge-patch+json, application/apply-patch+yaml",
			     NULL);
		return;
	}
	if (creates(&c)) {
		api_create(req, t);
		return;
	}
	if (c.type == CHANGE_APPLY) {
		c.patch = request_object(req);
	} else {
		buf_putc(&req->body, '\0');
		c.patch = jparse(req->body.data, --req->body.len);
		if (!json_object_is_type(c.patch, c.type == CHANGE_JSON ? json_type_array
									: json_type_object)) {
			json_object_put(c.patch);
			c.patch = NULL;
			status_bad_request(req, "error decoding patch: it is not a JSON value of "
						"the right type");
		}
	}
	if (c.patch)
		run(&c);
}
