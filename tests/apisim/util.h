/* SPDX-License-Identifier: Apache-2.0 */
/*
 * util: memory, growing buffers, random numbers and time for the stand-in server.
 *
 * apisim is a test program: out of memory ends it at once, so nothing here
 * reports it. Nothing in this folder uses podfs's own sources, so that one
 * mistake cannot stand on both sides of a test.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define _cleanup_(f) __attribute__((cleanup(f)))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Frees what a `char *` variable holds; for _cleanup_(). */
void freep(char **p);

/** A growing byte buffer. `data` is NULL until something is added; never NUL-terminated by itself.
 */
struct buf {
	char *data;
	size_t len, cap;
};

void buf_reserve(struct buf *b, size_t more);
void buf_add(struct buf *b, const void *data, size_t len);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *format, ...)
    __attribute__((format(printf, 2, 3), nonnull(2)));
void buf_release(struct buf *b);

/** Hands the bytes over as a NUL-terminated string and empties the buffer. */
char *buf_steal(struct buf *b);

/** Adds `s` as a JSON string, quotes included, escaped as Go's encoding/json does. */
void buf_json(struct buf *b, const char *s, size_t len);
void buf_json_str(struct buf *b, const char *s);

/** splitmix64: small, fast, and the same on every machine for the same seed. */
struct rng {
	uint64_t state;
};

uint64_t rng_next(struct rng *r);
/** A number in [0, n); n > 0. */
uint64_t rng_below(struct rng *r, uint64_t n);
/** `n` characters of the given alphabet, NUL-terminated, into `out` (n + 1 bytes). */
void rng_chars(struct rng *r, const char *alphabet, size_t n, char *out);
void rng_hex(struct rng *r, size_t n, char *out);
/** A version 4 UUID, 36 characters and a NUL. */
void rng_uuid(struct rng *r, char out[37]);

/** An UUID from the system's randomness; any thread. */
void random_uuid(char out[37]);

/** Milliseconds of CLOCK_MONOTONIC. */
int64_t now_ms(void);

/** `t` as the API writes times: 2026-11-23T23:38:57Z, 20 characters and a NUL. */
void format_time(int64_t t, char out[32]);
/** The opposite; -1 if it is no such time. */
int64_t parse_time(const char *s);
