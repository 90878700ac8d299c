/* SPDX-License-Identifier: Apache-2.0 */
#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admit.h"
#include "generate.h"
#include "gzip.h"
#include "store.h"
#include "yamldoc.h"

static bool kind_named(const char *name, enum kind *ret)
{
	for (unsigned k = 0; name && k < N_KINDS; k++)
		if (!strcmp(name, kinds[k].kind)) {
			*ret = (enum kind)k;
			return true;
		}
	return false;
}

/* Manifests of one kind, in the order nodes, namespaces, pods: pods need nodes to run on. */
struct manifests {
	const char *file;
	json_object *objects;
};

static bool collect(json_object *doc, void *arg)
{
	struct manifests *m = arg;
	const char *kind = jstr(doc, "kind");
	json_object *items = jget(doc, "items");
	enum kind k;

	if (kind && json_object_is_type(items, json_type_array)) {
		for (size_t i = 0; i < jlen(items); i++) {
			json_object *item = jat(items, i);

			/* the items of a typed list do not say what they are */
			if (!jstr(item, "kind") && strlen(kind) > 4)
				json_object_object_add(
				    item, "kind",
				    json_object_new_string_len(kind, (int)strlen(kind) - 4));
			if (!collect(item, arg))
				return false;
		}
		return true;
	}
	if (!kind_named(kind, &k)) {
		fprintf(stderr, "apisim: warning: %s: a %s is left out\n", m->file,
			kind ? kind : "document without kind");
		return true;
	}
	json_object_array_add(m->objects, json_object_get(doc));
	return true;
}

/* What the schema makes of a manifest; NULL with the reason on stderr. */
static json_object *clean(enum kind kind, json_object *manifest, const char *file)
{
	_cleanup_(freep) char *message = NULL;
	_cleanup_(freep) char *text = admit_text(kind, manifest, &message);

	if (!text)
		fprintf(stderr, "apisim: error: %s: %s\n", file, message);
	return text ? jparse(text, strlen(text)) : NULL;
}

/* A namespace may have been made already, for a pod that came before it. */
static void forget_namespace(const char *name)
{
	_cleanup_(object_unrefp) struct object *old = store_get(KIND_NAMESPACES, NULL, name);

	if (old)
		store_delete(old, NULL, 0, NULL);
}

static bool add_manifest(enum kind kind, json_object *manifest, const char *file)
{
	_cleanup_(jputp) json_object *o = clean(kind, manifest, file);
	_cleanup_(freep) char *text = NULL, *message = NULL, *namespace = NULL;
	const char *ns, *name;
	int r;

	if (!o)
		return false;
	ns = jstr(o, "metadata.namespace");
	name = jstr(o, "metadata.name");
	if (!name && !jstr(o, "metadata.generateName")) {
		fprintf(stderr, "apisim: error: %s: a %s has no name\n", file, kinds[kind].kind);
		return false;
	}
	namespace = xstrdup(ns && *ns ? ns : "default");
	if (kinds[kind].namespaced)
		admit_namespace(namespace);
	if (kind == KIND_NAMESPACES && name)
		forget_namespace(name);
	admit(kind, o, namespace, "kubectl-create");
	text = admit_text(kind, o, &message);
	r = store_create(kind, text, strlen(text), NULL);
	if (r < 0)
		fprintf(stderr, "apisim: error: %s: %s %s: %s\n", file, kinds[kind].kind,
			jstr(o, "metadata.name"), strerror(-r));
	return r == 0;
}

static bool load_manifests(const struct file_list *files)
{
	static const enum kind order[] = {KIND_NODES, KIND_NAMESPACES, KIND_PODS};
	bool ok = true;

	for (size_t k = 0; k < ARRAY_SIZE(order) && ok; k++) {
		for (size_t i = 0; i < files->n && ok; i++) {
			struct manifests m = {files->v[i], json_object_new_array()};
			struct buf b = {0};
			enum kind kind;

			ok = read_file(files->v[i], &b);
			if (!ok)
				fprintf(stderr, "apisim: error: %s: %s\n", files->v[i],
					strerror(errno));
			ok = ok && yaml_each(files->v[i], b.data, b.len, collect, &m);
			for (size_t j = 0; j < jlen(m.objects) && ok; j++)
				if (kind_named(jstr(jat(m.objects, j), "kind"), &kind) &&
				    kind == order[k])
					ok = add_manifest(kind, jat(m.objects, j), files->v[i]);
			json_object_put(m.objects);
			buf_release(&b);
		}
	}
	return ok;
}

/* One object of a raw file; `kind_name` is what its list says, or NULL. */
static bool load_object(const char *path, struct jspan o, const char *kind_name)
{
	_cleanup_(freep) char *own = kind_name ? NULL : jspan_dup(jspan_get(o, "kind"));
	enum kind kind;

	kind_name = kind_name ? kind_name : own;
	if (!kind_named(kind_name, &kind)) {
		fprintf(stderr, "apisim: error: %s: a %s cannot be served\n", path,
			kind_name ? kind_name : "document without kind");
		return false;
	}
	if (store_load(kind, o.p, o.len, true) < 0) {
		fprintf(stderr, "apisim: error: %s: a %s has no name\n", path, kind_name);
		return false;
	}
	return true;
}

/* A list as a server gave it (PodList), as kubectl prints several (List), or one object. */
static bool load_raw(const char *path)
{
	struct buf b = {0};
	struct jspan root, items, item;
	_cleanup_(freep) char *kind_name = NULL, *rv = NULL;
	const char *it = NULL;
	bool ok = read_file(path, &b), mixed;

	if (!ok || !json_valid(b.data, b.len)) {
		fprintf(stderr, "apisim: error: %s: %s\n", path,
			ok ? "it is not JSON" : strerror(errno));
		buf_release(&b);
		return false;
	}
	root = jspan_at(b.data, b.data + b.len);
	kind_name = jspan_dup(jspan_get(root, "kind"));
	items = jspan_get(root, "items");
	mixed = kind_name && !strcmp(kind_name, "List");
	if (items.p && !mixed && kind_name && strlen(kind_name) > 4)
		kind_name[strlen(kind_name) - 4] = '\0';
	if (!items.p)
		ok = load_object(path, root, kind_name);
	while (ok && items.p && jspan_element(items, &it, &item))
		ok = load_object(path, item, mixed ? NULL : kind_name);
	rv = jspan_dup(jspan_path(root, "metadata.resourceVersion"));
	if (rv && items.p)
		store_raise(strtoull(rv, NULL, 10));
	buf_release(&b);
	return ok;
}

/* Namespaces that objects of a raw list are in need not be in one themselves. */
static void add_namespaces(void)
{
	static const char *const always[] = {"default", "kube-node-lease", "kube-public",
					     "kube-system"};
	struct snapshot pods;
	const char *last = "";

	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		admit_namespace(always[i]);
	if (store_snapshot(KIND_PODS, NULL, 0, &pods) < 0)
		return;
	for (size_t i = 0; i < pods.n; i++) {
		if (strcmp(pods.v[i]->ns, last) != 0)
			admit_namespace(pods.v[i]->ns);
		last = pods.v[i]->ns;
	}
	snapshot_release(&pods);
}

bool load_all(const struct options *o)
{
	for (size_t i = 0; i < o->load_json.n; i++)
		if (!load_raw(o->load_json.v[i]))
			return false;
	generate_all(o);
	store_load_done();
	if (o->load_json.n == 0 || store_count(KIND_NAMESPACES) == 0)
		add_namespaces();
	if (!load_manifests(&o->load))
		return false;
	/* nobody can have seen a revision before this one */
	store_compact();
	return true;
}
