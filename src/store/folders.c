/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include <podfs/base/clock.h>
#include <podfs/store/collection.h>
#include <podfs/store/cookie.h>

#include "internal.h"
#include "kept.h"

/* At the end of the store: an object that goes before has no history any more. */
static void free_object(struct object *o)
{
	if (o)
		kept_drop(&o->kept);
	object_unref(o);
}

void folder_free_namespace(struct store_namespace *ns)
{
	for (size_t i = 0; i < ns->pods.count; i++)
		free_object(ns->pods.items[i]);
	collection_release(&ns->pods);
	free_object(ns->object);
	free(ns);
}

static void free_on_node(struct store_node_namespace *on_node)
{
	collection_release(&on_node->pods);
	free(on_node);
}

void folder_free_node(struct store_node *node)
{
	for (size_t i = 0; i < node->namespaces.count; i++)
		free_on_node(node->namespaces.items[i]);
	collection_release(&node->namespaces);
	free_object(node->object);
	free(node);
}

static struct store_namespace *new_namespace(const char *name)
{
	size_t len = strlen(name);
	struct store_namespace *ns = calloc(1, sizeof(*ns) + len + 1);

	if (!ns)
		return NULL;
	memcpy(ns->name, name, len + 1);
	ns->cookie = cookie_of(name, len);
	ns->pods.changed_ns = kept_open(KEPT_PODS, name, "", clock_realtime_ns(), &ns->pods.kept);
	return ns;
}

static struct store_node *new_node(const char *name)
{
	size_t len = strlen(name);
	struct store_node *node = calloc(1, sizeof(*node) + len + 1);

	if (!node)
		return NULL;
	memcpy(node->name, name, len + 1);
	node->cookie = cookie_of(name, len);
	node->namespaces.changed_ns =
	    kept_open(KEPT_NODE_NAMESPACES, name, "", clock_realtime_ns(), &node->namespaces.kept);
	return node;
}

static struct store_node_namespace *new_on_node(const char *ns, const char *node)
{
	struct store_node_namespace *on_node = calloc(1, sizeof(*on_node));

	if (on_node)
		on_node->pods.changed_ns = kept_open(KEPT_NODE_NAMESPACE_PODS, node, ns,
						     clock_realtime_ns(), &on_node->pods.kept);
	return on_node;
}

/* What a node has of a namespace, with room for a pod more. 0 or -ENOMEM. */
static int prepare_on_node(struct folders *f)
{
	const struct store_namespace *ns = f->ns;

	f->on_node =
	    collection_find(&f->node->namespaces, node_namespace_item, ns->name, strlen(ns->name));
	if (!f->on_node) {
		f->on_node = new_on_node(ns->name, f->node->name);
		f->on_node_is_new = true;
	}
	if (!f->on_node || collection_reserve(&f->node->namespaces) < 0)
		return -ENOMEM;
	f->on_node->ns = ns;
	return collection_reserve(&f->on_node->pods);
}

/* Finds or makes the folders an object goes into, with room for it. 0 or -ENOMEM. */
int folders_prepare(struct store *s, const char *ns, const char *node, bool is_pod,
		    struct folders *ret)
{
	if (*ns) {
		ret->ns = collection_find(&s->namespaces, namespace_item, ns, strlen(ns));
		if (!ret->ns) {
			ret->ns = new_namespace(ns);
			ret->ns_is_new = true;
		}
		if (!ret->ns || collection_reserve(&s->namespaces) < 0 ||
		    (is_pod && collection_reserve(&ret->ns->pods) < 0))
			return -ENOMEM;
	}
	if (*node) {
		ret->node = collection_find(&s->nodes, node_item, node, strlen(node));
		if (!ret->node) {
			ret->node = new_node(node);
			ret->node_is_new = true;
		}
		if (!ret->node || collection_reserve(&s->nodes) < 0)
			return -ENOMEM;
	}
	return ret->node && is_pod ? prepare_on_node(ret) : 0;
}

void folders_drop(struct folders *p)
{
	if (p->on_node_is_new && p->on_node)
		free_on_node(p->on_node);
	if (p->ns_is_new && p->ns)
		folder_free_namespace(p->ns);
	if (p->node_is_new && p->node)
		folder_free_node(p->node);
}

bool folders_place(struct store *s, struct folders *p, int64_t now)
{
	bool came = p->ns_is_new;

	if (p->node_is_new)
		collection_insert(&s->nodes, node_item, p->node);
	if (p->ns_is_new) {
		collection_insert(&s->namespaces, namespace_item, p->ns);
		collection_changed(&s->namespaces, now);
	}
	if (p->on_node_is_new) {
		collection_insert(&p->node->namespaces, node_namespace_item, p->on_node);
		collection_changed(&p->node->namespaces, now);
	}
	p->ns_is_new = false;
	p->node_is_new = false;
	p->on_node_is_new = false;
	return came;
}

void folders_add_to_node(struct folders *f, struct object *pod, int64_t now)
{
	if (!f->on_node)
		return;
	collection_insert(&f->on_node->pods, object_item, pod);
	collection_changed(&f->on_node->pods, now);
}

void folder_remove_from_node(struct store_node *node, const struct object *pod, int64_t now)
{
	struct store_node_namespace *on_node = collection_find(
	    &node->namespaces, node_namespace_item, pod->namespace, strlen(pod->namespace));

	collection_remove(&on_node->pods, object_item, pod);
	collection_changed(&on_node->pods, now);
	if (on_node->pods.count)
		return;
	collection_remove(&node->namespaces, node_namespace_item, on_node);
	collection_changed(&node->namespaces, now);
	free_on_node(on_node);
}

bool folder_prune_namespace(struct store *s, struct store_namespace *ns, int64_t now)
{
	if (ns->object || ns->pods.count)
		return false;
	collection_remove(&s->namespaces, namespace_item, ns);
	collection_changed(&s->namespaces, now);
	return true;
}

void folder_release_node(struct store *s, const char *name)
{
	struct store_node *node = collection_find(&s->nodes, node_item, name, strlen(name));

	if (!node || node->object || node->namespaces.count)
		return;
	collection_remove(&s->nodes, node_item, node);
	folder_free_node(node);
}
