/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec_run: one run of a credential program, beside the loop.
 *
 * Its standard error is ours. Its standard input is ours where it may ask a
 * person, else empty. It is ended, with everything it started, when it takes
 * too long or prints too much; where it may ask a person it stays in our
 * session, for the terminal's sake, and only the program itself is ended.
 *
 * [loop]
 */
#ifndef PODFS_NET_EXEC_RUN_H
#define PODFS_NET_EXEC_RUN_H

#include <uv.h>

#include <podfs/base/error.h>
#include <podfs/config/config.h>

#define EXEC_OUTPUT_MAX (1u << 20)
/* After its end: something it started may hold its standard output open. */
#define EXEC_LINGER_MS 1000

struct exec_run;

struct exec_run_handler {
	void *ctx;
	/* It ended well, with this output; or not, and @error says why. Once, unless cancelled. */
	void (*on_done)(void *ctx, const char *output, size_t len, const struct error *error);
	/* The run is gone; the last call. Also after a start that failed, then perhaps from
	 * inside it. */
	void (*on_closed)(void *ctx);
};

/**
 * Starts the program.
 *
 * @info      of exec_info()
 * @limit_ms  for how long it may run
 *
 * 0; -ENOMEM or another -errno with @ret_error filled: it cannot be started, and on_done does
 * not come.
 */
int exec_run_start(uv_loop_t *loop, const struct config_exec *x, bool interactive, const char *info,
		   int64_t limit_ms, const struct exec_run_handler *handler, struct exec_run **ret,
		   struct error *ret_error);

/* Ends the program. on_done does not come any more, on_closed does. */
void exec_run_cancel(struct exec_run *run);

/* The file that @command means, as execvp() would find it but in absolute directories only. NULL:
 * none; or no memory. To be freed. */
char *exec_find(const char *command, const char *path);

#endif
