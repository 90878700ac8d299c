/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/** Pairs of a type's name and its fields, ended by a pair of NULL; see schema_types.c. */
extern const char *const schema_types[][2];
