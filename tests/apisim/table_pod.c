/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pod's STATUS is what its phase, its conditions and each container's state
 * add up to; the order of the checks is the server's.
 */
#include "table_pod.h"

#include <string.h>

struct summary {
	int64_t total, ready, restarts;
	struct jspan last_restart; /* when the newest of them was */
	struct buf reason;
	bool initializing, has_running;
};

static bool is_true(struct jspan v)
{
	return v.p && *v.p == 't';
}

static void set_reason(struct summary *s, struct jspan reason, const char *prefix)
{
	s->reason.len = 0;
	buf_puts(&s->reason, prefix);
	if (reason.p && *reason.p == '"')
		jspan_decode(reason, &s->reason);
}

/* A terminated container without a reason shows its signal or its exit code. */
static void set_terminated(struct summary *s, struct jspan t, const char *prefix)
{
	struct jspan reason = jspan_get(t, "reason");
	int64_t signal = jspan_int(jspan_get(t, "signal"), 0);

	set_reason(s, reason, prefix);
	if (reason.p)
		return;
	if (signal)
		buf_printf(&s->reason, "Signal:%lld", (long long)signal);
	else
		buf_printf(&s->reason, "ExitCode:%lld",
			   (long long)jspan_int(jspan_get(t, "exitCode"), 0));
}

static void count_restarts(struct summary *s, struct jspan status)
{
	struct jspan finished = jspan_path(status, "lastState.terminated.finishedAt");

	s->restarts += jspan_int(jspan_get(status, "restartCount"), 0);
	if (finished.p && finished.len == 22 &&
	    (!s->last_restart.p || memcmp(finished.p, s->last_restart.p, 22) > 0))
		s->last_restart = finished;
}

static bool restarts_always(struct jspan pod, struct jspan name)
{
	struct jspan list = jspan_path(pod, "spec.initContainers"), c;
	const char *it = NULL;

	while (jspan_element(list, &it, &c)) {
		struct jspan other = jspan_get(c, "name");

		if (other.len == name.len && name.p && !memcmp(other.p, name.p, name.len))
			return jspan_is(jspan_get(c, "restartPolicy"), "Always");
	}
	return false;
}

static size_t count(struct jspan list)
{
	const char *it = NULL;
	struct jspan e;
	size_t n = 0;

	while (jspan_element(list, &it, &e))
		n++;
	return n;
}

static void init_containers(struct summary *s, struct jspan pod)
{
	struct jspan list = jspan_path(pod, "status.initContainerStatuses"), c;
	size_t total = count(jspan_path(pod, "spec.initContainers")), i = 0;
	const char *it = NULL;

	for (; jspan_element(list, &it, &c); i++) {
		struct jspan ended = jspan_path(c, "state.terminated");
		struct jspan waiting = jspan_path(c, "state.waiting.reason");
		bool sidecar = restarts_always(pod, jspan_get(c, "name"));

		count_restarts(s, c);
		s->total += sidecar;
		s->ready += sidecar && is_true(jspan_get(c, "ready"));
		if (s->initializing || (sidecar && is_true(jspan_get(c, "started"))) ||
		    (ended.p && jspan_int(jspan_get(ended, "exitCode"), 0) == 0))
			continue;
		s->initializing = true;
		if (ended.p) {
			set_terminated(s, ended, "Init:");
		} else if (waiting.p && !jspan_is(waiting, "PodInitializing")) {
			set_reason(s, waiting, "Init:");
		} else {
			s->reason.len = 0;
			buf_printf(&s->reason, "Init:%zu/%zu", i, total);
		}
	}
}

static void containers(struct summary *s, struct jspan pod)
{
	struct jspan list = jspan_path(pod, "status.containerStatuses"), c;
	const char *it = NULL;
	bool first = true;

	while (jspan_element(list, &it, &c)) {
		struct jspan waiting = jspan_path(c, "state.waiting.reason");
		struct jspan ended = jspan_path(c, "state.terminated");
		struct jspan running = jspan_path(c, "state.running");

		count_restarts(s, c);
		if (is_true(jspan_get(c, "ready")) && running.p) {
			s->ready++;
			s->has_running = true;
		}
		/* of several, the first container's state wins */
		if (!s->initializing && first && waiting.p) {
			set_reason(s, waiting, "");
			first = false;
		} else if (!s->initializing && first && ended.p) {
			set_terminated(s, ended, "");
			first = false;
		}
	}
}

static void gates(struct jspan pod, struct buf *b)
{
	struct jspan list = jspan_path(pod, "spec.readinessGates"), g, c;
	struct jspan conditions = jspan_path(pod, "status.conditions");
	const char *it = NULL, *it2;
	int total = 0, met = 0;

	while (jspan_element(list, &it, &g)) {
		struct jspan type = jspan_get(g, "conditionType");

		total++;
		it2 = NULL;
		while (jspan_element(conditions, &it2, &c)) {
			struct jspan other = jspan_get(c, "type");

			met += other.p && type.p && other.len == type.len &&
			       !memcmp(other.p, type.p, type.len) &&
			       jspan_is(jspan_get(c, "status"), "True");
		}
	}
	if (total)
		buf_printf(b, "%d/%d", met, total);
	else
		buf_puts(b, "<none>");
}

static void text_or_none(struct jspan v, struct buf *b)
{
	if (v.p && *v.p == '"')
		jspan_decode(v, b);
	if (!b->len)
		buf_puts(b, "<none>");
}

void table_pod_cells(struct jspan pod, struct buf *b, struct buf *out)
{
	struct jspan reason = jspan_path(pod, "status.reason");
	struct summary s = {.total = (int64_t)count(jspan_path(pod, "spec.containers"))};

	set_reason(&s, reason.p ? reason : jspan_path(pod, "status.phase"), "");
	if (count(jspan_path(pod, "spec.schedulingGates")) && !jspan_path(pod, "spec.nodeName").p)
		set_reason(&s, (struct jspan){0}, "SchedulingGated");
	init_containers(&s, pod);
	containers(&s, pod);
	if (s.has_running && s.reason.len == 9 && !memcmp(s.reason.data, "Completed", 9))
		set_reason(&s, (struct jspan){0}, "Running");
	if (jspan_path(pod, "metadata.deletionTimestamp").p)
		set_reason(&s, (struct jspan){0}, "Terminating");
	buf_printf(b, "%lld/%lld", (long long)s.ready, (long long)s.total);
	table_cell(out, b);
	table_cell(out, &s.reason);
	buf_printf(b, "%lld", (long long)s.restarts);
	if (s.restarts && s.last_restart.p) {
		buf_puts(b, " (");
		table_age(s.last_restart, b);
		buf_puts(b, " ago)");
	}
	table_cell(out, b);
	table_age(jspan_path(pod, "metadata.creationTimestamp"), b);
	table_cell(out, b);
	text_or_none(jspan_path(pod, "status.podIP"), b);
	table_cell(out, b);
	text_or_none(jspan_path(pod, "spec.nodeName"), b);
	table_cell(out, b);
	text_or_none(jspan_path(pod, "status.nominatedNodeName"), b);
	table_cell(out, b);
	gates(pod, b);
	table_cell(out, b);
	buf_release(&s.reason);
}
