/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml_json: a part of a YAML document as JSON.
 */
#ifndef PODFS_CONFIG_YAML_JSON_H
#define PODFS_CONFIG_YAML_JSON_H

#include "document.h"

#define YAML_JSON_SIZE_MAX (256u << 10)
#define YAML_JSON_DEPTH_MAX 64

/**
 * The JSON text of a node. Plain scalars become null, booleans and numbers where they look so,
 * as for kubectl.
 *
 * @ret  to be freed.
 *
 * 0; -EINVAL: it has keys that are no strings; -E2BIG: it is over a limit, which aliases can make
 * of little; -ENOMEM.
 */
int yaml_json(struct document *d, const yaml_node_t *node, char **ret);

#endif
