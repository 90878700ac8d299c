/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table: what `kubectl get` prints, which the server computes.
 */
#pragma once

#include "object.h"

/** Adds the array of column definitions. */
void table_columns(enum kind kind, struct buf *out);
/** Adds the array of an object's cells. */
void table_cells(const struct object *o, struct buf *out);
