/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flags over what was found. A flag takes with it what would contradict it, as
 * kubectl's do: a server the server name, a CA the insecure setting, a token
 * every other way to log in with a bearer or a password.
 */
#include <errno.h>
#include <string.h>

#include "loader.h"
#include "strings.h"

static int replace_path(struct loader *l, char **where, const char *path)
{
	if (!path)
		return 0;
	char *whole = path_join(l->cwd, path);
	if (!whole)
		return -ENOMEM;
	free(*where);
	*where = whole;
	return 0;
}

static int apply_server(struct loader *l)
{
	const struct config_overrides *f = l->flags;
	struct client_config *c = &l->config;
	int r = string_replace(&c->server, f->server);

	if (f->server)
		free(take_ptr(c->tls_server_name));
	if (r >= 0)
		r = string_replace(&c->tls_server_name, f->tls_server_name);
	if (f->insecure_skip_tls_verify || f->certificate_authority) {
		c->insecure_skip_tls_verify = f->insecure_skip_tls_verify;
		free(take_ptr(c->ca_file));
		config_data_release(&c->ca_data);
	}
	if (r >= 0)
		r = replace_path(l, &c->ca_file, f->certificate_authority);
	return r;
}

static int apply_credentials(struct loader *l)
{
	const struct config_overrides *f = l->flags;
	struct client_config *c = &l->config;

	c->login_from_flag = f->token || f->token_file || f->client_certificate;
	if (f->token || f->token_file) {
		secret_free(take_ptr(c->token));
		free(take_ptr(c->token_file));
		secret_free(take_ptr(c->username));
		secret_free(take_ptr(c->password));
	}
	if (f->client_certificate)
		config_data_release(&c->client_cert_data);
	if (f->client_key)
		config_data_release(&c->client_key_data);
	int r = string_replace(&c->token, f->token);
	if (r >= 0)
		r = replace_path(l, &c->token_file, f->token_file);
	if (r >= 0)
		r = replace_path(l, &c->client_cert_file, f->client_certificate);
	if (r >= 0)
		r = replace_path(l, &c->client_key_file, f->client_key);
	return r;
}

int loader_apply_flags(struct loader *l)
{
	struct client_config *c = &l->config;
	int r = apply_server(l);

	if (r >= 0)
		r = apply_credentials(l);
	if (r >= 0)
		r = string_replace(&c->namespace, l->flags->namespace);
	c->namespace_from_flag = l->flags->namespace;
	if (r >= 0 && !c->namespace)
		r = string_replace(&c->namespace, "default");
	return r;
}
