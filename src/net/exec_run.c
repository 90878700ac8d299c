/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <podfs/base/buf.h>
#include <podfs/config/file.h>

#include "exec_run.h"

extern char **environ;

struct exec_run {
	uv_process_t process;
	uv_pipe_t output;
	uv_timer_t timer;
	unsigned handles; /* not yet closed */

	const struct config_exec *x;
	struct exec_run_handler handler;
	bool group; /* it leads one */
	int64_t limit_ms;

	struct config_data text;
	size_t cap;
	bool exited;
	bool at_end; /* of its output */
	int64_t status;
	int signo;
	bool done; /* nobody is to be told any more */
	struct error error;
};

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

char *exec_find(const char *command, const char *path)
{
	if (strchr(command, '/'))
		return is_program(command) ? strdup(command) : NULL;
	while (path && *path) {
		size_t len = strcspn(path, ":");
		char *whole;

		/* Where we happen to stand is no place to look for programs. */
		if (path[0] == '/' && asprintf(&whole, "%.*s/%s", (int)len, path, command) >= 0) {
			if (is_program(whole))
				return whole;
			free(whole);
		}
		path += len + (path[len] == ':');
	}
	return NULL;
}

/* On one line. */
static void hint_install(const struct config_exec *x, struct error *e)
{
	char text[sizeof(e->hint)];
	size_t n = 0;

	if (!x->install_hint) {
		error_hint(e, "install it, or is PATH right?");
		return;
	}
	for (const char *p = x->install_hint; *p && n < sizeof(text) - 1; p++) {
		bool blank = (unsigned char)*p <= ' ' || *p == 0x7f;

		if (!blank)
			text[n++] = *p;
		else if (n && text[n - 1] != ' ')
			text[n++] = ' ';
	}
	text[n] = '\0';
	error_hint(e, "%s", text);
}

static void hint_try(const struct config_exec *x, struct error *e)
{
	error_hint(e, "run it by hand to see: %s%s", x->command, x->args ? " with its args" : "");
}

static void release(struct exec_run *run)
{
	void (*on_closed)(void *ctx) = run->handler.on_closed;
	void *ctx = run->handler.ctx;

	config_data_release(&run->text);
	free(run);
	on_closed(ctx);
}

static void closed_cb(uv_handle_t *handle)
{
	struct exec_run *run = handle->data;

	if (--run->handles == 0)
		release(run);
}

static void close_handle(uv_handle_t *handle)
{
	if (!uv_is_closing(handle))
		uv_close(handle, closed_cb);
}

/* The process handle waits for the end of the process, or there would be a zombie. */
static void close_all(struct exec_run *run)
{
	close_handle((uv_handle_t *)&run->output);
	close_handle((uv_handle_t *)&run->timer);
	if (run->exited)
		close_handle((uv_handle_t *)&run->process);
}

static void end_program(struct exec_run *run)
{
	if (run->exited)
		return;
	kill(run->group ? -run->process.pid : run->process.pid, SIGKILL);
}

static void finish(struct exec_run *run)
{
	if (run->done)
		return;
	run->done = true;
	run->handler.on_done(run->handler.ctx, run->text.data ? run->text.data : "", run->text.len,
			     run->error.code ? &run->error : NULL);
	close_all(run);
}

static void fail(struct exec_run *run)
{
	end_program(run);
	hint_try(run->x, &run->error);
	finish(run);
}

void exec_run_cancel(struct exec_run *run)
{
	run->done = true;
	end_program(run);
	close_all(run);
}

static void judge(struct exec_run *run)
{
	if (run->signo)
		error_set(&run->error, -ECHILD,
			  "the credential program %s was ended by a signal: %s", run->x->command,
			  strsignal(run->signo));
	else if (run->status)
		error_set(&run->error, -ECHILD,
			  "the credential program %s failed with exit code %d", run->x->command,
			  (int)run->status);
	if (run->error.code)
		hint_try(run->x, &run->error);
	finish(run);
}

