/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backoff: how long to wait before the next try; client-go's numbers.
 */
#ifndef PODFS_KUBE_BACKOFF_H
#define PODFS_KUBE_BACKOFF_H

#include <stdint.h>

#define BACKOFF_FIRST_MS 800
#define BACKOFF_MAX_MS 30000
#define BACKOFF_RESET_MS 120000

/* A zeroed struct is ready. */
struct backoff {
	int64_t delay_ms; /* without jitter; 0: not started */
	int64_t last_ms;  /* when it was last asked */
};

/**
 * Milliseconds to wait: 800, doubling to 30,000, each stretched by up to twice
 * by @random; from 800 again once nobody asked for two minutes.
 */
int64_t backoff_next(struct backoff *b, int64_t now_ms, uint64_t random);

#endif
