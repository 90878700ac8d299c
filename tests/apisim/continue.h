/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "util.h"

/** A continue token: go on behind `after` (as the key below the list's prefix) at `rv` (-1: now).
 */
char *continue_encode(int64_t rv, const char *after);
/** The reverse; false if it is none. *ret_after is to be freed. */
bool continue_decode(const char *token, int64_t *ret_rv, char **ret_after);
