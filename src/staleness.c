/* SPDX-License-Identifier: Apache-2.0 */
#include <podfs/base/clock.h>
#include <podfs/base/log.h>

#include "staleness.h"

/* What may not be read is said once for each resource. */
static void log_forbidden(struct staleness *s, enum kube_resource r,
			  const struct kube_resource_state *state)
{
	bool forbidden = !state->synced && state->failure == KUBE_FAILURE_FORBIDDEN;

	if (forbidden && !s->told_forbidden[r])
		log_warn("%s may not be read: %s", kube_resource_name(r), state->message);
	s->told_forbidden[r] = forbidden;
}

static bool is_stale(const struct kube_resource_state *state)
{
	return state->synced && state->failure != KUBE_FAILURE_UNSET;
}

/* A loss of the server is one line, with the first reason, and its return is one. */
static void log_failures(struct staleness *s, const struct kube_state *state)
{
	bool lost = false;

	for (int i = 0; i < KUBE_N_RESOURCES; i++) {
		const struct kube_resource_state *resource = &state->resources[i];

		log_forbidden(s, (enum kube_resource)i, resource);
		if (!is_stale(resource))
			continue;
		if (!lost && !s->lost)
			log_warn("lost the server: cannot %s %s: %s", resource->verb,
				 kube_resource_name((enum kube_resource)i), resource->message);
		lost = true;
	}
	if (s->lost && !lost)
		log_info("the server is back: everything is up to date");
	s->lost = lost;
}

int64_t stale_since_ms(const struct kube_state *state)
{
	int64_t since = 0;

	for (int i = 0; i < KUBE_N_RESOURCES; i++) {
		const struct kube_resource_state *resource = &state->resources[i];

		if (is_stale(resource) && (!since || resource->failing_since_ms < since))
			since = resource->failing_since_ms;
	}
	return since;
}

static void on_too_old(uv_timer_t *timer);

/* --stale=deny: too old is not shown at all. */
static void check(struct staleness *s, const struct kube_state *state)
{
	int64_t since = stale_since_ms(state);
	int64_t left = since + s->deny_after_ms - clock_monotonic_ms();

	if (s->deny_after_ms < 0)
		return;
	uv_timer_stop(&s->timer);
	if (since && left > 0)
		uv_timer_start(&s->timer, on_too_old, (uint64_t)left, 0);
	bool deny = since && left <= 0;
	if (deny != s->denying)
		log_warn(deny ? "reads fail from now on: what was last known is too old"
			      : "reads work again");
	s->denying = deny;
	fs_deny(s->fs, deny);
}

static void on_too_old(uv_timer_t *timer)
{
	struct staleness *s = timer->data;
	struct kube_state state;

	kube_client_state(s->client, &state);
	check(s, &state);
}

void staleness_init(struct staleness *s, uv_loop_t *loop, int64_t deny_after_ms)
{
	*s = (struct staleness){.deny_after_ms = deny_after_ms};
	uv_timer_init(loop, &s->timer);
	s->timer.data = s;
}

void staleness_start(struct staleness *s, struct kube_client *client, struct fs *fs)
{
	s->client = client;
	s->fs = fs;
}

void staleness_update(struct staleness *s, const struct kube_state *state)
{
	log_failures(s, state);
	check(s, state);
}

void staleness_stop(struct staleness *s)
{
	uv_timer_stop(&s->timer);
}
