/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status: the Status objects that say what went wrong.
 */
#pragma once

#include "http.h"

/** Adds a Status. `details` is JSON text or NULL; message and reason may be NULL. */
void status_write(struct buf *out, unsigned code, const char *reason, const char *message,
		  const char *details);
/** Answers with one and its HTTP code. */
void status_reply(struct request *req, unsigned code, const char *reason, const char *message,
		  const char *details);

/** The frequent ones; `resource` as in "pods", `name` unquoted. */
void status_not_found(struct request *req, const char *resource, const char *name);
/** For a path that nothing is behind. */
void status_no_such_path(struct request *req);
void status_conflict(struct request *req, const char *resource, const char *name);
void status_already_exists(struct request *req, const char *resource, const char *name);
void status_bad_request(struct request *req, const char *message);
void status_method_not_allowed(struct request *req);
/** 422; `kind` as in "Pod", `problem` is the field and what is wrong with it. */
struct field_error {
	char *field, *message; /* "metadata.labels", "Invalid value: ..." */
	const char *reason;    /* FieldValueInvalid, FieldValueRequired, ... */
};
void status_invalid(struct request *req, const char *kind, const char *name,
		    const struct field_error *errors, size_t n);
