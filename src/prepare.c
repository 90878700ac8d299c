/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "prepare.h"

static bool has_secrets(const struct client_config *c)
{
	return c->token || c->token_file || c->client_cert_file || c->client_cert_data.data ||
	       c->username || c->exec;
}

enum exit_code prepare_mountpoint(const struct options *o, char *ret_mountpoint,
				  struct error *ret_error)
{
	int r = fs_check_mountpoint(o->mountpoint, ret_error);

	if (r == 0 && !realpath(o->mountpoint, ret_mountpoint))
		r = error_set(ret_error, -errno, "cannot use %s as mount point: %s", o->mountpoint,
			      strerror(errno));
	return r < 0 ? EXIT_CODE_MOUNT : EXIT_CODE_OK;
}

enum exit_code prepare_config(const struct options *o, struct client_config *ret_config,
			      struct error *ret_error)
{
	int r = 0;

	if (client_config_load(&o->config, NULL, ret_config, ret_error) < 0)
		return EXIT_CODE_CONFIG;
	if (!strncmp(ret_config->server, "http://", 7) && has_secrets(ret_config))
		fprintf(stderr,
			"podfs: warning: no credentials are sent to %s: they go over https "
			"only\n",
			ret_config->server);
	if (o->log_file)
		r = log_open(LOG_TO_FILE, o->log_level, o->log_file);
	if (r < 0) {
		error_set(ret_error, r, "cannot write to %s: %s", o->log_file, strerror(-r));
		return EXIT_CODE_OTHER;
	}
	log_open(LOG_TO_STDERR, o->log_level, NULL);
	return EXIT_CODE_OK;
}

void prepare_log(const struct options *o)
{
	enum log_target target = LOG_TO_STDERR;

	if (!o->foreground)
		target = o->log_file ? LOG_TO_FILE : LOG_TO_SYSLOG;
	log_open(target, o->log_level, o->log_file);
}
