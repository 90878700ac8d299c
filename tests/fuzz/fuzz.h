/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz: what the fuzz targets share. A target's property is said at its top; an input that breaks
 * it ends the process.
 */
#ifndef PODFS_TESTS_FUZZ_H
#define PODFS_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <podfs/base/buf.h>
#include <podfs/base/log.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define fuzz_check(condition) ((condition) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #condition))

static inline _Noreturn void fuzz_broken(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: this does not hold: %s\n", file, line, condition);
	abort();
}

/* What is left of an input. */
struct fuzz_input {
	const char *p;
	size_t len;
};

static inline struct fuzz_input fuzz_begin(const uint8_t *data, size_t size)
{
	static bool ready;

	if (!ready) {
		/* The program warns of what it is sent; here that is everything. */
		log_open(LOG_TO_FILE, LOG_LEVEL_ERROR, "/dev/null");
		/* What the tests share (tests/unit) is to end the process, too. */
		setenv("CMOCKA_TEST_ABORT", "1", 1);
	}
	ready = true;
	return (struct fuzz_input){(const char *)data, size};
}

/* The next byte; 0 at the end. */
static inline uint8_t fuzz_byte(struct fuzz_input *in)
{
	if (!in->len)
		return 0;
	in->len--;
	return (uint8_t)*in->p++;
}

/* The next byte as a number below @n. */
static inline unsigned int fuzz_below(struct fuzz_input *in, unsigned int n)
{
	return fuzz_byte(in) % n;
}

/* Everything up to the next @c, which is taken, too; or all that is left. */
static inline struct fuzz_input fuzz_until(struct fuzz_input *in, char c)
{
	const char *end = in->len ? memchr(in->p, c, in->len) : NULL;
	struct fuzz_input part = {in->p, end ? (size_t)(end - in->p) : in->len};
	size_t taken = part.len + (end ? 1 : 0);

	in->p = taken ? in->p + taken : in->p;
	in->len -= taken;
	return part;
}

/* At most @n bytes. */
static inline struct fuzz_input fuzz_take(struct fuzz_input *in, size_t n)
{
	struct fuzz_input part = {in->p, n < in->len ? n : in->len};

	in->p = part.len ? in->p + part.len : in->p;
	in->len -= part.len;
	return part;
}

/* A copy that ends where its memory ends, so that reading past it shows; with a NUL as one byte
 * more if @terminated. That of nothing has a byte. To be freed. */
static inline char *fuzz_copy(struct fuzz_input part, bool terminated)
{
	size_t len = part.len + terminated;
	char *copy = calloc(1, len ? len : 1);

	fuzz_check(copy != NULL);
	if (part.len)
		memcpy(copy, part.p, part.len);
	return copy;
}

#endif
