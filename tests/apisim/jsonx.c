/* SPDX-License-Identifier: Apache-2.0 */
#include "jsonx.h"

#include <string.h>

#include "jspan.h"

json_object *jparse(const char *text, size_t len)
{
	struct json_tokener *t;
	json_object *o;

	if (!len || !json_valid(text, len))
		return NULL;
	t = json_tokener_new_ex(256);
	o = json_tokener_parse_ex(t, text, (int)len);
	/* a lone number is complete only when something follows it */
	if (json_tokener_get_error(t) == json_tokener_continue)
		o = json_tokener_parse_ex(t, "", -1);
	json_tokener_free(t);
	return o;
}

void jputp(json_object **o)
{
	json_object_put(*o);
}

json_object *jget(json_object *o, const char *path)
{
	while (o && *path) {
		size_t n = strcspn(path, ".");
		_cleanup_(freep) char *key = xstrndup(path, n);

		if (!json_object_is_type(o, json_type_object))
			return NULL;
		o = json_object_object_get(o, key);
		path += n + (path[n] == '.');
	}
	return o;
}

const char *jstr(json_object *o, const char *path)
{
	json_object *v = jget(o, path);

	return json_object_is_type(v, json_type_string) ? json_object_get_string(v) : NULL;
}

int64_t jint(json_object *o, const char *path, int64_t otherwise)
{
	json_object *v = jget(o, path);

	return json_object_is_type(v, json_type_int) ? json_object_get_int64(v) : otherwise;
}

json_object *jmake(json_object *o, const char *path)
{
	while (*path && json_object_is_type(o, json_type_object)) {
		size_t n = strcspn(path, ".");
		_cleanup_(freep) char *key = xstrndup(path, n);
		json_object *v = json_object_object_get(o, key);

		if (!json_object_is_type(v, json_type_object)) {
			v = json_object_new_object();
			json_object_object_add(o, key, v);
		}
		o = v;
		path += n + (path[n] == '.');
	}
	return json_object_is_type(o, json_type_object) ? o : NULL;
}

void jset(json_object *o, const char *key, json_object *value)
{
	if (json_object_is_type(o, json_type_object))
		json_object_object_add(o, key, value);
	else
		json_object_put(value);
}

void jset_str(json_object *o, const char *key, const char *value)
{
	jset(o, key, json_object_new_string(value));
}

void jset_int(json_object *o, const char *key, int64_t value)
{
	jset(o, key, json_object_new_int64(value));
}

void jset_bool(json_object *o, const char *key, bool value)
{
	jset(o, key, json_object_new_boolean(value));
}

void jdefault_str(json_object *o, const char *key, const char *value)
{
	const char *old = jstr(o, key);

	if (!old || !*old)
		jset_str(o, key, value);
}

void jdefault_int(json_object *o, const char *key, int64_t value)
{
	if (!json_object_object_get(o, key))
		jset_int(o, key, value);
}

void jdefault_bool(json_object *o, const char *key, bool value)
{
	if (!json_object_object_get(o, key))
		jset_bool(o, key, value);
}

bool jnext(json_object *o, struct jmember *m)
{
	struct json_object_iterator end;

	if (!json_object_is_type(o, json_type_object))
		return false;
	if (m->key)
		json_object_iter_next(&m->at);
	else
		m->at = json_object_iter_begin(o);
	end = json_object_iter_end(o);
	if (json_object_iter_equal(&m->at, &end))
		return false;
	m->key = json_object_iter_peek_name(&m->at);
	m->value = json_object_iter_peek_value(&m->at);
	return true;
}

size_t jlen(json_object *array)
{
	return json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
}

json_object *jat(json_object *array, size_t i)
{
	return json_object_array_get_idx(array, i);
}

json_object *jcopy(json_object *o)
{
	json_object *copy = NULL;

	if (o)
		json_object_deep_copy(o, &copy, NULL);
	return copy;
}

bool jequal(json_object *a, json_object *b)
{
	return json_object_equal(a, b);
}
