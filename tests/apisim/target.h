/* SPDX-License-Identifier: Apache-2.0 */
/*
 * target: what a request's path names, and the handlers for it.
 */
#pragma once

#include "http.h"
#include "object.h"
#include "options.h"

struct target {
	enum kind kind;
	char *ns;          /* NULL: none, or all */
	char *name;        /* NULL: the collection */
	char *subresource; /* "" or "status" ... */
};

/** What becomes of sendInitialEvents. Before serving. */
void api_watch_init(enum streaming_lists how);

/* Each makes the one answer. */
void api_get(struct request *req, const struct target *t);
void api_list(struct request *req, const struct target *t);
void api_watch(struct request *req, const struct target *t);
void api_create(struct request *req, const struct target *t);
void api_replace(struct request *req, const struct target *t);
void api_patch(struct request *req, const struct target *t);
void api_delete(struct request *req, const struct target *t);
void api_delete_collection(struct request *req, const struct target *t);

/** The documents that clients read before anything else; false if the path is none of them. */
bool discovery_handle(struct request *req);
/** Collections that exist and are always empty; false if the path is none of them. */
bool empty_handle(struct request *req);
/** The schema documents; false if the path is none of them. */
bool openapi_handle(struct request *req);
/** What a user may do; false if the path is none of those. */
bool review_handle(struct request *req);
/** /apisim/...: always answers. */
void control_handle(struct request *req);
