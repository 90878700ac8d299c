/* SPDX-License-Identifier: Apache-2.0 */
/* GET: one object, a list, a watch. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "list.h"
#include "status.h"
#include "store.h"
#include "target.h"
#include "watch.h"

static enum streaming_lists streaming_lists;

void api_watch_init(enum streaming_lists how)
{
	streaming_lists = how;
}

static void not_acceptable(struct request *req)
{
	status_reply(req, 406, "NotAcceptable",
		     "only the following media types are accepted: application/json", NULL);
}

void api_get(struct request *req, const struct target *t)
{
	_cleanup_(object_unrefp) struct object *o = store_get(t->kind, t->ns, t->name);
	struct view view = view_of(req);
	struct buf b = {0};

	if (!view.format) {
		not_acceptable(req);
	} else if (!o) {
		status_not_found(req, kinds[t->kind].resource, t->name);
	} else {
		render_object(o, view, &b);
		buf_putc(&b, '\n');
		reply_json(req, 200, &b);
	}
}

/* Both selectors; answers 400 if one is wrong. */
static bool read_selector(struct request *req, const struct target *t, struct selector *ret)
{
	const char *labels = request_arg(req, "labelSelector");
	const char *fields = request_arg(req, "fieldSelector");
	_cleanup_(freep) char *message = NULL;

	if ((!labels || selector_parse_labels(ret, labels, &message)) &&
	    (!fields || selector_parse_fields(ret, t->kind, fields, &message)))
		return true;
	selector_release(ret);
	status_bad_request(req, message);
	return false;
}

static bool is_number(const char *s)
{
	return *s && strspn(s, "0123456789") == strlen(s);
}

static void invalid_options(struct request *req, const char *field, const char *message)
{
	struct field_error e = {xstrdup(field), xstrdup(message), "FieldValueForbidden"};

	status_invalid(req, "ListOptions.meta.k8s.io", "", &e, 1);
	free(e.field);
	free(e.message);
}

/* The rules for resourceVersion and resourceVersionMatch that hold for lists. */
static bool check_list(struct request *req, const char *rv, const char *match, const char *next)
{
	if (*match && !*rv)
		invalid_options(req, "resourceVersionMatch",
				"Forbidden: resourceVersionMatch is forbidden unless "
				"resourceVersion is provided");
	else if (*match && *next)
		invalid_options(req, "resourceVersionMatch",
				"Forbidden: resourceVersionMatch is forbidden when continue is "
				"provided");
	else if (*next && *rv && strcmp(rv, "0") != 0)
		status_bad_request(req, "specifying resource version is not allowed when using "
					"continue");
	else if (!strcmp(match, "Exact") && !strcmp(rv, "0"))
		invalid_options(req, "resourceVersionMatch",
				"Forbidden: resourceVersionMatch \"exact\" is forbidden for "
				"resourceVersion \"0\"");
	else if (*rv && !is_number(rv))
		status_bad_request(req, "Invalid value: resourceVersion must be a number");
	else
		return true;
	return false;
}

static const char *arg_or_empty(struct request *req, const char *name)
{
	const char *value = request_arg(req, name);

	return value ? value : "";
}

void api_list(struct request *req, const struct target *t)
{
	const char *rv = arg_or_empty(req, "resourceVersion");
	const char *match = arg_or_empty(req, "resourceVersionMatch");
	struct list_options o = {
	    .kind = t->kind,
	    .ns = t->ns,
	    .view = view_of(req),
	    .limit = request_arg_number(req, "limit", 0),
	    .next = arg_or_empty(req, "continue"),
	};

	if (!o.view.format) {
		not_acceptable(req);
		return;
	}
	if (!check_list(req, rv, match, o.next) || !read_selector(req, t, &o.selector))
		return;
	/* as from the server's cache: "any version" is not paged */
	if (!strcmp(rv, "0") && !*o.next)
		o.limit = 0;
	o.at_least = strtoull(rv, NULL, 10);
	o.exact = !strcmp(match, "Exact");
	list_reply(req, &o);
}

/* The rules for resourceVersion, resourceVersionMatch and sendInitialEvents in watches. */
static bool check_watch(struct request *req, const char *rv, const char *match, bool initial)
{
	if (initial && strcmp(match, "NotOlderThan") != 0)
		invalid_options(req, "resourceVersionMatch",
				"Forbidden: sendInitialEvents requires setting "
				"resourceVersionMatch to NotOlderThan");
	else if (initial && streaming_lists == STREAMING_LISTS_NO)
		invalid_options(req, "sendInitialEvents",
				"Forbidden: sendInitialEvents is forbidden for watch unless the "
				"WatchList feature gate is enabled");
	else if (!initial && *match)
		invalid_options(req, "resourceVersionMatch",
				"Forbidden: resourceVersionMatch is forbidden for watch unless "
				"sendInitialEvents is provided");
	else if (*rv && !is_number(rv))
		status_bad_request(req, "Invalid value: resourceVersion must be a number");
	else
		return true;
	return false;
}

void api_watch(struct request *req, const struct target *t)
{
	bool ignored = streaming_lists == STREAMING_LISTS_IGNORED;
	const char *rv = arg_or_empty(req, "resourceVersion");
	const char *match = ignored ? "" : arg_or_empty(req, "resourceVersionMatch");
	const char *initial = ignored ? NULL : request_arg(req, "sendInitialEvents");
	bool wants_initial = initial && request_arg_true(req, "sendInitialEvents");
	struct watch_options o = {
	    .kind = t->kind,
	    .ns = t->ns,
	    .view = view_of(req),
	    .bookmarks = request_arg_true(req, "allowWatchBookmarks"),
	    .timeout = request_arg_number(req, "timeoutSeconds", 1800),
	    .rv = strtoull(rv, NULL, 10),
	};

	if (!o.view.format) {
		not_acceptable(req);
		return;
	}
	if (!check_watch(req, rv, match, initial) || !read_selector(req, t, &o.selector))
		return;
	o.name = t->name;
	/* without a revision a watch begins with what there is, as it always did */
	o.initial = initial ? wants_initial : !o.rv;
	o.initial_bookmark = wants_initial && o.bookmarks;
	if (!o.timeout)
		o.timeout = 1800;
	watch_reply(req, &o);
}
