/* SPDX-License-Identifier: Apache-2.0 */
#include "backoff.h"

int64_t backoff_next(struct backoff *b, int64_t now_ms, uint64_t random)
{
	if (!b->delay_ms || now_ms - b->last_ms > BACKOFF_RESET_MS)
		b->delay_ms = BACKOFF_FIRST_MS;
	else if (b->delay_ms < BACKOFF_MAX_MS)
		b->delay_ms *= 2;
	if (b->delay_ms > BACKOFF_MAX_MS)
		b->delay_ms = BACKOFF_MAX_MS;
	b->last_ms = now_ms;
	return b->delay_ms + (int64_t)(random % (uint64_t)b->delay_ms);
}
