/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults among the bytes of an answer, whatever they mean: a stream around a
 * stream. One fault at a time; one that is over for this stream does not come
 * again until it is switched on again.
 */
#include <stdlib.h>
#include <string.h>

#include "fault.h"

struct bytes_stream {
	struct stream stream;
	struct stream *inner;
	const char *resource, *verb;
	uint64_t seen; /* the generation that was looked at last */
	uint64_t done; /* and that of the last fault that is over */
	bool faulty;
	struct fault fault;
	uint64_t left; /* bytes until it happens; of a trickle, bytes that are left of it */
	struct hold hold;
};

/* Not JSON, not text, and no string goes on over it. */
static const char noise[] = "\x01\xff]}\"{:,[[\x02\xfe not of this world \\u12";

static void look(struct bytes_stream *b)
{
	static const enum fault_id ids[] = {FAULT_CUT, FAULT_CUT_LINE, FAULT_GARBAGE, FAULT_STALL,
					    FAULT_TRICKLE};
	uint64_t generation = fault_generation();

	if (b->faulty || b->seen == generation)
		return;
	b->seen = generation;
	for (size_t i = 0; i < ARRAY_SIZE(ids) && !b->faulty; i++)
		b->faulty = fault_take(ids[i], b->resource, b->verb, b->done, &b->fault);
	b->left = b->fault.n;
}

static void over(struct bytes_stream *b)
{
	b->faulty = false;
	b->done = b->fault.generation;
}

static ssize_t happen(struct bytes_stream *b, char *out, size_t max)
{
	size_t n = sizeof(noise) - 1 < max ? sizeof(noise) - 1 : max;

	switch (b->fault.id) {
	case FAULT_CUT_LINE:
		return STREAM_END;
	case FAULT_GARBAGE:
		memcpy(out, noise, n);
		over(b);
		return (ssize_t)n;
	case FAULT_STALL:
		if (b->hold.end == HOLD_NONE) {
			hold_start(&b->hold, b->stream.connection, b->fault.id, b->fault.ms,
				   b->fault.generation);
			return STREAM_WAIT;
		}
		if (b->hold.end != HOLD_OVER)
			return STREAM_ERROR;
		b->hold.end = HOLD_NONE;
		over(b);
		return b->inner->read(b->inner, out, max);
	default:
		return STREAM_ERROR;
	}
}

static ssize_t bytes_read(struct stream *s, char *out, size_t max)
{
	struct bytes_stream *b = (struct bytes_stream *)s;
	bool trickles;
	ssize_t n;

	look(b);
	if (!b->faulty)
		return b->inner->read(b->inner, out, max);
	trickles = b->fault.id == FAULT_TRICKLE;
	if (!trickles && !b->left)
		return happen(b, out, max);
	if (trickles)
		max = 1;
	else if (max > b->left)
		max = b->left;
	n = b->inner->read(b->inner, out, max);
	if (n > 0)
		b->left -= (uint64_t)n < b->left ? (uint64_t)n : b->left;
	if (trickles && !b->left)
		over(b);
	return n;
}

static void bytes_free(struct stream *s)
{
	struct bytes_stream *b = (struct bytes_stream *)s;

	hold_stop(&b->hold);
	b->inner->free(b->inner);
	free(b);
}

struct stream *fault_bytes_stream(struct stream *inner, const char *resource, const char *verb)
{
	struct bytes_stream *b = xcalloc(1, sizeof(*b));

	b->stream = (struct stream){bytes_read, bytes_free, NULL};
	b->inner = inner;
	b->resource = resource;
	b->verb = verb;
	return &b->stream;
}
