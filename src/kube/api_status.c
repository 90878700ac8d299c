/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <string.h>

#include <podfs/base/cleanup.h>

#include "api_status.h"

#define DEPTH_MAX 32
#define CAUSES_MAX 64
#define REMAINING_MAX INT32_MAX /* so that sums do not overflow */

static void put_object(struct json_object **o)
{
	json_object_put(*o);
}

#define cleanup_json cleanup_(put_object)

/* NULL if it is no JSON or no object. */
static struct json_object *parse(const char *text, size_t len)
{
	if (len > INT_MAX)
		return NULL;
	struct json_tokener *tok = json_tokener_new_ex(DEPTH_MAX);
	if (!tok)
		return NULL;
	struct json_object *o = json_tokener_parse_ex(tok, text, (int)len);
	json_tokener_free(tok);
	if (o && !json_object_is_type(o, json_type_object)) {
		json_object_put(o);
		return NULL;
	}
	return o;
}

static struct json_object *member(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *value;

	if (!o || !json_object_object_get_ex(o, key, &value) || !json_object_is_type(value, type))
		return NULL;
	return value;
}

static const char *string_member(struct json_object *o, const char *key)
{
	struct json_object *value = member(o, key, json_type_string);

	return value ? json_object_get_string(value) : "";
}

#define UTF8_MORE_MAX 3 /* bytes of a code point behind its first one */

/* Where a text of @len bytes is cut to have at most @max: not within a code point. */
static size_t cut_at(const char *text, size_t len, size_t max)
{
	size_t n = len < max ? len : max;

	for (int i = 0; i < UTF8_MORE_MAX && n && n < len; i++, n--)
		if (((unsigned char)text[n] & 0xc0) != 0x80)
			break;
	return n;
}

static bool is_blank(char c)
{
	return (unsigned char)c <= ' ' || c == 0x7f;
}

/* On one line, without controls, cut where it is too long. */
static void copy_line(char *ret, size_t size, const char *text, size_t len)
{
	size_t n = 0;

	while (len && is_blank(text[0])) {
		text++;
		len--;
	}
	size_t most = cut_at(text, len, size - 1);
	for (; n < most && text[n] && text[n] != '\n'; n++)
		ret[n] = is_blank(text[n]) ? ' ' : text[n];
	while (n && ret[n - 1] == ' ')
		n--;
	ret[n] = '\0';
}

static bool has_cause(struct json_object *details, const char *reason)
{
	struct json_object *causes = member(details, "causes", json_type_array);
	size_t n = causes ? json_object_array_length(causes) : 0;

	for (size_t i = 0; i < n && i < CAUSES_MAX; i++) {
		struct json_object *cause = json_object_array_get_idx(causes, i);

		if (json_object_is_type(cause, json_type_object) &&
		    !strcmp(string_member(cause, "reason"), reason))
			return true;
	}
	return false;
}

void api_status_parse(const char *text, size_t len, struct api_status *ret)
{
	cleanup_json struct json_object *o = parse(text, len);

	*ret = (struct api_status){.retry_after_s = -1};
	if (!o) {
		copy_line(ret->message, sizeof(ret->message), text, len);
		return;
	}
	const char *message = string_member(o, "message");
	const char *reason = string_member(o, "reason");
	struct json_object *details = member(o, "details", json_type_object);
	struct json_object *code = member(o, "code", json_type_int);
	struct json_object *retry = member(details, "retryAfterSeconds", json_type_int);

	copy_line(ret->message, sizeof(ret->message), message, strlen(message));
	ret->code = code ? json_object_get_int(code) : 0;
	ret->expired = !strcmp(reason, "Expired") || !strcmp(reason, "Gone");
	/* Before 1.17 there was no cause, only words. */
	ret->too_large = has_cause(details, "ResourceVersionTooLarge") ||
			 (ret->code == 504 && strstr(message, "Too large resource version"));
	if (retry && json_object_get_int64(retry) > 0)
		ret->retry_after_s = json_object_get_int64(retry);
}

int list_metadata_parse(const char *text, size_t len, struct list_metadata *ret)
{
	cleanup_json struct json_object *o = parse(text, len);
	struct json_object *remaining = member(o, "remainingItemCount", json_type_int);
	const char *version = o ? string_member(o, "resourceVersion") : "";
	const char *token = o ? string_member(o, "continue") : "";

	*ret = (struct list_metadata){.remaining = -1};
	if (!o || strlen(version) >= sizeof(ret->resource_version))
		return -EINVAL;
	strcpy(ret->resource_version, version);
	int64_t n = remaining ? json_object_get_int64(remaining) : -1;
	if (n >= 0 && n <= REMAINING_MAX)
		ret->remaining = n;
	if (!*token)
		return 0;
	ret->continue_token = strdup(token);
	return ret->continue_token ? 0 : -ENOMEM;
}

void list_metadata_release(struct list_metadata *m)
{
	free(m->continue_token);
	*m = (struct list_metadata){0};
}
