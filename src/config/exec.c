/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exec part of a user: a program that hands out credentials.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "loader.h"
#include "strings.h"
#include "yaml_json.h"

#define EXTENSION "client.authentication.k8s.io/exec"

void config_exec_free(struct config_exec *x)
{
	if (!x)
		return;
	free(x->api_version);
	free(x->command);
	strings_free(x->args);
	for (size_t i = 0; i < x->n_env; i++) {
		free(x->env[i].name);
		secret_free(x->env[i].value);
	}
	free(x->env);
	free(x->install_hint);
	free(x->cluster_config);
	free(x);
}

static int refuse(struct loader *l, struct entry e, const char *what)
{
	return error_set(l->error, -EINVAL, "%s: the exec part of user \"%s\": %s", e.file->path,
			 l->config.user, what);
}

static int read_env(struct loader *l, struct entry e, struct config_exec *x)
{
	const yaml_node_t *list = document_get(e.file, e.map, "env");
	const yaml_node_t *item;
	size_t n = 0;

	if (list && list->type != YAML_SEQUENCE_NODE)
		return refuse(l, e, "env must be a list");
	while (document_at(e.file, list, n))
		n++;
	x->env = calloc(n + 1, sizeof(*x->env));
	if (!x->env)
		return -ENOMEM;
	for (size_t i = 0; (item = document_at(e.file, list, i)); i++) {
		struct config_env_entry *entry = &x->env[x->n_env++];
		int r = document_get_string(e.file, item, "name", &entry->name, l->error);

		if (r >= 0)
			r = document_get_string(e.file, item, "value", &entry->value, l->error);
		if (r < 0)
			return r;
		if (!entry->name || strchr(entry->name, '='))
			return refuse(l, e, "an entry of env has no name");
	}
	return 0;
}

static int read_mode(struct loader *l, struct entry e, struct config_exec *x)
{
	static const struct {
		const char *name;
		enum config_interactive mode;
	} modes[] = {
	    {"Never", CONFIG_INTERACTIVE_NEVER},
	    {"IfAvailable", CONFIG_INTERACTIVE_IF_AVAILABLE},
	    {"Always", CONFIG_INTERACTIVE_ALWAYS},
	};
	const char *name = document_text(document_get(e.file, e.map, "interactiveMode"));
	bool old = !strcmp(x->api_version, EXEC_API_GROUP "v1beta1");

	if (!name || !*name) {
		x->interactive = CONFIG_INTERACTIVE_IF_AVAILABLE;
		return old ? 0 : refuse(l, e, "interactiveMode must be given");
	}
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (!strcmp(modes[i].name, name))
			x->interactive = modes[i].mode;
	return x->interactive
		   ? 0
		   : refuse(l, e, "interactiveMode must be Never, IfAvailable or Always");
}

static int read_version(struct loader *l, struct entry e, struct config_exec *x)
{
	int r = document_get_string(e.file, e.map, "apiVersion", &x->api_version, l->error);

	if (r < 0)
		return r;
	if (!x->api_version)
		return refuse(l, e, "apiVersion must be given");
	if (!strcmp(x->api_version, EXEC_API_GROUP "v1") ||
	    !strcmp(x->api_version, EXEC_API_GROUP "v1beta1"))
		return 0;
	refuse(l, e, "apiVersion must be " EXEC_API_GROUP "v1 or " EXEC_API_GROUP "v1beta1");
	error_hint(l->error, "v1alpha1 is gone from Kubernetes: a newer release of the program "
			     "writes a newer kubeconfig");
	return -EINVAL;
}

/* Relative to the kubeconfig, unless it is a bare name, which is looked for in PATH. */
static int read_command(struct loader *l, struct entry e, struct config_exec *x)
{
	cleanup_free char *command = NULL;
	int r = document_get_string(e.file, e.map, "command", &command, l->error);

	if (r < 0)
		return r;
	if (!command)
		return refuse(l, e, "command must be given");
	x->command = strchr(command, '/') ? path_join(e.file->dir, command) : take_ptr(command);
	return x->command ? 0 : -ENOMEM;
}

/* The cluster's extension for the program. */
static int read_cluster_config(struct loader *l, struct entry cluster, struct config_exec *x)
{
	struct document *d = cluster.file;
	const yaml_node_t *list = cluster.map ? document_get(d, cluster.map, "extensions") : NULL;
	const yaml_node_t *item;

	for (size_t i = 0; list && (item = document_at(d, list, i)); i++) {
		const char *name = document_text(document_get(d, item, "name"));
		const yaml_node_t *value = document_get(d, item, "extension");

		if (!name || !value || strcmp(name, EXTENSION) != 0)
			continue;
		int r = yaml_json(d, value, &x->cluster_config);
		if (r < 0 && r != -ENOMEM)
			return error_set(l->error, r,
					 "%s: the extension " EXTENSION
					 " of cluster \"%s\" cannot be handed on: %s",
					 d->path, l->config.cluster, strerror(-r));
		return r;
	}
	return 0;
}

int loader_apply_exec(struct loader *l, struct entry user, struct entry cluster)
{
	struct entry e = {user.file, document_get(user.file, user.map, "exec")};
	struct config_exec *x;

	if (!e.map)
		return 0;
	if (e.map->type != YAML_MAPPING_NODE)
		return refuse(l, e, "it must be a mapping");
	x = l->config.exec = calloc(1, sizeof(*x));
	if (!x)
		return -ENOMEM;
	int r = read_version(l, e, x);
	if (r >= 0)
		r = read_command(l, e, x);
	if (r >= 0)
		r = document_get_strings(e.file, e.map, "args", &x->args, l->error);
	if (r >= 0)
		r = read_env(l, e, x);
	if (r >= 0)
		r = read_mode(l, e, x);
	if (r >= 0)
		r = document_get_string(e.file, e.map, "installHint", &x->install_hint, l->error);
	if (r >= 0)
		r = document_get_bool(e.file, e.map, "provideClusterInfo", &x->provide_cluster_info,
				      l->error);
	if (r >= 0 && x->provide_cluster_info)
		r = read_cluster_config(l, cluster, x);
	return r;
}
