/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "util.h"

/** The OpenAPI v2 document in the protobuf form that kubectl up to 1.27 insists on. */
void openapi_v2_protobuf(struct buf *out);
