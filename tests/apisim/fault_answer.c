/* SPDX-License-Identifier: Apache-2.0 */
/* Faults in the place of an answer. */
#include <stdio.h>
#include <string.h>

#include "fault.h"
#include "list.h"
#include "status.h"

static void refuse(struct request *req, const struct fault *f, const char *reason,
		   const char *message)
{
	_cleanup_(freep) char *details = NULL;
	char seconds[24];

	if (f->retry_after >= 0)
		details = xasprintf("{\"retryAfterSeconds\":%lld}", (long long)f->retry_after);
	status_reply(req, (unsigned)f->code, reason, message, details);
	if (f->retry_after >= 0) {
		snprintf(seconds, sizeof(seconds), "%lld", (long long)f->retry_after);
		reply_header(req, "Retry-After", seconds);
	}
}

static bool has_token(const struct request *req, const char *token)
{
	const char *header = request_header(req, "Authorization");

	return *token && header && !strncmp(header, "Bearer ", 7) && !strcmp(header + 7, token);
}

static void answer(struct request *req, const struct fault *f)
{
	switch (f->id) {
	case FAULT_401:
		refuse(req, f, "Unauthorized", "Unauthorized");
		break;
	case FAULT_410:
		refuse(req, f, "Expired", "The resourceVersion is too old.");
		break;
	case FAULT_429:
		refuse(req, f, "TooManyRequests", "too many requests, please try again later");
		break;
	case FAULT_500:
		refuse(req, f, "InternalError", "Internal error occurred: on command");
		break;
	case FAULT_503:
		refuse(req, f, "ServiceUnavailable", "the server is currently unavailable");
		break;
	case FAULT_TOO_LARGE:
		list_too_large(req, request_arg_number(req, "resourceVersion", 0));
		break;
	case FAULT_HALF_OPEN:
		hold_start(&req->hold, req->connection, f->id, f->ms, f->generation);
		break;
	default:
		req->drop = true;
		break;
	}
}

bool fault_answer(struct request *req)
{
	struct fault f;

	if (!fault_on(PLACE_ANSWER))
		return false;
	for (unsigned i = 0; i < N_FAULTS; i++) {
		if (faults[i].place != PLACE_ANSWER)
			continue;
		if (!fault_take((enum fault_id)i, req->resource, req->verb, 0, &f) ||
		    (i == FAULT_401 && has_token(req, f.token)))
			continue;
		answer(req, &f);
		return true;
	}
	return false;
}
