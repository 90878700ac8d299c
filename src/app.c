/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main thread owns the loop: it receives, writes the store, and starts and
 * ends everything else.
 *
 *	check, configure, fork      nothing runs yet: errors go to the terminal
 *	    |
 *	  SYNCING                   the first lists; a failure that will not pass ends it
 *	    |  everything readable is in
 *	  SERVING                   mounted; failures are waited out, and shown in .podfs/status
 *	    |  signal, or unmounted
 *	  ENDING                    the client closes, the loop runs dry
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include <podfs/base/clock.h>
#include <podfs/kube/client.h>
#include <podfs/model/packed.h>

#include "app.h"
#include "background.h"
#include "status.h"

#define PROGRESS_AFTER_MS 1000
#define PROGRESS_EVERY_MS 1000

enum phase {
	PHASE_UNSET,
	PHASE_SYNCING,
	PHASE_SERVING,
	PHASE_ENDING,
};

struct app;

struct feed {
	struct app *app;
	enum kind kind;
};

struct app {
	const struct options *options;
	enum phase phase;
	enum exit_code code;
	char mountpoint[PATH_MAX];
	struct background background;

	uv_loop_t loop;
	uv_signal_t signals[3];
	uv_async_t unmounted;
	uv_check_t after_io;    /* once a turn of the loop, when all callbacks of the network are */
	uv_prepare_t before_io; /* through, and those of timers */
	uv_poll_t starter;      /* tells when whoever waits for us in the terminal is gone */
	uv_timer_t progress;
	uv_timer_t stale; /* when what is shown gets too old, unless the server is back by then */

	struct client_config config;
	struct kube_client *client;
	struct feed feeds[KUBE_N_RESOURCES];
	bool told_forbidden[KUBE_N_RESOURCES]; /* what the log knows of */
	bool lost;
	struct json_index index; /* scratch space for packing */
	bool state_changed;
	bool denying; /* reads fail: what was last known is too old */

	struct store *store;
	struct tree tree;
	struct fs *fs;
	struct status status;
};

static void say(const struct error *e)
{
	fprintf(stderr, "podfs: error: %s\n", e->msg);
	if (*e->hint)
		fprintf(stderr, "podfs: hint: %s\n", e->hint);
}

/* --- from the client into the store --- */

static void list_begin(void *ctx)
{
	struct feed *f = ctx;

	store_list_begin(f->app->store, f->kind);
}

static int pack(struct feed *f, const char *json, size_t len, struct packed *ret)
{
	const char *fault;
	int r = packed_from_json(&f->app->index, f->kind, json, len, ret, &fault);

	if (r < 0 && r != -ENOMEM)
		log_warn("a %s was refused: %s", kind_name(f->kind), fault);
	return r;
}

static int upsert(void *ctx, const char *json, size_t len, bool from_list)
{
	struct feed *f = ctx;
	cleanup_packed struct packed p = {0};
	int r = pack(f, json, len, &p);

	(void)from_list;
	if (r == 0)
		r = store_put(f->app->store, &p);
	return r < 0 ? r : 0;
}

static int remove_one(void *ctx, const char *json, size_t len)
{
	struct feed *f = ctx;
	cleanup_packed struct packed p = {0};
	int r = pack(f, json, len, &p);

	if (r == 0)
		r = store_remove(f->app->store, f->kind, p.namespace, p.name);
	return r < 0 ? r : 0;
}

static void list_end(void *ctx, const char *resource_version)
{
	struct feed *f = ctx;

	(void)resource_version;
	store_list_end(f->app->store, f->kind);
}

static void list_abort(void *ctx)
{
	(void)ctx;
}

/* --- the end --- */

