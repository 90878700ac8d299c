/* SPDX-License-Identifier: Apache-2.0 */
/* base64url without padding of {"v":"meta.k8s.io/v1","rv":293,"start":"team-000/x\u0000"}. */
#include "continue.h"

#include <stdlib.h>
#include <string.h>

#include "jspan.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static char *encode64(const char *data, size_t len)
{
	struct buf b = {0};

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		unsigned v = 0;

		for (size_t j = 0; j < 3; j++)
			v = v << 8 | (j < n ? (unsigned char)data[i + j] : 0);
		for (size_t j = 0; j <= n; j++)
			buf_putc(&b, alphabet[v >> (18 - 6 * j) & 63]);
	}
	return buf_steal(&b);
}

static bool decode64(const char *s, struct buf *out)
{
	unsigned v = 0, bits = 0;

	for (; *s && *s != '='; s++) {
		const char *at = strchr(alphabet, *s);

		if (!at)
			return false;
		v = (v << 6 | (unsigned)(at - alphabet)) & 0xffffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			buf_putc(out, (char)(v >> bits & 0xff));
		}
	}
	return true;
}

char *continue_encode(int64_t rv, const char *after)
{
	struct buf b = {0};
	char *token;

	buf_printf(&b, "{\"v\":\"meta.k8s.io/v1\",\"rv\":%lld,\"start\":\"%s\\u0000\"}",
		   (long long)rv, after);
	token = encode64(b.data, b.len);
	buf_release(&b);
	return token;
}

bool continue_decode(const char *token, int64_t *ret_rv, char **ret_after)
{
	struct buf b = {0};
	_cleanup_(freep) char *text = NULL;
	struct jspan obj;
	size_t len;

	if (!decode64(token, &b)) {
		buf_release(&b);
		return false;
	}
	len = b.len;
	text = buf_steal(&b);
	obj = jspan_at(text, text + len);
	if (!json_valid(text, len) || !jspan_is(jspan_get(obj, "v"), "meta.k8s.io/v1") ||
	    !jspan_get(obj, "start").p)
		return false;
	*ret_rv = jspan_int(jspan_get(obj, "rv"), -1);
	/* the NUL at its end, which makes it "behind this key", ends the string here too */
	*ret_after = jspan_dup(jspan_get(obj, "start"));
	return true;
}
