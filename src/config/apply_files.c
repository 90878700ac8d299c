/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a kubeconfig's context, cluster and user to a client_config.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "loader.h"
#include "strings.h"

static int get_path(struct entry e, const char *key, char **ret, struct error *error)
{
	cleanup_free char *path = NULL;
	int r = document_get_string(e.file, e.map, key, &path, error);

	if (r < 0 || !path)
		return r;
	*ret = path_join(e.file->dir, path);
	return *ret ? 0 : -ENOMEM;
}

static int get_data(struct entry e, const char *key, struct config_data *ret, struct error *error)
{
	char *text;
	int r = document_get_string(e.file, e.map, key, &text, error);

	if (r < 0 || !text)
		return r;
	r = base64_decode(text, ret);
	secret_free(text);
	if (r == -EINVAL)
		error_set(error, r, "%s: %s is not valid base64", e.file->path, key);
	return r;
}

/* A file and the same in place: what is in place wins. */
static int get_pem(struct entry e, const char *file_key, const char *data_key, char **ret_file,
		   struct config_data *ret_data, struct error *error)
{
	int r = get_data(e, data_key, ret_data, error);

	if (r < 0 || ret_data->data)
		return r;
	return get_path(e, file_key, ret_file, error);
}

static int apply_cluster(struct loader *l, struct entry e)
{
	struct client_config *c = &l->config;
	int r = document_get_string(e.file, e.map, "server", &c->server, l->error);

	if (r >= 0)
		r = document_get_string(e.file, e.map, "tls-server-name", &c->tls_server_name,
					l->error);
	if (r >= 0)
		r = document_get_string(e.file, e.map, "proxy-url", &c->proxy_url, l->error);
	if (r >= 0)
		r = document_get_bool(e.file, e.map, "insecure-skip-tls-verify",
				      &c->insecure_skip_tls_verify, l->error);
	if (r >= 0)
		r = document_get_bool(e.file, e.map, "disable-compression", &c->disable_compression,
				      l->error);
	if (r >= 0)
		r = get_pem(e, "certificate-authority", "certificate-authority-data", &c->ca_file,
			    &c->ca_data, l->error);
	return r;
}

