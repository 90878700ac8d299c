/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kubeconfigs (src/config): whatever is in the files, the result is a configuration that holds
 * together, or an error with words for it; the same files say the same twice; and who that is
 * (client_config_identity) is said without a secret.
 *
 * Input: a byte for the flags that are given, then up to three files, with a NUL between them.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include <podfs/config/config.h>

#include "fuzz.h"

#define FILES_MAX 3

static int files[FILES_MAX];
static char list[128]; /* KUBECONFIG */

static void write_file(int fd, struct fuzz_input text)
{
	fuzz_check(ftruncate(fd, 0) == 0);
	fuzz_check(pwrite(fd, text.p, text.len, 0) == (ssize_t)text.len);
}

/* All there can be, in memory. */
static void make_files(void)
{
	if (*list)
		return;
	for (int i = 0; i < FILES_MAX; i++) {
		size_t len = strlen(list);

		files[i] = memfd_create("kubeconfig", MFD_CLOEXEC);
		fuzz_check(files[i] >= 0);
		snprintf(list + len, sizeof(list) - len, "%s/proc/self/fd/%d", i ? ":" : "",
			 files[i]);
	}
}

static const char *get_env(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "KUBECONFIG") ? NULL : list;
}

static struct config_overrides flags_of(uint8_t byte)
{
	return (struct config_overrides){
	    .context = byte & 1 ? "a" : NULL,
	    .cluster = byte & 2 ? "a" : NULL,
	    .user = byte & 4 ? "a" : NULL,
	    .server = byte & 8 ? "https://server:1" : NULL,
	    .token = byte & 16 ? "flag-token" : NULL,
	    .namespace = byte & 32 ? "shop" : NULL,
	    .insecure_skip_tls_verify = byte & 64,
	    .certificate_authority = byte & 128 ? "ca.crt" : NULL,
	};
}

static bool is_clean(const char *s)
{
	for (; s && *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	return true;
}

static bool is_absolute(const char *path)
{
	return !path || path[0] == '/';
}

static void check_exec(const struct config_exec *x)
{
	fuzz_check(x->api_version && x->command && *x->command && x->interactive);
	fuzz_check(!strchr(x->command, '/') || is_absolute(x->command));
	for (size_t i = 0; i < x->n_env; i++)
		fuzz_check(x->env[i].name && *x->env[i].name && !strchr(x->env[i].name, '='));
}

static void check_tls(const struct client_config *c)
{
	bool ca = c->ca_file || c->ca_data.data;

	fuzz_check(!c->ca_file || !c->ca_data.data);
	fuzz_check(!c->client_cert_file || !c->client_cert_data.data);
	fuzz_check(!c->client_key_file || !c->client_key_data.data);
	fuzz_check((c->client_cert_file || c->client_cert_data.data) ==
		   (c->client_key_file || c->client_key_data.data));
	fuzz_check(!ca || !c->insecure_skip_tls_verify);
	fuzz_check(is_absolute(c->ca_file) && is_absolute(c->client_cert_file) &&
		   is_absolute(c->client_key_file) && is_absolute(c->token_file));
}

static void check_impersonation(const struct client_config *c)
{
	fuzz_check(c->as || (!c->as_uid && !c->as_groups && !c->n_as_extra));
	fuzz_check(is_clean(c->as) && is_clean(c->as_uid));
	for (char **g = c->as_groups; g && *g; g++)
		fuzz_check(is_clean(*g));
	for (size_t i = 0; i < c->n_as_extra; i++) {
		fuzz_check(c->as_extra[i].key != NULL);
		for (char **v = c->as_extra[i].values; v && *v; v++)
			fuzz_check(is_clean(*v));
	}
}

/* Whether a text holds a secret: one of some length, which is not in a name or the words, too. */
static bool tells(const struct client_config *c, const char *text, const char *secret)
{
	static const char *const words[] = {
	    "the bearer of the given credentials",
	    "the container's service account",
	    "nobody (credentials go over https only), acting as ",
	    "nobody (no credentials), acting as ",
	};
	const char *const names[] = {c->user, c->context, c->as};

	if (!secret || strlen(secret) < 6 || !strstr(text, secret))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(words[i], secret))
			return false;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i] && strstr(names[i], secret))
			return false;
	return true;
}

static void check_identity(const struct client_config *c)
{
	char text[256];

	memset(text, 'x', sizeof(text));
	client_config_identity(c, text, sizeof(text));
	fuzz_check(strnlen(text, sizeof(text)) < sizeof(text) && *text);
	fuzz_check(!tells(c, text, c->token) && !tells(c, text, c->password));
}

static void check(const struct client_config *c)
{
	size_t n = strlen(c->server);

	fuzz_check(c->source == CONFIG_SOURCE_KUBECONFIG || c->source == CONFIG_SOURCE_FLAGS);
	fuzz_check(!strncmp(c->server, "http://", 7) || !strncmp(c->server, "https://", 8) ||
		   !strncmp(c->server, "unix:///", 8));
	fuzz_check(n && is_clean(c->server) && !strpbrk(c->server, "?# "));
	fuzz_check(c->namespace && *c->namespace && strlen(c->namespace) <= 63);
	fuzz_check(!c->token || (is_clean(c->token) && !c->username && !c->password));
	fuzz_check(!c->exec || (!c->token && !c->token_file && !c->username));
	check_tls(c);
	check_impersonation(c);
	check_identity(c);
	if (c->exec)
		check_exec(c->exec);
}

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct config_env env = {get_env, NULL, "/nonexistent"};
	struct fuzz_input in = fuzz_begin(data, size);
	const struct config_overrides flags = flags_of(fuzz_byte(&in));
	struct client_config c = {0};
	struct client_config again = {0};
	struct error e = {0};
	struct error e_again = {0};

	make_files();
	for (int i = 0; i < FILES_MAX; i++)
		write_file(files[i], fuzz_until(&in, '\0'));
	int r = client_config_load(&flags, &env, &c, &e);
	fuzz_check(client_config_load(&flags, &env, &again, &e_again) == r);
	fuzz_check(same(e.msg, e_again.msg) && same(c.server, again.server));
	fuzz_check(r == 0 || (r == -ENOENT || r == -EINVAL || r == -EOPNOTSUPP || r == -E2BIG));
	fuzz_check(r == 0 || (e.code == r && *e.msg));
	if (r == 0)
		check(&c);
	client_config_release(&c);
	client_config_release(&again);
	return 0;
}
