/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <unistd.h>

#include <podfs/base/clock.h>

#include "feed.h"
#include "staleness.h"
#include "status.h"

int status_describe(const struct kube_resource_state *s, struct buf *out)
{
	int64_t now = clock_monotonic_ms();

	if (s->failure == KUBE_FAILURE_FORBIDDEN && !s->synced)
		return buf_addf(out, "not readable (%s)", s->message);
	if (s->failure != KUBE_FAILURE_UNSET) {
		buf_addf(out, "not up to date for %lld s (%s)",
			 (long long)((now - s->failing_since_ms) / 1000), s->message);
		if (s->phase == KUBE_PHASE_WAITING && s->retry_at_ms > now)
			buf_addf(out, ", next try in %lld s",
				 (long long)((s->retry_at_ms - now + 999) / 1000));
		return out->err;
	}
	switch (s->phase) {
	case KUBE_PHASE_LISTING:
		return buf_addf(out, "listing, %llu received", (unsigned long long)s->received);
	case KUBE_PHASE_WATCHING:
		return buf_addstr(out, "watching");
	default:
		return buf_addstr(out, s->synced ? "opening a watch" : "starting");
	}
}

/* One line: what a server or a kubeconfig says may hold anything. */
static void add_text(struct buf *out, const char *key, const char *text)
{
	buf_addf(out, "%s: ", key);
	for (; *text; text++)
		buf_addch(out, (unsigned char)*text < 0x20 || *text == 0x7f ? ' ' : *text);
	buf_addch(out, '\n');
}

static void add_resource(struct buf *out, enum kube_resource r, const struct kube_resource_state *s,
			 const struct store_counts *counts)
{
	const char *name = kube_resource_name(r);
	cleanup_buf struct buf state = {0};

	if (status_describe(s, &state) < 0) {
		out->err = -ENOMEM;
		return;
	}
	add_text(out, name, state.data);
	if (counts->unreadable[feed_kind(r)])
		return;
	buf_addf(out, "%s.objects: %llu\n", name,
		 (unsigned long long)counts->objects[feed_kind(r)]);
	buf_addf(out, "%s.resourceVersion: %s\n", name, s->resource_version);
	if (s->last_event_ms)
		buf_addf(out, "%s.lastEventAge: %.1f s\n", name,
			 (double)(clock_monotonic_ms() - s->last_event_ms) / 1000);
}

/* What may not be read counts as neither missing nor behind. */
static bool all_of(const struct kube_state *state, const struct store_counts *counts,
		   bool (*is)(const struct kube_resource_state *))
{
	for (int r = 0; r < KUBE_N_RESOURCES; r++)
		if (!counts->unreadable[feed_kind((enum kube_resource)r)] &&
		    !is(&state->resources[r]))
			return false;
	return true;
}

static bool is_synced(const struct kube_resource_state *s)
{
	return s->synced;
}

static bool is_connected(const struct kube_resource_state *s)
{
	return s->failure == KUBE_FAILURE_UNSET;
}

/* upgrade.c reads it. */
static void add_processes(struct buf *out, const struct fs_head *head)
{
	if (!head)
		return;
	buf_addf(out, "supervisor: %ld\n", (long)getppid());
	buf_addf(out, "worker: %u\n", head->generation);
	if (head->generation > 1 && head->death)
		buf_addf(out, "worker.inPlaceOfOneEndedBy: signal %d\n", head->death);
	buf_addf(out, "worker.failedUpgrades: %u\n", head->failed_upgrades);
}

