/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include <podfs/config/file.h>

#include "base64.h"
#include "exec_info.h"

#define DEPTH_MAX 128

/* Takes @value; NULL is no memory. */
static int add(struct json_object *o, const char *key, struct json_object *value)
{
	if (!value)
		return -ENOMEM;
	if (json_object_object_add(o, key, value) == 0)
		return 0;
	json_object_put(value);
	return -ENOMEM;
}

static int add_string(struct json_object *o, const char *key, const char *value)
{
	return value ? add(o, key, json_object_new_string(value)) : 0;
}

/* What is false is left out, as Go does it. */
static int add_true(struct json_object *o, const char *key, bool value)
{
	return value ? add(o, key, json_object_new_boolean(true)) : 0;
}

static int add_ca(struct json_object *o, const struct client_config *c, struct error *ret_error)
{
	cleanup_secret struct config_data file = {0};
	const struct config_data *ca = &c->ca_data;

	if (c->ca_file) {
		int r = file_read(c->ca_file, EXEC_CA_SIZE_MAX, &file);

		if (r < 0)
			return error_set(ret_error, r,
					 "cannot read the certificate authority %s: %s", c->ca_file,
					 strerror(-r));
		ca = &file;
	}
	if (!ca->data)
		return 0;
	cleanup_free char *text = base64_encode(ca->data, ca->len);
	return text ? add_string(o, "certificate-authority-data", text) : -ENOMEM;
}

/* null where there is none: Go cannot leave it out. */
static int add_config(struct json_object *o, const char *text)
{
	struct json_object *value = NULL;

	if (text) {
		struct json_tokener *tok = json_tokener_new_ex(DEPTH_MAX);

		value = tok ? json_tokener_parse_ex(tok, text, (int)strlen(text)) : NULL;
		json_tokener_free(tok);
		if (!value)
			return -ENOMEM;
	}
	if (json_object_object_add(o, "config", value) == 0)
		return 0;
	json_object_put(value);
	return -ENOMEM;
}

static int fill_cluster(struct json_object *o, const struct client_config *c,
			struct error *ret_error)
{
	int r = add_string(o, "server", c->server);

	if (r >= 0)
		r = add_string(o, "tls-server-name", c->tls_server_name);
	if (r >= 0)
		r = add_true(o, "insecure-skip-tls-verify", c->insecure_skip_tls_verify);
	if (r >= 0)
		r = add_ca(o, c, ret_error);
	if (r >= 0)
		r = add_string(o, "proxy-url", c->proxy_url);
	if (r >= 0)
		r = add_true(o, "disable-compression", c->disable_compression);
	return r < 0 ? r : add_config(o, c->exec->cluster_config);
}

static int fill(struct json_object *o, const struct client_config *c, bool interactive,
		struct error *ret_error)
{
	struct json_object *spec = json_object_new_object();
	struct json_object *cluster;
	int r = add(o, "spec", spec);

	if (r >= 0)
		r = add_string(o, "kind", "ExecCredential");
	if (r >= 0)
		r = add_string(o, "apiVersion", c->exec->api_version);
	if (r >= 0 && c->exec->provide_cluster_info) {
		cluster = json_object_new_object();
		r = add(spec, "cluster", cluster);
		if (r >= 0)
			r = fill_cluster(cluster, c, ret_error);
	}
	if (r >= 0)
		r = add(spec, "interactive", json_object_new_boolean(interactive));
	return r;
}

int exec_info(const struct client_config *config, bool interactive, char **ret,
	      struct error *ret_error)
{
	struct json_object *o = json_object_new_object();
	int r = o ? fill(o, config, interactive, ret_error) : -ENOMEM;

	if (r >= 0) {
		const char *text = json_object_to_json_string_ext(
		    o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

		*ret = text ? strdup(text) : NULL;
		r = *ret ? 0 : -ENOMEM;
	}
	json_object_put(o);
	return r;
}
