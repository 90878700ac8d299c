/* SPDX-License-Identifier: Apache-2.0 */
#include "churn.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "edit.h"
#include "fault.h"
#include "store.h"

enum {
	/* thousandths of a change: how many at most are made up for after a stall */
	BURST_MAX = 1000 * 1000,
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t rate_changed = PTHREAD_COND_INITIALIZER;
static struct rng rng;
static uint64_t rate, made;

/* An edit of the newest version of an object; nothing if somebody else was faster. */
static void replace(struct object *o, char *text)
{
	if (text)
		store_replace(o, text, strlen(text), NULL);
	free(text);
}

/* One pod goes and another like it comes, as when a deployment rolls. */
static void roll(struct object *o, const char *now)
{
	char suffix[8], uid[37];
	const char *dash = strrchr(o->name, '-');
	_cleanup_(freep) char *name = NULL, *text = NULL;

	rng_chars(&rng, "bcdfghjklmnpqrstvwxz2456789", 5, suffix);
	rng_uuid(&rng, uid);
	name = xasprintf("%.*s-%s", dash ? (int)(dash - o->name) : (int)strlen(o->name), o->name,
			 suffix);
	if (strlen(name) > 253)
		return;
	text = edit_identity(o, name, uid, now);
	if (store_delete(o, NULL, 0, NULL) == 0)
		store_create(o->kind, text, strlen(text), NULL);
}

static void change_one(void)
{
	uint64_t what = rng_below(&rng, 100), which = rng_next(&rng);
	_cleanup_(object_unrefp) struct object *o = NULL;
	char now[32], value[24];

	format_time(time(NULL), now);
	o = store_pick(what >= 85 && what < 95 ? KIND_NODES : KIND_PODS, which);
	/* what a fault made stays as it is */
	if (!o || fault_made(o))
		return;
	snprintf(value, sizeof(value), "r%llu", (unsigned long long)made);
	if (what < 40)
		replace(o, edit_map(o, "labels", "churn.example.com/revision", value));
	else if (what < 65)
		replace(o, edit_map(o, "annotations", "churn.example.com/note",
				    what % 2 ? value : "two \"lines\"\nand a <tag> & more"));
	else if (what < 85)
		replace(o, edit_restart(o, now));
	else if (what < 95)
		replace(o, edit_heartbeat(o, now));
	else
		roll(o, now);
}

static void *run(void *arg)
{
	const struct timespec tick = {.tv_nsec = 1000000};
	int64_t last = now_ms();
	uint64_t owed = 0; /* thousandths of a change */

	pthread_mutex_lock(&lock);
	for (;;) {
		int64_t now;

		while (!rate) {
			pthread_cond_wait(&rate_changed, &lock);
			last = now_ms();
			owed = 0;
		}
		pthread_mutex_unlock(&lock);
		nanosleep(&tick, NULL);
		pthread_mutex_lock(&lock);
		now = now_ms();
		owed += rate * (uint64_t)(now - last);
		last = now;
		if (owed > BURST_MAX)
			owed = BURST_MAX;
		for (; owed >= 1000 && rate; owed -= 1000) {
			change_one();
			made++;
		}
	}
	return NULL;
}

void churn_init(const struct options *o)
{
	pthread_t thread;

	rng.state = o->seed + 77;
	rate = o->churn;
	if (pthread_create(&thread, NULL, run, NULL) == 0)
		pthread_detach(thread);
}

void churn_set_rate(uint64_t changes_per_second)
{
	/* changes are made with the lock held: who has it knows that none is under way */
	pthread_mutex_lock(&lock);
	rate = changes_per_second;
	pthread_cond_signal(&rate_changed);
	pthread_mutex_unlock(&lock);
}

uint64_t churn_made(void)
{
	uint64_t n;

	pthread_mutex_lock(&lock);
	n = made;
	pthread_mutex_unlock(&lock);
	return n;
}
