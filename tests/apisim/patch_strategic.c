/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "patch.h"
#include "schema.h"

static json_object *merge_struct(const struct schema_type *t, json_object *target,
				 json_object *patch);

static bool is_directive(const char *key)
{
	return *key == '$';
}

static const char *directive_of(json_object *patch)
{
	return json_object_is_type(patch, json_type_object) ? jstr(patch, "$patch") : NULL;
}

static bool wants(json_object *patch, const char *directive)
{
	const char *has = directive_of(patch);

	return has && !strcmp(has, directive);
}

/* A copy without directives, at all depths. */
static json_object *strip(json_object *v)
{
	json_object *result;

	if (json_object_is_type(v, json_type_object)) {
		result = json_object_new_object();
		for (struct jmember m = {0}; jnext(v, &m);) {
			if (!is_directive(m.key) && m.value)
				jset(result, m.key, strip(m.value));
		}
		return result;
	}
	if (json_object_is_type(v, json_type_array)) {
		result = json_object_new_array();
		for (size_t i = 0; i < jlen(v); i++)
			if (!directive_of(jat(v, i)))
				json_object_array_add(result, strip(jat(v, i)));
		return result;
	}
	return jcopy(v);
}

static bool find(json_object *list, const char *key, json_object *element, size_t *ret)
{
	for (size_t i = 0; i < jlen(list); i++) {
		json_object *a = key ? jget(jat(list, i), key) : jat(list, i);
		json_object *b = key ? jget(element, key) : element;

		if (a && b && jequal(a, b)) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static json_object *merge_list(const struct schema_field *f, json_object *target,
			       json_object *patch)
{
	json_object *result;
	size_t at;

	for (size_t i = 0; i < jlen(patch); i++)
		if (wants(jat(patch, i), "replace"))
			return strip(patch);
	result = jcopy(target);
	if (!result)
		result = json_object_new_array();
	for (size_t i = 0; i < jlen(patch); i++) {
		json_object *e = jat(patch, i);
		bool there = find(result, f->merge_key, e, &at);

		if (wants(e, "delete")) {
			if (there)
				json_object_array_del_idx(result, at, 1);
		} else if (!there) {
			json_object_array_add(result, strip(e));
		} else if (f->type == TYPE_STRUCT) {
			json_object_array_put_idx(result, at,
						  merge_struct(f->of, jat(result, at), e));
		}
	}
	return result;
}

/* The elements named in `order` come in that order; the others keep their places behind them. */
static void order_list(const char *key, json_object *list, json_object *order, json_object *o,
		       const char *name)
{
	json_object *sorted = json_object_new_array();
	size_t at;

	for (size_t i = 0; i < jlen(order); i++)
		if (find(list, key, jat(order, i), &at))
			json_object_array_add(sorted, json_object_get(jat(list, at)));
	for (size_t i = 0; i < jlen(list); i++)
		if (!find(order, key, jat(list, i), &at))
			json_object_array_add(sorted, json_object_get(jat(list, i)));
	jset(o, name, sorted);
}

static void delete_values(json_object *list, json_object *values)
{
	size_t at;

	for (size_t i = 0; i < jlen(values); i++)
		while (find(list, NULL, jat(values, i), &at))
			json_object_array_del_idx(list, at, 1);
}

static void retain_keys(json_object *o, json_object *keys)
{
	_cleanup_(jputp) json_object *copy = jcopy(o);
	size_t at;

	for (struct jmember m = {0}; jnext(copy, &m);) {
		_cleanup_(jputp) json_object *name = json_object_new_string(m.key);
		if (!find(keys, NULL, name, &at))
			json_object_object_del(o, m.key);
	}
}

static void apply_directive(const struct schema_type *t, json_object *result, const char *key,
			    json_object *value)
{
	const char *slash = strchr(key, '/');
	const struct schema_field *f = slash && t ? schema_field(t, slash + 1) : NULL;
	json_object *list = slash ? json_object_object_get(result, slash + 1) : NULL;

	if (!strcmp(key, "$retainKeys"))
		retain_keys(result, value);
	else if (!strncmp(key, "$deleteFromPrimitiveList/", 25) && list)
		delete_values(list, value);
	else if (!strncmp(key, "$setElementOrder/", 17) && list && f)
		order_list(f->merge_key, list, value, result, slash + 1);
}

static json_object *merge_member(const struct schema_field *f, json_object *old, json_object *value)
{
	if (f && f->container == LIST)
		return f->merges ? merge_list(f, old, value) : strip(value);
	if (json_object_is_type(value, json_type_object))
		return merge_struct(f && f->type == TYPE_STRUCT ? f->of : NULL, old, value);
	return jcopy(value);
}

/* `t` is NULL below what the schema knows: maps, and values of any kind. */
static json_object *merge_struct(const struct schema_type *t, json_object *target,
				 json_object *patch)
{
	json_object *result;

	if (wants(patch, "replace"))
		return strip(patch);
	if (wants(patch, "delete"))
		return json_object_new_object();
	result = json_object_is_type(target, json_type_object) ? jcopy(target)
							       : json_object_new_object();
	for (struct jmember m = {0}; jnext(patch, &m);) {
		if (is_directive(m.key))
			continue;
		if (!m.value)
			json_object_object_del(result, m.key);
		else
			jset(result, m.key,
			     merge_member(t ? schema_field(t, m.key) : NULL,
					  json_object_object_get(result, m.key), m.value));
	}
	/* orders and deletions speak of the merged lists */
	for (struct jmember m = {0}; jnext(patch, &m);) {
		if (is_directive(m.key))
			apply_directive(t, result, m.key, m.value);
	}
	return result;
}

json_object *patch_strategic(enum kind kind, json_object *target, json_object *patch)
{
	return merge_struct(schema_of(kind), target, patch);
}
