/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "jsonx.h"

/** The defaults that the API server writes into a pod's spec. */
void admit_pod_defaults(json_object *pod);

/** Puts the pod on a node and runs it: spec.nodeName and a Running status. What a manifest says of
 * its status stays; a pod with scheduling gates, or without any node to run on, stays Pending. */
void admit_pod_run(json_object *pod, const char *now);
