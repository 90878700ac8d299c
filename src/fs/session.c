/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mount's life, and its threads.
 *
 * The end has an order: first the notifier, while the workers still answer what
 * its last notification waits for; then the workers; then the mount.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <podfs/base/log.h>

#include "internal.h"

/* Wakes a worker out of its read(); its handler does nothing. */
#define WAKE_SIGNAL SIGUSR1
#define WAKE_EVERY_NS 20000000

static const char *const opcode_names[] = {
    [FS_LOOKUP] = "LOOKUP",     [FS_FORGET] = "FORGET",   [FS_GETATTR] = "GETATTR",
    [FS_READLINK] = "READLINK", [FS_OPEN] = "OPEN",       [FS_READ] = "READ",
    [FS_OPENDIR] = "OPENDIR",   [FS_READDIR] = "READDIR", [FS_READDIRPLUS] = "READDIRPLUS",
    [FS_STATFS] = "STATFS",
};

const char *fs_opcode_name(enum fs_opcode op)
{
	return opcode_names[op];
}

static int parse_number(const char *s, int base, unsigned long max, unsigned long *ret)
{
	char *end;

	errno = 0;
	*ret = strtoul(s, &end, base);
	return errno || end == s || *end || *s == '-' || *ret > max ? -EINVAL : 0;
}

int fs_options_parse(struct fs_options *o, const char *arg, struct buf *rest)
{
	cleanup_free char *copy = strdup(arg);
	char *save = NULL;
	int r = 0;

	if (!copy)
		return -ENOMEM;
	for (char *opt = strtok_r(copy, ",", &save); opt && r == 0;
	     opt = strtok_r(NULL, ",", &save)) {
		unsigned long n;

		if (!strncmp(opt, "uid=", 4)) {
			r = parse_number(opt + 4, 10, UINT32_MAX - 1, &n);
			o->uid = (uid_t)n;
		} else if (!strncmp(opt, "gid=", 4)) {
			r = parse_number(opt + 4, 10, UINT32_MAX - 1, &n);
			o->gid = (gid_t)n;
		} else if (!strncmp(opt, "umask=", 6)) {
			r = parse_number(opt + 6, 8, 0777, &n);
			o->umask = (mode_t)n;
		} else {
			r = buf_addf(rest, "%s%s", rest->len ? "," : "", opt);
		}
	}
	return r;
}

/* What libfuse said last in this thread, a line: the reason, when a call of it fails. */
static _Thread_local char fuse_message[256];
static _Thread_local size_t fuse_message_len;

/* It says a line in several parts. */
__attribute__((format(printf, 2, 0))) static void fuse_log_cb(enum fuse_log_level level,
							      const char *fmt, va_list ap)
{
	char *at = fuse_message + fuse_message_len;
	size_t room = sizeof(fuse_message) - fuse_message_len;
	int n = vsnprintf(at, room, fmt, ap);

	(void)level;
	if (n > 0)
		fuse_message_len += (size_t)n < room ? (size_t)n : room - 1;
	if (!fuse_message_len || fuse_message[fuse_message_len - 1] != '\n')
		return;
	fuse_message[fuse_message_len - 1] = '\0';
	fuse_message_len = 0;
	log_debug("%s", fuse_message);
}

static bool has_option(const char *options, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = options; (p = strstr(p, name)); p += n)
		if ((p == options || p[-1] == ',') && (p[n] == ',' || !p[n]))
			return true;
	return false;
}

/*
 * libfuse keeps allow_root itself, by refusing requests of others: but what the
 * kernel has cached it gives to everybody without a request.
 */
static int check_options(const struct fs_options *o)
{
	if (!o->fuse_options || !has_option(o->fuse_options, "allow_root"))
		return 0;
	snprintf(fuse_message, sizeof(fuse_message),
		 "allow_root cannot be kept with a cache; take allow_other and umask=");
	return -EINVAL;
}

