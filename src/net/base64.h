/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PODFS_NET_BASE64_H
#define PODFS_NET_BASE64_H

#include <stddef.h>

/* With padding and a NUL; to be freed. NULL: no memory. */
char *base64_encode(const char *p, size_t len);

#endif
