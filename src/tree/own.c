/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /self: the pod that is asking. For a podfs that serves one pod it is the same
 * link for everybody, listed and cached like any other name. For one that
 * serves all pods of a node it depends on the caller, so nothing is kept of it.
 */
#include <errno.h>
#include <string.h>

#include "internal.h"

static bool is_on_host_network(struct object *pod)
{
	cleanup_opened struct opened *opened = NULL;
	cleanup_buf struct buf value = {0};
	struct field field;

	/* If it cannot be said, it is not said to be ours. */
	if (opened_get(pod->version, &opened) < 0)
		return true;
	return field_walk(&opened->view, field_root(), "spec/hostNetwork", &field) == 0 &&
	       (field_value(&opened->view, field, &value) < 0 || strcmp(value.data, "true\n") == 0);
}

struct object *tree_own_pod(const struct tree *t)
{
	const struct store_namespace *ns = NULL;
	struct object *pod;

	if (t->own.pod)
		ns = store_find_namespace(t->store, t->own.namespace, strlen(t->own.namespace));
	pod = ns ? store_find_pod(ns, t->own.pod, strlen(t->own.pod)) : NULL;
	return pod && !(t->own.not_on_host && is_on_host_network(pod)) ? pod : NULL;
}

bool tree_is_own(const struct tree *t, const struct object *pod)
{
	return !t->own.caller && t->own.pod && !strcmp(pod->name, t->own.pod) &&
	       !strcmp(pod->namespace, t->own.namespace);
}

int tree_find_own(const struct tree *t, struct tree_entry *ret)
{
	ret->kind = t->own.caller ? TREE_CALLER : TREE_OWN_POD;
	if (t->own.caller)
		return 0;
	ret->object = tree_own_pod(t);
	return ret->object ? 0 : -ENOENT;
}

int tree_pod_path(const struct object *pod, struct buf *out)
{
	return buf_addf(out, "namespaces/%s/pods/%s", pod->namespace, pod->name);
}
