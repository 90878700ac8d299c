/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quantity_text: a quantity's text, cut into what it says but not added up.
 */
#ifndef PODFS_MODEL_QUANTITY_TEXT_H
#define PODFS_MODEL_QUANTITY_TEXT_H

#include <podfs/model/quantity.h>

struct quantity_digits {
	const char *p;
	size_t len;
};

/* sign, whole.fraction, suffix; it points into the text. */
struct quantity_text {
	bool negative;
	struct quantity_digits whole; /* without the zeros that it began with */
	struct quantity_digits fraction;
	enum quantity_format format; /* what the suffix is of */
	int exponent;                /* of 2 for a binary suffix, else of 10 */
	bool canonical;              /* looks so to Go's parser, which then keeps it */
};

/* 0; -EINVAL: not a quantity; -ERANGE: the exponent is beyond QUANTITY_EXPONENT_MAX. */
int quantity_text_read(const char *text, size_t len, struct quantity_text *ret);

/* The suffix for 10^exponent or, binary, 2^exponent; NULL if there is none. */
const char *quantity_suffix(enum quantity_format format, int exponent);

/* A number of at most 19 digits. */
uint64_t quantity_digits_number(struct quantity_digits digits);

#endif
