/* SPDX-License-Identifier: Apache-2.0 */
#include "auth.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "status.h"

static const struct options *options;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct file_list grants; /* none is ever taken back */

void auth_init(const struct options *o)
{
	options = o;
	for (size_t i = 0; i < o->grants.n; i++)
		auth_grant(o->grants.v[i]);
}

bool auth_grant(const char *grant)
{
	if (!options_is_grant(grant))
		return false;
	pthread_mutex_lock(&lock);
	grants.v = xrealloc(grants.v, (grants.n + 1) * sizeof(*grants.v));
	grants.v[grants.n++] = xstrdup(grant);
	pthread_mutex_unlock(&lock);
	return true;
}

static char *dn_part(gnutls_x509_crt_t cert, const char *oid, unsigned index)
{
	char text[256];
	size_t n = sizeof(text);

	if (gnutls_x509_crt_get_dn_by_oid(cert, oid, index, 0, text, &n) < 0)
		return NULL;
	return xstrndup(text, n);
}

/* The certificate counts only if the client CA signed it; otherwise there is none. */
static bool by_certificate(struct request *req)
{
	const union MHD_ConnectionInfo *info;
	const gnutls_datum_t *chain;
	gnutls_x509_crt_t cert;
	unsigned n = 0, status = 0;

	if (!options->client_ca)
		return false;
	info = MHD_get_connection_info(req->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	if (!info)
		return false;
	chain = gnutls_certificate_get_peers(info->tls_session, &n);
	if (!chain || !n || gnutls_certificate_verify_peers2(info->tls_session, &status) < 0 ||
	    status)
		return false;
	if (gnutls_x509_crt_init(&cert) < 0)
		return false;
	if (gnutls_x509_crt_import(cert, &chain[0], GNUTLS_X509_FMT_DER) == 0) {
		req->user = dn_part(cert, GNUTLS_OID_X520_COMMON_NAME, 0);
		for (unsigned i = 0;; i++) {
			char *group = dn_part(cert, GNUTLS_OID_X520_ORGANIZATION_NAME, i);

			req->groups = xrealloc(req->groups, (i + 1) * sizeof(*req->groups));
			req->groups[i] = group;
			if (!group)
				break;
		}
	}
	gnutls_x509_crt_deinit(cert);
	return req->user;
}

static bool by_token(struct request *req, const char *token)
{
	for (size_t i = 0; i < options->tokens.n; i++) {
		const char *entry = options->tokens.v[i], *eq = strchr(entry, '=');
		size_t n = (size_t)(eq - entry);

		if (strlen(token) == n && !memcmp(token, entry, n)) {
			req->user = xstrdup(eq + 1);
			return true;
		}
	}
	return false;
}

/* What the real server tells everybody (role system:public-info-viewer). */
static bool is_public(const char *path)
{
	static const char *const paths[] = {"/healthz", "/livez", "/readyz", "/version"};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (!strcmp(path, paths[i]))
			return true;
	return !strncmp(path, "/apisim/", 8);
}

bool auth_check(struct request *req)
{
	const char *header = request_header(req, "Authorization");
	bool open = !options->tokens.n && !options->client_ca;

	if (by_certificate(req))
		return true;
	if (header && !strncmp(header, "Bearer ", 7)) {
		if (by_token(req, header + 7))
			return true;
		if (!open) {
			status_reply(req, 401, "Unauthorized", "Unauthorized", NULL);
			return false;
		}
	}
	if (open || is_public(req->path)) {
		req->user = xstrdup("system:anonymous");
		return true;
	}
	status_reply(req, 401, "Unauthorized", "Unauthorized", NULL);
	return false;
}

/* Whether the list "a,b,c", `n` bytes of it, has the word; "*" has all. */
static bool list_has(const char *list, size_t n, const char *word)
{
	while (n) {
		const char *comma = memchr(list, ',', n);
		size_t len = comma ? (size_t)(comma - list) : n;

		if ((len == 1 && *list == '*') || (len == strlen(word) && !memcmp(list, word, len)))
			return true;
		if (!comma)
			break;
		n -= len + 1;
		list = comma + 1;
	}
	return false;
}

/* grant: USER=VERBS:RESOURCES[:NAMESPACE]; a user's name may hold colons, but no '=' */
static bool granted(const char *grant, const char *verb, const char *resource, const char *ns)
{
	const char *verbs = strchr(grant, '=') + 1;
	const char *resources = strchr(verbs, ':') + 1;
	size_t n = strcspn(resources, ":");
	const char *only = resources[n] ? resources + n + 1 : "";

	return list_has(verbs, (size_t)(resources - verbs) - 1, verb) &&
	       list_has(resources, n, resource) && (!*only || (ns && !strcmp(only, ns)));
}

static char *full_name(const char *resource, const char *subresource)
{
	return *subresource ? xasprintf("%s/%s", resource, subresource) : xstrdup(resource);
}

/* Whether it is the user's; whoever has none may do everything. */
static bool is_of(const char *grant, const char *user)
{
	size_t n = strlen(user);

	return !strncmp(grant, user, n) && grant[n] == '=';
}

bool auth_may(const struct request *req, const char *verb, const char *resource,
	      const char *subresource, const char *ns)
{
	_cleanup_(freep) char *full = full_name(resource, subresource);
	bool any = false, may = false;

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < grants.n && !may; i++) {
		if (!is_of(grants.v[i], req->user))
			continue;
		any = true;
		may = granted(grants.v[i], verb, full, ns);
	}
	pthread_mutex_unlock(&lock);
	return may || !any;
}

bool auth_allows(struct request *req, const char *verb, const char *group, const char *resource,
		 const char *subresource, const char *ns, const char *name)
{
	_cleanup_(freep) char *full = full_name(resource, subresource);
	_cleanup_(freep) char *message = NULL, *details = NULL, *where = NULL, *what = NULL;
	struct buf b = {0};

	if (auth_may(req, verb, resource, subresource, ns))
		return true;
	where = ns ? xasprintf("in the namespace \"%s\"", ns) : xstrdup("at the cluster scope");
	what = name ? xasprintf("%s \"%s\"", full, name) : xstrdup(full);
	message = xasprintf("%s is forbidden: User \"%s\" cannot %s resource \"%s\" in API group "
			    "\"%s\" %s",
			    what, req->user, verb, full, group, where);
	buf_putc(&b, '{');
	if (name) {
		buf_puts(&b, "\"name\":");
		buf_json_str(&b, name);
		buf_putc(&b, ',');
	}
	if (*group)
		buf_printf(&b, "\"group\":\"%s\",", group);
	buf_printf(&b, "\"kind\":\"%s\"}", resource);
	details = buf_steal(&b);
	status_reply(req, 403, "Forbidden", message, details);
	reply_header(req, "X-Content-Type-Options", "nosniff");
	return false;
}
