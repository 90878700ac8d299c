/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a server says instead of what it was asked for (src/kube/api_status.c): any body gives a
 * message of one line, without controls, that is UTF-8 if the body is; and a list's metadata is
 * taken or refused as a whole.
 *
 * Input: the body.
 */
#include <errno.h>

#include <podfs/base/utf8.h>

#include "fuzz.h"
#include "kube/api_status.h"

static bool is_utf8(const char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint32_t rune;
		size_t n = utf8_read(s + i, len - i, &rune);

		if (!n)
			return false;
		i += n;
	}
	return true;
}

static void check_status(const char *body, size_t len)
{
	struct api_status s;

	memset(&s, 0x5a, sizeof(s));
	api_status_parse(body, len, &s);
	size_t n = strnlen(s.message, sizeof(s.message));
	fuzz_check(n < sizeof(s.message));
	for (size_t i = 0; i < n; i++)
		fuzz_check((unsigned char)s.message[i] >= ' ' && s.message[i] != 0x7f);
	fuzz_check(!n || (s.message[0] != ' ' && s.message[n - 1] != ' '));
	fuzz_check(is_utf8(s.message, n) || !is_utf8(body, len));
	fuzz_check(s.retry_after_s == -1 || s.retry_after_s > 0);
}

static void check_metadata(const char *body, size_t len)
{
	struct list_metadata m = {0};
	int r = list_metadata_parse(body, len, &m);

	fuzz_check(r == 0 || r == -EINVAL);
	fuzz_check(r == 0 || (!m.continue_token && !*m.resource_version && m.remaining == -1));
	fuzz_check(strnlen(m.resource_version, sizeof(m.resource_version)) <
		   sizeof(m.resource_version));
	fuzz_check(!m.continue_token || *m.continue_token);
	fuzz_check(m.remaining >= -1);
	list_metadata_release(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_begin(data, size);
	char *body = fuzz_copy(in, false);

	check_status(body, in.len);
	check_metadata(body, in.len);
	free(body);
	return 0;
}
