/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jsonx: short ways to read and build json-c trees. For what is rare only:
 * manifests, patches and what is made of them.
 */
#pragma once

#include <json-c/json.h>

#include "util.h"

/** Parses `len` bytes; NULL if they are not one JSON value. To be put. */
json_object *jparse(const char *text, size_t len);
void jputp(json_object **o);

/** The member at names separated by dots, or NULL; borrowed. */
json_object *jget(json_object *o, const char *path);
/** Its text, or NULL if it is not a string. */
const char *jstr(json_object *o, const char *path);
int64_t jint(json_object *o, const char *path, int64_t otherwise);

/** The object at a path, made where it is missing; NULL if `o` is no object. */
json_object *jmake(json_object *o, const char *path);

/** Set a member, whatever it was; `value` is taken over. Nothing happens if `o` is no object. */
void jset(json_object *o, const char *key, json_object *value);
void jset_str(json_object *o, const char *key, const char *value);
void jset_int(json_object *o, const char *key, int64_t value);
void jset_bool(json_object *o, const char *key, bool value);
/** Set it only if it is missing or null (strings: also empty). */
void jdefault_str(json_object *o, const char *key, const char *value);
void jdefault_int(json_object *o, const char *key, int64_t value);
void jdefault_bool(json_object *o, const char *key, bool value);

/**
 * Walks an object: `for (struct jmember m = {0}; jnext(o, &m);)`. Nothing to
 * walk if it is none. The object must not change meanwhile.
 */
struct jmember {
	const char *key;
	json_object *value;
	struct json_object_iterator at;
};
bool jnext(json_object *o, struct jmember *m);

size_t jlen(json_object *array);
json_object *jat(json_object *array, size_t i);
json_object *jcopy(json_object *o);

/** Deep equality; objects regardless of the order of their members. */
bool jequal(json_object *a, json_object *b);
