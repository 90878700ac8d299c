/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "sync.h"

static enum exit_code exit_code_of(enum kube_failure failure)
{
	switch (failure) {
	case KUBE_FAILURE_UNREACHABLE:
		return EXIT_CODE_UNREACHABLE;
	case KUBE_FAILURE_TLS:
		return EXIT_CODE_TLS;
	case KUBE_FAILURE_UNAUTHORIZED:
		return EXIT_CODE_UNAUTHORIZED;
	case KUBE_FAILURE_FORBIDDEN:
		return EXIT_CODE_FORBIDDEN;
	case KUBE_FAILURE_LOCAL:
		return EXIT_CODE_CONFIG;
	default:
		return EXIT_CODE_OTHER;
	}
}

/* Namespaces and nodes that may not be read are done without; pods are what it is for. */
static bool is_optional(enum kube_resource r, const struct kube_resource_state *s)
{
	return r != KUBE_PODS && s->failure == KUBE_FAILURE_FORBIDDEN;
}

/* Whether anything came from the server: then a connection that breaks is worth another try. */
static bool has_answered(const struct kube_state *state)
{
	for (int r = 0; r < KUBE_N_RESOURCES; r++)
		if (state->resources[r].http_status || state->resources[r].last_event_ms)
			return true;
	return false;
}

/* Whether the program should end rather than try again before anything is mounted. */
static bool is_final(const struct kube_state *state, enum kube_resource r)
{
	const struct kube_resource_state *s = &state->resources[r];

	if (s->failure == KUBE_FAILURE_UNREACHABLE)
		return !has_answered(state);
	return s->failure != KUBE_FAILURE_UNSET && s->failure != KUBE_FAILURE_SERVER &&
	       !is_optional(r, s);
}

enum exit_code sync_check(const struct kube_state *state, bool *ret_complete,
			  struct error *ret_error)
{
	bool complete = true;

	for (int i = 0; i < KUBE_N_RESOURCES; i++) {
		enum kube_resource r = (enum kube_resource)i;
		const struct kube_resource_state *s = &state->resources[i];

		if (is_final(state, r)) {
			kube_failure_describe(state, r, ret_error);
			return exit_code_of(s->failure);
		}
		complete = complete && (s->synced || is_optional(r, s));
	}
	*ret_complete = complete;
	return EXIT_CODE_OK;
}

void sync_say_progress(const struct kube_state *state)
{
	const struct kube_resource_state *pods = &state->resources[KUBE_PODS];

	if (pods->failure != KUBE_FAILURE_UNSET)
		fprintf(stderr, "podfs: waiting for %s: %s\n", state->server, pods->message);
	else if (pods->total >= 0)
		fprintf(stderr, "podfs: %llu of %lld pods\n", (unsigned long long)pods->received,
			(long long)pods->total);
	else
		fprintf(stderr, "podfs: %llu pods received\n", (unsigned long long)pods->received);
}
