/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loader: the steps of client_config_load().
 */
#ifndef PODFS_CONFIG_LOADER_H
#define PODFS_CONFIG_LOADER_H

#include "kubeconfig.h"

#define SERVICE_ACCOUNT_DIR "/var/run/secrets/kubernetes.io/serviceaccount"

#define EXEC_API_GROUP "client.authentication.k8s.io/"

/* What is being worked on. */
struct loader {
	const struct config_overrides *flags;
	const struct config_env *env;
	char *cwd;
	struct kubeconfig files;
	struct client_config config;
	struct error *error;
};

/* An environment variable; NULL if it is unset or empty. */
const char *loader_getenv(const struct loader *l, const char *name);

/* Reads the files that the flag, KUBECONFIG or the home directory name. */
int loader_read_files(struct loader *l);

/* Fills the config from context, cluster and user of the files. */
int loader_apply_files(struct loader *l);

/* Reads how @user's credentials are got from a program, if they are. */
int loader_apply_exec(struct loader *l, struct entry user, struct entry cluster);
void config_exec_free(struct config_exec *x);

/* Whether the container's service account can be used, and filling the config from it. */
bool loader_in_cluster_possible(const struct loader *l);
int loader_apply_in_cluster(struct loader *l);

/* Lays the flags over what was found. */
int loader_apply_flags(struct loader *l);

/* Checks that the parts fit together and brings the server into its final form. */
int loader_check(struct loader *l);

#endif
