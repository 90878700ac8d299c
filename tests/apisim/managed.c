/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of fields are trees in the API's own form (FieldsV1): `f:name` for a
 * member, `k:{...}` for an element by its keys, `v:...` for one by its value,
 * `.` for the map or list itself; {} is a leaf.
 */
#include "managed.h"

#include <stdlib.h>
#include <string.h>

#include "schema.h"

/* Metadata that belongs to the server, not to whoever sends it. */
static const char *const unmanaged[] = {
    "name",     "namespace",  "uid",           "resourceVersion",   "creationTimestamp",
    "selfLink", "generation", "managedFields", "deletionTimestamp", "deletionGracePeriodSeconds",
};

/* Structs that are set as a whole. */
static const char *const atomic_types[] = {
    "ObjectFieldSelector", "ResourceFieldSelector", "KeySelector",          "OwnerReference",
    "LabelSelector",       "NodeSelector",          "LocalObjectReference",
};

static bool is_in(const char *const *list, size_t n, const char *s)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i], s))
			return true;
	return false;
}

static bool is_atomic(const struct schema_field *f)
{
	if (f->container == LIST)
		return !f->merges;
	if (f->container == MAP)
		return false;
	return f->type != TYPE_STRUCT || is_in(atomic_types, ARRAY_SIZE(atomic_types), f->of->name);
}

static void key_part(struct buf *b, const char *name, json_object *v)
{
	buf_printf(b, "%s\"%s\":", b->len > 3 ? "," : "", name);
	if (json_object_is_type(v, json_type_string))
		buf_json_str(b, json_object_get_string(v));
	else
		buf_puts(b, v ? json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN) : "null");
}

/* How a list's element is called. */
static char *element_name(const struct schema_field *f, json_object *e)
{
	struct buf b = {0};

	if (!f->merge_key) {
		buf_puts(&b, "v:");
		buf_json_str(&b, json_object_get_string(e));
		return buf_steal(&b);
	}
	buf_puts(&b, "k:{");
	key_part(&b, f->merge_key, jget(e, f->merge_key));
	/* two lists have a second key, which strategic merge patches do not use */
	if (!strcmp(f->merge_key, "containerPort"))
		key_part(&b, "protocol", jget(e, "protocol"));
	if (!strcmp(f->merge_key, "topologyKey"))
		key_part(&b, "whenUnsatisfiable", jget(e, "whenUnsatisfiable"));
	buf_putc(&b, '}');
	return buf_steal(&b);
}

static json_object *leaf(void)
{
	return json_object_new_object();
}

static json_object *diff_value(const struct schema_field *f, json_object *before,
			       json_object *after);

/* Adds `name` with what differs; nothing if nothing does. */
static void add_diff(json_object *set, const char *name, json_object *sub)
{
	if (sub)
		jset(set, name, sub);
}

static void diff_struct(const struct schema_type *t, json_object *before, json_object *after,
			json_object *set)
{
	for (size_t i = 0; i < t->n_fields; i++) {
		const struct schema_field *f = &t->fields[i];
		_cleanup_(freep) char *name = xasprintf("f:%s", f->name);

		if (!strcmp(t->name, "ObjectMeta") &&
		    is_in(unmanaged, ARRAY_SIZE(unmanaged), f->name))
			continue;
		add_diff(
		    set, name,
		    diff_value(f, before ? jget(before, f->name) : NULL, jget(after, f->name)));
	}
}

static json_object *find_element(const struct schema_field *f, json_object *list, const char *name)
{
	for (size_t i = 0; i < jlen(list); i++) {
		_cleanup_(freep) char *other = element_name(f, jat(list, i));

		if (!strcmp(name, other))
			return jat(list, i);
	}
	return NULL;
}

static void diff_list(const struct schema_field *f, json_object *before, json_object *after,
		      json_object *set)
{
	for (size_t i = 0; i < jlen(after); i++) {
		_cleanup_(freep) char *name = element_name(f, jat(after, i));
		json_object *old = find_element(f, before, name), *sub;

		if (old && jequal(old, jat(after, i)))
			continue;
		sub = leaf();
		if (f->type == TYPE_STRUCT &&
		    !is_in(atomic_types, ARRAY_SIZE(atomic_types), f->of->name)) {
			if (!old)
				jset(sub, ".", leaf());
			diff_struct(f->of, old, jat(after, i), sub);
		}
		jset(set, name, sub);
	}
}

static void diff_map(json_object *before, json_object *after, json_object *set)
{
	for (struct jmember m = {0}; jnext(after, &m);) {
		_cleanup_(freep) char *name = xasprintf("f:%s", m.key);
		json_object *old = before ? json_object_object_get(before, m.key) : NULL;

		if (!old || !jequal(old, m.value))
			jset(set, name, leaf());
	}
}

/* An empty map or list is not written at all. */
static bool is_nothing(const struct schema_field *f, json_object *v)
{
	return (f->container == MAP && !json_object_object_length(v)) ||
	       (f->container == LIST && !jlen(v));
}

/* The set of what `after` has that `before` has not, or has otherwise; NULL if nothing. */
static json_object *diff_value(const struct schema_field *f, json_object *before,
			       json_object *after)
{
	json_object *set;

	if (!after || (before && jequal(before, after)) || is_nothing(f, after))
		return NULL;
	set = leaf();
	if (is_atomic(f))
		return set;
	/* what is always there belongs to nobody; but all of a new element does */
	if (!before && strcmp(f->name, "metadata") != 0 && strcmp(f->name, "spec") != 0 &&
	    strcmp(f->name, "status") != 0 && strcmp(f->name, "containers") != 0)
		jset(set, ".", leaf());
	if (f->container == LIST)
		diff_list(f, before, after, set);
	else if (f->container == MAP)
		diff_map(before, after, set);
	else
		diff_struct(f->of, before, after, set);
	/* nothing below, or only the thing itself: a leaf */
	if (json_object_object_length(set) == 1 && json_object_object_get(set, "."))
		json_object_object_del(set, ".");
	else if (!json_object_object_length(set) && before) {
		json_object_put(set);
		return NULL;
	}
	return set;
}