static int apply_extra(struct loader *l, struct entry e)
{
	const yaml_node_t *map = document_get(e.file, e.map, "as-user-extra");
	struct client_config *c = &l->config;

	if (!map)
		return 0;
	if (map->type != YAML_MAPPING_NODE)
		return error_set(l->error, -EINVAL, "%s: as-user-extra must be a mapping",
				 e.file->path);
	size_t n = (size_t)(map->data.mapping.pairs.top - map->data.mapping.pairs.start);
	c->as_extra = calloc(n + 1, sizeof(*c->as_extra));
	if (!c->as_extra)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const yaml_node_pair_t *pair = &map->data.mapping.pairs.start[i];
		const char *key = document_text(yaml_document_get_node(&e.file->yaml, pair->key));
		struct config_extra *extra = &c->as_extra[c->n_as_extra++];

		if (!key)
			return error_set(l->error, -EINVAL,
					 "%s: the keys of as-user-extra must be strings",
					 e.file->path);
		extra->key = strdup(key);
		if (!extra->key)
			return -ENOMEM;
		int r = document_get_strings(e.file, map, key, &extra->values, l->error);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A way to log in that is no more, unless a plain credential makes it moot. */
static int refuse_provider(struct loader *l, struct entry e)
{
	const struct client_config *c = &l->config;

	if (!document_get(e.file, e.map, "auth-provider"))
		return 0;
	if (document_get(e.file, e.map, "exec"))
		return error_set(l->error, -EINVAL,
				 "user \"%s\" in %s has both an auth-provider and an exec part",
				 c->user, e.file->path);
	if (c->token || c->token_file || c->username || c->client_cert_file ||
	    c->client_cert_data.data)
		return 0;
	if (l->flags->token || l->flags->token_file || l->flags->client_certificate)
		return 0;
	error_set(l->error, -EOPNOTSUPP,
		  "user \"%s\" in %s uses an auth-provider, which Kubernetes has removed", c->user,
		  e.file->path);
	error_hint(l->error, "log in again with a current client, or give --token-file");
	return -EOPNOTSUPP;
}

static int apply_user(struct loader *l, struct entry e, struct entry cluster)
{
	struct client_config *c = &l->config;
	int r = document_get_string(e.file, e.map, "token", &c->token, l->error);

	if (r >= 0)
		r = get_path(e, "tokenFile", &c->token_file, l->error);
	if (r >= 0)
		r = document_get_string(e.file, e.map, "username", &c->username, l->error);
	if (r >= 0)
		r = document_get_string(e.file, e.map, "password", &c->password, l->error);
	if (r >= 0)
		r = get_pem(e, "client-certificate", "client-certificate-data",
			    &c->client_cert_file, &c->client_cert_data, l->error);
	if (r >= 0)
		r = get_pem(e, "client-key", "client-key-data", &c->client_key_file,
			    &c->client_key_data, l->error);
	if (r >= 0)
		r = document_get_string(e.file, e.map, "as", &c->as, l->error);
	if (r >= 0)
		r = document_get_string(e.file, e.map, "as-uid", &c->as_uid, l->error);
	if (r >= 0)
		r = document_get_strings(e.file, e.map, "as-groups", &c->as_groups, l->error);
	if (r >= 0)
		r = apply_extra(l, e);
	if (r >= 0)
		r = refuse_provider(l, e);
	return r < 0 ? r : loader_apply_exec(l, e, cluster);
}

/* @why: how the name came up, as in "named by --context". */
static int not_there(struct loader *l, const char *list, const char *kind, const char *name,
		     const char *why)
{
	cleanup_free char *origin = kubeconfig_origin(&l->files);
	char names[256];

	kubeconfig_names(&l->files, list, names, sizeof(names));
	error_set(l->error, -ENOENT, "%s \"%s\", %s, does not exist in %s", kind, name, why,
		  l->files.n_files && origin ? origin : "any kubeconfig: none was found");
	if (*names)
		error_hint(l->error, "there are the %s %s", list, names);
	return -ENOENT;
}

int loader_apply_files(struct loader *l)
{
	struct client_config *c = &l->config;
	const struct config_overrides *flags = l->flags;
	const char *context =
	    flags->context ? flags->context : kubeconfig_current_context(&l->files);
	cleanup_free char *cluster = NULL;
	cleanup_free char *user = NULL;
	struct entry in_use = {0};
	struct entry e;
	int r = 0;

	if (context) {
		e = kubeconfig_find(&l->files, "contexts", "context", context);
		if (!e.map)
			return not_there(l, "contexts", "context", context,
					 flags->context ? "named by --context"
							: "the current-context");
		r = document_get_string(e.file, e.map, "cluster", &cluster, l->error);
		if (r >= 0)
			r = document_get_string(e.file, e.map, "user", &user, l->error);
		if (r >= 0)
			r = document_get_string(e.file, e.map, "namespace", &c->namespace,
						l->error);
		if (r >= 0)
			r = string_replace(&c->context, context);
	}
	if (r >= 0)
		r = string_replace(&cluster, flags->cluster);
	if (r >= 0)
		r = string_replace(&user, flags->user);
	if (r < 0)
		return r;
	if (cluster) {
		e = kubeconfig_find(&l->files, "clusters", "cluster", cluster);
		if (!e.map)
			return not_there(l, "clusters", "cluster", cluster,
					 flags->cluster ? "named by --cluster"
							: "named by the context");
		c->cluster = take_ptr(cluster);
		in_use = e;
		r = apply_cluster(l, e);
	}
	if (r >= 0 && user) {
		e = kubeconfig_find(&l->files, "users", "user", user);
		if (!e.map)
			return not_there(l, "users", "user", user,
					 flags->user ? "named by --user" : "named by the context");
		c->user = take_ptr(user);
		r = apply_user(l, e, in_use);
	}
	if (r >= 0 && l->files.n_files) {
		c->source = CONFIG_SOURCE_KUBECONFIG;
		c->origin = kubeconfig_origin(&l->files);
		r = c->origin ? 0 : -ENOMEM;
	}
	return r;
}