static void timer_cb(uv_timer_t *timer)
{
	struct exec_run *run = timer->data;

	if (run->exited) {
		judge(run);
		return;
	}
	error_set(&run->error, -ETIMEDOUT,
		  "the credential program %s did not end within %lld seconds", run->x->command,
		  (long long)((run->limit_ms + 999) / 1000));
	fail(run);
}

static void exit_cb(uv_process_t *process, int64_t status, int signo)
{
	struct exec_run *run = process->data;

	run->exited = true;
	run->status = status;
	run->signo = signo;
	if (run->done)
		close_handle((uv_handle_t *)process);
	else if (run->at_end)
		judge(run);
	else
		uv_timer_start(&run->timer, timer_cb, EXEC_LINGER_MS, 0);
}

/* No realloc(): it would leave copies behind. */
static int make_room(struct exec_run *run)
{
	if (run->text.len < run->cap)
		return 0;
	size_t cap = run->cap ? run->cap * 2 : 8192;
	char *data = malloc(cap + 1);
	if (!data)
		return -ENOMEM;
	size_t len = run->text.len;
	if (len)
		memcpy(data, run->text.data, len);
	config_data_release(&run->text);
	run->text.data = data;
	run->text.len = len;
	run->cap = cap;
	return 0;
}

static void alloc_cb(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	struct exec_run *run = handle->data;

	(void)size;
	if (make_room(run) < 0)
		*buf = uv_buf_init(NULL, 0);
	else
		*buf = uv_buf_init(run->text.data + run->text.len,
				   (unsigned)(run->cap - run->text.len));
}

static void read_cb(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct exec_run *run = stream->data;

	(void)buf;
	if (n == UV_ENOBUFS) {
		error_set(&run->error, -ENOMEM, "out of memory");
		fail(run);
	} else if (n < 0) {
		run->at_end = true;
		uv_read_stop(stream);
		if (run->exited)
			judge(run);
	} else {
		run->text.len += (size_t)n;
		if (run->text.len > EXEC_OUTPUT_MAX) {
			error_set(&run->error, -EFBIG,
				  "the credential program %s prints more than %u bytes",
				  run->x->command, EXEC_OUTPUT_MAX);
			fail(run);
		}
	}
}

struct environment {
	char **list;
	size_t n;
};

static void environment_release(struct environment *e)
{
	for (size_t i = 0; i < e->n; i++) {
		explicit_bzero(e->list[i], strlen(e->list[i]));
		free(e->list[i]);
	}
	free(e->list);
}

/* @entry: NAME=VALUE, replaces one of that name. Takes it; NULL is no memory. */
static int environment_set(struct environment *e, char *entry)
{
	if (!entry)
		return -ENOMEM;
	size_t len = strcspn(entry, "=") + 1;
	for (size_t i = 0; i < e->n; i++) {
		if (strncmp(e->list[i], entry, len) != 0)
			continue;
		free(e->list[i]);
		e->list[i] = entry;
		return 0;
	}
	e->list[e->n++] = entry;
	return 0;
}

static int environment_make(struct environment *e, const struct config_exec *x, const char *info)
{
	size_t n = 0;
	char *entry;
	int r = 0;

	while (environ[n])
		n++;
	e->list = calloc(n + x->n_env + 2, sizeof(*e->list));
	if (!e->list)
		return -ENOMEM;
	for (size_t i = 0; r >= 0 && i < n; i++) {
		e->list[e->n] = strdup(environ[i]);
		r = e->list[e->n] ? 0 : -ENOMEM;
		e->n += r >= 0;
	}
	for (size_t i = 0; r >= 0 && i < x->n_env; i++) {
		const char *value = x->env[i].value ? x->env[i].value : "";

		r = asprintf(&entry, "%s=%s", x->env[i].name, value) < 0 ? -ENOMEM : 0;
		if (r >= 0)
			r = environment_set(e, entry);
	}
	if (r >= 0 && asprintf(&entry, "KUBERNETES_EXEC_INFO=%s", info) >= 0)
		return environment_set(e, entry);
	return -ENOMEM;
}

