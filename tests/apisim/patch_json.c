/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "patch.h"

json_object *patch_merge(json_object *target, json_object *patch)
{
	json_object *result;

	if (!json_object_is_type(patch, json_type_object))
		return jcopy(patch);
	result = json_object_is_type(target, json_type_object) ? jcopy(target)
							       : json_object_new_object();
	for (struct jmember m = {0}; jnext(patch, &m);) {
		if (!m.value)
			json_object_object_del(result, m.key);
		else
			jset(result, m.key,
			     patch_merge(json_object_object_get(result, m.key), m.value));
	}
	return result;
}

/* One step of a JSON pointer, decoded, from behind its slash; *p ends at the next slash. */
static char *pointer_step(const char **p)
{
	struct buf b = {0};

	for (; **p && **p != '/'; (*p)++) {
		if ((*p)[0] == '~' && (*p)[1] == '1') {
			buf_putc(&b, '/');
			(*p)++;
		} else if ((*p)[0] == '~' && (*p)[1] == '0') {
			buf_putc(&b, '~');
			(*p)++;
		} else {
			buf_putc(&b, **p);
		}
	}
	return buf_steal(&b);
}

static bool index_of(const char *step, size_t *ret)
{
	char *end;

	*ret = strtoul(step, &end, 10);
	return *step >= '0' && *step <= '9' && !*end;
}

static json_object *child(json_object *o, const char *step, bool *ret_found)
{
	json_object *v = NULL;
	size_t i;

	*ret_found = false;
	if (json_object_is_type(o, json_type_object))
		*ret_found = json_object_object_get_ex(o, step, &v);
	else if (json_object_is_type(o, json_type_array) && index_of(step, &i) && i < jlen(o)) {
		*ret_found = true;
		v = jat(o, i);
	}
	return v;
}

/* The container that a pointer's last step is in, and that step; NULL if there is none. */
static json_object *parent_of(json_object *root, const char *pointer, char **ret_step)
{
	json_object *o = root;
	const char *p = pointer;
	bool found = true;

	while (*p == '/') {
		char *step;

		p++;
		step = pointer_step(&p);
		if (!*p) {
			*ret_step = step;
			return o;
		}
		o = child(o, step, &found);
		free(step);
		if (!found)
			return NULL;
	}
	return NULL;
}

static bool add_at(json_object *o, const char *step, json_object *value)
{
	size_t i, n = jlen(o);

	if (json_object_is_type(o, json_type_object)) {
		jset(o, step, jcopy(value));
		return true;
	}
	if (!json_object_is_type(o, json_type_array))
		return false;
	if (!strcmp(step, "-"))
		return json_object_array_add(o, jcopy(value)) == 0;
	if (!index_of(step, &i) || i > n)
		return false;
	json_object_array_add(o, NULL);
	for (size_t j = n; j > i; j--)
		json_object_array_put_idx(o, j, json_object_get(jat(o, j - 1)));
	json_object_array_put_idx(o, i, jcopy(value));
	return true;
}

static bool remove_at(json_object *o, const char *step)
{
	bool found;
	size_t i;

	child(o, step, &found);
	if (!found)
		return false;
	if (json_object_is_type(o, json_type_object))
		json_object_object_del(o, step);
	else if (index_of(step, &i))
		json_object_array_del_idx(o, i, 1);
	return true;
}

static bool replace_at(json_object *o, const char *step, json_object *value)
{
	bool found;
	size_t i;

	child(o, step, &found);
	if (!found)
		return false;
	if (json_object_is_type(o, json_type_object))
		jset(o, step, jcopy(value));
	else if (index_of(step, &i))
		json_object_array_put_idx(o, i, jcopy(value));
	return true;
}

static bool value_at(json_object *root, const char *pointer, json_object **ret)
{
	_cleanup_(freep) char *step = NULL;
	json_object *o = parent_of(root, pointer, &step);
	bool found = false;

	*ret = o ? child(o, step, &found) : NULL;
	return found;
}

static bool apply(json_object *root, json_object *operation, char **ret_message)
{
	const char *op = jstr(operation, "op"), *path = jstr(operation, "path");
	const char *from = jstr(operation, "from");
	json_object *value = jget(operation, "value"), *o, *source = NULL;
	_cleanup_(freep) char *step = NULL, *from_step = NULL;
	bool ok = false;

	if (!op || !path) {
		*ret_message = xstrdup("Unexpected kind: an operation needs op and path");
		return false;
	}
	o = parent_of(root, path, &step);
	if (from && (!strcmp(op, "move") || !strcmp(op, "copy"))) {
		ok = o && value_at(root, from, &source);
		source = jcopy(source);
		if (ok && !strcmp(op, "move")) {
			json_object *holder = parent_of(root, from, &from_step);

			ok = holder && remove_at(holder, from_step);
		}
		ok = ok && add_at(o, step, source);
		json_object_put(source);
	} else if (o && !strcmp(op, "add")) {
		ok = add_at(o, step, value);
	} else if (o && !strcmp(op, "remove")) {
		ok = remove_at(o, step);
	} else if (o && !strcmp(op, "replace")) {
		ok = replace_at(o, step, value);
	} else if (o && !strcmp(op, "test")) {
		bool found;

		ok = jequal(child(o, step, &found), value);
		if (!ok)
			*ret_message = xasprintf("testing value %s failed: test failed", path);
	}
	if (!ok && !*ret_message)
		*ret_message =
		    xasprintf("%s operation does not apply: doc is missing path: \"%s\": "
			      "missing value",
			      op, path);
	return ok;
}

json_object *patch_json(json_object *target, json_object *operations, char **ret_message)
{
	json_object *result = jcopy(target);

	*ret_message = NULL;
	for (size_t i = 0; i < jlen(operations); i++)
		if (!apply(result, jat(operations, i), ret_message)) {
			json_object_put(result);
			return NULL;
		}
	return result;
}
