/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resources: what else the server says it has. Those collections exist and
 * stay empty: kubectl describe asks for some of them.
 */
#pragma once

#include "jspan.h"
#include "util.h"

/** The group of that name in the list of groups; p is NULL if there is none. */
struct jspan resources_group(const char *name);
/** The APIResourceList of a group and version ("" is the core group); false if there is none. */
bool resources_list(const char *group, const char *version, struct buf *out);
/** The kind of a resource's objects, to be freed; NULL if there is none. */
char *resources_kind(const char *group, const char *version, const char *resource);
