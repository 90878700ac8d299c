/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <podfs/base/log.h>

#include "libfuse.h"

/* The reason, when a call of the library fails. */
static _Thread_local char message[256];
static _Thread_local size_t message_len;

/* It says a line in several parts. */
__attribute__((format(printf, 2, 0))) static void log_cb(enum fuse_log_level level, const char *fmt,
							 va_list ap)
{
	char *at = message + message_len;
	size_t room = sizeof(message) - message_len;
	int n = vsnprintf(at, room, fmt, ap);

	(void)level;
	if (n > 0)
		message_len += (size_t)n < room ? (size_t)n : room - 1;
	if (!message_len || message[message_len - 1] != '\n')
		return;
	message[message_len - 1] = '\0';
	message_len = 0;
	log_debug("%s", message);
}

const char *libfuse_message(void)
{
	return message;
}

void libfuse_clear_message(void)
{
	message[0] = '\0';
	message_len = 0;
}

static bool has_option(const char *options, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = options; (p = strstr(p, name)); p += n)
		if ((p == options || p[-1] == ',') && (p[n] == ',' || !p[n]))
			return true;
	return false;
}

static int make(const struct fs_options *o, const struct fuse_lowlevel_ops *ops, void *userdata,
		struct fuse_session **ret)
{
	cleanup_buf struct buf options = {0};
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	const char *more = o->fuse_options ? o->fuse_options : "";

	/* Of two that say the contrary, the later counts: nobody can ask for rw, dev or suid. */
	buf_addf(&options, "fsname=podfs,subtype=podfs%s%s,ro,nosuid,nodev,noexec",
		 *more ? "," : "", more);
	if (has_option(more, "allow_other"))
		buf_addstr(&options, ",default_permissions");
	if (options.err || fuse_opt_add_arg(&args, "podfs") < 0 ||
	    fuse_opt_add_arg(&args, "-o") < 0 || fuse_opt_add_arg(&args, options.data) < 0)
		return -ENOMEM;
	fuse_set_log_func(log_cb);
	*ret = fuse_session_new(&args, ops, sizeof(*ops), userdata);
	fuse_opt_free_args(&args);
	return *ret ? 0 : -EINVAL;
}

int libfuse_session(const struct fs_options *o, const struct fuse_lowlevel_ops *ops, void *userdata,
		    struct fuse_session **ret, struct error *ret_error)
{
	const char *why = message;
	int r;

	libfuse_clear_message();
	/*
	 * libfuse keeps allow_root itself, by refusing requests of others: but what the
	 * kernel has cached it gives to everybody without a request.
	 */
	if (o->fuse_options && has_option(o->fuse_options, "allow_root")) {
		r = -EINVAL;
		why = "allow_root cannot be kept with a cache; take allow_other and umask=";
	} else {
		r = make(o, ops, userdata, ret);
	}
	if (r < 0) {
		error_set(ret_error, r, "%s", r == -EINVAL ? why : strerror(-r));
		error_hint(ret_error, "podfs(1) says what -o takes");
	}
	return r;
}
