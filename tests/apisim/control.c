/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /apisim/...: what a test tells the server, from this machine only.
 *
 *	POST /apisim/compact[?form=status|event]
 *	POST /apisim/close-watches
 *	POST /apisim/churn?rate=N
 *	POST /apisim/grant?grant=USER=VERBS:RESOURCES[:NAMESPACE]
 *	GET  /apisim/stats
 *	GET, POST, DELETE /apisim/fault (see fault_control.c)
 */
#include <string.h>

#include "auth.h"
#include "churn.h"
#include "fault.h"
#include "status.h"
#include "store.h"
#include "target.h"
#include "watch.h"

static void compact(struct request *req, struct buf *b)
{
	const char *form = request_arg(req, "form");

	if (form)
		watch_gone_by_status(!strcmp(form, "status"));
	store_compact();
	buf_printf(b, "{\"compacted\":%llu}\n", (unsigned long long)store_compacted());
}

static void close_watches(struct request *req, struct buf *b)
{
	buf_printf(b, "{\"closed\":%zu}\n", watch_close_all());
}

static void set_churn(struct request *req, struct buf *b)
{
	churn_set_rate(request_arg_number(req, "rate", 0));
	buf_printf(b, "{\"changes\":%llu,\"resourceVersion\":\"%llu\"}\n",
		   (unsigned long long)churn_made(), (unsigned long long)store_rv());
}

static void grant(struct request *req, struct buf *b)
{
	const char *what = request_arg(req, "grant");

	if (what && auth_grant(what))
		buf_puts(b, "{\"granted\":true}\n");
	else
		status_bad_request(req, "grant=USER=VERBS:RESOURCES[:NAMESPACE]");
}

static void stats(struct request *req, struct buf *b)
{
	buf_printf(
	    b, "{\"requests\":%llu,\"watches\":%zu,\"changes\":%llu,\"resourceVersion\":\"%llu\"",
	    (unsigned long long)http_requests(), watch_count(), (unsigned long long)churn_made(),
	    (unsigned long long)store_rv());
	buf_puts(b, ",\"objects\":{");
	for (unsigned k = 0; k < N_KINDS; k++)
		buf_printf(b, "%s\"%s\":%zu", k ? "," : "", kinds[k].resource,
			   store_count((enum kind)k));
	buf_puts(b, "}}\n");
}

void control_handle(struct request *req)
{
	static const struct {
		const char *path, *method;
		void (*handle)(struct request *req, struct buf *b);
	} controls[] = {
	    {"/apisim/compact", "POST", compact}, {"/apisim/close-watches", "POST", close_watches},
	    {"/apisim/churn", "POST", set_churn}, {"/apisim/grant", "POST", grant},
	    {"/apisim/stats", "GET", stats},
	};
	struct buf b = {0};

	if (!request_is_local(req)) {
		status_reply(req, 403, "Forbidden", "only from this machine", NULL);
		return;
	}
	if (!strcmp(req->path, "/apisim/fault")) {
		fault_control(req);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(controls); i++)
		if (!strcmp(req->path, controls[i].path)) {
			if (strcmp(req->method, controls[i].method) != 0) {
				status_method_not_allowed(req);
				return;
			}
			controls[i].handle(req, &b);
			if (!req->response)
				reply_json(req, 200, &b);
			return;
		}
	status_no_such_path(req);
}
