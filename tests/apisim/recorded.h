/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recorded: what a real server said of itself; the bodies of ../recordings,
 * made into C by embed.py. Each ends with a NUL that its length leaves out.
 */
#pragma once

#include <stddef.h>

extern const char recorded_root[], recorded_version[], recorded_api[], recorded_api_v1[],
    recorded_apis[], recorded_batch_v1[];
extern const size_t recorded_root_len, recorded_version_len, recorded_api_len, recorded_api_v1_len,
    recorded_apis_len, recorded_batch_v1_len;
