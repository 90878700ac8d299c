/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bucket that a thread fills every few milliseconds. Who finds it empty is
 * suspended and resumed at the next filling.
 */
#include "pace.h"

#include <microhttpd.h>
#include <pthread.h>
#include <time.h>

#include "util.h"

enum { TICK_NS = 5 * 1000 * 1000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t rate, bucket;
static struct MHD_Connection **waiting;
static size_t n_waiting;

static void *fill(void *arg)
{
	const struct timespec tick = {.tv_nsec = TICK_NS};
	int64_t last = now_ms();
	uint64_t owed = 0; /* thousandths of a byte, so that small rates are met too */

	for (;;) {
		int64_t now;

		nanosleep(&tick, NULL);
		now = now_ms();
		pthread_mutex_lock(&lock);
		owed += rate * (uint64_t)(now - last);
		bucket += owed / 1000;
		owed %= 1000;
		if (bucket > rate / 20 + 1)
			bucket = rate / 20 + 1;
		last = now;
		while (bucket && n_waiting)
			MHD_resume_connection(waiting[--n_waiting]);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

void pace_init(uint64_t bytes_per_second)
{
	pthread_t thread;

	rate = bytes_per_second;
	if (rate && pthread_create(&thread, NULL, fill, NULL) == 0)
		pthread_detach(thread);
}

bool pace_limited(void)
{
	return rate;
}

size_t pace_take(struct MHD_Connection *c, size_t want)
{
	size_t allowed;

	if (!rate)
		return want;
	pthread_mutex_lock(&lock);
	allowed = want < bucket ? want : bucket;
	bucket -= allowed;
	if (!allowed) {
		waiting = xrealloc(waiting, (n_waiting + 1) * sizeof(*waiting));
		waiting[n_waiting++] = c;
		MHD_suspend_connection(c);
	}
	pthread_mutex_unlock(&lock);
	return allowed;
}

void pace_give_back(size_t unused)
{
	if (!rate || !unused)
		return;
	pthread_mutex_lock(&lock);
	bucket += unused;
	pthread_mutex_unlock(&lock);
}
