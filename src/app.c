/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main thread owns the loop: it receives, writes the store, and starts and
 * ends everything else.
 *
 *	configure, fork             nothing runs yet: errors go to the terminal
 *	    |          |
 *	  SYNCING      |            the first lists; a failure that will not pass ends it
 *	    |  everything readable is in
 *	  MOUNTING     |            until the supervisor has done it
 *	    |          | what the worker before has left is taken over
 *	  SERVING <----+            failures are waited out, and shown in .podfs/status
 *	    |  told to, or unmounted
 *	  ENDING                    the client closes, the loop runs dry
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include <podfs/base/clock.h>
#include <podfs/base/memory.h>
#include <podfs/fs/mount.h>
#include <podfs/kube/client.h>
#include <podfs/store/recover.h>

#include "app.h"
#include "background.h"
#include "feed.h"
#include "link.h"
#include "prepare.h"
#include "resume.h"
#include "self.h"
#include "staleness.h"
#include "status.h"
#include "sync.h"

#define PROGRESS_AFTER_MS 1000
#define PROGRESS_EVERY_MS 1000

enum phase {
	PHASE_UNSET,
	PHASE_SYNCING,
	PHASE_MOUNTING,
	PHASE_SERVING,
	PHASE_ENDING,
};

struct app {
	const struct options *options;
	enum phase phase;
	enum exit_code code;
	struct app_place place;
	struct background background;
	struct mount *mount; /* our own; NULL: it is the supervisor's */
	struct fs_head *head;
	struct resume *resume;
	bool takes_over; /* there was a worker before */
	bool damaged;    /* and not all that it knew could be read */