static void close_if_open(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static void client_closed(void *ctx)
{
	struct app *app = ctx;

	app->client = NULL;
	uv_walk(&app->loop, close_if_open, NULL);
}

static void end(struct app *app, enum exit_code code)
{
	if (app->phase == PHASE_ENDING)
		return;
	app->phase = PHASE_ENDING;
	app->code = code;
	/* .podfs/status asks the client, so the mount goes first. */
	if (app->fs)
		fs_unmount(app->fs);
	if (app->client)
		kube_client_close(app->client, client_closed, app);
	else
		uv_walk(&app->loop, close_if_open, NULL);
}

static void on_signal(uv_signal_t *signal, int signo)
{
	struct app *app = signal->data;

	log_info("ending: got %s", strsignal(signo));
	end(app, app->phase == PHASE_SERVING ? EXIT_CODE_OK : EXIT_CODE_OTHER);
}

static void on_unmounted(uv_async_t *async)
{
	struct app *app = async->data;

	log_info("ending: %s was unmounted", app->mountpoint);
	end(app, EXIT_CODE_OK);
}

/* [worker] */
static void mount_ended(void *ctx)
{
	struct app *app = ctx;

	uv_async_send(&app->unmounted);
}

/* --- the beginning --- */

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

/* Whether the program should end rather than try again before anything is mounted. */
static bool is_final(enum kube_resource r, const struct kube_resource_state *s)
{
	return s->failure != KUBE_FAILURE_UNSET && s->failure != KUBE_FAILURE_SERVER &&
	       !is_optional(r, s);
}

static void start_log(struct app *app)
{
	const struct options *o = app->options;
	enum log_target target = LOG_TO_STDERR;

	if (!o->foreground)
		target = o->log_file ? LOG_TO_FILE : LOG_TO_SYSLOG;
	log_open(target, o->log_level, o->log_file);
}

static void mount_now(struct app *app)
{
	struct error e = {0};

	uv_timer_stop(&app->progress);
	start_log(app);
	if (fs_mount(app->fs, app->mountpoint, mount_ended, app, &e) < 0) {
		say(&e);
		end(app, EXIT_CODE_MOUNT);
		return;
	}
	app->phase = PHASE_SERVING;
	log_info("mounted %s from %s", app->mountpoint, app->config.server);
	if (app->background.ready_fd >= 0) {
		uv_poll_stop(&app->starter);
		uv_close((uv_handle_t *)&app->starter, NULL);
	}
	if (background_ready(&app->background) < 0) {
		log_error("ending: cannot go into the background");
		end(app, EXIT_CODE_OTHER);
	}
}

static void set_readable(struct app *app, const struct kube_state *state)
{
	for (int r = 0; r < KUBE_N_RESOURCES; r++) {
		const struct kube_resource_state *s = &state->resources[r];

		if (s->synced)
			store_set_readable(app->store, app->feeds[r].kind, true);
		else if (s->failure == KUBE_FAILURE_FORBIDDEN)
			store_set_readable(app->store, app->feeds[r].kind, false);
	}
}

static void check_sync(struct app *app, const struct kube_state *state)
{
	bool complete = true;

	for (int i = 0; i < KUBE_N_RESOURCES; i++) {
		enum kube_resource r = (enum kube_resource)i;
		const struct kube_resource_state *s = &state->resources[i];
		struct error e = {0};

		if (is_final(r, s)) {
			kube_failure_describe(state, r, &e);
			say(&e);
			end(app, exit_code_of(s->failure));
			return;
		}
		complete = complete && (s->synced || is_optional(r, s));
	}
	if (complete)
		mount_now(app);
}

/* What may not be read is said once for each resource. */
static void log_forbidden(struct app *app, enum kube_resource r,
			  const struct kube_resource_state *s)
{
	bool forbidden = !s->synced && s->failure == KUBE_FAILURE_FORBIDDEN;

	if (forbidden && !app->told_forbidden[r])
		log_warn("%s may not be read: %s", kube_resource_name(r), s->message);
	app->told_forbidden[r] = forbidden;
}

/* A loss of the server is one line, with the first reason, and its return is one. */
static void log_failures(struct app *app, const struct kube_state *state)
{
	bool lost = false;

	for (int i = 0; i < KUBE_N_RESOURCES; i++) {
		const struct kube_resource_state *s = &state->resources[i];

		log_forbidden(app, (enum kube_resource)i, s);
		if (!s->synced || s->failure == KUBE_FAILURE_UNSET)
			continue;
		if (!lost && !app->lost)
			log_warn("lost the server: cannot %s %s: %s", s->verb,
				 kube_resource_name((enum kube_resource)i), s->message);
		lost = true;
	}
	if (app->lost && !lost)
		log_info("the server is back: everything is up to date");
	app->lost = lost;
}

static void on_state(void *ctx, enum kube_resource r, const struct kube_resource_state *s)
{
	struct app *app = ctx;

	(void)r;
	(void)s;
	app->state_changed = true;
}

/* Since when something that is shown is not up to date; 0: all of it is. */
static int64_t stale_since_ms(const struct kube_state *state)
{
	int64_t since = 0;

	for (int i = 0; i < KUBE_N_RESOURCES; i++) {
		const struct kube_resource_state *s = &state->resources[i];

		if (s->synced && s->failure != KUBE_FAILURE_UNSET &&
		    (!since || s->failing_since_ms < since))
			since = s->failing_since_ms;
	}
	return since;
}

static void on_stale(uv_timer_t *timer);

/* --stale=deny: too old is not shown at all. */
static void check_stale(struct app *app, const struct kube_state *state)
{
	int64_t limit = app->options->deny_after_ms;
	int64_t since = stale_since_ms(state);
	int64_t left = since + limit - clock_monotonic_ms();

	if (limit < 0)
		return;
	uv_timer_stop(&app->stale);
	if (since && left > 0)
		uv_timer_start(&app->stale, on_stale, (uint64_t)left, 0);
	bool deny = since && left <= 0;
	if (deny != app->denying)
		log_warn(deny ? "reads fail from now on: what was last known is too old"
			      : "reads work again");
	app->denying = deny;
	fs_deny(app->fs, deny);
}

static void on_stale(uv_timer_t *timer)
{
	struct app *app = timer->data;
	struct kube_state state;

	if (app->phase != PHASE_SERVING)
		return;
	kube_client_state(app->client, &state);
	check_stale(app, &state);
}

/* Mounting and ending are for here: no client code is on the stack. */
static void act_on_state(struct app *app)
{
	struct kube_state state;

	if (!app->state_changed || app->phase == PHASE_ENDING)
		return;
	app->state_changed = false;
	kube_client_state(app->client, &state);
	set_readable(app, &state);
	if (app->phase == PHASE_SYNCING)
		check_sync(app, &state);
	else
		log_failures(app, &state);
	if (app->phase == PHASE_SERVING)
		check_stale(app, &state);
}

static void on_after_io(uv_check_t *check)
{
	act_on_state(check->data);
}

static void on_before_io(uv_prepare_t *prepare)
{
	act_on_state(prepare->data);
}

static void on_starter(uv_poll_t *poll, int status, int events)
{
	struct app *app = poll->data;

	(void)status;
	(void)events;
	uv_poll_stop(poll);
	if (app->phase == PHASE_SYNCING)
		end(app, EXIT_CODE_OTHER);
}

static void on_progress(uv_timer_t *timer)
{
	struct app *app = timer->data;
	struct kube_state state;

	kube_client_state(app->client, &state);
	const struct kube_resource_state *pods = &state.resources[KUBE_PODS];
	if (pods->failure != KUBE_FAILURE_UNSET)
		fprintf(stderr, "podfs: waiting for %s: %s\n", state.server, pods->message);
	else if (pods->total >= 0)
		fprintf(stderr, "podfs: %llu of %lld pods\n", (unsigned long long)pods->received,
			(long long)pods->total);
	else
		fprintf(stderr, "podfs: %llu pods\n", (unsigned long long)pods->received);
}

static int open_client(struct app *app, struct error *e)
{
	static const enum kind kinds[KUBE_N_RESOURCES] = {
	    [KUBE_NAMESPACES] = KIND_NAMESPACE,
	    [KUBE_NODES] = KIND_NODE,
	    [KUBE_PODS] = KIND_POD,
	};
	struct kube_options options = {
	    .namespace = app->config.namespace_from_flag ? app->config.namespace : NULL,
	    .label_selector = app->options->label_selector,
	    .field_selector = app->options->field_selector,
	    .on_state = on_state,
	    .ctx = app,
	};

	for (int i = 0; i < KUBE_N_RESOURCES; i++) {
		app->feeds[i] = (struct feed){app, kinds[i]};
		options.sinks[i] = (struct reflector_sink){
		    .ctx = &app->feeds[i],
		    .list_begin = list_begin,
		    .upsert = upsert,
		    .remove = remove_one,
		    .list_end = list_end,
		    .list_abort = list_abort,
		};
	}
	return kube_client_open(&app->loop, &app->config, &options, &app->client, e);
}

static void start_handles(struct app *app)
{
	static const int signos[] = {SIGTERM, SIGINT, SIGHUP};

	for (size_t i = 0; i < ARRAY_SIZE(signos); i++) {
		uv_signal_init(&app->loop, &app->signals[i]);
		app->signals[i].data = app;
		uv_signal_start(&app->signals[i], on_signal, signos[i]);
	}
	uv_async_init(&app->loop, &app->unmounted, on_unmounted);
	app->unmounted.data = app;
	uv_check_init(&app->loop, &app->after_io);
	app->after_io.data = app;
	uv_check_start(&app->after_io, on_after_io);
	uv_prepare_init(&app->loop, &app->before_io);
	app->before_io.data = app;
	uv_prepare_start(&app->before_io, on_before_io);
	if (app->background.ready_fd >= 0) {
		uv_poll_init(&app->loop, &app->starter, app->background.ready_fd);
		app->starter.data = app;
		uv_poll_start(&app->starter, UV_DISCONNECT, on_starter);
	}
	uv_timer_init(&app->loop, &app->progress);
	app->progress.data = app;
	uv_timer_init(&app->loop, &app->stale);
	app->stale.data = app;
	uv_timer_start(&app->progress, on_progress, PROGRESS_AFTER_MS, PROGRESS_EVERY_MS);
}

static int make_tree(struct app *app, struct error *e)
{
	app->store = store_new(tree_diff);
	if (!app->store)
		return error_set(e, -ENOMEM, "out of memory");
	app->tree = (struct tree){
	    .store = app->store,
	    .self = {&app->status, status_text, status_metrics, status_version},
	    .started_ns = clock_realtime_ns(),
	};
	return fs_new(&app->tree, &app->options->fs, &app->fs, e);
}

static bool has_secrets(const struct client_config *c)
{
	return c->token || c->token_file || c->client_cert_file || c->client_cert_data.data ||
	       c->username;
}

/* Everything that can be found wrong before a process is left in the background. */
static enum exit_code prepare(struct app *app)
{
	struct error e = {0};

	int r = fs_check_mountpoint(app->options->mountpoint, &e);
	if (r == 0 && !realpath(app->options->mountpoint, app->mountpoint))
		r = error_set(&e, -errno, "cannot use %s as mount point: %s",
			      app->options->mountpoint, strerror(errno));
	if (r < 0) {
		say(&e);
		return EXIT_CODE_MOUNT;
	}
	if (client_config_load(&app->options->config, NULL, &app->config, &e) < 0) {
		say(&e);
		return EXIT_CODE_CONFIG;
	}
	if (!strncmp(app->config.server, "http://", 7) && has_secrets(&app->config))
		fprintf(stderr,
			"podfs: warning: no credentials are sent to %s: they go over https "
			"only\n",
			app->config.server);
	if (app->options->log_file)
		r = log_open(LOG_TO_FILE, app->options->log_level, app->options->log_file);
	if (r < 0) {
		error_set(&e, r, "cannot write to %s: %s", app->options->log_file, strerror(-r));
		say(&e);
		return EXIT_CODE_OTHER;
	}
	log_open(LOG_TO_STDERR, app->options->log_level, NULL);
	return EXIT_CODE_OK;
}

static void run(struct app *app)
{
	struct error e = {0};

	uv_loop_init(&app->loop);
	start_handles(app);
	app->phase = PHASE_SYNCING;
	int r = make_tree(app, &e);
	if (r < 0) {
		say(&e);
		end(app, r == -EINVAL ? EXIT_CODE_USAGE : EXIT_CODE_OTHER);
	} else if (open_client(app, &e) < 0) {
		say(&e);
		end(app, EXIT_CODE_CONFIG);
	}
	app->status = (struct status){app->client, app->store, app->fs};
	uv_run(&app->loop, UV_RUN_DEFAULT);
	uv_loop_close(&app->loop);
}

enum exit_code app_run(const struct options *o)
{
	struct app app = {.options = o, .background.ready_fd = -1};

	app.code = prepare(&app);
	if (app.code == EXIT_CODE_OK && !o->foreground && background_start(&app.background) < 0) {
		fprintf(stderr, "podfs: error: cannot fork: %s\n", strerror(errno));
		app.code = EXIT_CODE_OTHER;
	} else if (app.code == EXIT_CODE_OK) {
		run(&app);
	}
	fs_free(app.fs);
	store_free(app.store);
	opened_cache_clear();
	json_index_release(&app.index);
	client_config_release(&app.config);
	return app.code;
}
