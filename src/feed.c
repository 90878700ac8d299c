/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <malloc.h>

#include <podfs/base/log.h>
#include <podfs/model/packed.h>

#include "feed.h"

enum kind feed_kind(enum kube_resource r)
{
	static const enum kind kinds[KUBE_N_RESOURCES] = {
	    [KUBE_NAMESPACES] = KIND_NAMESPACE,
	    [KUBE_NODES] = KIND_NODE,
	    [KUBE_PODS] = KIND_POD,
	};

	return kinds[r];
}

static void list_begin(void *ctx)
{
	struct feed *f = ctx;

	store_list_begin(f->feeds->store, f->kind);
}

static int pack(struct feed *f, const struct kube_object *o, struct packed *ret)
{
	const char *fault;
	int r = o->index
		    ? packed_from_index(o->index, f->kind, o->text, ret, &fault)
		    : packed_from_json(&f->feeds->index, f->kind, o->text, o->len, ret, &fault);

	if (r < 0 && r != -ENOMEM)
		log_warn("a %s was refused: %s, at byte %zu of %zu", kind_name(f->kind), fault,
			 ret->fault_off, o->len);
	return r;
}

static int upsert(void *ctx, const struct kube_object *o, bool from_list)
{
	struct feed *f = ctx;
	cleanup_packed struct packed p = {0};
	int r = pack(f, o, &p);

	(void)from_list;
	if (r == 0)
		r = store_put(f->feeds->store, &p);
	return r < 0 ? r : 0;
}

static int remove_one(void *ctx, const struct kube_object *o)
{
	struct feed *f = ctx;
	cleanup_packed struct packed p = {0};
	int r = pack(f, o, &p);

	if (r == 0)
		r = store_remove(f->feeds->store, f->kind, p.namespace, p.name);
	return r < 0 ? r : 0;
}

static void list_end(void *ctx, const char *resource_version)
{
	struct feed *f = ctx;

	(void)resource_version;
	store_list_end(f->feeds->store, f->kind);
	/* A list takes memory for a moment, which the allocator would keep. */
	malloc_trim(0);
}

static void list_abort(void *ctx)
{
	(void)ctx;
}

void feeds_init(struct feeds *f, struct store *store,
		struct reflector_sink ret_sinks[KUBE_N_RESOURCES])
{
	f->store = store;
	for (int r = 0; r < KUBE_N_RESOURCES; r++) {
		f->feed[r] = (struct feed){f, feed_kind((enum kube_resource)r)};
		ret_sinks[r] = (struct reflector_sink){
		    .ctx = &f->feed[r],
		    .list_begin = list_begin,
		    .upsert = upsert,
		    .remove = remove_one,
		    .list_end = list_end,
		    .list_abort = list_abort,
		};
	}
}

void feeds_set_readable(struct feeds *f, const struct kube_state *state)
{
	for (int r = 0; r < KUBE_N_RESOURCES; r++) {
		const struct kube_resource_state *s = &state->resources[r];

		if (s->synced)
			store_set_readable(f->store, f->feed[r].kind, true);
		else if (s->failure == KUBE_FAILURE_FORBIDDEN)
			store_set_readable(f->store, f->feed[r].kind, false);
	}
}

void feeds_resume(struct feeds *f, const struct kube_resume *resume)
{
	for (int r = 0; r < KUBE_N_RESOURCES; r++)
		if (!*resume->versions[r])
			store_set_readable(f->store, f->feed[r].kind, false);
}

void feeds_release(struct feeds *f)
{
	json_index_release(&f->index);
}
