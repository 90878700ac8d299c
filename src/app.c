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

#include "app.h"
#include "background.h"
#include "feed.h"
#include "prepare.h"
#include "self.h"
#include "staleness.h"
#include "status.h"
#include "sync.h"

#define PROGRESS_AFTER_MS 1000
#define PROGRESS_EVERY_MS 1000

enum phase {
	PHASE_UNSET,
	PHASE_SYNCING,
	PHASE_SERVING,
	PHASE_ENDING,
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

	struct client_config config;
	struct kube_client *client;
	struct feeds feeds;
	struct staleness staleness;
	bool state_changed;

	struct store *store;
	struct tree tree;
	struct self self;
	struct fs *fs;
	struct status status;
};

static void say(const struct error *e)
{
	fprintf(stderr, "podfs: error: %s\n", e->msg);
	if (*e->hint)
		fprintf(stderr, "podfs: hint: %s\n", e->hint);
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
	staleness_stop(&app->staleness);
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

static void mount_now(struct app *app)
{
	struct error e = {0};

	uv_timer_stop(&app->progress);
	prepare_log(app->options);
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

static void check_sync(struct app *app, const struct kube_state *state)
{
	struct error e = {0};
	bool complete = false;
	enum exit_code code = sync_check(state, &complete, &e);

	if (code != EXIT_CODE_OK) {
		say(&e);
		end(app, code);
	} else if (complete) {
		mount_now(app);
	}
}

static void on_state(void *ctx, enum kube_resource r, const struct kube_resource_state *s)
{
	struct app *app = ctx;

	(void)r;
	(void)s;
	app->state_changed = true;
}

/* Mounting and ending are for here: no client code is on the stack. */
static void act_on_state(struct app *app)
{
	struct kube_state state;

	if (!app->state_changed || app->phase == PHASE_ENDING)
		return;
	app->state_changed = false;
	kube_client_state(app->client, &state);
	feeds_set_readable(&app->feeds, &state);
	if (app->phase == PHASE_SYNCING)
		check_sync(app, &state);
	if (app->phase == PHASE_SERVING)
		staleness_update(&app->staleness, &state);
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
	sync_say_progress(&state);
}

static int open_client(struct app *app, struct error *e)
{
	struct kube_options options = {
	    .namespace = app->config.namespace_from_flag ? app->config.namespace : NULL,
	    .label_selector = app->options->label_selector,
	    .field_selector = app->options->field_selector,
	    .streaming_lists = true,
	    .on_state = on_state,
	    .ctx = app,
	};

	feeds_init(&app->feeds, app->store, options.sinks);
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
	staleness_init(&app->staleness, &app->loop, app->options->deny_after_ms);
	uv_timer_start(&app->progress, on_progress, PROGRESS_AFTER_MS, PROGRESS_EVERY_MS);
}

static int make_tree(struct app *app, struct error *e)
{
	app->store = store_new(&tree_rules);
	if (!app->store)
		return error_set(e, -ENOMEM, "out of memory");
	app->tree = (struct tree){
	    .store = app->store,
	    .self = {&app->status, status_text, status_metrics, status_version},
	    .started_ns = clock_realtime_ns(),
	};
	if (self_init(&app->self, app->options->self, NULL, &app->tree) < 0)
		return error_set(e, -ENOMEM, "out of memory");
	return fs_new(&app->tree, &app->options->fs, &app->fs, e);
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
	app->status = (struct status){app->client, app->store, app->fs, &app->self};
	staleness_start(&app->staleness, app->client, app->fs);
	uv_run(&app->loop, UV_RUN_DEFAULT);
	uv_loop_close(&app->loop);
}

enum exit_code app_run(const struct options *o)
{
	struct app app = {.options = o, .background.ready_fd = -1};
	struct error e = {0};

	app.code = prepare(o, app.mountpoint, &app.config, &e);
	if (app.code != EXIT_CODE_OK)
		say(&e);
	if (app.code == EXIT_CODE_OK && !o->foreground && background_start(&app.background) < 0) {
		fprintf(stderr, "podfs: error: cannot fork: %s\n", strerror(errno));
		app.code = EXIT_CODE_OTHER;
	} else if (app.code == EXIT_CODE_OK) {
		run(&app);
	}
	fs_free(app.fs);
	self_release(&app.self);
	store_free(app.store);
	opened_cache_clear();
	feeds_release(&app.feeds);
	client_config_release(&app.config);
	return app.code;
}
