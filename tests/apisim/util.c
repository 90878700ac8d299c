/* SPDX-License-Identifier: Apache-2.0 */
#include "util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static void *or_die(void *p)
{
	if (!p) {
		fputs("apisim: error: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *xcalloc(size_t n, size_t size)
{
	return or_die(calloc(n ? n : 1, size ? size : 1));
}

void *xrealloc(void *p, size_t size)
{
	return or_die(realloc(p, size ? size : 1));
}

char *xstrdup(const char *s)
{
	return or_die(strdup(s));
}

char *xstrndup(const char *s, size_t n)
{
	char *copy = xcalloc(1, n + 1);

	if (n)
		memcpy(copy, s, n);
	return copy;
}

char *xasprintf(const char *format, ...)
{
	char *s = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&s, format, ap) < 0)
		s = NULL;
	va_end(ap);
	return or_die(s);
}

void freep(char **p)
{
	free(*p);
}

void buf_reserve(struct buf *b, size_t more)
{
	if (b->len + more <= b->cap)
		return;
	b->cap = b->cap * 2 > b->len + more ? b->cap * 2 : b->len + more + 64;
	b->data = xrealloc(b->data, b->cap);
}

void buf_add(struct buf *b, const void *data, size_t len)
{
	if (!len)
		return;
	buf_reserve(b, len);
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

void buf_puts(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_putc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list ap, again;
	char none[1];
	int n;

	va_start(ap, format);
	va_copy(again, ap);
	n = vsnprintf(none, 0, format, ap);
	va_end(ap);
	if (n > 0) {
		buf_reserve(b, (size_t)n + 1);
		vsnprintf(b->data + b->len, (size_t)n + 1, format, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

void buf_release(struct buf *b)
{
	free(b->data);
	*b = (struct buf){0};
}

char *buf_steal(struct buf *b)
{
	char *s;

	buf_putc(b, '\0');
	s = b->data;
	*b = (struct buf){0};
	return s;
}

void buf_json(struct buf *b, const char *s, size_t len)
{
	size_t from = 0;

	buf_putc(b, '"');
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		size_t eaten = 1;
		char esc[8] = "";

		if (c == '"' || c == '\\')
			snprintf(esc, sizeof(esc), "\\%c", c);
		else if (c == '\n')
			strcpy(esc, "\\n");
		else if (c == '\r')
			strcpy(esc, "\\r");
		else if (c == '\t')
			strcpy(esc, "\\t");
		else if (c < 0x20 || c == '<' || c == '>' || c == '&')
			snprintf(esc, sizeof(esc), "\\u%04x", c);
		else if (c == 0xe2 && i + 2 < len && (unsigned char)s[i + 1] == 0x80 &&
			 ((unsigned char)s[i + 2] & 0xfe) == 0xa8) {
			snprintf(esc, sizeof(esc), "\\u20%02x",
				 0x28 + ((unsigned char)s[i + 2] & 1));
			eaten = 3;
		} else
			continue;
		buf_add(b, s + from, i - from);
		buf_puts(b, esc);
		i += eaten - 1;
		from = i + 1;
	}
	buf_add(b, s + from, len - from);
	buf_putc(b, '"');
}

void buf_json_str(struct buf *b, const char *s)
{
	buf_json(b, s, strlen(s));
}

uint64_t rng_next(struct rng *r)
{
	uint64_t z = (r->state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

uint64_t rng_below(struct rng *r, uint64_t n)
{
	return rng_next(r) % n;
}

void rng_chars(struct rng *r, const char *alphabet, size_t n, char *out)
{
	size_t base = strlen(alphabet);

	for (size_t i = 0; i < n; i++)
		out[i] = alphabet[rng_below(r, base)];
	out[n] = '\0';
}

void rng_hex(struct rng *r, size_t n, char *out)
{
	rng_chars(r, "0123456789abcdef", n, out);
}

static void uuid_of(uint64_t hi, uint64_t lo, char out[37])
{
	snprintf(out, 37, "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(hi >> 32),
		 (unsigned)(hi >> 16) & 0xffff, (unsigned)hi & 0xfff,
		 ((unsigned)(lo >> 48) & 0x3fff) | 0x8000,
		 (unsigned long long)(lo & 0xffffffffffffull));
}

void rng_uuid(struct rng *r, char out[37])
{
	uint64_t hi = rng_next(r), lo = rng_next(r);

	uuid_of(hi, lo, out);
}

void random_uuid(char out[37])
{
	uint64_t v[2];

	/* 16 bytes never come short from getrandom once the pool is ready */
	if (getrandom(v, sizeof(v), 0) != sizeof(v))
		abort();
	uuid_of(v[0], v[1], out);
}

int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void format_time(int64_t t, char out[32])
{
	time_t seconds = (time_t)t;
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

int64_t parse_time(const char *s)
{
	struct tm tm = {0};

	if (!s || !strptime(s, "%Y-%m-%dT%H:%M:%SZ", &tm))
		return -1;
	return timegm(&tm);
}
