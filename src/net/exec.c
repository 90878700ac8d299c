/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's side of the credential program: when it runs, and what becomes
 * of the requests meanwhile.
 */
#include <string.h>

#include <podfs/base/clock.h>
#include <podfs/base/log.h>

#include "exec_info.h"
#include "internal.h"

/* A handler may queue more, at the head: those are for the next try. */
static void fail_queued(struct http_client *c, const struct error *error)
{
	for (struct http_request *r = c->requests; r && !c->closing; r = r->next)
		if (r->state == REQUEST_QUEUED && !r->probe)
			client_fail(r, HTTP_FAILURE_LOCAL, error);
}

static void refuse(struct http_client *c, const char *what)
{
	struct error error = {0};

	error_set(&error, -EBADMSG, "the credential program %s %s", c->config->exec->command, what);
	error_hint(&error, "run it by hand to see what it prints");
	fail_queued(c, &error);
}

static void take(struct http_client *c, const char *output, size_t len)
{
	cleanup_exec_credential struct exec_credential got = {0};
	struct error error = {0};
	int r = exec_credential_parse(output, len, c->config->exec->api_version, &got, &error);

	if (r < 0) {
		refuse(c, error.code ? error.msg : strerror(-r));
		return;
	}
	log_debug("the credential program took %lld ms",
		  (long long)(clock_monotonic_ms() - c->exec.begun_ms));
	c->exec.fresh = true;
	if (credentials_take(&c->credentials, &got))
		client_renew(c, "there is a new client certificate");
}

static void on_done(void *ctx, const char *output, size_t len, const struct error *error)
{
	struct http_client *c = ctx;

	c->exec.run = NULL;
	c->busy++;
	if (error)
		fail_queued(c, error);
	else
		take(c, output, len);
	c->busy--;
	client_kick(c);
}

static void on_closed(void *ctx)
{
	client_handle_closed(ctx);
}

static int start(struct http_client *c, struct error *error)
{
	const struct config_exec *x = c->config->exec;
	struct exec_run_handler handler = {c, on_done, on_closed};
	bool terminal = isatty(STDIN_FILENO);
	bool interactive = x->interactive != CONFIG_INTERACTIVE_NEVER && terminal;
	cleanup_free char *info = NULL;

	if (x->interactive == CONFIG_INTERACTIVE_ALWAYS && !terminal) {
		error_set(error, -ENOTTY,
			  "the credential program %s wants to ask a person, and standard input is "
			  "no terminal",
			  x->command);
		error_hint(error, "log in with it by hand, start podfs in a terminal, or give "
				  "--token-file");
		return -ENOTTY;
	}
	int r = exec_info(c->config, interactive, &info, error);
	if (r < 0)
		return r;
	c->handles++;
	client_count(&c->stats.exec_runs);
	c->exec.begun_ms = clock_monotonic_ms();
	return exec_run_start(c->loop, x, interactive, info,
			      interactive ? c->times.exec_interactive_ms : c->times.exec_ms,
			      &handler, &c->exec.run, error);
}

static bool anyone_waits(const struct http_client *c)
{
	for (const struct http_request *r = c->requests; r; r = r->next)
		if (r->state == REQUEST_QUEUED && !r->probe)
			return true;
	return false;
}

bool exec_wait(struct http_client *c)
{
	struct error error = {0};

	if (c->exec.run)
		return true;
	if (c->exec.fresh) {
		c->exec.fresh = false;
		return false;
	}
	if (c->closing || !credentials_wanted(&c->credentials, clock_realtime_ns()) ||
	    !anyone_waits(c))
		return false;
	int r = start(c, &error);
	if (r >= 0)
		return true;
	if (!error.code)
		error_set(&error, r, "%s", strerror(-r));
	fail_queued(c, &error);
	return true;
}

void exec_close(struct http_client *c)
{
	if (c->exec.run)
		exec_run_cancel(take_ptr(c->exec.run));
}
