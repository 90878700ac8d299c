/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many pods of each namespace are selected: counted when somebody asks, kept
 * up to date from then on, and forgotten if others were asked for more lately.
 * Readers count side by side; who is first is kept.
 */
#include <errno.h>
#include <string.h>

#include <podfs/base/array.h>
#include <podfs/base/clock.h>
#include <podfs/store/collection.h>

#include "internal.h"
#include "selections.h"

struct collection_item selection_folder_item(const void *folder)
{
	const struct selection_folder *f = folder;

	return (struct collection_item){f->ns->cookie, f->ns->name};
}

void folder_set_free(struct folder_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->folders.count; i++)
		free(set->folders.items[i]);
	collection_release(&set->folders);
	free(set);
}

struct folder_set *folder_set_drop_locked(struct selection *sel)
{
	struct folder_set *set = take_ptr(sel->set);

	if (!set)
		return NULL;
	sel->store->selections->set_bytes -= set->bytes;
	return --set->refs ? NULL : set;
}

void folder_set_unref(struct selection *sel, struct folder_set *set)
{
	pthread_mutex_t *lock = &sel->store->selections->lock;

	if (!set)
		return;
	pthread_mutex_lock(lock);
	bool last = --set->refs == 0;
	pthread_mutex_unlock(lock);
	if (last)
		folder_set_free(set);
}

const struct collection *folder_set_items(const struct folder_set *set)
{
	return &set->folders;
}

static struct selection_folder *find(const struct folder_set *set, const struct store_namespace *ns)
{
	return collection_find(&set->folders, selection_folder_item, ns->name, strlen(ns->name));
}

static int add(struct folder_set *set, const struct store_namespace *ns, uint32_t pods)
{
	struct selection_folder *f = malloc(sizeof(*f));

	if (!f || collection_reserve(&set->folders) < 0) {
		free(f);
		return -ENOMEM;
	}
	*f = (struct selection_folder){ns, pods};
	collection_insert(&set->folders, selection_folder_item, f);
	return 0;
}

struct count {
	const struct selection *sel;
	struct folder_set *set;
};

static int count_pod(void *ctx, void *item)
{
	const struct count *c = ctx;
	const struct object *pod = item;

	if (!selection_has(c->sel, pod))
		return 0;
	const struct store_namespace *ns =
	    store_find_namespace(c->sel->store, pod->namespace, strlen(pod->namespace));
	struct selection_folder *f = find(c->set, ns);
	if (!f)
		return add(c->set, ns, 1);
	f->pods++;
	return 0;
}

/* From the index if that leaves most pods out, else folder by folder. */
static int count_all(const struct selection *sel, struct folder_set *set)
{
	const struct store *s = sel->store;
	struct count c = {sel, set};
	const struct requirement *by;
	size_t found = index_estimate(&s->index, &sel->selector, &by);
	int r = 0;

	if (by && found < s->counts.objects[KIND_POD] / 4)
		return index_each(&s->index, by, count_pod, &c);
	for (size_t i = 0; i < s->namespaces.count && r == 0; i++) {
		const struct store_namespace *ns = s->namespaces.items[i];
		uint32_t pods = 0;

		for (size_t p = 0; p < ns->pods.count; p++)
			pods += selection_has(sel, ns->pods.items[p]);
		if (pods)
			r = add(set, ns, pods);
	}
	return r;
}

static size_t cost(const struct folder_set *set)
{
	return sizeof(*set) + set->folders.cap * sizeof(void *) +
	       set->folders.count * (sizeof(struct selection_folder) + sizeof(size_t));
}

static struct selection *oldest_set(const struct selections *all, const struct selection *keep)
{
	struct selection *oldest = NULL;

	for (size_t i = 0; i < all->count; i++) {
		struct selection *sel = all->items[i];

		if (sel->set && sel != keep && (!oldest || sel->used < oldest->used))
			oldest = sel;
	}
	return oldest;
}

/* The sets that were not asked for longest give way, but not the one just made. To be freed. */
static struct folder_set *make_room_locked(struct selections *all, const struct selection *keep)
{
	struct folder_set *dropped = NULL;
	struct selection *sel;

	while (all->set_bytes > FOLDER_SETS_MAX && (sel = oldest_set(all, keep))) {
		struct folder_set *set = folder_set_drop_locked(sel);

		if (set) {
			set->next = dropped;
			dropped = set;
		}
	}
	return dropped;
}