static int spawn(struct exec_run *run, uv_loop_t *loop, char *file, char **argv, char **env,
		 bool interactive)
{
	uv_stdio_container_t stdio[3] = {
	    {.flags = interactive ? UV_INHERIT_FD : UV_IGNORE, .data.fd = 0},
	    {.flags = (uv_stdio_flags)(UV_CREATE_PIPE | UV_WRITABLE_PIPE),
	     .data.stream = (uv_stream_t *)&run->output},
	    {.flags = UV_INHERIT_FD, .data.fd = 2},
	};
	uv_process_options_t options = {
	    .exit_cb = exit_cb,
	    .file = file,
	    .args = argv,
	    .env = env,
	    .flags = run->group ? UV_PROCESS_DETACHED : 0,
	    .stdio_count = 3,
	    .stdio = stdio,
	};

	/* libcurl's sockets to itself, for one, are open to every child. What we hand to a child
	 * on purpose (libfuse does) is handed over by this same thread, and not now. */
	close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	return uv_spawn(loop, &run->process, &options);
}

/* NULL-terminated; the strings are the configuration's. NULL: no memory. */
static char **arguments(const struct config_exec *x)
{
	size_t n = 0;

	while (x->args && x->args[n])
		n++;
	char **argv = calloc(n + 2, sizeof(*argv));
	if (!argv)
		return NULL;
	argv[0] = x->command;
	for (size_t i = 0; i < n; i++)
		argv[i + 1] = x->args[i];
	return argv;
}

static int start(struct exec_run *run, uv_loop_t *loop, char *file, bool interactive,
		 const char *info)
{
	cleanup_(environment_release) struct environment env = {0};
	cleanup_free char **argv = arguments(run->x);
	int r = argv ? environment_make(&env, run->x, info) : -ENOMEM;

	if (r < 0)
		return r;
	uv_pipe_init(loop, &run->output, 0);
	uv_timer_init(loop, &run->timer);
	run->process.data = run;
	run->output.data = run;
	run->timer.data = run;
	run->handles = 3;
	r = spawn(run, loop, file, argv, env.list, interactive);
	if (r < 0)
		return r;
	uv_read_start((uv_stream_t *)&run->output, alloc_cb, read_cb);
	uv_update_time(loop);
	uv_timer_start(&run->timer, timer_cb, (uint64_t)run->limit_ms, 0);
	return 0;
}

static int not_found(const struct config_exec *x, struct error *e)
{
	bool named = strchr(x->command, '/');

	error_set(e, -ENOENT, "the credential program %s is not %s", x->command,
		  named ? "there, or may not be run" : "in PATH");
	hint_install(x, e);
	return -ENOENT;
}

int exec_run_start(uv_loop_t *loop, const struct config_exec *x, bool interactive, const char *info,
		   int64_t limit_ms, const struct exec_run_handler *handler, struct exec_run **ret,
		   struct error *ret_error)
{
	cleanup_free char *file = exec_find(x->command, getenv("PATH"));
	struct exec_run *run = file ? calloc(1, sizeof(*run)) : NULL;

	if (!run) {
		handler->on_closed(handler->ctx);
		return file ? -ENOMEM : not_found(x, ret_error);
	}
	run->x = x;
	run->handler = *handler;
	run->group = !interactive;
	run->limit_ms = limit_ms;
	int r = start(run, loop, file, interactive, info);
	if (r < 0) {
		error_set(ret_error, r, "the credential program %s cannot be run: %s", x->command,
			  strerror(-r));
		hint_try(x, ret_error);
		run->exited = true;
		if (run->handles)
			exec_run_cancel(run);
		else
			release(run);
		return r;
	}
	*ret = run;
	return 0;
}