static int make_session(struct fs *fs)
{
	cleanup_buf struct buf options = {0};
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	const char *more = fs->options.fuse_options ? fs->options.fuse_options : "";

	/* Of two that say the contrary, the later counts: nobody can ask for rw, dev or suid. */
	buf_addf(&options, "fsname=podfs,subtype=podfs%s%s,ro,nosuid,nodev,noexec",
		 *more ? "," : "", more);
	if (has_option(more, "allow_other"))
		buf_addstr(&options, ",default_permissions");
	if (options.err || fuse_opt_add_arg(&args, "podfs") < 0 ||
	    fuse_opt_add_arg(&args, "-o") < 0 || fuse_opt_add_arg(&args, options.data) < 0)
		return -ENOMEM;
	fuse_set_log_func(fuse_log_cb);
	fs->session = fuse_session_new(&args, &fs_ops, sizeof(fs_ops), fs);
	fuse_opt_free_args(&args);
	return fs->session ? 0 : -EINVAL;
}

int fs_new(struct tree *tree, const struct fs_options *options, struct fs **ret,
	   struct error *ret_error)
{
	struct fs *fs = calloc(1, sizeof(*fs));

	if (!fs)
		return error_set(ret_error, -ENOMEM, "out of memory");
	fs->tree = tree;
	fs->options = *options;
	fs->inodes = inode_table_new();
	int r = fs->inodes ? check_options(options) : -ENOMEM;
	if (r == 0)
		r = make_session(fs);
	if (r < 0) {
		fs_free(fs);
		error_set(ret_error, r, "%s", r == -EINVAL ? fuse_message : strerror(-r));
		error_hint(ret_error, "podfs(1) says what -o takes");
		return r;
	}
	atomic_flag_clear(&fs->ended);
	*ret = fs;
	return 0;
}

void fs_free(struct fs *fs)
{
	/* A thread that is still in the kernel uses all of it. */
	if (!fs || fs->stuck)
		return;
	if (fs->session)
		fuse_session_destroy(fs->session);
	inode_table_free(fs->inodes);
	free(fs->told);
	free(fs->pending);
	buf_release(&fs->pending_names);
	free(fs);
}

static void wake(int signo)
{
	(void)signo;
}

static void set_up_wake_signal(void)
{
	/* Without SA_RESTART: the read() it interrupts must return. */
	struct sigaction action = {.sa_handler = wake};

	sigaction(WAKE_SIGNAL, &action, NULL);
}

static void *work(void *arg)
{
	struct fs *fs = arg;
	struct fuse_buf buf = {0};
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, WAKE_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
	while (!fuse_session_exited(fs->session)) {
		int r = fuse_session_receive_buf(fs->session, &buf);

		if (r == -EINTR)
			continue;
		if (r <= 0)
			break;
		fuse_session_process_buf(fs->session, &buf);
	}
	free(buf.mem);
	if (!atomic_flag_test_and_set(&fs->ended))
		fs->ended_cb(fs->ended_ctx);
	return NULL;
}

static void stop_workers(struct fs *fs)
{
	atomic_flag_test_and_set(&fs->ended);
	fuse_session_exit(fs->session);
	for (unsigned int i = 0; i < fs->worker_count; i++) {
		struct timespec until;

		/* A signal can come just before the read() it is meant for: so again. */
		do {
			pthread_kill(fs->workers[i], WAKE_SIGNAL);
			clock_gettime(CLOCK_REALTIME, &until);
			until.tv_nsec += WAKE_EVERY_NS;
			until.tv_sec += until.tv_nsec / 1000000000;
			until.tv_nsec %= 1000000000;
		} while (pthread_timedjoin_np(fs->workers[i], NULL, &until) == ETIMEDOUT);
	}
	fs->worker_count = 0;
}

