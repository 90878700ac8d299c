/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PODFS_MODEL_GO_QUOTE_H
#define PODFS_MODEL_GO_QUOTE_H

#include <podfs/base/buf.h>

/**
 * Appends a string as Go's strconv.Quote writes it, quotes included: the form of
 * the values in a kubelet's files of labels and annotations.
 *
 * @s  any bytes; what is no UTF-8 is written byte by byte as \xHH
 *
 * Which code points are printable depends on the Unicode version that Go was built
 * with: src/model/isprint_table.h names it. 0 or -ENOMEM.
 */
int go_quote(struct buf *out, const char *s, size_t len);

#endif
