/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor has one thread, and nothing in it that a server or a reader
 * sends: so it has no reason to die. It holds what a worker's death must not
 * take along: the mount, INIT, and the memory (base/memory.h).
 *
 *	          SYNCED               SERVING
 *	SYNCING ----------> MOUNTED ------------> SERVED ---+
 *	   |                   ^                            | the worker dies
 *	   | it ends           +------ another one -- ALONE +
 *	   v                                            |
 *	  END <-- signal, unmounted, ENDING             +-- after --restart-wait: refuses with EIO,
 *	                                                    and goes on trying
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <podfs/base/cleanup.h>
#include <podfs/base/clock.h>
#include <podfs/base/memory.h>
#include <podfs/fs/mount.h>
#include <podfs/fs/refuse.h>

#include "background.h"
#include "link.h"
#include "prepare.h"
#include "service.h"
#include "spawn.h"
#include "supervisor.h"

/* What systemd keeps for us. */
#define KEPT_MOUNT "podfs-mount"
#define KEPT_MEMORY "podfs-memory"

/* A worker that has served so long does not keep dying. */
#define SERVED_WELL_MS 200
/* So many of those that do are replaced at once; then there is a pause, which doubles. */
#define DEATHS_AT_ONCE 4
#define BACKOFF_MS 100
#define BACKOFF_MAX_MS 10000
/* A worker that does not end when it is told to is made to. */
#define END_WAIT_MS 10000
/* How long is waited for the last threads of one that is dying. */
#define DEATH_WAIT_MS 20

/* PIDFD_THREAD, since Linux 6.9; not in Debian 12's headers. */
#define PIDFD_OF_THREAD O_EXCL

struct supervisor {
	const struct options *options;
	enum exit_code code;
	char mountpoint[PATH_MAX];
	char program_path[PATH_MAX];
	struct background background;
	struct mount *mount;
	struct fs_head *head;
	struct spawn spawn;
	int signals;
	int refusing; /* fs/refuse.h; -1: not now */

	pid_t worker; /* 0: none */
	int leader;   /* readable when its first thread has ended; -1: this kernel cannot tell */
	int link;
	bool mounted;
	bool serving;
	bool ready;    /* it has served once, and whoever started us knows */
	bool said_end; /* the worker ends of its own accord, and so do we */
	bool done;
	int64_t ending_since_ms; /* 0: we do not end */
	int64_t serving_since_ms;
	int64_t alone_since_ms; /* nobody serves; 0: somebody does */
	int64_t start_at_ms;    /* another worker; 0: none is to be started */
	unsigned int deaths;    /* in a row, of workers that hardly served */

	/* While a worker hands over to one of a new program. */
	bool handing_over;
	int old_program; /* to go back to; -1: no new one is tried */
};

static void say(const struct error *e)
{
	fprintf(stderr, "podfs: error: %s\n", e->msg);
	if (*e->hint)
		fprintf(stderr, "podfs: hint: %s\n", e->hint);
}

static void finish(struct supervisor *s, enum exit_code code)
{
	s->code = code;
	s->done = true;
}

/* --- the worker --- */

static void start_worker(struct supervisor *s)
{
	int ends[2];
	int r = link_pair(ends);

	s->start_at_ms = 0;
	if (r == 0) {
		s->head->generation++;
		s->said_end = false;
		pid_t pid = spawn_worker(&s->spawn, ends[1]);
		close(ends[1]);
		if (pid > 0) {
			s->worker = pid;
			s->link = ends[0];
			s->leader = (int)syscall(SYS_pidfd_open, pid, PIDFD_OF_THREAD);
			return;
		}
		close(ends[0]);
		r = (int)pid;
	}
	log_error("cannot start a worker: %s", strerror(-r));
	s->start_at_ms = clock_monotonic_ms() + BACKOFF_MAX_MS;
	if (!s->mounted)
		finish(s, EXIT_CODE_OTHER);
}

static void stop_refusing(struct supervisor *s)
{
	if (s->refusing >= 0)
		close(take_fd(&s->refusing));
}

static int64_t pause_ms(unsigned int deaths)
{
	int64_t pause = BACKOFF_MS;

	if (deaths <= DEATHS_AT_ONCE)
		return 0;
	for (deaths -= DEATHS_AT_ONCE; deaths > 1 && pause < BACKOFF_MAX_MS; deaths--)
		pause *= 2;
	return pause < BACKOFF_MAX_MS ? pause : BACKOFF_MAX_MS;
}

/* A program that was to take over does not even begin: the one before it can. */
static void go_back(struct supervisor *s)
{
	if (s->old_program < 0)
		return;
	log_error("the new program does not serve: the old one goes on");
	s->head->failed_upgrades++;
	close(s->spawn.program);
	s->spawn.program = take_fd(&s->old_program);
	s->deaths = 0;
}

