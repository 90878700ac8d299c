/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf: bytes that grow.
 *
 * A zeroed struct is an empty buffer. Errors stick: after an allocation failed,
 * every further call does nothing and returns -ENOMEM, so a renderer may append
 * freely and look at `err` once at its end. `data` is NUL-terminated whenever
 * it is not NULL; the NUL does not count in `len`.
 *
 * One thread at a time.
 */
#ifndef PODFS_BASE_BUF_H
#define PODFS_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

#include <podfs/base/cleanup.h>

struct buf {
	char *data;
	size_t len;
	size_t cap;
	int err; /* 0 or -ENOMEM */
};

/* Frees what the buffer holds; it is empty and without error afterwards. */
void buf_release(struct buf *b);
#define cleanup_buf cleanup_(buf_release)

/* Forgets the content and the error, keeps the memory. */
void buf_clear(struct buf *b);

/* Makes room for @n more bytes. 0 or -ENOMEM. */
int buf_reserve(struct buf *b, size_t n);

int buf_add(struct buf *b, const void *p, size_t n);
int buf_addstr(struct buf *b, const char *s);
int buf_addch(struct buf *b, char c);
/* Appends @n times @c. */
int buf_addfill(struct buf *b, char c, size_t n);
int buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int buf_addv(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* Gives back the memory that is not in use. */
void buf_fit(struct buf *b);

/* Removes the first @n bytes. */
void buf_consume(struct buf *b, size_t n);

/* Hands the bytes to the caller, who frees them; NULL after an error. */
char *buf_take(struct buf *b, size_t *ret_len);

#endif
