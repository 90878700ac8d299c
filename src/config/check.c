/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the parts fit together: client-go's validation, and the forms of a
 * server URL.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "loader.h"
#include "strings.h"

#define URL_MAX 2048
#define DNS_LABEL_MAX 63

static bool starts_with(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

/* Printable ASCII without blanks: nothing that could end a header or a log line. */
static bool is_clean(const char *s)
{
	for (; *s; s++)
		if (*s <= ' ' || *s >= 0x7f)
			return false;
	return true;
}

/* What goes into a header: any UTF-8, but nothing that ends a line. */
static bool is_header_text(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	return true;
}

static bool is_header_list(char **list)
{
	for (; list && *list; list++)
		if (!is_header_text(*list))
			return false;
	return true;
}

static int check_impersonation(struct loader *l)
{
	const struct client_config *c = &l->config;
	bool good = (!c->as || is_header_text(c->as)) &&
		    (!c->as_uid || is_header_text(c->as_uid)) && is_header_list(c->as_groups);

	if ((c->as_uid || c->as_groups || c->n_as_extra) && !c->as)
		return error_set(l->error, -EINVAL,
				 "as-uid, as-groups or as-user-extra without as: whom to "
				 "impersonate is not said");
	for (size_t i = 0; i < c->n_as_extra; i++)
		good = good && is_header_list(c->as_extra[i].values);
	if (!good)
		return error_set(l->error, -EINVAL,
				 "as, as-uid, as-groups or as-user-extra hold control characters");
	return 0;
}

static bool is_dns_label(const char *s)
{
	size_t len = strlen(s);

	return len >= 1 && len <= DNS_LABEL_MAX &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == len && s[0] != '-' &&
	       s[len - 1] != '-';
}

/* A server without a scheme is http, unless something says TLS; so says client-go. */
static int add_scheme(struct client_config *c)
{
	bool tls = c->ca_file || c->ca_data.data || c->client_cert_file ||
		   c->client_cert_data.data || c->insecure_skip_tls_verify;
	char *url;

	if (strstr(c->server, "://"))
		return 0;
	if (asprintf(&url, "%s://%s", tls ? "https" : "http", c->server) < 0)
		return -ENOMEM;
	free(c->server);
	c->server = url;
	return 0;
}

static int check_server(struct loader *l)
{
	struct client_config *c = &l->config;
	int r = add_scheme(c);

	if (r < 0)
		return r;
	const char *rest = strstr(c->server, "://") + 3;
	bool unix_socket = starts_with(c->server, "unix://");
	if (!is_clean(c->server) || strlen(c->server) > URL_MAX || strpbrk(c->server, "?#"))
		return error_set(l->error, -EINVAL, "the server's address is not a valid URL");
	/* Not repeated in the message: there is a password in it. */
	if (!unix_socket && memchr(rest, '@', strcspn(rest, "/")))
		return error_set(l->error, -EINVAL,
				 "the server's address must not hold a user or a password");
	if (!unix_socket && !starts_with(c->server, "http://") &&
	    !starts_with(c->server, "https://"))
		return error_set(l->error, -EINVAL,
				 "server \"%s\": the scheme must be https, http or unix",
				 c->server);
	if (unix_socket ? rest[0] != '/' || !rest[strspn(rest, "/")]
			: (rest[0] == '/' || !rest[0] || rest[0] == ':'))
		return error_set(l->error, -EINVAL, "server \"%s\": there is no %s in it",
				 c->server, unix_socket ? "absolute path" : "host");
	for (size_t n = strlen(c->server); c->server[n - 1] == '/'; n--)
		c->server[n - 1] = '\0';
	return 0;
}

static int check_tls(struct loader *l)
{
	const struct client_config *c = &l->config;
	bool cert = c->client_cert_file || c->client_cert_data.data;
	bool key = c->client_key_file || c->client_key_data.data;

	if (c->insecure_skip_tls_verify && (c->ca_file || c->ca_data.data)) {
		error_set(l->error, -EINVAL,
			  "a certificate authority and insecure-skip-tls-verify are both given for "
			  "%s: that cannot be meant",
			  c->server);
		error_hint(l->error, "take one of them out");
		return -EINVAL;
	}
	if (cert != key)
		return error_set(l->error, -EINVAL, "there is a client %s without its %s",
				 cert ? "certificate" : "key", cert ? "key" : "certificate");
	return 0;
}

static int check_credentials(struct loader *l)
{
	const struct client_config *c = &l->config;

	if (c->token && (c->username || c->password))
		return error_set(l->error, -EINVAL,
				 "user \"%s\" has both a token and a password: only one is allowed",
				 c->user ? c->user : "");
	if (c->token && !is_clean(c->token))
		return error_set(l->error, -EINVAL, "the token holds characters no token can have");
	return 0;
}

/* As client-go has it: a program is only run where there is no other way in. */
static void drop_moot_exec(struct client_config *c)
{
	if (c->token || c->token_file || c->username || c->client_cert_file ||
	    c->client_cert_data.data)
		config_exec_free(take_ptr(c->exec));
}

int loader_check(struct loader *l)
{
	struct client_config *c = &l->config;
	int r = check_server(l);

	if (r >= 0)
		r = check_tls(l);
	if (r >= 0)
		r = check_credentials(l);
	if (r >= 0)
		r = check_impersonation(l);
	if (r < 0)
		return r;
	if (c->proxy_url && !starts_with(c->proxy_url, "http://") &&
	    !starts_with(c->proxy_url, "https://") && !starts_with(c->proxy_url, "socks5://"))
		return error_set(l->error, -EINVAL,
				 "proxy-url of cluster \"%s\": the scheme must be http, https or "
				 "socks5",
				 c->cluster ? c->cluster : "");
	drop_moot_exec(c);
	if (!is_dns_label(c->namespace))
		return error_set(l->error, -EINVAL, "\"%s\" is not the name of a namespace",
				 c->namespace);
	return 0;
}
