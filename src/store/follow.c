/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pod's directory has values that come from its Node. So a change of a Node is
 * one of the pods on it, too: of their histories, and for the observer, although
 * their own version stays. Most changes of a Node are heartbeats, which are told
 * apart before any pod is looked at.
 */
#include <errno.h>
#include <string.h>

#include <podfs/base/array.h>
#include <podfs/base/clock.h>

#include "internal.h"
#include "kept.h"

struct opened_state {
	struct opened *object;
	struct opened *node;
};

static void opened_state_release(struct opened_state *o)
{
	opened_unrefp(&o->object);
	opened_unrefp(&o->node);
}
#define cleanup_opened_state cleanup_(opened_state_release)

static int open_state(const struct state *state, struct opened_state *o, struct store_state *ret)
{
	int r = opened_get(state->object, &o->object);

	if (r == 0 && state->node)
		r = opened_get(state->node, &o->node);
	if (r == 0)
		*ret = (struct store_state){&o->object->view, o->node ? &o->node->view : NULL};
	return r;
}

int state_diff(struct store *s, enum kind kind, const struct state *old, const struct state *new,
	       struct diff *ret)
{
	cleanup_opened_state struct opened_state was = {0};
	cleanup_opened_state struct opened_state is = {0};
	struct store_state before;
	struct store_state after;
	int r = open_state(old, &was, &before);

	if (r == 0)
		r = open_state(new, &is, &after);
	return r < 0 ? r : s->rules.diff(kind, &before, &after, ret);
}

static int node_matters(struct store *s, struct version *old, struct version *new)
{
	cleanup_opened struct opened *was = NULL;
	cleanup_opened struct opened *is = NULL;
	int r = old ? opened_get(old, &was) : 0;

	if (r == 0 && new)
		r = opened_get(new, &is);
	return r < 0 ? r : s->rules.node_matters(was ? &was->view : NULL, is ? &is->view : NULL);
}

static void follower_release(struct follower *f)
{
	diff_release(&f->diff);
	diff_release(&f->folded);
}

static int add_follower(struct store *s, struct object *pod, struct version *old,
			struct version *new, struct followers *ret)
{
	const struct state before = {pod->version, old};
	const struct state after = {pod->version, new};
	const struct diff *noted = NULL;
	int r = array_grow(&ret->items, ret->count, &ret->cap, sizeof(*ret->items));

	if (r < 0)
		return r;
	struct follower *f = &ret->items[ret->count];
	*f = (struct follower){.pod = pod};
	r = state_diff(s, KIND_POD, &before, &after, &f->diff);
	if (r == 0)
		r = history_fold(&f->diff, &f->folded, &noted);
	if (r < 0 || !f->diff.count) {
		follower_release(f);
		return r;
	}
	f->is_folded = noted == &f->folded;
	ret->count++;
	return 0;
}

int followers_find(struct store *s, const char *name, struct version *old, struct version *new,
		   struct followers *ret)
{
	const struct store_node *node = store_find_node(s, name, strlen(name));

	if (!node || !node->namespaces.count || !s->observer.changed)
		return 0;
	int r = node_matters(s, old, new);
	for (size_t i = 0; r > 0 && i < node->namespaces.count; i++) {
		const struct store_node_namespace *ns = node->namespaces.items[i];

		for (size_t j = 0; r > 0 && j < ns->pods.count; j++)
			if (add_follower(s, ns->pods.items[j], old, new, ret) < 0)
				r = -ENOMEM;
	}
	return r < 0 ? r : 0;
}

void followers_tell(struct store *s, struct followers *f, struct version *node_was)
{
	int64_t now = clock_realtime_ns();

	for (size_t i = 0; i < f->count; i++) {
		const struct follower *follower = &f->items[i];
		struct object *pod = follower->pod;
		const struct store_change change = {
		    .event = STORE_MODIFIED,
		    .kind = KIND_POD,
		    .object = pod,
		    .before = pod->version,
		    .diff = &follower->diff,
		    .node_before = pod->node_name,
		    .node_after = pod->node_name,
		    .node_was = node_was,
		};

		store_tell(s, &change);
		history_add(&pod->history,
			    follower->is_folded ? &follower->folded : &follower->diff, now);
		kept_history_write(pod);
	}
}

void followers_release(struct followers *f)
{
	for (size_t i = 0; i < f->count; i++)
		follower_release(&f->items[i]);
	free(f->items);
	*f = (struct followers){0};
}
