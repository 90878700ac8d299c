/* SPDX-License-Identifier: Apache-2.0 */
/* SelfSubjectAccessReview: `kubectl auth can-i`. */
#include <string.h>

#include "auth.h"
#include "jsonx.h"
#include "status.h"
#include "target.h"
#include "validate.h"

static const char *attribute(json_object *o, const char *name)
{
	const char *s = jstr(jget(o, "spec.resourceAttributes"), name);

	return s ? s : "";
}

bool review_handle(struct request *req)
{
	_cleanup_(jputp) json_object *o = NULL;
	const char *ns;
	struct buf b = {0};

	if (strcmp(req->path, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews") != 0 ||
	    strcmp(req->method, "POST") != 0)
		return false;
	o = request_object(req);
	if (!o)
		return true;
	ns = attribute(o, "namespace");
	buf_puts(&b,
		 "{\"kind\":\"SelfSubjectAccessReview\",\"apiVersion\":"
		 "\"authorization.k8s.io/v1\",\"metadata\":{\"creationTimestamp\":null},\"spec\":");
	buf_puts(&b, json_object_to_json_string_ext(
			 jget(o, "spec"), JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	buf_printf(&b, ",\"status\":{\"allowed\":%s}}\n",
		   auth_may(req, attribute(o, "verb"), attribute(o, "resource"),
			    attribute(o, "subresource"), *ns ? ns : NULL)
		       ? "true"
		       : "false");
	reply_json(req, 201, &b);
	return true;
}
