/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include <podfs/base/array.h>
#include <podfs/base/clock.h>
#include <podfs/base/hash.h>
#include <podfs/store/collection.h>

#include "internal.h"
#include "selections.h"

struct selections *selections_new(void)
{
	struct selections *all = calloc(1, sizeof(*all));

	if (all)
		pthread_mutex_init(&all->lock, NULL);
	return all;
}

void selections_free(struct selections *all)
{
	if (!all)
		return;
	free(all->items);
	pthread_mutex_destroy(&all->lock);
	free(all);
}

static struct selection **bucket_of(struct selections *all, const char *name, size_t len)
{
	return &all->buckets[hash_bytes(hash_process_key(), name, len) % SELECTION_BUCKETS];
}

static struct selection *find_locked(struct selections *all, const char *name, size_t len)
{
	for (struct selection *sel = *bucket_of(all, name, len); sel; sel = sel->next)
		if (!strncmp(sel->name, name, len) && !sel->name[len])
			return sel;
	return NULL;
}

static struct selection *find_and_ref(struct store *s, const char *name, size_t len)
{
	pthread_mutex_lock(&s->selections->lock);
	struct selection *sel = find_locked(s->selections, name, len);
	if (sel)
		sel->refs++;
	pthread_mutex_unlock(&s->selections->lock);
	return sel;
}

static void selection_free(struct selection *sel)
{
	if (!sel)
		return;
	selector_release(&sel->selector);
	free(sel->times);
	free(sel);
}

static int parse(struct store *s, const char *name, size_t len, struct selection **ret)
{
	struct selection *sel = calloc(1, sizeof(*sel) + len + 1);

	if (!sel)
		return -ENOMEM;
	int r = selector_parse_name(name, len, &sel->selector);
	if (r < 0) {
		selection_free(sel);
		return r;
	}
	sel->store = s;
	sel->refs = 1;
	sel->older_ns = clock_realtime_ns();
	sel->changed_ns = sel->older_ns;
	memcpy(sel->name, name, len);
	*ret = sel;
	return 0;
}

int selection_check(struct store *s, const char *name, size_t len)
{
	cleanup_selector struct selector selector = {0};
	struct selection *sel = find_and_ref(s, name, len);

	if (!sel)
		return selector_parse_name(name, len, &selector);
	selection_unref(sel);
	return 0;
}

static int add_locked(struct selections *all, struct selection *made, size_t len)
{
	struct selection **bucket = bucket_of(all, made->name, len);

	if (all->count >= SELECTIONS_MAX) {
		all->refused++;
		return -ENFILE;
	}
	int r = array_grow(&all->items, all->count, &all->cap, sizeof(struct selection *));
	if (r < 0)
		return r;
	made->next = *bucket;
	*bucket = made;
	made->at = all->count;
	all->items[all->count++] = made;
	return 0;
}

void selections_count(const struct store *s, struct store_counts *ret)
{
	struct selections *all = s->selections;

	pthread_mutex_lock(&all->lock);
	ret->selections = all->count;
	ret->selections_refused = all->refused;
	pthread_mutex_unlock(&all->lock);
}

size_t selections_held(const struct store *s)
{
	struct store_counts counts;

	selections_count(s, &counts);
	return counts.selections;
}

int selection_get(struct store *s, const char *name, size_t len, struct selection **ret)
{
	struct selections *all = s->selections;
	struct selection *made = NULL;

	*ret = find_and_ref(s, name, len);
	if (*ret)
		return 0;
	int r = parse(s, name, len, &made);
	if (r < 0)
		return r;
	pthread_mutex_lock(&all->lock);
	*ret = find_locked(all, name, len);
	if (*ret)
		(*ret)->refs++;
	else
		r = add_locked(all, made, len);
	if (!*ret && r == 0)
		*ret = take_ptr(made);
	pthread_mutex_unlock(&all->lock);
	selection_free(made);
	return r;
}

struct selection *selection_ref(struct selection *sel)
{
	if (!sel)
		return NULL;
	struct selections *all = sel->store->selections;

	pthread_mutex_lock(&all->lock);
	sel->refs++;
	pthread_mutex_unlock(&all->lock);
	return sel;
}

