/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quantity: an amount of a resource, as Kubernetes writes it: "250m", "1.5Gi", "1e3".
 *
 * The same grammar, rounding and canonical text as the API server's resource.Quantity,
 * with exact arithmetic. What differs are the ends: an exponent or a text beyond the
 * limits below is refused, where Go works without end; and what does not fit an
 * int64 is clamped to it, where Go returns garbage.
 *
 * A plain value: it holds no memory, and none of the text it was parsed from.
 */
#ifndef PODFS_MODEL_QUANTITY_H
#define PODFS_MODEL_QUANTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <podfs/base/buf.h>

#define QUANTITY_TEXT_MAX 64      /* bytes in a text */
#define QUANTITY_DIGITS_MAX 38    /* digits from the first to the last that is not 0, down to 1n */
#define QUANTITY_EXPONENT_MAX 999 /* of 1e999, and of 1e-999 */

enum quantity_format {
	QUANTITY_UNSET,
	QUANTITY_DECIMAL_SI,       /* n u m k M G T P E */
	QUANTITY_BINARY_SI,        /* Ki Mi Gi Ti Pi Ei */
	QUANTITY_DECIMAL_EXPONENT, /* e3 */
};

/* Its members are quantity.c's own. */
struct quantity {
	__extension__ unsigned __int128 mantissa; /* no multiple of 10 but 0 */
	int scale;                                /* times 10^scale; -9 at least */
	bool negative;
	enum quantity_format format;
	size_t text_len; /* 0: the text is made from the value */
	char text[QUANTITY_TEXT_MAX];
};

/**
 * Reads a quantity, without white space around it.
 *
 * What is finer than 1n is rounded up, away from zero; a binary amount ends at
 * 2^63-1. 0; -EINVAL: not a quantity; -ERANGE: beyond one of the limits above.
 */
int quantity_parse(const char *text, size_t len, struct quantity *ret);

bool quantity_is_zero(const struct quantity *q);

/* The amount as an integer, rounded up, away from zero, and clamped to int64. */
int64_t quantity_value(const struct quantity *q);

/* The same of a thousand times the amount. */
int64_t quantity_milli_value(const struct quantity *q);

/*
 * Appends the canonical text: no fraction, the largest suffix that loses nothing.
 * As in Go a text that looked canonical to its parser stays as it was, "007" and
 * "1.500" among them. 0 or -ENOMEM.
 */
int quantity_add_text(struct buf *out, const struct quantity *q);

#endif
