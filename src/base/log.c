/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include <podfs/base/cleanup.h>
#include <podfs/base/log.h>

/* Longer lines are cut: a hostile message must not fill the disk. */
#define LOG_LINE_MAX 2048

static const char *const level_names[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
};

static const int level_priority[] = {
    [LOG_LEVEL_ERROR] = LOG_ERR,
    [LOG_LEVEL_WARN] = LOG_WARNING,
    [LOG_LEVEL_INFO] = LOG_INFO,
    [LOG_LEVEL_DEBUG] = LOG_DEBUG,
};

static struct {
	enum log_target target;
	enum log_level level;
	int fd;
} the_log = {LOG_TO_STDERR, LOG_LEVEL_INFO, STDERR_FILENO};

enum log_level log_level_parse(const char *name)
{
	for (size_t i = LOG_LEVEL_ERROR; i < ARRAY_SIZE(level_names); i++)
		if (!strcmp(name, level_names[i]))
			return (enum log_level)i;
	return LOG_LEVEL_UNSET;
}

int log_open(enum log_target target, enum log_level level, const char *path)
{
	int fd = STDERR_FILENO;

	if (target == LOG_TO_FILE) {
		fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
		if (fd < 0)
			return -errno;
	}
	if (target == LOG_TO_SYSLOG)
		openlog("podfs", LOG_PID, LOG_DAEMON);
	if (the_log.target == LOG_TO_FILE)
		close(the_log.fd);
	the_log.target = target;
	the_log.level = level;
	the_log.fd = fd;
	return 0;
}

int log_enabled(enum log_level level)
{
	return level <= the_log.level;
}

/* Control characters in a message (a server's text, say) must not forge lines. */
static void make_printable(char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			s[i] = ' ';
}

void log_line(enum log_level level, const char *fmt, ...)
{
	char line[LOG_LINE_MAX];
	size_t n = 0;
	va_list ap;

	if (!log_enabled(level))
		return;
	if (the_log.target == LOG_TO_FILE) {
		struct timespec now;
		struct tm tm;

		clock_gettime(CLOCK_REALTIME, &now);
		gmtime_r(&now.tv_sec, &tm);
		n = strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%S", &tm);
		n +=
		    (size_t)snprintf(line + n, sizeof(line) - n, ".%03ldZ ", now.tv_nsec / 1000000);
	}
	if (the_log.target != LOG_TO_SYSLOG)
		n +=
		    (size_t)snprintf(line + n, sizeof(line) - n, "podfs: %s: ", level_names[level]);
	va_start(ap, fmt);
	int m = vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	va_end(ap);
	if (m < 0)
		return;
	size_t end = n + (size_t)m;
	if (end > sizeof(line) - 2)
		end = sizeof(line) - 2;
	make_printable(line + n, end - n);
	if (the_log.target == LOG_TO_SYSLOG) {
		line[end] = '\0';
		syslog(level_priority[level], "%s", line);
		return;
	}
	line[end++] = '\n';
	ssize_t written = write(the_log.fd, line, end);
	(void)written;
}
