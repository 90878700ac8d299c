/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edit: small changes to an object's text, without taking it apart: at
 * thousands of changes a second there is no time for more.
 */
#pragma once

#include "object.h"

/** The text with metadata.labels (or "annotations")[key] = value. To be freed. */
char *edit_map(const struct object *o, const char *map, const char *key, const char *value);
/** The text with the first container restarted once more. */
char *edit_restart(const struct object *o, const char *now);
/** The text with another lastHeartbeatTime in every condition of a node. */
char *edit_heartbeat(const struct object *o, const char *now);
/** The text under another name and uid. */
char *edit_identity(const struct object *o, const char *name, const char *uid, const char *now);
