/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auth: who is asking, and may they?
 */
#pragma once

#include "http.h"

void auth_init(const struct options *o);

/**
 * Grants more than the command line did, from now on. Any thread.
 *
 * @grant  USER=VERBS:RESOURCES[:NAMESPACE]
 *
 * false: it is no such thing.
 */
bool auth_grant(const char *grant);

/** Sets req->user. false if it answered 401. */
bool auth_check(struct request *req);

/** Whether the user may do it. `subresource` is "" and `ns` NULL if the request has none. */
bool auth_may(const struct request *req, const char *verb, const char *resource,
	      const char *subresource, const char *ns);

/**
 * The same; answers 403 if not.
 *
 * @subresource  "" if none
 * @ns, @name    NULL if the request has none
 */
bool auth_allows(struct request *req, const char *verb, const char *group, const char *resource,
		 const char *subresource, const char *ns, const char *name);