	uv_loop_t loop;
	uv_signal_t signals[3];
	uv_async_t unmounted;
	uv_poll_t supervisor;
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
		fs_stop(app->fs);
	mount_close(take_ptr(app->mount));
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

/* For a reason of our own, so that no other worker is started. */
static void end_all(struct app *app, enum exit_code code)
{
	if (app->place.link >= 0)
		link_send(app->place.link, LINK_ENDING, (int32_t)code, -1);
	end(app, code);
}

static void on_unmounted(uv_async_t *async)
{
	struct app *app = async->data;

	log_info("ending: %s was unmounted", app->place.mountpoint);
	end_all(app, EXIT_CODE_OK);
}

/* [worker] */
static void mount_ended(void *ctx)
{
	struct app *app = ctx;

	uv_async_send(&app->unmounted);
}

/* --- the beginning --- */

static void fail(struct app *app, const struct error *e, enum exit_code code)
{
	say(e);
	end_all(app, code);
}

/* @fd is taken over. False: it ends. */
static bool serve(struct app *app, int fd)
{
	struct error e = {0};

	if (fs_serve(app->fs, fd, mount_ended, app, &e) < 0) {
		fail(app, &e, EXIT_CODE_MOUNT);
		return false;
	}
	app->phase = PHASE_SERVING;
	app->head->layout = FS_LAYOUT;
	log_info("%s %s from %s", app->takes_over ? "serving" : "mounted", app->place.mountpoint,
		 app->config.server);
	return true;
}

/* Without a supervisor. */
static void mount_now(struct app *app)
{
	struct error e = {0};

	prepare_log(app->options);
	int r = mount_open(app->mount, app->place.mountpoint, app->head, &e);
	if (r < 0) {
		fail(app, &e, r == -ENODEV ? EXIT_CODE_OK : EXIT_CODE_MOUNT);
		return;
	}
	if (!serve(app, fcntl(mount_fd(app->mount), F_DUPFD_CLOEXEC, 0)))
		return;
	if (app->background.ready_fd >= 0) {
		uv_poll_stop(&app->starter);
		uv_close((uv_handle_t *)&app->starter, NULL);
	}
	if (background_ready(&app->background) < 0) {
		log_error("ending: cannot go into the background");
		end(app, EXIT_CODE_OTHER);
	}
}

/* With one. */
static void serve_supervised(struct app *app, int fd)
{
	prepare_log(app->options);
	if (!serve(app, fd))
		return;
	if (!app->options->foreground && background_leave() < 0) {
		log_error("ending: cannot go into the background");
		end_all(app, EXIT_CODE_OTHER);
		return;
	}
	link_send(app->place.link, LINK_SERVING, 0, -1);
}

static void synced(struct app *app)
{
	uv_timer_stop(&app->progress);
	if (app->place.link < 0) {
		mount_now(app);
		return;
	}
	app->phase = PHASE_MOUNTING;
	link_send(app->place.link, LINK_SYNCED, 0, -1);
}

static void check_sync(struct app *app, const struct kube_state *state)
{
	struct error e = {0};
	bool complete = false;
	enum exit_code code = sync_check(state, &complete, &e);

	if (code != EXIT_CODE_OK) {
		fail(app, &e, code);
	} else if (complete) {
		synced(app);
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

	if (app->client && app->phase == PHASE_SERVING) {
		struct kube_resume point;

		kube_client_resume_point(app->client, &point);
		resume_set(app->resume, &point);
	}
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

static const int end_signals[] = {SIGTERM, SIGINT, SIGHUP};

static void start_signals(struct app *app)
{
	for (size_t i = 0; i < ARRAY_SIZE(end_signals); i++) {
		uv_signal_init(&app->loop, &app->signals[i]);
		app->signals[i].data = app;
		uv_signal_start(&app->signals[i], on_signal, end_signals[i]);
	}
}

/* Whoever would replace us is gone: so we are the program now. */
static void go_on_alone(struct app *app)
{
	close(take_fd(&app->place.link));
	if (app->phase != PHASE_SERVING) {
		end(app, EXIT_CODE_OTHER);
		return;
	}
	log_warn("the supervisor is gone: the mount ends with this process");
	start_signals(app);
}

static void on_supervisor(uv_poll_t *poll, int status, int events)
{
	struct app *app = poll->data;
	enum link_message message;
	int32_t value;
	int fd;
	int r = link_receive(app->place.link, &message, &value, &fd);

	(void)status;
	(void)events;
	if (r == -EPIPE) {
		uv_poll_stop(poll);
		go_on_alone(app);
	} else if (r == 0 && message == LINK_MOUNTED && app->phase == PHASE_MOUNTING) {
		serve_supervised(app, take_fd(&fd));
	} else if (r == 0 && message == LINK_END) {
		end(app, app->phase == PHASE_SERVING ? EXIT_CODE_OK : EXIT_CODE_OTHER);
	}
	if (r == 0 && fd >= 0)
		close(fd);
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
	/* What was damaged is listed again. */
	const struct kube_resume *resume =
	    app->takes_over && !app->damaged ? resume_point(app->resume) : NULL;
	struct kube_options options = {
	    .namespace = app->config.namespace_from_flag ? app->config.namespace : NULL,
	    .label_selector = app->options->label_selector,
	    .field_selector = app->options->field_selector,
	    .streaming_lists = true,
	    .resume = resume,
	    .on_state = on_state,
	    .ctx = app,
	};

	feeds_init(&app->feeds, app->store, options.sinks);
	if (resume)
		feeds_resume(&app->feeds, resume);
	return kube_client_open(&app->loop, &app->config, &options, &app->client, e);
}

/* With a supervisor they are its own: it says when to end. */
static void watch_supervisor(struct app *app)
{
	for (size_t i = 0; i < ARRAY_SIZE(end_signals); i++)
		signal(end_signals[i], SIG_IGN);
	uv_poll_init(&app->loop, &app->supervisor, app->place.link);
	app->supervisor.data = app;
	uv_poll_start(&app->supervisor, UV_READABLE | UV_DISCONNECT, on_supervisor);
}

static void start_handles(struct app *app)
{
	if (app->place.link >= 0)
		watch_supervisor(app);
	else
		start_signals(app);
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

/* What the worker before has known. */
static int recover_store(struct app *app, struct error *e)
{
	int64_t begin = clock_monotonic_ms();
	struct store_recovered found;
	int r = store_recover(app->store, &found);

	if (r < 0)
		return error_set(e, r, "cannot take over the objects: %s", strerror(-r));
	log_info("took over %llu objects and %llu older versions in %lld ms",
		 (unsigned long long)found.objects, (unsigned long long)found.older,
		 (long long)(clock_monotonic_ms() - begin));
	if (found.wrong)
		log_error("%llu records were damaged: what they said is listed again",
			  (unsigned long long)found.wrong);
	/* And one of another layout is taken for an empty one. */
	app->damaged = found.wrong || !found.objects;
	return 0;
}

static int make_store(struct app *app, struct error *e)
{
	int r = store_memory_open(app->place.memory);

	if (r < 0)
		return error_set(e, r, "cannot map the memory: %s", strerror(-r));
	app->store = store_new(&tree_rules);
	if (!app->store)
		return error_set(e, -ENOMEM, "out of memory");
	return app->takes_over ? recover_store(app, e) : 0;
}

static int make_tree(struct app *app, struct error *e)
{
	int r = make_store(app, e);

	if (r < 0)
		return r;
	app->tree = (struct tree){
	    .store = app->store,
	    .self = {&app->status, status_text, status_metrics, status_version},
	    .started_ns = clock_realtime_ns(),
	};
	if (self_init(&app->self, app->options->self, NULL, &app->tree) < 0)
		return error_set(e, -ENOMEM, "out of memory");
	r = fs_new(&app->tree, &app->options->fs, app->place.memory, app->takes_over, &app->fs, e);
	/* Those who hold older versions have them now. */
	store_recovery_end();
	return r;
}

static int open_memory(struct app *app, struct error *e)
{
	int r = fs_head_map(app->place.memory, &app->head);

	if (r == 0)
		r = resume_open(app->place.memory, &app->resume);
	if (r < 0)
		return error_set(e, r, "cannot map the memory: %s", strerror(-r));
	app->takes_over = app->place.mount >= 0;
	if (app->takes_over && app->head->layout != FS_LAYOUT)
		return error_set(e, -ESTALE, "what the worker before has left cannot be read");
	return 0;
}

static void begin(struct app *app)
{
	struct error e = {0};
	int r = make_tree(app, &e);

	if (r < 0)
		fail(app, &e, r == -EINVAL ? EXIT_CODE_USAGE : EXIT_CODE_OTHER);
	else if (open_client(app, &e) < 0)
		fail(app, &e, EXIT_CODE_CONFIG);
	app->status = (struct status){app->client, app->store, app->fs, &app->self,
				      app->place.link >= 0 ? app->head : NULL};
	staleness_start(&app->staleness, app->client, app->fs);
	if (app->takes_over && app->phase == PHASE_SYNCING)
		serve_supervised(app, take_fd(&app->place.mount));
}

static void run(struct app *app)
{
	uv_loop_init(&app->loop);
	start_handles(app);
	app->phase = PHASE_SYNCING;
	begin(app);
	uv_run(&app->loop, UV_RUN_DEFAULT);
	uv_loop_close(&app->loop);
}

static void release(struct app *app)
{
	opened_cache_clear();
	store_memory_close();
	fs_free(app->fs);
	self_release(&app->self);
	store_free(app->store);
	feeds_release(&app->feeds);
	client_config_release(&app->config);
	mount_close(app->mount);
	resume_close(app->resume);
	fs_head_unmap(app->head);
	if (app->place.link >= 0)
		close(app->place.link);
	close(app->place.memory);
}

enum exit_code app_work(const struct options *o, const struct app_place *place)
{
	struct app app = {.options = o, .place = *place, .background.ready_fd = -1};
	struct error e = {0};

	app.code = prepare_config(o, &app.config, &e);
	if (app.code == EXIT_CODE_OK && open_memory(&app, &e) < 0)
		app.code = EXIT_CODE_OTHER;
	if (app.code == EXIT_CODE_OK)
		run(&app);
	else
		say(&e);
	release(&app);
	return app.code;
}

/* What there is to find out before a process is left in the background. */
static enum exit_code set_up(struct app *app, char *mountpoint, struct error *e)
{
	enum exit_code code = prepare_mountpoint(app->options, mountpoint, e);

	if (code == EXIT_CODE_OK)
		code = prepare_config(app->options, &app->config, e);
	if (code == EXIT_CODE_OK && mount_new(&app->options->fs, &app->mount, e) < 0)
		code = EXIT_CODE_USAGE;
	if (code != EXIT_CODE_OK)
		return code;
	app->place.memory = memory_new();
	if (app->place.memory < 0) {
		error_set(e, app->place.memory, "cannot make memory: %s",
			  strerror(-app->place.memory));
		return EXIT_CODE_OTHER;
	}
	return open_memory(app, e) < 0 ? EXIT_CODE_OTHER : EXIT_CODE_OK;
}

enum exit_code app_run(const struct options *o)
{
	char mountpoint[PATH_MAX];
	struct app app = {
	    .options = o,
	    .place = {.link = -1, .memory = -1, .mount = -1, .mountpoint = mountpoint},
	    .background.ready_fd = -1,
	};
	struct error e = {0};

	app.code = set_up(&app, mountpoint, &e);
	if (app.code != EXIT_CODE_OK) {
		say(&e);
	} else if (!o->foreground && background_start(&app.background) < 0) {
		fprintf(stderr, "podfs: error: cannot fork: %s\n", strerror(errno));
		app.code = EXIT_CODE_OTHER;
	} else {
		app.head->generation = 1;
		run(&app);
	}
	release(&app);
	return app.code;
}