int status_text(void *ctx, struct buf *out)
{
	struct status *status = ctx;
	struct kube_state state;
	struct store_counts counts;
	cleanup_buf struct buf self = {0};
	uint64_t refused = 0;

	kube_client_state(status->client, &state);
	store_counts(status->store, &counts);
	add_text(out, "server", state.server);
	add_text(out, "identity", state.identity);
	buf_addf(out, "scope: %s%s%s\n", *state.namespace ? "namespace " : "all namespaces",
		 state.namespace,
		 state.fell_back ? " (pods of other namespaces may not be listed)" : "");
	buf_addf(out, "synced: %s\n", all_of(&state, &counts, is_synced) ? "yes" : "no");
	buf_addf(out, "connected: %s\n", all_of(&state, &counts, is_connected) ? "yes" : "no");
	for (int r = 0; r < KUBE_N_RESOURCES; r++) {
		add_resource(out, (enum kube_resource)r, &state.resources[r], &counts);
		refused += state.resources[r].counters.refused;
	}
	if (self_describe(status->self, &self) < 0)
		return -ENOMEM;
	add_text(out, "self", self.data);
	add_processes(out, status->head);
	buf_addf(out, "limits.objectsRefused: %llu\n", (unsigned long long)refused);
	buf_addf(out, "limits.namesLeftOut: %llu\n", (unsigned long long)counts.left_out);
	buf_addf(out, "limits.selectionsRefused: %llu\n",
		 (unsigned long long)counts.selections_refused);
	return out->err;
}

int status_version(void *ctx, struct buf *out)
{
	return buf_addstr(out, "podfs " PODFS_VERSION "\n");
}

static void add_head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_addf(out, "# HELP podfs_%s %s\n# TYPE podfs_%s %s\n", name, help, name, type);
}

static void add_value(struct buf *out, const char *name, const char *labels, uint64_t value)
{
	buf_addf(out, "podfs_%s%s %llu\n", name, labels, (unsigned long long)value);
}

static void add_fs(struct buf *out, struct fs *fs)
{
	struct fs_stats stats;

	fs_stats(fs, &stats);
	add_head(out, "fuse_requests_total", "counter", "Requests by the kernel.");
	for (int i = 0; i < FS_OPCODES; i++)
		buf_addf(out, "podfs_fuse_requests_total{opcode=\"%s\"} %llu\n",
			 fs_opcode_name((enum fs_opcode)i), (unsigned long long)stats.requests[i]);
	add_head(out, "fuse_notifications_total", "counter", "What the kernel was told to drop.");
	add_value(out, "fuse_notifications_total", "{kind=\"inval_entry\"}",
		  stats.notified_entries);
	add_value(out, "fuse_notifications_total", "{kind=\"inval_inode\"}", stats.notified_inodes);
	add_head(out, "fuse_notifications_unknown_total", "counter",
		 "Notifications of what the kernel did not know.");
	add_value(out, "fuse_notifications_unknown_total", "", stats.notified_unknown);
	add_head(out, "fuse_notifications_waiting", "gauge", "Notifications not sent yet.");
	add_value(out, "fuse_notifications_waiting", "", stats.notifications_waiting);
	add_head(out, "fuse_sweeps_total", "counter",
		 "Times the kernel was told to drop all it had.");
	add_value(out, "fuse_sweeps_total", "", stats.sweeps);
	add_head(out, "inodes", "gauge", "Inodes that the kernel holds.");
	add_value(out, "inodes", "", stats.inodes);
}

static void add_events(struct buf *out, const struct kube_state *state)
{
	add_head(out, "events_total", "counter", "Events of the watches, by type.");
	for (int r = 0; r < KUBE_N_RESOURCES; r++) {
		const struct kube_counters *c = &state->resources[r].counters;
		const struct {
			const char *type;
			uint64_t value;
		} types[] = {
		    {"ADDED", c->added},        {"MODIFIED", c->modified}, {"DELETED", c->deleted},
		    {"BOOKMARK", c->bookmarks}, {"ERROR", c->errors},
		};

		for (size_t i = 0; i < ARRAY_SIZE(types); i++)
			buf_addf(out, "podfs_events_total{resource=\"%s\",type=\"%s\"} %llu\n",
				 kube_resource_name((enum kube_resource)r), types[i].type,
				 (unsigned long long)types[i].value);
	}
}

static uint64_t get_lists(const struct kube_resource_state *s)
{
	return s->counters.lists;
}

static uint64_t get_watches(const struct kube_resource_state *s)
{
	return s->counters.watches;
}

static uint64_t get_failures(const struct kube_resource_state *s)
{
	return s->counters.failures;
}

static uint64_t get_refused(const struct kube_resource_state *s)
{
	return s->counters.refused;
}

