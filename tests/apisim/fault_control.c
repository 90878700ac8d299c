/* SPDX-License-Identifier: Apache-2.0 */
/*
 *	POST   /apisim/fault?name=NAME[&PARAMETER=VALUE]...   name=none: all off
 *	DELETE /apisim/fault[?name=NAME]
 *	GET    /apisim/fault
 */
#include <stdio.h>
#include <string.h>

#include "fault.h"
#include "status.h"

static bool find(const char *name, enum fault_id *ret)
{
	for (unsigned i = 0; i < N_FAULTS; i++)
		if (!strcmp(faults[i].name, name)) {
			*ret = (enum fault_id)i;
			return true;
		}
	return false;
}

static bool takes(const struct fault_info *info, const char *param)
{
	size_t n = strlen(param);

	for (const char *p = info->params; *p; p = strchr(p, ' ') + 1)
		if (!strncmp(p, param, n) && p[n] == ' ')
			return true;
	return false;
}

struct reading {
	const struct fault_info *info;
	const char *wrong; /* a parameter that the fault does not have */
};

static enum MHD_Result check_param(void *cls, enum MHD_ValueKind kind, const char *key,
				   const char *value)
{
	struct reading *r = cls;

	if (strcmp(key, "name") != 0 && !takes(r->info, key))
		r->wrong = key;
	return r->wrong ? MHD_NO : MHD_YES;
}

static void copy_arg(struct request *req, const char *name, char *out, size_t size)
{
	const char *value = request_arg(req, name);

	snprintf(out, size, "%s", value ? value : "");
}

static void read_fault(struct request *req, enum fault_id id, struct fault *f)
{
	*f = (struct fault){
	    .id = id,
	    .count = request_arg_number(req, "count", 0),
	    .n = request_arg_number(req, "n", faults[id].n),
	    .code = request_arg_number(req, "code", faults[id].code),
	    .ms = request_arg_number(req, "ms", 0),
	    .retry_after = -1,
	};
	if (request_arg(req, "retry-after"))
		f->retry_after = (int64_t)request_arg_number(req, "retry-after", 0);
	copy_arg(req, "resource", f->resource, sizeof(f->resource));
	copy_arg(req, "verb", f->verb, sizeof(f->verb));
	copy_arg(req, "token", f->token, sizeof(f->token));
}

static void set(struct request *req, enum fault_id id)
{
	struct reading r = {&faults[id], NULL};
	struct fault f;

	MHD_get_connection_values(req->connection, MHD_GET_ARGUMENT_KIND, check_param, &r);
	if (r.wrong) {
		_cleanup_(freep) char *message =
		    xasprintf("%s has no parameter %s; it has: %s", faults[id].name, r.wrong,
			      faults[id].params);

		status_bad_request(req, message);
		return;
	}
	read_fault(req, id, &f);
	if (faults[id].place != PLACE_OBJECTS)
		fault_set(&f);
	else if (!fault_make_objects(&f))
		status_bad_request(req, "there is no pod to do it to");
}

void fault_control(struct request *req)
{
	const char *name = request_arg(req, "name");
	struct buf b = {0};
	enum fault_id id = N_FAULTS;
	bool none = !name || !strcmp(name, "none");

	if ((!none && !find(name, &id)) || (!name && !strcmp(req->method, "POST"))) {
		status_bad_request(req, "there is no such fault: GET /apisim/fault lists them");
		return;
	}
	if (!strcmp(req->method, "DELETE") || (none && !strcmp(req->method, "POST")))
		fault_clear(id);
	else if (!strcmp(req->method, "POST"))
		set(req, id);
	else if (strcmp(req->method, "GET") != 0)
		status_method_not_allowed(req);
	if (req->response)
		return;
	buf_puts(&b, "{\"faults\":[");
	fault_describe(&b);
	buf_puts(&b, "]}\n");
	reply_json(req, 200, &b);
}
