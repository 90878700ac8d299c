/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "util.h"

/** Adds the canonical form of a quantity ("1024Mi" -> "1Gi", "0.5" -> "500m"). false if it is none.
 */
bool quantity_write(const char *s, struct buf *out);
