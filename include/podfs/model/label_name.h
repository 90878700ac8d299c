/* SPDX-License-Identifier: Apache-2.0 */
/*
 * label_name: which texts can be a label's or an annotation's key, and a label's
 * value: the API server's IsQualifiedName and IsValidLabelValue.
 */
#ifndef PODFS_MODEL_LABEL_NAME_H
#define PODFS_MODEL_LABEL_NAME_H

#include <stdbool.h>
#include <stddef.h>

#define LABEL_NAME_MAX 63    /* of a key behind its prefix */
#define LABEL_PREFIX_MAX 253 /* a DNS subdomain */
#define LABEL_VALUE_MAX 63

/* [prefix/]name. */
bool label_key_is_valid(const char *s, size_t len);

/* "" is one. */
bool label_value_is_valid(const char *s, size_t len);

#endif
