/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pace: no more than so many bytes a second, all answers together.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct MHD_Connection;

/** Call once before serving; 0 means no limit. Starts a thread if there is one. */
void pace_init(uint64_t bytes_per_second);
bool pace_limited(void);

/**
 * Asks to send up to `want` bytes: how many are allowed now. If 0, the
 * connection has been suspended and will be resumed.
 */
size_t pace_take(struct MHD_Connection *c, size_t want);
void pace_give_back(size_t unused);
