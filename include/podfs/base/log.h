/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log: one line an event, to stderr, to a file or to syslog.
 *
 * Any thread may log once log_open() has returned. Lines never hold secrets:
 * that is the caller's promise. A line that cannot be written (a full disk) is
 * dropped and never blocks or fails the caller.
 */
#ifndef PODFS_BASE_LOG_H
#define PODFS_BASE_LOG_H

enum log_level {
	LOG_LEVEL_UNSET,
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

enum log_target {
	LOG_TO_UNSET,
	LOG_TO_STDERR,
	LOG_TO_FILE,
	LOG_TO_SYSLOG,
};

/* The level of that name (error, warn, info, debug), or LOG_LEVEL_UNSET. */
enum log_level log_level_parse(const char *name);

/**
 * Says where lines go from now on.
 *
 * @path  for LOG_TO_FILE: opened for appending; otherwise NULL.
 *
 * 0, or -errno of open(); then lines go where they went before. Not to be
 * called while other threads log.
 */
int log_open(enum log_target target, enum log_level level, const char *path);

/* Whether a line of that level would be written. */
int log_enabled(enum log_level level);

void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
