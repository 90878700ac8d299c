/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quotes: go_quote() of any bytes, for quote.py.
 *
 * stdin and stdout are strings, each after its length as four bytes, the least first.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <podfs/base/cleanup.h>
#include <podfs/model/go_quote.h>

static bool read_string(struct buf *ret)
{
	unsigned char b[4];

	buf_clear(ret);
	if (fread(b, sizeof(b), 1, stdin) != 1)
		return false;
	size_t len = b[0] | (size_t)b[1] << 8 | (size_t)b[2] << 16 | (size_t)b[3] << 24;
	if (buf_reserve(ret, len) < 0 || fread(ret->data, 1, len, stdin) != len)
		abort();
	ret->len = len;
	return true;
}

static void write_string(const struct buf *s)
{
	for (int shift = 0; shift < 32; shift += 8)
		putchar((int)(s->len >> shift & 0xff));
	fwrite(s->data, 1, s->len, stdout);
}

int main(void)
{
	cleanup_buf struct buf text = {0};
	cleanup_buf struct buf quoted = {0};

	while (read_string(&text)) {
		/* In memory of its own size, so that a sanitizer sees one byte too many. */
		cleanup_free char *copy = malloc(text.len);
		if (!copy && text.len)
			abort();
		if (text.len)
			memcpy(copy, text.data, text.len);
		buf_clear(&quoted);
		if (go_quote(&quoted, copy, text.len) < 0)
			abort();
		write_string(&quoted);
	}
	return fflush(stdout) ? 1 : 0;
}
