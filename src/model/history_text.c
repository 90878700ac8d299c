/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The short form of a history. Changes come in groups, of one time and of paths
 * that begin alike, so an entry says what it does not share with the one before:
 *
 *	time (difference) | bytes of the path in common | bytes that follow, below | these
 *
 * Numbers have seven bits a byte, the lowest first; the highest bit: more follow.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <podfs/model/history.h>

#define NUMBER_MAX ((size_t)10)

static size_t put_number(char *out, uint64_t n)
{
	size_t len = 0;

	for (; n >= 0x80; n >>= 7)
		out[len++] = (char)(n | 0x80);
	out[len++] = (char)n;
	return len;
}

static size_t common(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] && a[n] == b[n])
		n++;
	return n;
}

int history_write(const struct history *h, struct buf *out)
{
	const char *last = "";
	int64_t time = 0;

	for (uint16_t i = 0; i < h->count && !out->err; i++) {
		const struct history_entry *e = &h->entries[i];
		uint64_t step = (uint64_t)e->time_ns - (uint64_t)time;
		size_t shared = common(last, e->path);
		size_t rest = strlen(e->path + shared);

		if (buf_reserve(out, 3 * NUMBER_MAX + rest) < 0)
			break;
		/* A clock that was set back makes it negative: the sign is the lowest bit. */
		step = step << 1 ^ (step >> 63 ? UINT64_MAX : 0);
		char *at = out->data + out->len;
		at += put_number(at, step);
		at += put_number(at, shared);
		at += put_number(at, rest << 1 | e->below);
		memcpy(at, e->path + shared, rest);
		out->len = (size_t)(at + rest - out->data);
		last = e->path;
		time = e->time_ns;
	}
	return out->err;
}

struct input {
	const char *at;
	size_t left;
	bool fault;
};

static uint64_t get_number(struct input *in)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < NUMBER_MAX; i++) {
		if (!in->left)
			break;
		uint8_t byte = (uint8_t)*in->at++;
		in->left--;
		n |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (!(byte & 0x80))
			return n;
	}
	in->fault = true;
	return 0;
}

/* The path that begins as @last and goes on with what is next; NULL: -ENOMEM or a fault. */
static char *get_path(struct input *in, const char *last, size_t shared, size_t rest)
{
	char *path;

	if (in->fault || shared > strlen(last) || rest > in->left || memchr(in->at, 0, rest)) {
		in->fault = true;
		return NULL;
	}
	path = malloc(shared + rest + 1);
	if (!path)
		return NULL;
	memcpy(path, last, shared);
	memcpy(path + shared, in->at, rest);
	path[shared + rest] = '\0';
	in->at += rest;
	in->left -= rest;
	return path;
}

int history_read(struct history *h, const char *bytes, size_t len)
{
	struct input in = {.at = bytes, .left = len};
	const char *last = "";
	uint64_t time = 0;

	while (in.left) {
		uint64_t step = get_number(&in);
		size_t shared = get_number(&in);
		uint64_t rest = get_number(&in);
		char *path;

		if (h->count == HISTORY_MAX)
			return -EINVAL;
		path = get_path(&in, last, shared, rest >> 1);
		if (!path)
			return in.fault ? -EINVAL : -ENOMEM;
		time += step >> 1 ^ (step & 1 ? UINT64_MAX : 0);
		if (history_push(h, path, rest & 1, (int64_t)time) < 0)
			return -ENOMEM;
		last = path;
	}
	return 0;
}