static int start_workers(struct fs *fs)
{
	unsigned int want = fs->options.workers;

	if (!want)
		want = (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
	/* One may be held by a LOOKUP that the kernel sends on behalf of a notification. */
	if (want < 2)
		want = 2;
	if (want > FS_WORKERS_MAX)
		want = FS_WORKERS_MAX;
	set_up_wake_signal();
	while (fs->worker_count < want) {
		int r = pthread_create(&fs->workers[fs->worker_count], NULL, work, fs);

		if (r)
			return -r;
		fs->worker_count++;
	}
	return 0;
}

static int start(struct fs *fs)
{
	const struct store_observer observer = {fs, fs_changed, fs_published};
	const struct notify_options options = {fs->session, &fs->notified, fs_sweep, fs};
	sigset_t all;
	sigset_t before;

	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = notifier_start(&options, &fs->notifier);
	if (r == 0) {
		store_observe(fs->tree->store, &observer);
		r = start_workers(fs);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

/* What to do about a mount that was refused: libfuse's words are all there is to go by. */
static const char *mount_hint(void)
{
	if (strstr(fuse_message, "user_allow_other"))
		return "root must put user_allow_other into /etc/fuse.conf for that";
	return "an ordinary user needs fusermount3 (package fuse3) and must own the mount point; "
	       "a container needs CAP_SYS_ADMIN";
}

int fs_mount(struct fs *fs, const char *mountpoint, void (*ended_cb)(void *ctx), void *ctx,
	     struct error *ret_error)
{
	fs->ended_cb = ended_cb;
	fs->ended_ctx = ctx;
	fuse_message[0] = '\0';
	if (fuse_session_mount(fs->session, mountpoint) < 0) {
		error_set(ret_error, -EPERM, "cannot mount on %s: %s", mountpoint,
			  *fuse_message ? fuse_message : "fusermount3 refused it, see above");
		error_hint(ret_error, "%s", mount_hint());
		return -EPERM;
	}
	fs->mounted = true;
	int r = start(fs);
	if (r < 0) {
		fs_unmount(fs);
		return error_set(ret_error, r, "cannot start a thread: %s", strerror(-r));
	}
	return 0;
}

void fs_unmount(struct fs *fs)
{
	if (!fs->mounted)
		return;
	store_observe(fs->tree->store, NULL);
	fs->stuck = fs->notifier && !notifier_stop(fs->notifier);
	if (fs->stuck)
		log_warn("a program that is stuck itself holds a folder of the mount: "
			 "the process ends when that one does");
	stop_workers(fs);
	if (!fs->stuck)
		notifier_free(take_ptr(fs->notifier));
	fuse_session_unmount(fs->session);
	fs->mounted = false;
}

void fs_deny(struct fs *fs, bool deny)
{
	/* First the requests, then what was answered before: nothing comes in between. */
	if (atomic_exchange(&fs->denying, deny) == deny || !deny || !fs->mounted)
		return;
	/* Whoever was let in has registered its nodes when this returns. */
	store_wait_readers(fs->tree->store);
	notifier_sweep(fs->notifier, SWEEP_CONTENT);
}

bool fs_is_denied(struct fs *fs, enum tree_kind kind)
{
	if (!atomic_load_explicit(&fs->denying, memory_order_relaxed))
		return false;
	return kind == TREE_CALLER ||
	       (kind != TREE_ROOT && kind != TREE_SELF && !tree_is_volatile(kind));
}

void fs_stats(struct fs *fs, struct fs_stats *ret)
{
	*ret = (struct fs_stats){0};
	for (int i = 0; i < FS_OPCODES; i++)
		ret->requests[i] =
		    atomic_load_explicit(&fs->counters.requests[i], memory_order_relaxed);
	ret->notified_entries = atomic_load(&fs->notified.entries);
	ret->notified_inodes = atomic_load(&fs->notified.inodes);
	ret->notified_unknown = atomic_load(&fs->notified.unknown);
	ret->notifications_waiting = atomic_load(&fs->notified.waiting);
	ret->sweeps = atomic_load(&fs->notified.sweeps);
	ret->inodes = inode_count(fs->inodes);
}
