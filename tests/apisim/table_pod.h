/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "jspan.h"
#include "util.h"

/** Adds all cells of a pod's row but the name; `b` is an empty buffer to work in. */
void table_pod_cells(struct jspan pod, struct buf *b, struct buf *out);

/* --- from table.c --- */

/** Adds a comma and the value as a string, and empties the value. */
void table_cell(struct buf *out, struct buf *value);
/** Adds the time since then: 5m12s. */
void table_age(struct jspan time_span, struct buf *out);