static uint64_t get_bytes(const struct kube_resource_state *s)
{
	return s->counters.bytes;
}

static uint64_t get_up(const struct kube_resource_state *s)
{
	return s->synced && is_connected(s);
}

static const struct {
	const char *name;
	const char *type;
	const char *help;
	uint64_t (*get)(const struct kube_resource_state *s);
} by_resource[] = {
    {"up", "gauge", "1: up to date, as far as the server tells.", get_up},
    {"lists_total", "counter", "Complete lists.", get_lists},
    {"watches_total", "counter", "Watches opened.", get_watches},
    {"request_failures_total", "counter", "Requests that failed.", get_failures},
    {"objects_refused_total", "counter", "Objects over a limit, or no objects.", get_refused},
    {"received_bytes_total", "counter", "Bytes of bodies, uncompressed.", get_bytes},
};

static void add_resources(struct buf *out, const struct kube_state *state)
{
	for (size_t i = 0; i < ARRAY_SIZE(by_resource); i++) {
		add_head(out, by_resource[i].name, by_resource[i].type, by_resource[i].help);
		for (int r = 0; r < KUBE_N_RESOURCES; r++)
			buf_addf(out, "podfs_%s{resource=\"%s\"} %llu\n", by_resource[i].name,
				 kube_resource_name((enum kube_resource)r),
				 (unsigned long long)by_resource[i].get(&state->resources[r]));
	}
}

static int64_t stale_ms(const struct kube_state *state)
{
	int64_t since = stale_since_ms(state);

	return since ? clock_monotonic_ms() - since : 0;
}

int status_metrics(void *ctx, struct buf *out)
{
	struct status *status = ctx;
	struct kube_state state;
	struct store_counts counts;

	kube_client_state(status->client, &state);
	store_counts(status->store, &counts);
	add_head(out, "build_info", "gauge", "Which podfs this is.");
	buf_addstr(out, "podfs_build_info{version=\"" PODFS_VERSION "\"} 1\n");
	add_head(out, "workers_total", "counter",
		 "Workers that were started, one after the other.");
	add_value(out, "workers_total", "", status->head ? status->head->generation : 1);
	add_fs(out, status->fs);
	add_events(out, &state);
	add_resources(out, &state);
	add_head(out, "http_requests_total", "counter", "Requests to the server.");
	add_value(out, "http_requests_total", "", state.http.requests);
	add_head(out, "http2_requests_total", "counter", "Those that went over HTTP/2.");
	add_value(out, "http2_requests_total", "", state.http.http2);
	add_head(out, "http_connections_total", "counter", "Connections opened.");
	add_value(out, "http_connections_total", "", state.http.connections);
	add_head(out, "objects", "gauge", "Objects held.");
	for (int r = 0; r < KUBE_N_RESOURCES; r++)
		buf_addf(out, "podfs_objects{resource=\"%s\"} %llu\n",
			 kube_resource_name((enum kube_resource)r),
			 (unsigned long long)counts.objects[feed_kind((enum kube_resource)r)]);
	add_head(out, "stale_seconds", "gauge", "How long something has not been up to date.");
	add_value(out, "stale_seconds", "", (uint64_t)(stale_ms(&state) / 1000));
	add_head(out, "object_bytes", "gauge", "Bytes of their texts.");
	add_value(out, "object_bytes", "", counts.bytes);
	add_head(out, "arena_live_bytes", "gauge", "Bytes of packed texts that are needed.");
	add_value(out, "arena_live_bytes", "", counts.arena_live);
	add_head(out, "arena_used_bytes", "gauge", "Bytes of packed texts in memory.");
	add_value(out, "arena_used_bytes", "", counts.arena_used);
	add_head(out, "names_left_out", "gauge", "Values without a file: no name it could have.");
	add_value(out, "names_left_out", "", counts.left_out);
	add_head(out, "selections", "gauge", "Selectors whose folders the kernel holds.");
	add_value(out, "selections", "", counts.selections);
	add_head(out, "selections_refused_total", "counter", "Selectors that were one too many.");
	add_value(out, "selections_refused_total", "", counts.selections_refused);
	return out->err;
}
