/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include <podfs/base/array.h>
#include <podfs/base/clock.h>
#include <podfs/model/packed.h>
#include <podfs/store/cookie.h>

#include "internal.h"

#define NAMES_MAX (2 + POD_ADDRESSES_MAX)

/* The names that lead to a pod. */
struct names {
	const char *names[NAMES_MAX]; /* uids first */
	uint32_t uids;
	uint32_t count;
};

static void list_names(const struct object *o, const struct pod_facts *facts, struct names *ret)
{
	const char *hash = fact_string(facts, facts->config_hash);

	*ret = (struct names){0};
	if (packed_name_is_valid(o->uid, strlen(o->uid), FIELD_NAME_MAX))
		ret->names[ret->count++] = o->uid;
	if (packed_name_is_valid(hash, strlen(hash), FIELD_NAME_MAX) && strcmp(hash, o->uid) != 0)
		ret->names[ret->count++] = hash;
	ret->uids = ret->count;
	for (size_t i = 0; i < facts->address_count; i++)
		ret->names[ret->count++] = fact_string(facts, facts->addresses[i]);
}

static struct indexed *indexed_new(struct object *o, const struct pod_facts *facts)
{
	struct names names;
	size_t bytes = 0;

	list_names(o, facts, &names);
	for (uint32_t i = 0; i < names.count; i++)
		bytes += names.names[i] == o->uid ? 0 : strlen(names.names[i]) + 1;
	size_t terms_off = sizeof(struct indexed) + names.count * sizeof(struct claim);
	size_t text_off = terms_off + facts->label_count * sizeof(uint32_t);
	struct indexed *x = calloc(1, text_off + bytes);
	if (!x)
		return NULL;
	char *text = (char *)x + text_off;
	x->labels.terms = (uint32_t *)((char *)x + terms_off);
	x->uid_count = names.uids;
	x->ip_count = names.count - names.uids;
	for (uint32_t i = 0; i < names.count; i++) {
		const char *name = names.names[i];
		size_t size = strlen(name) + 1;
		bool own = name == o->uid;

		x->claims[i] = (struct claim){
		    .cookie = cookie_of(name, size - 1),
		    .name = own ? name : memcpy(text, name, size),
		    .pod = o,
		    .own = own,
		};
		text += own ? 0 : size;
	}
	return x;
}

static bool indexed_same(const struct store *s, const struct object *o,
			 const struct pod_facts *facts)
{
	const struct indexed *x = o->indexed;
	struct names names;

	list_names(o, facts, &names);
	if (names.uids != x->uid_count || names.count != x->uid_count + x->ip_count)
		return false;
	for (uint32_t i = 0; i < names.count; i++)
		if (strcmp(names.names[i], x->claims[i].name) != 0)
			return false;
	return index_same(&s->index, &x->labels, facts);
}

int indexed_make(const struct store *s, struct object *o, const struct pod_facts *facts,
		 struct indexed **ret)
{
	*ret = NULL;
	if (o->kind != KIND_POD || (o->indexed && indexed_same(s, o, facts)))
		return 0;
	*ret = indexed_new(o, facts);
	return *ret ? 0 : -ENOMEM;
}

int views_prepare(struct store *s, struct indexed *x, const struct pod_facts *facts)
{
	if (!x)
		return 0;
	if (claims_reserve(&s->by_uid, x->claims, x->uid_count) < 0 ||
	    claims_reserve(&s->by_ip, x->claims + x->uid_count, x->ip_count) < 0)
		return -ENOMEM;
	return index_prepare(&s->index, facts, &x->labels);
}

struct view_change *view_change_add(struct view_changes *all, enum view_kind view, const char *name)
{
	size_t off = all->names.len;

	if (array_grow(&all->changes, all->count, &all->cap, sizeof(*all->changes)) < 0 ||
	    buf_add(&all->names, name, strlen(name) + 1) < 0) {
		all->lost = true;
		return NULL;
	}
	struct view_change *change = &all->changes[all->count++];
	*change = (struct view_change){.view = view, .name_off = (uint32_t)off};
	return change;
}

/* Where the names of a pod lead, before and after it claims others. */
struct lead {
	const char *name;
	const struct object *before;
};

