/* SPDX-License-Identifier: Apache-2.0 */
#include "status.h"

#include <stdlib.h>
#include <string.h>

void status_write(struct buf *out, unsigned code, const char *reason, const char *message,
		  const char *details)
{
	buf_printf(out,
		   "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"%s\"",
		   code < 400 ? "Success" : "Failure");
	if (message) {
		buf_puts(out, ",\"message\":");
		buf_json_str(out, message);
	}
	if (reason)
		buf_printf(out, ",\"reason\":\"%s\"", reason);
	if (details)
		buf_printf(out, ",\"details\":%s", details);
	if (code >= 400)
		buf_printf(out, ",\"code\":%u", code);
	buf_putc(out, '}');
}

void status_reply(struct request *req, unsigned code, const char *reason, const char *message,
		  const char *details)
{
	struct buf b = {0};

	status_write(&b, code, reason, message, details);
	buf_putc(&b, '\n');
	reply_json(req, code, &b);
}

static char *details(const char *name, const char *kind)
{
	struct buf b = {0};

	buf_puts(&b, "{\"name\":");
	buf_json_str(&b, name);
	buf_puts(&b, ",\"kind\":");
	buf_json_str(&b, kind);
	buf_putc(&b, '}');
	return buf_steal(&b);
}

void status_not_found(struct request *req, const char *resource, const char *name)
{
	_cleanup_(freep) char *message = xasprintf("%s \"%s\" not found", resource, name);
	_cleanup_(freep) char *d = details(name, resource);

	status_reply(req, 404, "NotFound", message, d);
}

void status_no_such_path(struct request *req)
{
	status_reply(req, 404, "NotFound", "the server could not find the requested resource",
		     "{}");
}

void status_conflict(struct request *req, const char *resource, const char *name)
{
	_cleanup_(freep) char *message =
	    xasprintf("Operation cannot be fulfilled on %s \"%s\": the object has been modified; "
		      "please apply your changes to the latest version and try again",
		      resource, name);
	_cleanup_(freep) char *d = details(name, resource);

	status_reply(req, 409, "Conflict", message, d);
}

void status_already_exists(struct request *req, const char *resource, const char *name)
{
	_cleanup_(freep) char *message = xasprintf("%s \"%s\" already exists", resource, name);
	_cleanup_(freep) char *d = details(name, resource);

	status_reply(req, 409, "AlreadyExists", message, d);
}

void status_bad_request(struct request *req, const char *message)
{
	status_reply(req, 400, "BadRequest", message, NULL);
}

void status_method_not_allowed(struct request *req)
{
	status_reply(req, 405, "MethodNotAllowed",
		     "the server does not allow this method on the requested resource", "{}");
}

/* The message is every different problem once, in brackets if there is more than one. */
static void join_errors(struct buf *out, const struct field_error *errors, size_t n)
{
	size_t different = 0;
	struct buf list = {0};

	for (size_t i = 0; i < n; i++) {
		bool seen = false;

		for (size_t j = 0; j < i; j++)
			seen = seen || (!strcmp(errors[i].field, errors[j].field) &&
					!strcmp(errors[i].message, errors[j].message));
		if (seen)
			continue;
		buf_printf(&list, "%s%s: %s", different++ ? ", " : "", errors[i].field,
			   errors[i].message);
	}
	if (different > 1)
		buf_putc(out, '[');
	buf_add(out, list.data, list.len);
	if (different > 1)
		buf_putc(out, ']');
	buf_release(&list);
}

void status_invalid(struct request *req, const char *kind, const char *name,
		    const struct field_error *errors, size_t n)
{
	struct buf message = {0}, d = {0};
	_cleanup_(freep) char *m = NULL, *text = NULL;

	buf_printf(&message, "%s \"%s\" is invalid: ", kind, name);
	join_errors(&message, errors, n);
	m = buf_steal(&message);
	buf_puts(&d, "{\"name\":");
	buf_json_str(&d, name);
	buf_printf(&d, ",\"kind\":\"%s\",\"causes\":[", kind);
	for (size_t i = 0; i < n; i++) {
		buf_printf(&d, "%s{\"reason\":\"%s\",\"message\":", i ? "," : "", errors[i].reason);
		buf_json_str(&d, errors[i].message);
		buf_puts(&d, ",\"field\":");
		buf_json_str(&d, errors[i].field);
		buf_putc(&d, '}');
	}
	buf_puts(&d, "]}");
	text = buf_steal(&d);
	status_reply(req, 422, "Invalid", m, text);
}
