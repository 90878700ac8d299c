/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error: what went wrong, in words for a person.
 *
 * Inside, functions return 0 or -errno. Where the words matter (configuration,
 * the first sync) a function also fills one of these: the text is made once,
 * next to what it is about, and printed once, at the edge.
 *
 * A zeroed struct is no error. Texts never hold secrets.
 */
#ifndef PODFS_BASE_ERROR_H
#define PODFS_BASE_ERROR_H

struct error {
	int code;       /* 0 or -errno */
	char msg[768];  /* what happened: no final dot, no newline */
	char hint[512]; /* what to do about it, or "" */
};

/**
 * Says what happened; an older hint goes away. Too long a text is cut.
 *
 * @e  may be NULL: then nothing is kept.
 *
 * Returns @code, so that a caller can return it on.
 */
int error_set(struct error *e, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Says what to do about the error set before. @e may be NULL. */
void error_hint(struct error *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
