/* SPDX-License-Identifier: Apache-2.0 */
#include "gzip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { INPUT_SIZE = 64 * 1024 };

struct gzip {
	struct stream stream;
	struct stream *inner;
	z_stream z;
	bool ended, done;
	char input[INPUT_SIZE];
};

static ssize_t gzip_read(struct stream *s, char *out, size_t max)
{
	struct gzip *g = (struct gzip *)s;

	g->z.next_out = (Bytef *)out;
	g->z.avail_out = (uInt)max;
	while (!g->done && g->z.avail_out) {
		int r;

		if (!g->z.avail_in && !g->ended) {
			ssize_t n = g->inner->read(g->inner, g->input, sizeof(g->input));

			if (n == STREAM_ERROR)
				return STREAM_ERROR;
			g->ended = n == STREAM_END;
			g->z.next_in = (Bytef *)g->input;
			g->z.avail_in = n > 0 ? (uInt)n : 0;
		}
		r = deflate(&g->z, g->ended ? Z_FINISH : Z_NO_FLUSH);
		g->done = r == Z_STREAM_END;
	}
	return g->z.avail_out == max ? STREAM_END : (ssize_t)(max - g->z.avail_out);
}

static void gzip_free(struct stream *s)
{
	struct gzip *g = (struct gzip *)s;

	deflateEnd(&g->z);
	g->inner->free(g->inner);
	free(g);
}

struct stream *gzip_stream(struct stream *inner)
{
	struct gzip *g = xcalloc(1, sizeof(*g));

	g->stream = (struct stream){gzip_read, gzip_free, NULL};
	g->inner = inner;
	/* level 1 as the real server; 16 asks for the gzip form */
	if (deflateInit2(&g->z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	return &g->stream;
}

bool read_file(const char *path, struct buf *ret)
{
	/* gzread() passes through what is not compressed */
	gzFile f = gzopen(path, "rbe");
	int n;

	if (!f)
		return false;
	do {
		buf_reserve(ret, 1 << 20);
		n = gzread(f, ret->data + ret->len, 1 << 20);
		if (n > 0)
			ret->len += (size_t)n;
	} while (n > 0);
	gzclose(f);
	if (n < 0) {
		errno = EIO;
		return false;
	}
	buf_reserve(ret, 1);
	ret->data[ret->len] = '\0';
	return true;
}
