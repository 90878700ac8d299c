/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuse_kernel: the test is the kernel. The real handlers and the real notifier
 * work over a socket pair, without a mount: the test sends requests and reads
 * replies and notifications. It can hold notifications up, and do something
 * between what a handler read and its reply.
 */
#ifndef PODFS_TESTS_FUSE_KERNEL_H
#define PODFS_TESTS_FUSE_KERNEL_H

#include "world.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <podfs/base/memory.h>

#include "fs/internal.h"

static struct world world;
static struct fs *fs;
static int kernel; /* our end of the pair */
static int theirs;
static int memory;
static uint64_t last_unique;
static uint32_t asking;            /* the thread whose requests are sent */
static void (*before_reply)(void); /* called once */

/* What the notifier goes through. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	bool closed;
	bool held; /* somebody stands before it */
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};

/* One reply, or notification if `unique` is 0. */
static union {
	struct fuse_out_header h;
	char bytes[70000];
} out;

static inline void gate_close(void)
{
	pthread_mutex_lock(&gate.lock);
	gate.closed = true;
	pthread_mutex_unlock(&gate.lock);
}

static inline void gate_open(void)
{
	pthread_mutex_lock(&gate.lock);
	gate.closed = false;
	pthread_cond_broadcast(&gate.moved);
	pthread_mutex_unlock(&gate.lock);
}

static inline void gate_wait_held(void)
{
	pthread_mutex_lock(&gate.lock);
	while (!gate.held)
		pthread_cond_wait(&gate.moved, &gate.lock);
	pthread_mutex_unlock(&gate.lock);
}

static inline void gate_pass(void)
{
	pthread_mutex_lock(&gate.lock);
	gate.held = gate.closed;
	pthread_cond_broadcast(&gate.moved);
	while (gate.closed)
		pthread_cond_wait(&gate.moved, &gate.lock);
	gate.held = false;
	pthread_mutex_unlock(&gate.lock);
}

static inline ssize_t io_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	const struct fuse_out_header *h = iov[0].iov_base;
	void (*first)(void) = before_reply;

	(void)fd;
	(void)userdata;
	if (!h->unique) {
		gate_pass();
	} else if (first) {
		before_reply = NULL;
		first();
	}
	return writev(theirs, iov, count);
}

static inline ssize_t io_read(int fd, void *buf, size_t len, void *userdata)
{
	(void)fd;
	(void)userdata;
	return read(theirs, buf, len);
}

static inline void *payload(void)
{
	return out.bytes + sizeof(out.h);
}

static inline size_t payload_len(void)
{
	return out.h.len - sizeof(out.h);
}

static inline void receive(void)
{
	ssize_t n = recv(kernel, out.bytes, sizeof(out.bytes), 0);

	assert_true(n >= (ssize_t)sizeof(out.h));
	assert_int_equal(out.h.len, n);
}

/* Lets the handlers take what was sent. */
static inline void serve(void)
{
	struct fuse_buf buf = {0};

	assert_true(fuse_session_receive_buf(fs->session, &buf) > 0);
	fuse_session_process_buf(fs->session, &buf);
	free(buf.mem);
}

static inline void send_request(uint32_t op, uint64_t node, const void *body, size_t len)
{
	struct fuse_in_header h = {.len = (uint32_t)(sizeof(h) + len),
				   .opcode = op,
				   .unique = ++last_unique,
				   .nodeid = node,
				   .pid = asking};
	struct iovec iov[] = {{&h, sizeof(h)}, {(void *)(uintptr_t)body, len}};

	assert_int_equal(writev(kernel, iov, 2), h.len);
	serve();
}

/* The reply's error: 0 or negative. */
static inline int request(uint32_t op, uint64_t node, const void *body, size_t len)
{
	send_request(op, node, body, len);
	do {
		receive();
	} while (!out.h.unique);
	assert_int_equal(out.h.unique, last_unique);
	return out.h.error;
}

static inline struct fuse_entry_out lookup(uint64_t parent, const char *name)
{
	struct fuse_entry_out e;

	assert_int_equal(request(FUSE_LOOKUP, parent, name, strlen(name) + 1), 0);
	assert_int_equal(payload_len(), sizeof(e));
	memcpy(&e, payload(), sizeof(e));
	return e;
}

/* Every name on the way is one lookup more. */
static inline uint64_t walk(const char *path)
{
	uint64_t id = FUSE_ROOT_ID;

	while (*path) {
		char name[256];
		size_t n = strcspn(path, "/");

		snprintf(name, sizeof(name), "%.*s", (int)n, path);
		id = lookup(id, name).nodeid;
		if (!id)
			fail_msg("no %s", path);
		path += n + (path[n] == '/');
	}
	return id;
}

