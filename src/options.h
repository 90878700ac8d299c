/* SPDX-License-Identifier: Apache-2.0 */
/* options: the command line. Names that kubectl has mean what they mean there. */
#ifndef PODFS_OPTIONS_H
#define PODFS_OPTIONS_H

#include <podfs/base/log.h>
#include <podfs/config/config.h>
#include <podfs/fs/fs.h>

/* How the program ends; also in podfs(1). */
enum exit_code {
	EXIT_CODE_OK = 0,
	EXIT_CODE_OTHER = 1,
	EXIT_CODE_USAGE = 2,
	EXIT_CODE_CONFIG = 3,
	EXIT_CODE_UNREACHABLE = 4,
	EXIT_CODE_TLS = 5,
	EXIT_CODE_UNAUTHORIZED = 6,
	EXIT_CODE_FORBIDDEN = 7,
	EXIT_CODE_MOUNT = 8,
};

struct options {
	struct config_overrides config;
	struct fs_options fs;
	const char *label_selector;
	const char *field_selector;
	const char *log_file;
	const char *self; /* NAMESPACE/POD, "caller", or NULL */
	const char *mountpoint;
	enum log_level log_level;
	int64_t deny_after_ms;   /* --stale=deny=DURATION; -1: serve */
	int64_t restart_wait_ms; /* --restart-wait */
	bool no_supervise;
	bool upgrade;
	bool foreground;
	bool help;
	bool version;
	struct buf fuse_options; /* what fs.fuse_options points to */
	char *token;             /* what config.token points to */
};

/**
 * Reads the command line. A token in it is moved away and overwritten at once,
 * so that the process list does not show it.
 *
 * @ret  zeroed; strings in it are those of @argv.
 *
 * 0; -EINVAL with @ret_error filled; -ENOMEM.
 */
int options_parse(int argc, char **argv, struct options *ret, struct error *ret_error);
void options_release(struct options *o);

/* What --help prints. */
extern const char options_help[];

#endif
