/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "jsonx.h"

/**
 * Calls `each` with every document of a YAML text (JSON is YAML too) as a JSON
 * tree, borrowed; stops when it returns false. false, with the reason on
 * stderr, if the text is malformed or `each` stopped.
 */
bool yaml_each(const char *name, const char *text, size_t len,
	       bool (*each)(json_object *doc, void *arg), void *arg);
