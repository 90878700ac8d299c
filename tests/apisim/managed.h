/* SPDX-License-Identifier: Apache-2.0 */
/*
 * managed: metadata.managedFields, who set which field.
 */
#pragma once

#include "jsonx.h"
#include "object.h"

/** The entry of whoever created the object: all that it has now, but the status. */
void managed_created(enum kind kind, json_object *o, const char *manager, const char *now);

/**
 * What a write changed goes to its author's entry and leaves those of others.
 * `operation` is "Update" or "Apply", `subresource` "" or "status". Does
 * nothing if `before` and `after` do not differ.
 */
void managed_updated(enum kind kind, json_object *before, json_object *after, const char *manager,
		     const char *operation, const char *subresource, const char *now);

/** The name of a manager from a User-Agent: "kubectl/v1.32 ..." is "kubectl". To be freed. */
char *managed_name(const char *user_agent);
