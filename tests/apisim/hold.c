/* SPDX-License-Identifier: Apache-2.0 */
#include "hold.h"

#include <pthread.h>
#include <time.h>

#include "http.h"

enum {
	TICK_NS = 20 * 1000 * 1000,
	TICKS_PER_PROBE = 25,
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct hold *holds;
static uint64_t released[HOLD_IDS];

static void unlink_hold(struct hold *h)
{
	*h->link = h->next;
	if (h->next)
		h->next->link = h->link;
	h->held = false;
}

static void end_locked(struct hold *h, enum hold_end end)
{
	unlink_hold(h);
	h->end = end;
	MHD_resume_connection(h->connection);
}

static void *look_after(void *arg)
{
	const struct timespec tick = {.tv_nsec = TICK_NS};

	for (unsigned ticks = 0;; ticks++) {
		struct hold *next;
		int64_t now;

		nanosleep(&tick, NULL);
		now = now_ms();
		pthread_mutex_lock(&lock);
		for (struct hold *h = holds; h; h = next) {
			next = h->next;
			if (h->until && now >= h->until)
				end_locked(h, HOLD_OVER);
			else if (ticks % TICKS_PER_PROBE == 0 && connection_lost(h->connection))
				end_locked(h, HOLD_LOST);
		}
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

static void start_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, look_after, NULL) == 0)
		pthread_detach(thread);
}

void hold_start(struct hold *h, struct MHD_Connection *connection, unsigned id, uint64_t ms,
		uint64_t generation)
{
	pthread_once(&once, start_thread);
	pthread_mutex_lock(&lock);
	*h = (struct hold){
	    .connection = connection,
	    .id = id,
	    .until = ms ? now_ms() + (int64_t)ms : 0,
	    .held = true,
	    .next = holds,
	    .link = &holds,
	};
	if (holds)
		holds->link = &h->next;
	holds = h;
	MHD_suspend_connection(connection);
	/* switched off between the taking and this */
	if (generation < released[id])
		end_locked(h, HOLD_RELEASED);
	pthread_mutex_unlock(&lock);
}

void hold_stop(struct hold *h)
{
	pthread_mutex_lock(&lock);
	if (h->held)
		unlink_hold(h);
	pthread_mutex_unlock(&lock);
}

void hold_release(unsigned id, uint64_t generation)
{
	struct hold *next;

	pthread_mutex_lock(&lock);
	released[id] = generation;
	for (struct hold *h = holds; h; h = next) {
		next = h->next;
		if (h->id == id)
			end_locked(h, HOLD_RELEASED);
	}
	pthread_mutex_unlock(&lock);
}
