/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault: what goes wrong on command.
 *
 * A fault is switched on by name, for some requests, for so many times. The
 * table in fault.c says which there are; the places where they happen ask
 * fault_take() for theirs:
 *
 *	fault_answer.c   instead of an answer
 *	fault_bytes.c    among the bytes of an answer
 *	fault_events.c   among the events of a watch
 *	fault_objects.c  objects that are hard to swallow
 *	list.c           lists of the past
 *
 * Any thread may call these.
 */
#pragma once

#include "http.h"
#include "object.h"

/** In the order of their names. */
enum fault_id {
	FAULT_401,
	FAULT_410,
	FAULT_410_EVENT,
	FAULT_429,
	FAULT_500,
	FAULT_503,
	FAULT_BOOKMARK_STORM,
	FAULT_COMPACT,
	FAULT_CONTINUE_EXPIRED,
	FAULT_CUT,
	FAULT_CUT_LINE,
	FAULT_DELETED_UNKNOWN,
	FAULT_ERROR_EVENT,
	FAULT_GARBAGE,
	FAULT_HALF_OPEN,
	FAULT_HOLD,
	FAULT_HUGE,
	FAULT_NESTED,
	FAULT_NEW_UID,
	FAULT_NO_BOOKMARKS,
	FAULT_OLD_LIST,
	FAULT_RESET,
	FAULT_STALL,
	FAULT_TOO_LARGE,
	FAULT_TRICKLE,
	FAULT_TWICE,
	N_FAULTS,
};

enum fault_place {
	PLACE_ANSWER,
	PLACE_BYTES,
	PLACE_EVENTS,
	PLACE_LIST,
	PLACE_OBJECTS, /* happens at once */
	N_PLACES,
};

struct fault_info {
	const char *name, *what;
	const char *params; /* the names of its parameters, each with a space behind it */
	enum fault_place place;
	uint64_t n, code; /* what the parameters are if they are not given */
};

extern const struct fault_info faults[N_FAULTS];

/** A fault as it was switched on. */
struct fault {
	enum fault_id id;
	char resource[16], verb[8]; /* "": any */
	char token[64];
	uint64_t count; /* how many more times; 0: until it is switched off */
	uint64_t n, code, ms;
	int64_t retry_after; /* -1: not said */
	uint64_t generation; /* grows with every switch */
};

/** Switches it on; what is already on under this name is replaced. */
void fault_set(const struct fault *f);
/** Switches one off, or all of them with N_FAULTS, and lets go of what they hold up. */
void fault_clear(enum fault_id id);

/** Whether any fault of that place is on: cheap. */
bool fault_on(enum fault_place place);
/** Grows whenever a fault is switched on or off: cheap. */
uint64_t fault_generation(void);
/**
 * Whether this fault happens to this request now: it counts as one time. Only
 * if it was switched on after the generation `after`.
 */
bool fault_take(enum fault_id id, const char *resource, const char *verb, uint64_t after,
		struct fault *ret);

/** Answers in the place of the handler; false if it shall go on. */
bool fault_answer(struct request *req);
/** The same stream with the faults of bytes. */
struct stream *fault_bytes_stream(struct stream *inner, const char *resource, const char *verb);
/** The same stream, a watch's, with the faults of events. */
struct stream *fault_events_stream(struct stream *inner, const char *resource);
/** Does it; false if there is no pod to do it to. */
bool fault_make_objects(const struct fault *f);
/** Whether a fault made it. */
bool fault_made(const struct object *o);
/** Takes back the objects that a fault made. */
void fault_remove_objects(enum fault_id id);

/** All of them as members of a JSON array. */
void fault_describe(struct buf *b);
/** GET, POST, DELETE /apisim/fault: always answers. */
void fault_control(struct request *req);
