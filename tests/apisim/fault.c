/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "hold.h"
#include "watch.h"

#define WHO "resource verb count "

const struct fault_info faults[N_FAULTS] = {
    [FAULT_401] = {"401", "Unauthorized, but for who has `token`", "resource verb token ",
		   PLACE_ANSWER, 0, 401},
    [FAULT_410] = {"410", "Expired, as the answer's status", WHO, PLACE_ANSWER, 0, 410},
    [FAULT_410_EVENT] = {"410-event", "Expired, as an ERROR event, at once", "resource count ",
			 PLACE_EVENTS, 0, 410},
    [FAULT_429] = {"429", "TooManyRequests, with `retry-after` seconds or without",
		   WHO "retry-after ", PLACE_ANSWER, 0, 429},
    [FAULT_500] = {"500", "InternalError", WHO "retry-after ", PLACE_ANSWER, 0, 500},
    [FAULT_503] = {"503", "ServiceUnavailable, with `retry-after` seconds or without",
		   WHO "retry-after ", PLACE_ANSWER, 0, 503},
    [FAULT_BOOKMARK_STORM] = {"bookmark-storm", "`n` bookmarks behind each event",
			      "resource count n ", PLACE_EVENTS, 1000, 0},
    [FAULT_COMPACT] = {"compact", "all history is forgotten", "", PLACE_OBJECTS, 0, 0},
    [FAULT_CONTINUE_EXPIRED] = {"continue-expired", "410 for every continue token",
				"resource count ", PLACE_LIST, 0, 0},
    [FAULT_CUT] = {"cut", "the connection is closed after `n` bytes", WHO "n ", PLACE_BYTES, 0, 0},
    [FAULT_CUT_LINE] = {"cut-line", "the answer ends after `n` bytes, as if it were complete",
			WHO "n ", PLACE_BYTES, 100, 0},
    [FAULT_DELETED_UNKNOWN] = {"deleted-unknown", "an unknown object is DELETED after each event",
			       "resource count ", PLACE_EVENTS, 0, 0},
    [FAULT_ERROR_EVENT] = {"error-event", "an ERROR event with `code`, at once",
			   "resource count code ", PLACE_EVENTS, 0, 500},
    [FAULT_GARBAGE] = {"garbage", "noise after `n` bytes", WHO "n ", PLACE_BYTES, 0, 0},
    [FAULT_HALF_OPEN] = {"half-open", "the request is read and never answered", WHO "ms ",
			 PLACE_ANSWER, 0, 0},
    [FAULT_HOLD] = {"hold", "events wait until this is switched off: others overtake them",
		    "resource count ms ", PLACE_EVENTS, 0, 0},
    [FAULT_HUGE] = {"huge", "there is a pod with an annotation of `n` bytes", "n ", PLACE_OBJECTS,
		    2000000, 0},
    [FAULT_NESTED] = {"nested", "there is a pod with lists in lists, `n` deep", "n ", PLACE_OBJECTS,
		      10000, 0},
    [FAULT_NEW_UID] = {"new-uid", "`n` pods are other pods under the same name: MODIFIED", "n ",
		       PLACE_OBJECTS, 1, 0},
    [FAULT_NO_BOOKMARKS] = {"no-bookmarks", "none but the one that ends initial events",
			    "resource count ", PLACE_EVENTS, 0, 0},
    [FAULT_OLD_LIST] = {"old-list", "lists are `n` revisions old", "resource count n ", PLACE_LIST,
			100, 0},
    [FAULT_RESET] = {"reset", "the connection is closed instead of an answer", WHO, PLACE_ANSWER, 0,
		     0},
    [FAULT_STALL] = {"stall", "nothing comes any more after `n` bytes, for `ms` or for ever",
		     WHO "n ms ", PLACE_BYTES, 0, 0},
    [FAULT_TOO_LARGE] = {"too-large", "504 Timeout: Too large resource version", WHO, PLACE_ANSWER,
			 0, 504},
    [FAULT_TRICKLE] = {"trickle", "the next `n` bytes come one by one", WHO "n ", PLACE_BYTES,
		       20000, 0},
    [FAULT_TWICE] = {"twice", "every event comes twice", "resource count ", PLACE_EVENTS, 0, 0},
};

struct fault_state {
	bool on;
	uint64_t taken;
	struct fault fault;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct fault_state states[N_FAULTS];
static atomic_uint_fast64_t generation;
static atomic_uint on[N_PLACES];

bool fault_on(enum fault_place place)
{
	return on[place];
}

uint64_t fault_generation(void)
{
	return generation;
}

static void turn(enum fault_id id, bool to)
{
	if (states[id].on != to)
		on[faults[id].place] += to ? 1 : (unsigned)-1;
	states[id].on = to;
}

void fault_set(const struct fault *f)
{
	struct fault_state *s = &states[f->id];

	pthread_mutex_lock(&lock);
	s->fault = *f;
	s->fault.generation = ++generation;
	s->taken = 0;
	turn(f->id, true);
	pthread_mutex_unlock(&lock);
	/* who waits for an event must look, too */
	watch_nudge_all();
}

void fault_clear(enum fault_id id)
{
	for (unsigned i = 0; i < N_FAULTS; i++) {
		if (id != N_FAULTS && i != id)
			continue;
		pthread_mutex_lock(&lock);
		turn((enum fault_id)i, false);
		hold_release(i, ++generation);
		pthread_mutex_unlock(&lock);
		fault_remove_objects((enum fault_id)i);
	}
	watch_nudge_all();
}

static bool matches(const char *wanted, const char *is)
{
	return !*wanted || (is && !strcmp(wanted, is));
}

/* A streamed list is a watch, too. */
static bool matches_verb(const char *wanted, const char *is)
{
	return matches(wanted, is) || (is && !strcmp(is, "stream") && !strcmp(wanted, "watch"));
}

bool fault_take(enum fault_id id, const char *resource, const char *verb, uint64_t after,
		struct fault *ret)
{
	struct fault_state *s = &states[id];
	bool taken;

	if (!fault_on(faults[id].place))
		return false;
	pthread_mutex_lock(&lock);
	taken = s->on && s->fault.generation > after && matches(s->fault.resource, resource) &&
		matches_verb(s->fault.verb, verb);
	if (taken) {
		*ret = s->fault;
		s->taken++;
		if (s->fault.count && !--s->fault.count)
			turn(id, false);
	}
	pthread_mutex_unlock(&lock);
	return taken;
}

void fault_describe(struct buf *b)
{
	pthread_mutex_lock(&lock);
	for (unsigned i = 0; i < N_FAULTS; i++) {
		buf_printf(b, "%s{\"name\":\"%s\",\"what\":", i ? "," : "", faults[i].name);
		buf_json_str(b, faults[i].what);
		buf_printf(b, ",\"parameters\":\"%.*s\",\"on\":%s,\"taken\":%llu}",
			   (int)strlen(faults[i].params) - (*faults[i].params ? 1 : 0),
			   faults[i].params, states[i].on ? "true" : "false",
			   (unsigned long long)states[i].taken);
	}
	pthread_mutex_unlock(&lock);
}