/* Takes in all notifications so far. */
static inline void drain(void)
{
	static const char name[] = "that is all";
	size_t head = sizeof(struct fuse_notify_inval_entry_out);

	notifier_push(fs->notifier, NOTIFY_ENTRY, FUSE_ROOT_ID, name);
	do
		receive();
	while (out.h.unique || payload_len() != head + sizeof(name) ||
	       memcmp((char *)payload() + head, name, sizeof(name)) != 0);
}

#define POD(label)                                                                                 \
	"{\"metadata\":{\"name\":\"web\",\"namespace\":\"shop\",\"uid\":\"1\",\"labels\":{\"a\":"  \
	"\"" label "\",\"b\":\"1\"}}}"

/* @fd is what podfs writes to without libfuse's help. */
static inline int set_up_with(int fd)
{
	static const struct fuse_custom_io io = {.writev = io_writev, .read = io_read};
	/* What does not come is a failure, not a test without an end. */
	const struct timeval patience = {.tv_sec = 20};
	const struct fs_options options = {.fuse_options = ""};
	const struct fuse_init_in init = {.major = 7, .minor = 38, .max_readahead = 65536};
	struct error e = {0};

	world_init(&world);
	memory = memory_new();
	assert_true(memory >= 0);
	assert_int_equal(fs_new(&world.tree, &options, memory, false, &fs, &e), 0);
	assert_int_equal(setsockopt(kernel, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)),
			 0);
	assert_int_equal(fuse_session_custom_io(fs->session, &io, fd), 0);
	const struct notify_options notify = {fs->session, &fs->notified, fs_sweep, fs};
	assert_int_equal(notifier_start(&notify, &fs->notifier), 0);
	const struct store_observer observer = {fs, fs_changed, fs_published};
	store_observe(world.store, &observer);
	assert_int_equal(request(FUSE_INIT, 0, &init, sizeof(init)), 0);
	assert_int_equal(world_put(&world, KIND_POD, POD("old")), 1);
	drain();
	return 0;
}

static inline void make_pair(void)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	kernel = fds[0];
	theirs = fds[1];
}

static inline int set_up(void **state)
{
	(void)state;
	make_pair();
	return set_up_with(dup(theirs));
}

/* A kernel that refuses what only newer ones know. */
static inline int set_up_older(void **state)
{
	(void)state;
	make_pair();
	return set_up_with(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

static inline int tear_down(void **state)
{
	(void)state;
	gate_open();
	store_observe(world.store, NULL);
	assert_true(notifier_stop(fs->notifier));
	notifier_free(fs->notifier);
	close(kernel);
	close(theirs);
	fs_free(fs);
	close(memory);
	world_release(&world);
	return 0;
}

static inline void forget(uint64_t id, uint64_t n)
{
	const struct fuse_forget_in in = {.nlookup = n};

	send_request(FUSE_FORGET, id, &in, sizeof(in));
}

static inline struct fuse_attr getattr(uint64_t id)
{
	const struct fuse_getattr_in in = {0};
	struct fuse_attr_out attr;

	assert_int_equal(request(FUSE_GETATTR, id, &in, sizeof(in)), 0);
	memcpy(&attr, payload(), sizeof(attr));
	return attr.attr;
}

/* All names of a directory, in pieces of @size; how many node ids came with them. */
static inline size_t list(uint64_t id, bool plus, uint32_t size, struct snapshot *seen)
{
	struct fuse_read_in in = {.size = size};
	size_t ids = 0;

	for (;;) {
		assert_int_equal(
		    request(plus ? FUSE_READDIRPLUS : FUSE_READDIR, id, &in, sizeof(in)), 0);
		if (!payload_len())
			break;
		size_t head = plus ? sizeof(struct fuse_entry_out) : 0;
		for (size_t at = 0; at < payload_len();) {
			const char *p = (char *)payload() + at;
			struct fuse_entry_out e = {0};
			struct fuse_dirent d;
			char name[256];

			memcpy(&e, p, head);
			memcpy(&d, p + head, offsetof(struct fuse_dirent, name));
			snprintf(name, sizeof(name), "%.*s", (int)d.namelen,
				 p + head + offsetof(struct fuse_dirent, name));
			assert_true(d.off > in.offset);
			in.offset = d.off;
			if (e.nodeid) {
				ids++;
				assert_int_equal(e.attr.ino, d.ino);
			}
			struct shot *shot = snapshot_add(seen, name, 'f', NULL, 0);
			shot->mtime_ns = (int64_t)e.nodeid;
			at += FUSE_DIRENT_ALIGN(head + offsetof(struct fuse_dirent, name) +
						d.namelen);
		}
	}
	snapshot_sort(seen);
	return ids;
}

#endif
