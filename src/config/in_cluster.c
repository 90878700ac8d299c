/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of a container: environment variables for the address,
 * mounted files for everything else (rest.InClusterConfig in client-go).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <podfs/base/log.h>

#include "loader.h"
#include "strings.h"

#define NAMESPACE_FILE_MAX 1024

static const char *account_dir(const struct loader *l)
{
	return l->env->service_account_dir ? l->env->service_account_dir : SERVICE_ACCOUNT_DIR;
}

static char *account_file(const struct loader *l, const char *name)
{
	return path_join(account_dir(l), name);
}

bool loader_in_cluster_possible(const struct loader *l)
{
	cleanup_free char *token = account_file(l, "token");

	return token && access(token, R_OK) == 0;
}

/*
 * Without the variables (a container with enableServiceLinks has them always,
 * one started by hand inside a pod's files has not) the service's DNS name is
 * as good: every API server certificate holds it.
 */
static char *service_url(const struct loader *l)
{
	const char *host = loader_getenv(l, "KUBERNETES_SERVICE_HOST");
	const char *port = loader_getenv(l, "KUBERNETES_SERVICE_PORT");
	char *url;

	if (!host || !port)
		return strdup("https://kubernetes.default.svc");
	bool v6 = strchr(host, ':');
	if (asprintf(&url, "https://%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "", port) < 0)
		return NULL;
	return url;
}

static int find_namespace(struct loader *l)
{
	const char *name = loader_getenv(l, "POD_NAMESPACE");
	cleanup_free char *path = account_file(l, "namespace");
	cleanup_secret struct config_data text = {0};

	if (name)
		return string_replace(&l->config.namespace, name);
	if (!path)
		return -ENOMEM;
	int r = file_read(path, NAMESPACE_FILE_MAX, &text);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return 0; /* "default" is filled in later */
	char *start = text.data + strspn(text.data, " \t\r\n");
	start[strcspn(start, " \t\r\n")] = '\0';
	return *start ? string_replace(&l->config.namespace, start) : 0;
}

int loader_apply_in_cluster(struct loader *l)
{
	struct client_config *c = &l->config;

	c->source = CONFIG_SOURCE_IN_CLUSTER;
	c->origin = strdup(account_dir(l));
	c->server = service_url(l);
	c->token_file = account_file(l, "token");
	c->ca_file = account_file(l, "ca.crt");
	if (!c->origin || !c->server || !c->token_file || !c->ca_file)
		return -ENOMEM;
	if (access(c->ca_file, R_OK) < 0) {
		log_warn("%s cannot be read: only the system's certificate authorities count",
			 c->ca_file);
		free(take_ptr(c->ca_file));
	}
	return find_namespace(l);
}
