/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a credential program prints (src/net/exec_credential.c): nothing is taken but a whole
 * credential of the version that was asked for; what is taken can stand in a header; and of what
 * is JSON the verdict and the token are those of the model's own scanner.
 *
 * Input: the output.
 */
#include <errno.h>

#include <podfs/base/clock.h>
#include <podfs/model/json.h>

#include "fuzz.h"
#include "net/exec_credential.h"

#define VERSION "client.authentication.k8s.io/v1"
/* What json-c is given as its limit, less one for the value itself. */
#define DEPTH_MAX 31

static void check(const struct exec_credential *c)
{
	fuzz_check(!c->cert.data == !c->key.data);
	fuzz_check(c->token.data || c->cert.data);
	fuzz_check(!c->token.data || c->token.len > 0);
	for (size_t i = 0; c->token.data && i < c->token.len; i++)
		fuzz_check(c->token.data[i] > ' ' && c->token.data[i] < 0x7f);
	fuzz_check(!c->token.data || !c->token.data[c->token.len]);
	fuzz_check(!c->cert.data || (!c->cert.data[c->cert.len] && !c->key.data[c->key.len]));
}

/* The value of a string member; "" if it is none. */
static void string_of(const struct json_index *index, const char *text, uint32_t n, const char *key,
		      struct buf *ret)
{
	uint32_t m = json_member(index, text, n, key);

	buf_addstr(ret, "");
	if (m && index->nodes[m].type == JSON_STRING)
		fuzz_check(json_string(ret, text, &index->nodes[m]) == 0);
}

static bool is_token(const struct buf *text)
{
	for (size_t i = 0; i < text->len; i++)
		if (text->data[i] <= ' ' || text->data[i] >= 0x7f)
			return false;
	return true;
}

static bool is_time(const struct buf *text)
{
	size_t len = strlen(text->data);
	int64_t ns;

	return !len || clock_parse_rfc3339(text->data, len, &ns) == 0;
}

static bool model(const struct json_index *index, const char *text, struct buf *token)
{
	cleanup_buf struct buf kind = {0}, version = {0}, cert = {0}, key = {0}, time = {0};
	uint32_t status = json_member(index, text, 0, "status");

	string_of(index, text, 0, "kind", &kind);
	string_of(index, text, 0, "apiVersion", &version);
	if (!status || index->nodes[status].type != JSON_OBJECT)
		return false;
	string_of(index, text, status, "token", token);
	string_of(index, text, status, "clientCertificateData", &cert);
	string_of(index, text, status, "clientKeyData", &key);
	string_of(index, text, status, "expirationTimestamp", &time);
	return !strcmp(kind.data, "ExecCredential") && !strcmp(version.data, VERSION) &&
	       !cert.len == !key.len && (token->len || cert.len) && is_token(token) &&
	       is_time(&time);
}

/* Whether json-c may see something else in it: a key that ends at a NUL, or too deep a nesting. */
static bool is_special(const char *text, size_t len)
{
	int depth = 0;
	int most = 0;

	for (size_t i = 0; i < len; i++) {
		depth += (text[i] == '{' || text[i] == '[') - (text[i] == '}' || text[i] == ']');
		most = depth > most ? depth : most;
	}
	return most > DEPTH_MAX || memmem(text, len, "\\u0000", 6);
}

static void check_model(const char *text, size_t len, int r, const struct exec_credential *c)
{
	struct json_index index = {0};
	cleanup_buf struct buf token = {0};
	size_t off;

	if (json_scan(&index, text, len, &off) == 0 && !is_special(text, len)) {
		bool good = index.nodes[0].type == JSON_OBJECT && model(&index, text, &token);

		fuzz_check(good == (r == 0));
		if (r == 0)
			fuzz_check(token.len == c->token.len &&
				   (!token.len || !memcmp(token.data, c->token.data, token.len)));
	}
	json_index_release(&index);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_begin(data, size);
	char *text = fuzz_copy(in, false);
	struct exec_credential c = {0};
	struct error e = {0};
	int r = exec_credential_parse(text, in.len, VERSION, &c, &e);

	fuzz_check(r == 0 || (r == -EINVAL && e.code == r && *e.msg && !strchr(e.msg, '\n')));
	fuzz_check(r == 0 || (!c.token.data && !c.cert.data && !c.key.data && !c.expires_ns));
	if (r == 0)
		check(&c);
	check_model(text, in.len, r, &c);
	exec_credential_release(&c);
	free(text);
	return 0;
}
