/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A full list is a difference: each object it brings is marked with the list's
 * number, and at its end what is not marked is gone.
 */
#include "internal.h"

void store_list_begin(struct store *s, enum kind kind)
{
	s->generation[kind]++;
}

static bool is_stale(const struct store *s, const struct object *o)
{
	return o && o->generation != s->generation[o->kind];
}

/* From the end, so that what goes away does not move what is still to be looked at. */
static void remove_stale_in(struct store *s, enum kind kind, size_t i)
{
	struct store_namespace *ns;

	if (kind == KIND_NODE) {
		struct store_node *node = s->nodes.items[i];

		if (is_stale(s, node->object))
			store_remove_object(s, node->object);
		return;
	}
	ns = s->namespaces.items[i];
	if (kind == KIND_NAMESPACE) {
		if (is_stale(s, ns->object))
			store_remove_object(s, ns->object);
		return;
	}
	/* The folder goes with its last pod, unless it has an object of its own. */
	for (size_t left = ns->pods.count; left > 0; left--) {
		struct object *o = ns->pods.items[left - 1];

		if (is_stale(s, o))
			store_remove_object(s, o);
	}
}

void store_list_end(struct store *s, enum kind kind)
{
	const struct collection *c = kind == KIND_NODE ? &s->nodes : &s->namespaces;

	for (size_t i = c->count; i > 0; i--)
		remove_stale_in(s, kind, i - 1);
}