void selection_unref(struct selection *sel)
{
	if (!sel)
		return;
	struct selections *all = sel->store->selections;
	struct folder_set *set = NULL;

	pthread_mutex_lock(&all->lock);
	bool last = --sel->refs == 0;
	if (last) {
		struct selection **at = bucket_of(all, sel->name, strlen(sel->name));

		while (*at != sel)
			at = &(*at)->next;
		*at = sel->next;
		all->items[sel->at] = all->items[--all->count];
		all->items[sel->at]->at = sel->at;
		set = folder_set_drop_locked(sel);
	}
	pthread_mutex_unlock(&all->lock);
	folder_set_free(set);
	if (last)
		selection_free(sel);
}

bool selection_has(const struct selection *sel, const struct object *pod)
{
	return index_selects(&sel->store->index, &sel->selector, &pod->indexed->labels);
}

int64_t selection_time(const struct selection *sel, const struct store_namespace *ns)
{
	if (!ns)
		return sel->changed_ns;
	for (size_t i = 0; i < sel->time_count; i++)
		if (sel->times[i].cookie == ns->cookie)
			return sel->times[i].changed_ns;
	return sel->older_ns;
}

/* What of a namespace is selected: gathered from the index, to be sorted. */
struct gathering {
	const struct selection *sel;
	const struct store_namespace *ns;
	const struct object *except;
	struct collection pods;
};

static bool belongs(const struct gathering *g, const struct object *pod)
{
	return pod != g->except && !strcmp(pod->namespace, g->ns->name) &&
	       selection_has(g->sel, pod);
}

static int gather(void *ctx, void *pod)
{
	struct gathering *g = ctx;

	if (!belongs(g, pod))
		return 0;
	if (collection_reserve(&g->pods) < 0)
		return -ENOMEM;
	g->pods.items[g->pods.count++] = pod;
	return 0;
}

static int compare_pods(const void *a, const void *b)
{
	const struct object *x = *(const struct object *const *)a;
	const struct object *y = *(const struct object *const *)b;

	if (x->cookie != y->cookie)
		return x->cookie < y->cookie ? -1 : 1;
	return strcmp(x->name, y->name);
}

static int each_from(const struct collection *pods, const struct selection *sel, uint64_t cookie,
		     selection_pod_fn fn, void *ctx)
{
	size_t i = cookie ? collection_after(pods, object_item, cookie, NULL) : 0;
	int r = 0;

	for (; i < pods->count && r == 0; i++)
		if (!sel || selection_has(sel, pods->items[i]))
			r = fn(ctx, pods->items[i]);
	return r;
}

/*
 * A reader takes a listing in parts of about 25 names. From the namespace's
 * pods that goes on where it was; from the index all is gathered and sorted
 * each time, which pays if there is little.
 */
static bool index_is_cheaper(size_t found, size_t pods)
{
	return found < SIZE_MAX / (found + 1) && found * found < 25 * pods;
}

int selection_each(const struct selection *sel, const struct store_namespace *ns, uint64_t cookie,
		   selection_pod_fn fn, void *ctx)
{
	const struct index *x = &sel->store->index;
	const struct requirement *by;
	size_t found = index_estimate(x, &sel->selector, &by);

	if (!by || !index_is_cheaper(found, ns->pods.count))
		return each_from(&ns->pods, sel, cookie, fn, ctx);
	struct gathering g = {.sel = sel, .ns = ns};
	int r = index_each(x, by, gather, &g);
	if (r == 0 && g.pods.count)
		qsort(g.pods.items, g.pods.count, sizeof(*g.pods.items), compare_pods);
	if (r == 0)
		r = each_from(&g.pods, NULL, cookie, fn, ctx);
	collection_release(&g.pods);
	return r;
}

static int is_one(void *ctx, void *pod)
{
	return belongs(ctx, pod);
}

bool selection_any(const struct selection *sel, const struct store_namespace *ns,
		   const struct object *except)
{
	const struct index *x = &sel->store->index;
	struct gathering g = {.sel = sel, .ns = ns, .except = except};
	const struct requirement *by;

	if (index_estimate(x, &sel->selector, &by) < ns->pods.count && by)
		return index_each(x, by, is_one, &g);
	for (size_t i = 0; i < ns->pods.count; i++)
		if (belongs(&g, ns->pods.items[i]))
			return true;
	return false;
}
