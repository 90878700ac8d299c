/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <string.h>

#include <podfs/base/clock.h>
#include <podfs/config/file.h>

#include "exec_credential.h"

#define DEPTH_MAX 32

void exec_credential_release(struct exec_credential *c)
{
	config_data_release(&c->token);
	config_data_release(&c->cert);
	config_data_release(&c->key);
	c->expires_ns = 0;
}

static struct json_object *parse(const char *text, size_t len)
{
	struct json_tokener *tok = json_tokener_new_ex(DEPTH_MAX);
	struct json_object *o;

	if (!tok || len > INT_MAX) {
		json_tokener_free(tok);
		return NULL;
	}
	o = json_tokener_parse_ex(tok, text, (int)len);
	bool good = json_tokener_get_error(tok) == json_tokener_success &&
		    json_object_is_type(o, json_type_object);
	/* Strings pass through this buffer. */
	if (tok->pb)
		explicit_bzero(tok->pb->buf, (size_t)tok->pb->size);
	json_tokener_free(tok);
	if (!good)
		json_object_put(o);
	return good ? o : NULL;
}

static const char *string_of(struct json_object *o, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(o, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return "";
	return json_object_get_string(value);
}

/* Moves a string out: json-c's copy is overwritten. Empty is none. */
static int take_secret(struct json_object *o, const char *key, struct config_data *ret)
{
	struct json_object *value;

	if (!json_object_object_get_ex(o, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return 0;
	const char *text = json_object_get_string(value);
	size_t len = (size_t)json_object_get_string_len(value);
	if (!len)
		return 0;
	ret->data = malloc(len + 1);
	if (!ret->data)
		return -ENOMEM;
	memcpy(ret->data, text, len + 1);
	ret->len = len;
	explicit_bzero((char *)(uintptr_t)text, len);
	return 0;
}

/* What can stand in a header, and in no other place. */
static bool is_token(const struct config_data *d)
{
	for (size_t i = 0; i < d->len; i++)
		if (d->data[i] <= ' ' || d->data[i] >= 0x7f)
			return false;
	return true;
}

static int read_status(struct json_object *status, struct exec_credential *ret, struct error *e)
{
	const char *expires = string_of(status, "expirationTimestamp");
	int r = take_secret(status, "token", &ret->token);

	if (r >= 0)
		r = take_secret(status, "clientCertificateData", &ret->cert);
	if (r >= 0)
		r = take_secret(status, "clientKeyData", &ret->key);
	if (r < 0)
		return r;
	if (!ret->cert.data != !ret->key.data)
		return error_set(e, -EINVAL, "printed a client certificate or its key, not both");
	if (!ret->token.data && !ret->cert.data)
		return error_set(e, -EINVAL, "printed neither a token nor a client certificate");
	if (ret->token.data && !is_token(&ret->token))
		return error_set(e, -EINVAL, "printed a token with characters no token can have");
	if (*expires && clock_parse_rfc3339(expires, strlen(expires), &ret->expires_ns) < 0)
		return error_set(e, -EINVAL, "printed an expirationTimestamp that is no time");
	return 0;
}

static int read_all(struct json_object *o, const char *api_version, struct exec_credential *ret,
		    struct error *e)
{
	struct json_object *status;

	if (strcmp(string_of(o, "kind"), "ExecCredential") != 0)
		return error_set(e, -EINVAL, "did not print an ExecCredential");
	if (strcmp(string_of(o, "apiVersion"), api_version) != 0)
		return error_set(e, -EINVAL,
				 "printed another apiVersion than the one it was asked for, %s",
				 api_version);
	if (!json_object_object_get_ex(o, "status", &status) ||
	    !json_object_is_type(status, json_type_object))
		return error_set(e, -EINVAL, "printed an ExecCredential without a status");
	return read_status(status, ret, e);
}

int exec_credential_parse(const char *text, size_t len, const char *api_version,
			  struct exec_credential *ret, struct error *ret_error)
{
	cleanup_exec_credential struct exec_credential c = {0};
	struct json_object *o = parse(text, len);

	if (!o)
		return error_set(ret_error, -EINVAL, "did not print JSON");
	int r = read_all(o, api_version, &c, ret_error);
	json_object_put(o);
	if (r < 0)
		return r;
	*ret = c;
	c = (struct exec_credential){0};
	return 0;
}