static struct folder_set *take_locked(struct selection *sel)
{
	if (!sel->set)
		return NULL;
	sel->used = ++sel->store->selections->uses;
	sel->set->refs++;
	return sel->set;
}

int selection_folders(struct selection *sel, struct folder_set **ret)
{
	struct selections *all = sel->store->selections;
	struct folder_set *dropped = NULL;

	pthread_mutex_lock(&all->lock);
	*ret = take_locked(sel);
	pthread_mutex_unlock(&all->lock);
	if (*ret)
		return 0;
	struct folder_set *made = calloc(1, sizeof(*made));
	if (!made || count_all(sel, made) < 0) {
		folder_set_free(made);
		return -ENOMEM;
	}
	pthread_mutex_lock(&all->lock);
	if (!sel->set) {
		made->refs = 1;
		made->bytes = cost(made);
		all->set_bytes += made->bytes;
		sel->set = take_ptr(made);
		dropped = make_room_locked(all, sel);
	}
	*ret = take_locked(sel);
	pthread_mutex_unlock(&all->lock);
	folder_set_free(made);
	while (dropped) {
		struct folder_set *next = dropped->next;

		folder_set_free(dropped);
		dropped = next;
	}
	return 0;
}

int selection_has_folder(struct selection *sel, const struct store_namespace *ns)
{
	struct folder_set *set;
	int r = selection_folders(sel, &set);

	if (r < 0)
		return r;
	r = find(set, ns) != NULL;
	folder_set_unref(sel, set);
	return r;
}

/* After it changed. */
static void count_bytes_locked(struct selections *all, struct folder_set *set)
{
	all->set_bytes -= set->bytes;
	set->bytes = cost(set);
	all->set_bytes += set->bytes;
}

/* One pod more or less in a namespace. Whether its folder came or went with that. */
static bool count_one(struct selection *sel, const struct store_namespace *ns,
		      const struct object *pod, bool came)
{
	struct folder_set *set = sel->set;
	struct selection_folder *f = set ? find(set, ns) : NULL;

	if (!set)
		return !selection_any(sel, ns, pod);
	if (came && f) {
		f->pods++;
	} else if (came) {
		/* Without memory for it the set is not known any more. */
		if (add(set, ns, 1) < 0)
			folder_set_free(folder_set_drop_locked(sel));
		else
			count_bytes_locked(sel->store->selections, set);
		return true;
	} else if (--f->pods == 0) {
		collection_remove(&set->folders, selection_folder_item, f);
		free(f);
		count_bytes_locked(sel->store->selections, set);
		return true;
	}
	return false;
}

static void note_time(struct selection *sel, const struct store_namespace *ns, int64_t now)
{
	size_t oldest = 0;

	for (size_t i = 0; i < sel->time_count; i++) {
		if (sel->times[i].cookie == ns->cookie) {
			sel->times[i].changed_ns = now;
			return;
		}
		if (sel->times[i].changed_ns < sel->times[oldest].changed_ns)
			oldest = i;
	}
	if (sel->time_count == SELECTION_TIMES_MAX) {
		sel->older_ns = sel->times[oldest].changed_ns;
		sel->times[oldest] = (struct selection_time){ns->cookie, now};
	} else if (array_grow(&sel->times, sel->time_count, &sel->time_cap, sizeof(*sel->times)) <
		   0) {
		sel->older_ns = now;
	} else {
		sel->times[sel->time_count++] = (struct selection_time){ns->cookie, now};
	}
}

void selections_update(struct store *s, const struct object *pod, const struct store_namespace *ns,
		       const struct label_set *old, const struct label_set *new)
{
	struct selections *all = s->selections;
	int64_t now = clock_realtime_ns();

	pthread_mutex_lock(&all->lock);
	for (size_t i = 0; i < all->count; i++) {
		struct selection *sel = all->items[i];
		bool was = old && index_selects(&s->index, &sel->selector, old);
		bool is = new &&index_selects(&s->index, &sel->selector, new);

		if (was == is)
			continue;
		struct view_change *change =
		    view_change_add(&s->view_changes, VIEW_SELECTION, sel->name);
		bool folder = count_one(sel, ns, pod, is);
		note_time(sel, ns, now);
		if (folder)
			sel->changed_ns = now;
		if (change) {
			change->came = is;
			change->went = was;
			change->folder = folder;
		}
	}
	pthread_mutex_unlock(&all->lock);
}
