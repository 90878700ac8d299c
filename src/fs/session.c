/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads that serve a mount, from INIT to the end.
 *
 * The kernel says INIT once, to whoever serves first. Later ones are given what
 * it said then; their answer must be the first one's, and goes nowhere.
 *
 * The end has an order: first the notifier, while the workers still answer what
 * its last notification waits for; then the workers.
 */
#include <errno.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>

#include <podfs/base/log.h>

#include "device.h"
#include "internal.h"
#include "libfuse.h"
#include "slots.h"

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

/* --- INIT --- */

static size_t gather(const struct iovec *iov, int count, char *out, size_t size)
{
	size_t len = 0;

	for (int i = 0; i < count && len + iov[i].iov_len <= size; i++) {
		memcpy(out + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	return len;
}

/* The first answer goes to the kernel; others must say the same. */
static ssize_t answer_init(struct fs *fs, int fd, struct iovec *iov, int count)
{
	struct fs_head *head = fs->head;
	char reply[FS_INIT_MAX];
	size_t len = gather(iov, count, reply, sizeof(reply));

	if (head->init_answered) {
		fs->init_differs =
		    len != head->init_reply_len || memcmp(reply, head->init_reply, len) != 0;
		return (ssize_t)len;
	}
	memcpy(head->init_reply, reply, len);
	head->init_reply_len = (uint32_t)len;
	ssize_t n = writev(fd, iov, count);
	/* ENOENT: whoever was here before died behind this call. ENODEV: it was unmounted, as the
	 * threads will find out. */
	if (n < 0 && errno != ENOENT && errno != ENODEV)
		return n;
	__atomic_store_n(&head->init_answered, 1, __ATOMIC_RELEASE);
	return (ssize_t)len;
}

static ssize_t write_reply(int fd, struct iovec *iov, int count, void *userdata)
{
	struct fs *fs = userdata;

	return fs->starting ? answer_init(fs, fd, iov, count) : writev(fd, iov, count);
}

static ssize_t read_request(int fd, void *buf, size_t len, void *userdata)
{
	(void)userdata;
	return read(fd, buf, len < SLOT_REQUEST ? len : SLOT_REQUEST);
}

static int begin_session(struct fs *fs)
{
	char request[FS_INIT_MAX];
	const struct fuse_buf buf = {.mem = request, .size = fs->head->init_len};

	memcpy(request, fs->head->init, fs->head->init_len);
	fs->starting = true;
	fuse_session_process_buf(fs->session, &buf);
	fs->starting = false;
	if (!fs->head->init_answered || fuse_session_exited(fs->session))
		return -EPROTO;
	return fs->init_differs ? -ESTALE : 0;
}

/* --- life --- */

static int new_table(struct fs *fs, int memory)
{
	fs->inodes = inode_table_new(memory);
	return fs->inodes ? 0 : -ENOMEM;
}

static int set_up(struct fs *fs, int memory, bool takes_over, struct error *e)
{
	int r = fs_head_map(memory, &fs->head);

	if (r == 0)
		r = slots_open(memory, fs->head, &fs->slots);
	if (r == 0)
		r = takes_over ? fs_recover(fs, memory) : new_table(fs, memory);
	if (r < 0)
		return error_set(e, r, "cannot make the inode table: %s", strerror(-r));
	return libfuse_session(&fs->options, &fs_ops, fs, &fs->session, e);
}

int fs_new(struct tree *tree, const struct fs_options *options, int memory, bool takes_over,
	   struct fs **ret, struct error *ret_error)
{
	struct fs *fs = calloc(1, sizeof(*fs));

	if (!fs)
		return error_set(ret_error, -ENOMEM, "out of memory");
	fs->tree = tree;
	fs->options = *options;
	int r = set_up(fs, memory, takes_over, ret_error);
	if (r < 0) {
		fs_free(fs);
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
	slots_close(fs->slots);
	fs_head_unmap(fs->head);
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

static void refuse(struct fs *fs, const char *request)
{
	const struct fuse_in_header *in = (const void *)request;
	const struct fuse_out_header out = {
	    .len = sizeof(out), .error = -EIO, .unique = in->unique};

	log_error("a request (%u of node %llu) has ended two workers: it fails from now on",
		  in->opcode, (unsigned long long)in->nodeid);
	/* Whoever asked may be gone. */
	if (write(fuse_session_fd(fs->session), &out, sizeof(out)) < 0)
		log_debug("nobody waits for it");
}

static void serve(struct fs *fs, struct slot *slot)
{
	struct fuse_buf buf = {.mem = slot_request(slot)};

	while (!fuse_session_exited(fs->session)) {
		slot_empty(slot);
		int r = fuse_session_receive_buf(fs->session, &buf);

		if (r == -EINTR)
			continue;
		if (r <= 0)
			break;
		if (slot_taken(fs->slots, slot, fs->inodes) == SLOT_REFUSE)
			refuse(fs, buf.mem);
		else
			fuse_session_process_buf(fs->session, &buf);
	}
}

static void *work(void *arg)
{
	struct fs *fs = arg;
	unsigned int thread = atomic_fetch_add(&fs->threads, 1);
	/* For a crash that has used up the stack. */
	char spare[16384];
	const stack_t stack = {.ss_sp = spare, .ss_size = sizeof(spare)};
	const stack_t none = {.ss_flags = SS_DISABLE};
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, WAKE_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
	sigaltstack(&stack, NULL);
	serve(fs, slots_use(fs->slots, thread));
	slots_leave();
	sigaltstack(&none, NULL);
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

/*
 * Where the kernel does not send again what a worker that died had taken, a descriptor that nobody
 * else has: when it closes with us, the kernel ends what was taken through it.
 */
static int own_device(int fd, bool resends)
{
	if (resends)
		return fd;
	int own = device_clone(fd, 0);
	close(fd);
	return own;
}

static int begin(struct fs *fs, int fd)
{
	static const struct fuse_custom_io io = {.read = read_request, .writev = write_reply};
	bool resends = device_resends(fs->head);
	int own = own_device(fd, resends);

	if (own < 0)
		return own;
	int r = fuse_session_custom_io(fs->session, &io, own);
	if (r < 0) {
		close(own);
		return r;
	}
	slots_recover(fs->slots, fs->inodes);
	r = begin_session(fs);
	if (r == 0 && resends && fs->head->generation > 1)
		r = device_resend(own);
	return r < 0 && r != -ENODEV ? r : start(fs);
}

int fs_serve(struct fs *fs, int fd, void (*ended_cb)(void *ctx), void *ctx, struct error *ret_error)
{
	fs->ended_cb = ended_cb;
	fs->ended_ctx = ctx;
	fs->serving = true;
	int r = begin(fs, fd);
	if (r < 0) {
		fs_stop(fs);
		return error_set(ret_error, r, "cannot serve the mount: %s",
				 r == -ESTALE ? "another version of podfs or libfuse has begun it"
					      : strerror(-r));
	}
	if (fs->head->generation > 1)
		/* What the one before was about to tell the kernel is not known. */
		notifier_sweep(fs->notifier, SWEEP_NAMES);
	return 0;
}

void fs_stop(struct fs *fs)
{
	if (!fs->serving)
		return;
	store_observe(fs->tree->store, NULL);
	fs->stuck = fs->notifier && !notifier_stop(fs->notifier);
	if (fs->stuck)
		log_warn("a program that is stuck itself holds a folder of the mount: "
			 "the process ends when that one does");
	stop_workers(fs);
	if (!fs->stuck)
		notifier_free(take_ptr(fs->notifier));
	fs->serving = false;
}

void fs_deny(struct fs *fs, bool deny)
{
	/* First the requests, then what was answered before: nothing comes in between. */
	if (atomic_exchange(&fs->denying, deny) == deny || !deny || !fs->serving)
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
