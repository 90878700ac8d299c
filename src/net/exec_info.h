/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec_info: what a credential program is told in KUBERNETES_EXEC_INFO.
 */
#ifndef PODFS_NET_EXEC_INFO_H
#define PODFS_NET_EXEC_INFO_H

#include <podfs/config/config.h>

/* A CA's file; a bundle of all there are has 200 kB. */
#define EXEC_CA_SIZE_MAX (1u << 20)

/**
 * The JSON text for the program of @config (which has one).
 *
 * @interactive  it gets our standard input
 * @ret          to be freed
 *
 * 0, -ENOMEM, or why the certificate authority cannot be read, with @ret_error filled.
 */
int exec_info(const struct client_config *config, bool interactive, char **ret,
	      struct error *ret_error);

#endif
