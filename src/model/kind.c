/* SPDX-License-Identifier: Apache-2.0 */
#include <podfs/model/kind.h>

static const struct {
	const char *name;
	const char *resource;
} kinds[KIND_COUNT] = {
    [KIND_UNSET] = {"", ""},
    [KIND_NAMESPACE] = {"Namespace", "namespaces"},
    [KIND_NODE] = {"Node", "nodes"},
    [KIND_POD] = {"Pod", "pods"},
};

const char *kind_name(enum kind kind)
{
	return kinds[kind].name;
}

const char *kind_resource(enum kind kind)
{
	return kinds[kind].resource;
}
