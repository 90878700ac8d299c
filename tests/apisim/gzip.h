/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip: a stream compressed on the way, and reading what is compressed.
 */
#pragma once

#include "http.h"

/** A stream that gives the gzip form of `inner`, which it takes over and which never waits. */
struct stream *gzip_stream(struct stream *inner);

/** Reads a file, uncompressing it if its name ends in .gz; a NUL follows. false with errno set. */
bool read_file(const char *path, struct buf *ret);
