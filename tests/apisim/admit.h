/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admit: what becomes of an object that somebody creates: the server's
 * defaults, and for a pod what the scheduler and a kubelet would do with it.
 */
#pragma once

#include "jsonx.h"
#include "object.h"

/**
 * Completes a manifest to an object of a running cluster. `ns` is the
 * namespace of a pod. metadata.name (or generateName) must be there.
 *
 * @manager  who is written into managedFields
 */
void admit(enum kind kind, json_object *o, const char *ns, const char *manager);

/** The defaults again, for a pod that was changed. */
void admit_complete(json_object *pod);

/** The text of such an object, as the server keeps it; NULL with *ret_message if it does not fit.
 */
char *admit_text(enum kind kind, json_object *o, char **ret_message);

/** Makes the namespace if there is none. */
void admit_namespace(const char *name);
