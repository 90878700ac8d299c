/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PODFS_BASE_UTF8_H
#define PODFS_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define UTF8_REPLACEMENT 0xfffdu

/**
 * Reads the code point at @s.
 *
 * @ret_rune  the code point; UTF8_REPLACEMENT if the bytes are none.
 *
 * How many bytes it takes, or 0 if they are not UTF-8 (surrogates, overlong
 * forms and what is beyond U+10FFFF are not). @len must not be 0.
 */
size_t utf8_read(const char *s, size_t len, uint32_t *ret_rune);

/* Writes a code point to @out, which has room for 4 bytes; how many it took. */
size_t utf8_write(char *out, uint32_t rune);

#endif