static const struct object *leads_to(const struct claims *c, const char *name)
{
	const struct claim *claim = claims_find(c, name, strlen(name));

	return claim ? claim->pod : NULL;
}

static size_t note_leads(const struct claims *c, const struct claim *all, uint32_t count,
			 struct lead *leads, size_t n)
{
	for (uint32_t i = 0; i < count; i++) {
		size_t known = 0;

		while (known < n && strcmp(leads[known].name, all[i].name) != 0)
			known++;
		if (known == n)
			leads[n++] = (struct lead){all[i].name, leads_to(c, all[i].name)};
	}
	return n;
}

struct claim_range {
	struct claim *claims;
	uint32_t count;
};

static struct claim_range claims_of(struct indexed *x, enum view_kind view)
{
	if (!x)
		return (struct claim_range){0};
	if (view == VIEW_UID)
		return (struct claim_range){x->claims, x->uid_count};
	return (struct claim_range){x->claims + x->uid_count, x->ip_count};
}

/* Most changes of a pod leave it the names that it has. */
static bool same_claims(struct claim_range old, struct claim_range new)
{
	bool same = old.count == new.count;

	for (uint32_t i = 0; i < new.count &&same; i++)
		same = old.claims[i].own == new.claims[i].own &&
		       !strcmp(old.claims[i].name, new.claims[i].name);
	return same;
}

static void replace_claims(struct store *s, enum view_kind view, struct claim_range old,
			   struct claim_range new)
{
	struct claims *c = view == VIEW_UID ? &s->by_uid : &s->by_ip;
	struct lead leads[2 * NAMES_MAX];

	if (same_claims(old, new)) {
		for (uint32_t i = 0; i < new.count; i++)
			claims_replace(c, &old.claims[i], &new.claims[i]);
		return;
	}
	size_t n = note_leads(c, old.claims, old.count, leads, 0);
	n = note_leads(c, new.claims, new.count, leads, n);
	for (uint32_t i = 0; i < old.count; i++)
		claims_remove(c, &old.claims[i]);
	for (uint32_t i = 0; i < new.count; i++)
		claims_insert(c, &new.claims[i]);
	for (size_t i = 0; i < n; i++) {
		const struct object *after = leads_to(c, leads[i].name);

		if (after == leads[i].before)
			continue;
		claims_changed(c, store_now(s));
		struct view_change *change = view_change_add(&s->view_changes, view, leads[i].name);
		if (!change)
			return;
		change->went = leads[i].before;
		change->came = after;
	}
}

const struct view_changes *views_replace(struct store *s, struct object *o, struct indexed *new)
{
	struct view_changes *changes = &s->view_changes;
	const struct store_namespace *ns =
	    store_find_namespace(s, o->namespace, strlen(o->namespace));
	struct indexed *old = o->indexed;
	const struct label_set *old_labels = old ? &old->labels : NULL;

	changes->count = 0;
	changes->lost = false;
	buf_clear(&changes->names);
	selections_update(s, o, ns, old_labels, new ? &new->labels : NULL);
	if (old && new) {
		new->slot = old->slot;
		index_change(&s->index, new->slot, old_labels, &new->labels);
	} else if (new) {
		new->slot = index_add(&s->index, o, &new->labels);
	} else if (old) {
		index_remove(&s->index, old->slot, old_labels);
	}
	replace_claims(s, VIEW_UID, claims_of(old, VIEW_UID), claims_of(new, VIEW_UID));
	replace_claims(s, VIEW_IP, claims_of(old, VIEW_IP), claims_of(new, VIEW_IP));
	o->indexed = new;
	return changes->count || changes->lost ? changes : NULL;
}

void views_release(struct store *s)
{
	index_release(&s->index);
	claims_release(&s->by_uid);
	claims_release(&s->by_ip);
	selections_free(s->selections);
	free(s->view_changes.changes);
	buf_release(&s->view_changes.names);
}

const struct claims *store_by_uid(const struct store *s)
{
	return &s->by_uid;
}

const struct claims *store_by_ip(const struct store *s)
{
	return &s->by_ip;
}

const struct index *store_index(const struct store *s)
{
	return &s->index;
}
