/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hold: connections on which nothing happens, until something ends that.
 */
#pragma once

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

enum { HOLD_IDS = 64 };

enum hold_end {
	HOLD_NONE,     /* still held, or never was */
	HOLD_RELEASED, /* the fault was switched off */
	HOLD_OVER,     /* its time is over */
	HOLD_LOST,     /* the client is gone */
};

/* A zeroed struct is ready. */
struct hold {
	struct MHD_Connection *connection;
	unsigned id;
	int64_t until; /* 0: no end */
	bool held;
	enum hold_end end;
	struct hold *next, **link;
};

/**
 * Suspends the connection, for `ms` or (0) without end, in the name of a fault
 * that was switched on at `generation`. When it is resumed, `end` says why.
 */
void hold_start(struct hold *h, struct MHD_Connection *connection, unsigned id, uint64_t ms,
		uint64_t generation);
/** Before the struct goes away. */
void hold_stop(struct hold *h);
/** Resumes what this fault holds, and what it still will hold if it is older than that. */
void hold_release(unsigned id, uint64_t generation);