static void worker_died(struct supervisor *s, int status)
{
	int64_t now = clock_monotonic_ms();
	bool served = s->serving_since_ms && now - s->serving_since_ms >= SERVED_WELL_MS;

	if (!s->alone_since_ms)
		s->alone_since_ms = now;
	s->head->death = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	if (s->handing_over) {
		s->handing_over = false;
		s->start_at_ms = now;
		return;
	}
	if (WIFSIGNALED(status))
		log_error("the worker was ended by signal %d (%s); another one takes its place",
			  WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		log_error("the worker ended with %d; another one takes its place",
			  WEXITSTATUS(status));
	s->deaths = served ? 0 : s->deaths + 1;
	if (!s->serving_since_ms)
		go_back(s);
	s->start_at_ms = now + pause_ms(s->deaths);
}

/* Before there is a mount, there is nothing to be kept. */
static void ended_by_itself(struct supervisor *s, int status)
{
	if (WIFSIGNALED(status))
		log_error("ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	finish(s, WIFEXITED(status) ? (enum exit_code)WEXITSTATUS(status) : EXIT_CODE_OTHER);
}

static void worker_ended(struct supervisor *s, int status)
{
	s->worker = 0;
	close(take_fd(&s->link));
	if (s->leader >= 0)
		close(take_fd(&s->leader));
	s->serving = false;
	if (s->ending_since_ms)
		s->done = true;
	else if (s->said_end || !s->mounted)
		ended_by_itself(s, status);
	else
		worker_died(s, status);
	s->serving_since_ms = 0;
}

static void reap(struct supervisor *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == s->worker)
			worker_ended(s, status);
}

/*
 * It is dying. A thread of it that was telling the kernel something may wait there for an answer to
 * somebody's request, and no signal ends that: it ends when another worker has answered. So nobody
 * waits for it but for the moment that it takes to learn what it died of.
 */
static void on_leader(struct supervisor *s)
{
	const struct timespec moment = {0, 1000000};
	int status = SIGKILL;
	pid_t pid = 0;

	for (int tries = 0; tries < DEATH_WAIT_MS && pid == 0; tries++) {
		pid = waitpid(s->worker, &status, WNOHANG);
		if (pid == 0)
			nanosleep(&moment, NULL);
	}
	worker_ended(s, pid > 0 ? status : SIGKILL);
}

/* --- what it says --- */

static void mount_now(struct supervisor *s)
{
	struct error e = {0};

	prepare_log(s->options);
	int r = mount_open(s->mount, s->mountpoint, s->head, &e);
	s->mounted = r == 0;
	if (!s->mounted) {
		say(&e);
		kill(s->worker, SIGKILL);
		finish(s, r == -ENODEV ? EXIT_CODE_OK : EXIT_CODE_MOUNT);
		return;
	}
	s->spawn.mount = mount_fd(s->mount);
	service_keep(s->spawn.mount, KEPT_MOUNT);
	service_keep(s->spawn.memory, KEPT_MEMORY);
	/* Whoever takes its place gets it from us. */
	link_send(s->link, LINK_MOUNTED, 0, s->spawn.mount);
}

static void serves(struct supervisor *s)
{
	bool first = !s->ready;

	s->serving = true;
	s->ready = true;
	s->serving_since_ms = clock_monotonic_ms();
	if (s->alone_since_ms)
		log_info("served again after %lld ms",
			 (long long)(s->serving_since_ms - s->alone_since_ms));
	s->alone_since_ms = 0;
	stop_refusing(s);
	if (s->old_program >= 0)
		close(take_fd(&s->old_program));
	if (!first)
		return;
	service_tell("READY=1");
	if (background_ready(&s->background) < 0) {
		log_error("ending: cannot go into the background");
		finish(s, EXIT_CODE_OTHER);
	}
}

static void listen_to_worker(struct supervisor *s)
{
	enum link_message message;
	int32_t value;
	int fd;
	int r = link_receive(s->link, &message, &value, &fd);

	/* Its end comes with SIGCHLD. */
	if (r < 0)
		return;
	if (fd >= 0)
		close(fd);
	switch (message) {
	case LINK_SYNCED:
		if (!s->mounted)
			mount_now(s);
		break;
	case LINK_SERVING:
		serves(s);
		break;
	case LINK_ENDING:
		s->said_end = true;
		break;
	default:
		break;
	}
}

/* --- signals --- */

static void end(struct supervisor *s, enum exit_code code)
{
	if (s->ending_since_ms)
		return;
	service_tell("STOPPING=1");
	s->code = code;
	s->ending_since_ms = clock_monotonic_ms();
	if (!s->worker)
		s->done = true;
	else
		link_send(s->link, LINK_END, 0, -1);
}

static void upgrade(struct supervisor *s)
{
	int program = open(s->program_path, O_PATH | O_CLOEXEC);

	if (program < 0 || !s->serving || s->handing_over || s->old_program >= 0) {
		log_error("cannot upgrade: %s: %s", s->program_path,
			  program < 0 ? strerror(errno) : "a worker is on its way");
		if (program >= 0)
			close(program);
		return;
	}
	log_info("%s takes over", s->program_path);
	s->old_program = s->spawn.program;
	s->spawn.program = program;
	s->handing_over = true;
	link_send(s->link, LINK_END, 0, -1);
}

static void on_signal(struct supervisor *s)
{
	struct signalfd_siginfo info;

	if (read(s->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGCHLD:
		reap(s);
		break;
	case SIGUSR2:
		upgrade(s);
		break;
	default:
		log_info("ending: got %s", strsignal((int)info.ssi_signo));
		end(s, s->mounted ? EXIT_CODE_OK : EXIT_CODE_OTHER);
	}
}

/* --- the loop --- */

enum watched {
	WATCH_SIGNALS,
	WATCH_LINK,
	WATCH_LEADER,
	WATCH_STARTER,
	WATCH_MOUNT,
	WATCH_COUNT,
};

/* A negative descriptor is not looked at. */
static void watch(const struct supervisor *s, struct pollfd *fds)
{
	bool alone = s->mounted && !s->worker;

	fds[WATCH_SIGNALS] = (struct pollfd){s->signals, POLLIN, 0};
	fds[WATCH_LINK] = (struct pollfd){s->link, POLLIN, 0};
	fds[WATCH_LEADER] = (struct pollfd){s->leader, POLLIN, 0};
	fds[WATCH_STARTER] = (struct pollfd){s->mounted ? -1 : s->background.ready_fd, 0, 0};
	if (s->refusing >= 0)
		fds[WATCH_MOUNT] = (struct pollfd){s->refusing, POLLIN, 0};
	else
		fds[WATCH_MOUNT] = (struct pollfd){alone ? s->spawn.mount : -1, 0, 0};
}

static int64_t min_time(int64_t a, int64_t b)
{
	return !a || (b && b < a) ? b : a;
}

/* When something is to be done although nothing happens; 0: never. */
static int64_t next_ms(const struct supervisor *s)
{
	int64_t refuse = s->alone_since_ms && s->refusing < 0
			     ? s->alone_since_ms + s->options->restart_wait_ms
			     : 0;

	if (s->ending_since_ms)
		return s->ending_since_ms + END_WAIT_MS;
	return min_time(s->worker ? 0 : s->start_at_ms, s->worker ? 0 : refuse);
}

static void start_refusing(struct supervisor *s)
{
	s->refusing = refuse_begin(s->spawn.mount);
	if (s->refusing < 0) {
		log_error("cannot answer in place of a worker: %s", strerror(-s->refusing));
		s->refusing = -1;
		s->alone_since_ms = clock_monotonic_ms();
		return;
	}
	log_error("nobody has served for %lld ms: reads fail until somebody does",
		  (long long)s->options->restart_wait_ms);
}

static void on_time(struct supervisor *s)
{
	int64_t now = clock_monotonic_ms();

	if (s->ending_since_ms) {
		if (s->worker && now >= s->ending_since_ms + END_WAIT_MS)
			kill(s->worker, SIGKILL);
		return;
	}
	if (s->worker)
		return;
	if (s->alone_since_ms && s->refusing < 0 &&
	    now >= s->alone_since_ms + s->options->restart_wait_ms)
		start_refusing(s);
	if (s->start_at_ms && now >= s->start_at_ms) {
		/* From now on it is the worker's to answer. */
		stop_refusing(s);
		start_worker(s);
	}
}

static void on_mount(struct supervisor *s, short events)
{
	if (s->refusing >= 0 && refuse_some(s->refusing, s->head) == 0)
		return;
	if (s->refusing < 0 && !(events & POLLERR))
		return;
	log_info("ending: %s was unmounted", s->mountpoint);
	finish(s, EXIT_CODE_OK);
}

static void turn(struct supervisor *s)
{
	struct pollfd fds[WATCH_COUNT];
	int64_t at = next_ms(s);
	int64_t left = at ? at - clock_monotonic_ms() : -1;

	watch(s, fds);
	if (at && left < 0)
		left = 0;
	int n = poll(fds, WATCH_COUNT, (int)(left > INT_MAX ? INT_MAX : left));
	/* First what it said, then that it is gone. */
	if (n > 0 && fds[WATCH_LINK].revents & POLLIN)
		listen_to_worker(s);
	if (n > 0 && fds[WATCH_SIGNALS].revents)
		on_signal(s);
	if (n > 0 && fds[WATCH_LEADER].revents && s->worker)
		on_leader(s);
	if (n > 0 && fds[WATCH_STARTER].revents && !s->mounted)
		end(s, EXIT_CODE_OTHER);
	if (n > 0 && fds[WATCH_MOUNT].revents)
		on_mount(s, fds[WATCH_MOUNT].revents);
	on_time(s);
}

/* --- the beginning and the end --- */

static int take_signals(struct supervisor *s)
{
	static const int signos[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGUSR2};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(signos); i++)
		sigaddset(&set, signos[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signals < 0 ? -errno : 0;
}

static int set_up(struct supervisor *s, struct error *e)
{
	ssize_t n = readlink("/proc/self/exe", s->program_path, sizeof(s->program_path) - 1);
	int r = 0;

	s->program_path[n > 0 ? n : 0] = '\0';
	s->spawn.program = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	if (s->spawn.program < 0)
		r = -errno;
	if (r == 0 && s->spawn.memory < 0)
		r = s->spawn.memory = memory_new();
	if (r >= 0)
		r = fs_head_map(s->spawn.memory, &s->head);
	return r < 0 ? error_set(e, r, "cannot begin: %s", strerror(-r)) : 0;
}

/* An earlier supervisor died, and systemd has kept what is needed to go on. */
static enum exit_code take_over(struct supervisor *s, int mount, struct error *e)
{
	if (mount_adopt(s->mount, mount, s->head, e) < 0) {
		close(mount);
		service_keep_no_longer(KEPT_MOUNT);
		service_keep_no_longer(KEPT_MEMORY);
		return EXIT_CODE_MOUNT;
	}
	memcpy(s->mountpoint, s->head->mountpoint, sizeof(s->mountpoint));
	prepare_log(s->options);
	s->spawn.mount = mount;
	s->mounted = true;
	s->alone_since_ms = clock_monotonic_ms();
	return EXIT_CODE_OK;
}

static enum exit_code begin(struct supervisor *s, struct error *e)
{
	int mount = service_kept(KEPT_MOUNT);

	s->spawn.name = s->mountpoint;
	s->spawn.memory = mount >= 0 ? service_kept(KEPT_MEMORY) : -1;
	/* Nobody answers what would be asked of the mount point now. */
	enum exit_code code = EXIT_CODE_OK;
	if (mount < 0)
		code = prepare_mountpoint(s->options, s->mountpoint, e);
	if (code == EXIT_CODE_OK && mount_new(&s->options->fs, &s->mount, e) < 0)
		code = EXIT_CODE_USAGE;
	if (code == EXIT_CODE_OK && set_up(s, e) < 0)
		code = EXIT_CODE_OTHER;
	return code == EXIT_CODE_OK && mount >= 0 ? take_over(s, mount, e) : code;
}

static void close_all(struct supervisor *s)
{
	stop_refusing(s);
	/* The kernel ends what it holds of it when the mount goes. */
	if (s->worker)
		kill(s->worker, SIGKILL);
	if (s->worker && !s->mounted)
		waitpid(s->worker, NULL, 0);
	mount_close(s->mount);
	fs_head_unmap(s->head);
	service_keep_no_longer(KEPT_MOUNT);
	service_keep_no_longer(KEPT_MEMORY);
	const int fds[] = {s->signals,       s->link,         s->leader,
			   s->spawn.program, s->spawn.memory, s->old_program};
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

enum exit_code supervise(const struct options *o, int arguments)
{
	struct supervisor s = {
	    .options = o,
	    .background.ready_fd = -1,
	    .spawn = {.program = -1, .memory = -1, .arguments = arguments, .mount = -1},
	    .signals = -1,
	    .refusing = -1,
	    .link = -1,
	    .leader = -1,
	    .old_program = -1,
	};
	struct error e = {0};

	s.code = begin(&s, &e);
	if (s.code != EXIT_CODE_OK) {
		say(&e);
	} else if (!o->foreground && background_start(&s.background) < 0) {
		fprintf(stderr, "podfs: error: cannot fork: %s\n", strerror(errno));
		s.code = EXIT_CODE_OTHER;
	} else if (take_signals(&s) < 0) {
		fprintf(stderr, "podfs: error: cannot begin: %s\n", strerror(errno));
		s.code = EXIT_CODE_OTHER;
	} else {
		start_worker(&s);
		while (!s.done)
			turn(&s);
	}
	close_all(&s);
	return s.code;
}
