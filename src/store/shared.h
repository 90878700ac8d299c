/* SPDX-License-Identifier: Apache-2.0 */
/* shared: strings that many objects have, kept once. [any thread] */
#ifndef PODFS_STORE_SHARED_H
#define PODFS_STORE_SHARED_H

/* A reference to a copy of @text; NULL: out of memory. */
const char *shared_get(const char *text);

/* Gives one back; NULL is none. */
void shared_put(const char *text);

#endif
