/* SPDX-License-Identifier: Apache-2.0 */
/*
 * patch: the ways to change an object by saying what is to change.
 */
#pragma once

#include "jsonx.h"
#include "object.h"

/** RFC 7386. Returns the new value; `target` and `patch` stay as they are. */
json_object *patch_merge(json_object *target, json_object *patch);

/** Kubernetes' own: as a merge patch, but lists with a merge key merge element by element, and
 * `$patch`, `$deleteFromPrimitiveList/...`, `$setElementOrder/...`, `$retainKeys` mean something.
 */
json_object *patch_strategic(enum kind kind, json_object *target, json_object *patch);

/** RFC 6902. NULL with *ret_message (to be freed) if an operation cannot be done. */
json_object *patch_json(json_object *target, json_object *operations, char **ret_message);
