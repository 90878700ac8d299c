/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync: the first lists, before anything is mounted.
 *
 * Whoever started the program waits for them: a failure that will not pass ends
 * it, one that may pass is waited out, and the terminal hears of it. [loop]
 */
#ifndef PODFS_SYNC_H
#define PODFS_SYNC_H

#include <podfs/kube/client.h>

#include "options.h"

/**
 * Whether everything that may be read is in.
 *
 * @ret_complete  set if so.
 *
 * EXIT_CODE_OK, or what the program ends with, with @ret_error filled.
 */
enum exit_code sync_check(const struct kube_state *state, bool *ret_complete,
			  struct error *ret_error);

/* How far it is, in a line on the terminal. */
void sync_say_progress(const struct kube_state *state);

#endif
