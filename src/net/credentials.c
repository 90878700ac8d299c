/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <podfs/base/buf.h>

#include "base64.h"
#include "credentials.h"

void credentials_init(struct credentials *c, const struct client_config *config)
{
	*c = (struct credentials){.config = config};
	c->secure = !strncmp(config->server, "https://", 8);
}

void credentials_release(struct credentials *c)
{
	config_data_release(&c->file_token);
	exec_credential_release(&c->held);
}

void credentials_rejected(struct credentials *c)
{
	c->read_at_ms = 0;
	c->refused = true;
}

bool credentials_wanted(const struct credentials *c, int64_t now_ns)
{
	if (!c->config->exec || !c->secure)
		return false;
	return !c->generation || c->refused || (c->held.expires_ns && now_ns >= c->held.expires_ns);
}

static bool same(const struct config_data *a, const struct config_data *b)
{
	return a->len == b->len && (!a->len || !memcmp(a->data, b->data, a->len));
}

bool credentials_take(struct credentials *c, struct exec_credential *taken)
{
	bool changed = c->generation &&
		       (!same(&c->held.cert, &taken->cert) || !same(&c->held.key, &taken->key));

	exec_credential_release(&c->held);
	c->held = *taken;
	*taken = (struct exec_credential){0};
	c->generation++;
	/* One that was got because the last was refused has to prove itself. */
	c->accepted = !c->refused;
	c->refused = false;
	return changed;
}

void credentials_accepted(struct credentials *c, uint64_t generation)
{
	if (generation == c->generation)
		c->accepted = true;
}

bool credentials_retry(struct credentials *c, uint64_t generation)
{
	if (!c->config->exec || !c->secure || !generation)
		return false;
	if (generation != c->generation)
		return true;
	bool again = c->accepted;
	c->refused = true;
	return again;
}

void headers_free(struct curl_slist *list)
{
	for (struct curl_slist *h = list; h; h = h->next)
		explicit_bzero(h->data, strlen(h->data));
	curl_slist_free_all(list);
}

static int append(struct curl_slist **list, const char *header)
{
	struct curl_slist *longer = curl_slist_append(*list, header);

	if (!longer)
		return -ENOMEM;
	*list = longer;
	return 0;
}

/* @sep comes between the two. The copy is a secret: it is overwritten. */
static int append_joined(struct curl_slist **list, const char *name, const char *sep,
			 const char *value)
{
	struct config_data text = {0};

	if (asprintf(&text.data, "%s%s%s", name, sep, value) < 0)
		return -ENOMEM;
	text.len = strlen(text.data);
	int r = append(list, text.data);
	config_data_release(&text);
	return r;
}

static int append_pair(struct curl_slist **list, const char *name, const char *value)
{
	return append_joined(list, name, ": ", value);
}

/* Blanks around it go; a token with one inside, or none at all, is refused. */
static int trim_token(struct config_data *text)
{
	static const char blanks[] = " \t\r\n";
	char *start = text->data + strspn(text->data, blanks);
	size_t len = strlen(start);

	while (len && strchr(blanks, start[len - 1]))
		len--;
	if (!len || start + strlen(start) != text->data + text->len)
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		if (start[i] <= ' ' || start[i] >= 0x7f)
			return -EINVAL;
	memmove(text->data, start, len);
	explicit_bzero(text->data + len, text->len - len);
	text->len = len;
	return 0;
}

static int read_token(struct credentials *c, struct error *ret_error)
{
	cleanup_secret struct config_data text = {0};
	const char *path = c->config->token_file;
	int r = file_read(path, TOKEN_SIZE_MAX, &text);

	if (r < 0)
		return error_set(ret_error, r, "cannot read the token file %s: %s", path,
				 strerror(-r));
	r = trim_token(&text);
	if (r < 0)
		return error_set(ret_error, r, "the token file %s holds no token", path);
	config_data_release(&c->file_token);
	c->file_token = text;
	text = (struct config_data){0};
	return 0;
}

/* The bearer token to use now, or NULL. */
static int find_token(struct credentials *c, int64_t now_ms, const char **ret,
		      struct error *ret_error)
{
	int r = 0;

	if (c->config->token_file &&
	    (!c->read_at_ms || now_ms - c->read_at_ms >= TOKEN_MAX_AGE_MS)) {
		r = read_token(c, ret_error);
		if (r >= 0)
			c->read_at_ms = now_ms;
	}
	*ret = c->file_token.data ? c->file_token.data : c->config->token;
	if (!*ret)
		*ret = c->held.token.data;
	return *ret ? 0 : r;
}

static int append_basic(struct credentials *c, struct curl_slist **list)
{
	struct config_data plain = {0};
	struct config_data text = {0};
	const char *password = c->config->password ? c->config->password : "";
	int r = -ENOMEM;

	if (asprintf(&plain.data, "%s:%s", c->config->username, password) < 0)
		return -ENOMEM;
	plain.len = strlen(plain.data);
	text.data = base64_encode(plain.data, plain.len);
	if (text.data) {
		text.len = strlen(text.data);
		r = append_joined(list, "Authorization: Basic", " ", text.data);
	}
	config_data_release(&plain);
	config_data_release(&text);
	return r;
}

/* A name in "Impersonate-Extra-": what is no token character is written %XX. */
static int append_extra(struct curl_slist **list, const struct config_extra *extra)
{
	cleanup_buf struct buf name = {0};
	int r = 0;

	buf_addstr(&name, "Impersonate-Extra-");
	for (const char *p = extra->key; *p; p++) {
		if ((*p >= '0' && *p <= '9') || ((*p | 32) >= 'a' && (*p | 32) <= 'z') ||
		    strchr("!#$&'*+-.^_`|~", *p))
			buf_addch(&name, *p);
		else
			buf_addf(&name, "%%%02X", (unsigned char)*p);
	}
	if (name.err)
		return name.err;
	for (char **v = extra->values; r >= 0 && v && *v; v++)
		r = append_pair(list, name.data, *v);
	return r;
}

static int append_impersonation(const struct client_config *c, struct curl_slist **list)
{
	int r = append_pair(list, "Impersonate-User", c->as);

	if (r >= 0 && c->as_uid)
		r = append_pair(list, "Impersonate-Uid", c->as_uid);
	for (char **g = c->as_groups; r >= 0 && g && *g; g++)
		r = append_pair(list, "Impersonate-Group", *g);
	for (size_t i = 0; r >= 0 && i < c->n_as_extra; i++)
		r = append_extra(list, &c->as_extra[i]);
	return r;
}

int credentials_headers(struct credentials *c, int64_t now_ms, struct curl_slist **list,
			struct error *ret_error)
{
	const char *token = NULL;
	int r = 0;

	if (c->secure)
		r = find_token(c, now_ms, &token, ret_error);
	if (r >= 0 && token)
		r = append_joined(list, "Authorization: Bearer", " ", token);
	else if (r >= 0 && c->secure && c->config->username)
		r = append_basic(c, list);
	if (r >= 0 && c->config->as)
		r = append_impersonation(c->config, list);
	return r;
}
