/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config: which cluster, as whom.
 *
 * Finds out what kubectl would find out, from the same sources: the command
 * line, the files of KUBECONFIG or ~/.kube/config, and the service account of
 * the container. Merge rules and precedence are client-go's (tools/clientcmd).
 *
 * The result is plain data with every reference resolved: file names absolute,
 * *-data decoded. Nothing is read from the credential files here, apart from the
 * service account's namespace: they change while the program runs, and `net`
 * reads them when it needs them.
 *
 * [any thread, before the program changes directory]
 */
#ifndef PODFS_CONFIG_CONFIG_H
#define PODFS_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include <podfs/base/cleanup.h>
#include <podfs/base/error.h>

/* What the command line says, with kubectl's names. NULL: not said. */
struct config_overrides {
	const char *kubeconfig; /* this file alone; it must exist */
	const char *context;
	const char *cluster;
	const char *user;
	const char *server;
	const char *token;
	const char *token_file;
	const char *certificate_authority;
	const char *client_certificate;
	const char *client_key;
	const char *tls_server_name;
	const char *namespace;
	bool insecure_skip_tls_verify;
};

/* Where the answer is looked for. A zeroed struct means the usual places. */
struct config_env {
	/* Looks up an environment variable; NULL: getenv(). */
	const char *(*getenv)(void *ctx, const char *name);
	void *ctx;
	/* Instead of /var/run/secrets/kubernetes.io/serviceaccount. */
	const char *service_account_dir;
};

enum config_source {
	CONFIG_SOURCE_UNSET,
	CONFIG_SOURCE_FLAGS,      /* --server, and nothing else was found */
	CONFIG_SOURCE_KUBECONFIG, /* one or more files */
	CONFIG_SOURCE_IN_CLUSTER, /* the container's service account */
};

/* Bytes of a certificate or key given in place: PEM. NULL: not given. */
struct config_data {
	char *data;
	size_t len;
};

struct config_extra {
	char *key;
	char **values; /* NULL-terminated, or NULL */
};

enum config_interactive {
	CONFIG_INTERACTIVE_UNSET,
	CONFIG_INTERACTIVE_NEVER,
	CONFIG_INTERACTIVE_IF_AVAILABLE, /* where standard input is a terminal */
	CONFIG_INTERACTIVE_ALWAYS,
};

struct config_env_entry {
	char *name;
	char *value;
};

/* A program that hands out credentials, and how it is called: client-go's exec plugin. */
struct config_exec {
	char *api_version; /* client.authentication.k8s.io/v1 or /v1beta1 */
	char *command;     /* absolute, or a name to look for in PATH */
	char **args;       /* NULL-terminated, or NULL */
	struct config_env_entry *env;
	size_t n_env;
	char *install_hint; /* for a person who has not got it, or NULL */
	enum config_interactive interactive;
	bool provide_cluster_info;
	char *cluster_config; /* JSON of the cluster's extension for it, or NULL */
};

struct client_config {
	enum config_source source;
	/* For messages: files it came from, and the names used in them, or NULL. */
	char *origin;
	char *context;
	char *cluster;
	char *user;

	/* http://, https:// or unix:///path; no slash at its end. Never NULL. */
	char *server;
	char *tls_server_name;
	char *proxy_url;
	bool insecure_skip_tls_verify;
	bool disable_compression;

	/* Of a *_file and its *_data at most one is set. */
	char *ca_file;
	struct config_data ca_data;
	char *client_cert_file;
	struct config_data client_cert_data;
	char *client_key_file;
	struct config_data client_key_data;

	/* The file wins over the token once it could be read. */
	char *token;
	char *token_file;
	char *username;
	char *password;

	/* A flag says who we are, whatever the user or the service account is. */
	bool login_from_flag;

	/* NULL if any of the above, or a client certificate, makes it moot. */
	struct config_exec *exec;

	/* Impersonation. */
	char *as;
	char *as_uid;
	char **as_groups; /* NULL-terminated, or NULL */
	struct config_extra *as_extra;
	size_t n_as_extra;

	/*
	 * --namespace, else the context's or the service account's, else
	 * "default". Never NULL.
	 */
	char *namespace;
	bool namespace_from_flag;
};

/**
 * Finds the configuration.
 *
 * @env  NULL: the process's own environment.
 * @ret  released with client_config_release(); untouched on errors.
 * @ret_error  words for it; may be NULL.
 *
 * 0; -ENOENT: a file, context, cluster or user that was asked for is not there,
 * or no configuration at all; -EINVAL: something in it makes no sense or goes
 * over a limit; -EOPNOTSUPP: it needs what podfs does not have; -ENOMEM; or
 * what reading a file gave.
 */
int client_config_load(const struct config_overrides *overrides, const struct config_env *env,
		       struct client_config *ret, struct error *ret_error);

/* Frees everything, secrets overwritten first. The struct is zeroed. */
void client_config_release(struct client_config *c);
#define cleanup_client_config cleanup_(client_config_release)

/**
 * Who that is, in a few words and without secrets: "user shop-admin (context
 * shop)", "the container's service account", "nobody".
 */
void client_config_identity(const struct client_config *c, char *ret, size_t size);

#endif
