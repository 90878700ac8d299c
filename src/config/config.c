/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_config: found, described, given back.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "loader.h"
#include "strings.h"

const char *loader_getenv(const struct loader *l, const char *name)
{
	const char *value = l->env->getenv ? l->env->getenv(l->env->ctx, name) : getenv(name);

	return value && *value ? value : NULL;
}

static int nothing_found(struct loader *l)
{
	cleanup_free char *origin = kubeconfig_origin(&l->files);
	char contexts[256];

	kubeconfig_names(&l->files, "contexts", contexts, sizeof(contexts));
	if (*contexts && !l->config.context) {
		error_set(l->error, -ENOENT, "%s has no current-context", origin ? origin : "");
		error_hint(l->error, "name one with --context: %s", contexts);
	} else if (l->config.context) {
		error_set(l->error, -ENOENT, "context \"%s\" in %s has no cluster with a server",
			  l->config.context, origin ? origin : "");
	} else {
		error_set(l->error, -ENOENT,
			  "no cluster is configured: no kubeconfig and no service account here");
		error_hint(l->error, "set KUBECONFIG, or give --kubeconfig FILE or --server URL");
	}
	return -ENOENT;
}

static int load(struct loader *l)
{
	bool named = l->flags->context || l->flags->cluster || l->flags->kubeconfig;
	int r = loader_read_files(l);

	if (r >= 0)
		r = loader_apply_files(l);
	if (r < 0)
		return r;
	if (!l->config.server && !l->flags->server) {
		/* Someone who names a context does not mean the container's account. */
		if (named || !loader_in_cluster_possible(l))
			return nothing_found(l);
		client_config_release(&l->config);
		r = loader_apply_in_cluster(l);
	}
	if (r >= 0)
		r = loader_apply_flags(l);
	if (r >= 0 && !l->config.source)
		l->config.source = CONFIG_SOURCE_FLAGS;
	return r < 0 ? r : loader_check(l);
}

int client_config_load(const struct config_overrides *overrides, const struct config_env *env,
		       struct client_config *ret, struct error *ret_error)
{
	static const struct config_env own = {0};
	struct loader l = {.flags = overrides, .env = env ? env : &own, .error = ret_error};

	/* A directory that is gone only matters to relative paths. */
	l.cwd = getcwd(NULL, 0);
	if (!l.cwd)
		l.cwd = strdup("/");
	int r = l.cwd ? load(&l) : -ENOMEM;
	if (r == -ENOMEM)
		error_set(ret_error, r, "out of memory");
	if (r >= 0) {
		*ret = l.config;
		l.config = (struct client_config){0};
	}
	client_config_release(&l.config);
	kubeconfig_release(&l.files);
	free(l.cwd);
	return r;
}

void client_config_release(struct client_config *c)
{
	free(c->origin);
	free(c->context);
	free(c->cluster);
	free(c->user);
	free(c->server);
	free(c->tls_server_name);
	secret_free(c->proxy_url);
	free(c->ca_file);
	config_data_release(&c->ca_data);
	free(c->client_cert_file);
	config_data_release(&c->client_cert_data);
	free(c->client_key_file);
	config_data_release(&c->client_key_data);
	secret_free(c->token);
	free(c->token_file);
	secret_free(c->username);
	secret_free(c->password);
	config_exec_free(c->exec);
	free(c->as);
	free(c->as_uid);
	strings_free(c->as_groups);
	for (size_t i = 0; i < c->n_as_extra; i++) {
		free(c->as_extra[i].key);
		strings_free(c->as_extra[i].values);
	}
	free(c->as_extra);
	free(c->namespace);
	*c = (struct client_config){0};
}

static bool has_credentials(const struct client_config *c)
{
	return c->token || c->token_file || c->username || c->client_cert_file ||
	       c->client_cert_data.data || c->exec;
}

#define BEARER "the bearer of the given credentials"

void client_config_identity(const struct client_config *c, char *ret, size_t size)
{
	char as[128] = "";

	if (c->as)
		snprintf(as, sizeof(as), ", acting as %s", c->as);
	if (!strncmp(c->server, "http://", 7) && (c->user || has_credentials(c)))
		snprintf(ret, size, "nobody (credentials go over https only)%s", as);
	else if (c->login_from_flag)
		snprintf(ret, size, BEARER "%s", as);
	else if (c->source == CONFIG_SOURCE_IN_CLUSTER && c->namespace_from_flag)
		snprintf(ret, size, "the container's service account%s", as);
	else if (c->source == CONFIG_SOURCE_IN_CLUSTER)
		snprintf(ret, size, "the service account of namespace %s%s", c->namespace, as);
	else if (c->user && c->context)
		snprintf(ret, size, "user %s (context %s)%s", c->user, c->context, as);
	else if (c->user)
		snprintf(ret, size, "user %s%s", c->user, as);
	else if (has_credentials(c))
		snprintf(ret, size, BEARER "%s", as);
	else
		snprintf(ret, size, "nobody (no credentials)%s", as);
}
