/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state: how one resource does, for who looks from outside.
 */
#ifndef PODFS_KUBE_STATE_H
#define PODFS_KUBE_STATE_H

#include <stdbool.h>
#include <stdint.h>

enum kube_failure {
	KUBE_FAILURE_UNSET,        /* no failure */
	KUBE_FAILURE_UNREACHABLE,  /* no connection, or it broke */
	KUBE_FAILURE_TLS,          /* certificates do not fit */
	KUBE_FAILURE_UNAUTHORIZED, /* 401 */
	KUBE_FAILURE_FORBIDDEN,    /* 403 */
	KUBE_FAILURE_REJECTED,     /* another 4xx: a bad selector, no such path */
	KUBE_FAILURE_SERVER,       /* 429, 5xx, or an answer that is no Kubernetes */
	KUBE_FAILURE_LOCAL,        /* a credential cannot be read, no memory */
};

enum kube_phase {
	KUBE_PHASE_UNSET,
	KUBE_PHASE_LISTING,  /* a list is under way */
	KUBE_PHASE_OPENING,  /* the watch has been asked for */
	KUBE_PHASE_WATCHING, /* up to date, as far as the server tells */
	KUBE_PHASE_WAITING,  /* failed, next try at retry_at_ms */
};

struct kube_counters {
	uint64_t added; /* watch events by type */
	uint64_t modified;
	uint64_t deleted;
	uint64_t bookmarks;
	uint64_t errors;   /* ERROR events */
	uint64_t lists;    /* complete lists */
	uint64_t watches;  /* watches opened */
	uint64_t failures; /* requests that failed */
	uint64_t expired;  /* 410: the known resourceVersion was too old */
	uint64_t silent;   /* watches opened anew because nothing came */
	uint64_t refused;  /* objects over a limit or not decodable: absent */
	uint64_t bytes;    /* of bodies, uncompressed */
};

/* How one resource does. Plain data: copy it. Times are clock_monotonic_ms(). */
struct kube_resource_state {
	enum kube_phase phase;
	bool synced;               /* a list was complete: there is something to serve */
	uint64_t received;         /* objects of the list under way, or of the last one */
	int64_t total;             /* how many that list has, -1: not known yet */
	char resource_version[64]; /* up to here all is known; "" before the first list */
	int64_t last_event_ms; /* the server last said something, bookmarks included; 0: never */

	/* Why it is not up to date; kept until it is again. */
	enum kube_failure failure; /* KUBE_FAILURE_UNSET: it is, or nothing failed yet */
	int http_status;           /* of that failure, 0: none came */
	const char *verb;          /* "list" or "watch": what failed; static */
	char message[512];         /* the server's words, or the network's */
	char hint[512];            /* what to do about it, or "": nothing special */
	int64_t failing_since_ms;
	int64_t retry_at_ms; /* in KUBE_PHASE_WAITING */

	struct kube_counters counters;
};

#endif
