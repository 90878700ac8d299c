/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validate: what a write may not be, and the answers that say so.
 */
#pragma once

#include "http.h"
#include "jsonx.h"
#include "object.h"

/**
 * What the server makes of an object that came from outside: every value has
 * the type it should have, and what is unknown is gone. NULL, with 400
 * answered, if a value does not fit, or, with fieldValidation=Strict, a field
 * is unknown. To be put.
 */
json_object *validate_fields(struct request *req, enum kind kind, json_object *o);

/** The object's text as it will be kept; NULL, with 400 or 422 answered, if it is not valid. To be
 * freed. */
char *validate_text(struct request *req, enum kind kind, json_object *o);

/* --- from api_write.c --- */

/** The body as an object (JSON, or YAML if it says so); NULL with 400 answered. To be put. */
json_object *request_object(struct request *req);
/** Answers with the object as the request accepts it. */
void reply_object(struct request *req, unsigned code, const struct object *o);