static json_object *diff(enum kind kind, json_object *before, json_object *after,
			 const char *subresource)
{
	json_object *set = leaf();
	const struct schema_type *t = schema_of(kind);

	for (size_t i = 0; i < t->n_fields; i++) {
		const struct schema_field *f = &t->fields[i];
		_cleanup_(freep) char *name = xasprintf("f:%s", f->name);
		json_object *sub;

		if (!strcmp(subresource, "status") != !strcmp(f->name, "status"))
			continue;
		sub = diff_value(f, before ? jget(before, f->name) : NULL, jget(after, f->name));
		if (sub && !json_object_object_length(sub)) {
			json_object_put(sub);
			sub = NULL;
		}
		add_diff(set, name, sub);
	}
	return set;
}

static bool is_leaf(json_object *set)
{
	return !json_object_object_length(set);
}

static void set_union(json_object *into, json_object *from)
{
	for (struct jmember m = {0}; jnext(from, &m);) {
		json_object *mine = json_object_object_get(into, m.key);

		if (!mine) {
			jset(into, m.key, jcopy(m.value));
		} else if (is_leaf(mine) && !is_leaf(m.value)) {
			/* a leaf that gets members stays a member itself */
			jset(mine, ".", leaf());
			set_union(mine, m.value);
		} else {
			set_union(mine, m.value);
		}
	}
}

static void set_subtract(json_object *from, json_object *what)
{
	for (struct jmember m = {0}; jnext(what, &m);) {
		json_object *mine = json_object_object_get(from, m.key);

		if (!mine)
			continue;
		if (is_leaf(m.value)) {
			json_object_object_del(mine, ".");
		} else if (!is_leaf(mine)) {
			set_subtract(mine, m.value);
			if (!is_leaf(mine))
				continue;
		} else {
			continue;
		}
		if (is_leaf(mine))
			json_object_object_del(from, m.key);
	}
}

static int by_name(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

/* A copy whose members are in order. */
static json_object *set_sorted(json_object *set)
{
	size_t n = 0;
	const char **keys = xcalloc((size_t)json_object_object_length(set), sizeof(*keys));
	json_object *sorted = leaf();

	for (struct jmember m = {0}; jnext(set, &m);) {
		keys[n++] = m.key;
	}
	if (n)
		qsort(keys, n, sizeof(*keys), by_name);
	for (size_t i = 0; i < n; i++)
		jset(sorted, keys[i], set_sorted(json_object_object_get(set, keys[i])));
	free(keys);
	return sorted;
}

static bool same(json_object *entry, const char *key, const char *value)
{
	const char *has = jstr(entry, key);

	return !strcmp(has ? has : "", value);
}

static json_object *new_entry(json_object *set, const char *manager, const char *operation,
			      const char *subresource, const char *now)
{
	json_object *e = json_object_new_object();

	jset_str(e, "manager", manager);
	jset_str(e, "operation", operation);
	jset_str(e, "apiVersion", "v1");
	jset_str(e, "time", now);
	jset_str(e, "fieldsType", "FieldsV1");
	jset(e, "fieldsV1", set_sorted(set));
	if (*subresource)
		jset_str(e, "subresource", subresource);
	return e;
}

void managed_created(enum kind kind, json_object *o, const char *manager, const char *now)
{
	json_object *set = diff(kind, NULL, o, "");
	json_object *list = json_object_new_array();

	json_object_array_add(list, new_entry(set, manager, "Update", "", now));
	jset(jmake(o, "metadata"), "managedFields", list);
	json_object_put(set);
}

void managed_updated(enum kind kind, json_object *before, json_object *after, const char *manager,
		     const char *operation, const char *subresource, const char *now)
{
	json_object *added = diff(kind, before, after, subresource);
	json_object *removed = diff(kind, after, before, subresource);
	json_object *old = jget(after, "metadata.managedFields"), *list, *mine = NULL;

	if (is_leaf(added) && is_leaf(removed)) {
		json_object_put(added);
		json_object_put(removed);
		return;
	}
	list = json_object_new_array();
	for (size_t i = 0; i < jlen(old); i++) {
		json_object *e = jcopy(jat(old, i)), *set = jget(e, "fieldsV1");

		if (set) {
			set_subtract(set, removed);
			set_subtract(set, added);
		}
		if (same(e, "manager", manager) && same(e, "operation", operation) &&
		    same(e, "subresource", subresource)) {
			mine = set ? jcopy(set) : NULL;
			json_object_put(e);
		} else if (set && is_leaf(set)) {
			json_object_put(e);
		} else {
			json_object_array_add(list, e);
		}
	}
	if (!mine)
		mine = leaf();
	set_union(mine, added);
	if (!is_leaf(mine))
		json_object_array_add(list, new_entry(mine, manager, operation, subresource, now));
	jset(jmake(after, "metadata"), "managedFields", list);
	json_object_put(mine);
	json_object_put(added);
	json_object_put(removed);
}

char *managed_name(const char *user_agent)
{
	return user_agent && *user_agent ? xstrndup(user_agent, strcspn(user_agent, "/ "))
					 : xstrdup("unknown");
}
