/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec_credential: what a credential program answers.
 */
#ifndef PODFS_NET_EXEC_CREDENTIAL_H
#define PODFS_NET_EXEC_CREDENTIAL_H

#include <stdint.h>

#include <podfs/base/error.h>
#include <podfs/config/config.h>

struct exec_credential {
	struct config_data token; /* data NULL: none */
	struct config_data cert;  /* PEM; both of these or none */
	struct config_data key;
	int64_t expires_ns; /* since 1970; 0: never */
};

/* Overwrites and frees. */
void exec_credential_release(struct exec_credential *c);
#define cleanup_exec_credential cleanup_(exec_credential_release)

/**
 * Reads an ExecCredential.
 *
 * @api_version  what was asked for; the answer must say the same.
 *
 * 0, -ENOMEM, or -EINVAL with words for what is wrong with it in @ret_error, as what follows
 * "the program ...". They repeat nothing of it.
 */
int exec_credential_parse(const char *text, size_t len, const char *api_version,
			  struct exec_credential *ret, struct error *ret_error);

#endif
