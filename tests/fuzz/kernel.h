/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel: the target is the kernel, in one thread with the handlers and without a descriptor:
 * requests and replies pass through memory. Of each node it knows how many lookups it holds, so
 * that it gives back what it has and no more, as the real one does.
 *
 * A request gets one reply, one that wants none gets none; a reply is as long as it says. At the
 * end, when all lookups are given back, no node is left.
 */
#ifndef PODFS_TESTS_KERNEL_H
#define PODFS_TESTS_KERNEL_H

#include "world.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <sys/uio.h>

#include <podfs/base/memory.h>

#include "fs/internal.h"
#include "fuzz.h"

#define REPLY_MAX ((1u << 20) + 65536)
#define NODES_MAX 4096
#define NOTICES_MAX 4096
#define INTERRUPTS 1024

struct node {
	uint64_t id;
	uint64_t lookups;
	uint64_t ino;
	uint32_t type; /* S_IFDIR, ... */
};

/* A notification. */
struct notice {
	uint64_t id;
	int64_t off; /* of an inode: -1: its attributes alone */
	bool is_entry;
	char name[FIELD_NAME_MAX + 1];
};

static struct world world;
static struct fs *fs;
static int memory;
static struct node nodes[NODES_MAX];
static size_t n_nodes;
static struct node past[NODES_MAX]; /* those that were given back */
static size_t n_past;
static uint64_t last_unique;
static uint64_t interrupts[INTERRUPTS]; /* that have had no answer, which is as it should be */
static size_t waiting_interrupts;
static bool destroyed; /* the session, at the kernel's word: nothing is sent after it */

static struct fuse_buf buffer; /* libfuse's for a request */

static struct {
	const char *data;
	size_t len;
} inbox;

static struct {
	unsigned int count; /* replies to the request under way */
	int error;
	size_t len;
	char data[REPLY_MAX]; /* behind the header */
} reply;

static struct {
	pthread_mutex_t lock;
	pthread_cond_t came;
	struct notice all[NOTICES_MAX];
	size_t count;
	bool lost; /* there were more */
} notices = {.lock = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER};

static inline ssize_t kernel_read(int fd, void *buf, size_t len, void *userdata)
{
	(void)fd;
	(void)userdata;
	fuzz_check(inbox.len <= len);
	memcpy(buf, inbox.data, inbox.len);
	return (ssize_t)inbox.len;
}

static inline void take_notice(const struct fuse_out_header *h, const char *body, size_t len)
{
	struct notice n = {.is_entry = h->error == FUSE_NOTIFY_INVAL_ENTRY};

	if (n.is_entry) {
		struct fuse_notify_inval_entry_out out;

		fuzz_check(len > sizeof(out));
		memcpy(&out, body, sizeof(out));
		fuzz_check(out.namelen <= FIELD_NAME_MAX && len == sizeof(out) + out.namelen + 1);
		memcpy(n.name, body + sizeof(out), out.namelen);
		n.id = out.parent;
	} else {
		struct fuse_notify_inval_inode_out out;

		fuzz_check(h->error == FUSE_NOTIFY_INVAL_INODE && len == sizeof(out));
		memcpy(&out, body, sizeof(out));
		n.id = out.ino;
		n.off = out.off;
	}
	pthread_mutex_lock(&notices.lock);
	if (notices.count < NOTICES_MAX)
		notices.all[notices.count++] = n;
	else
		notices.lost = true;
	pthread_cond_broadcast(&notices.came);
	pthread_mutex_unlock(&notices.lock);
}

/* Puts the parts behind the header together; how many bytes. */
static inline size_t gather(const struct iovec *iov, int count, char *out, size_t size)
{
	size_t total = 0;

	for (int i = 1; i < count; i++) {
		fuzz_check(total + iov[i].iov_len <= size);
		if (iov[i].iov_len)
			memcpy(out + total, iov[i].iov_base, iov[i].iov_len);
		total += iov[i].iov_len;
	}
	return total;
}

static inline void take_reply_to(uint64_t unique, int error, size_t len)
{
	fuzz_check(error <= 0 && error > -1000 && (!error || !len));
	if (unique < last_unique) {
		/* What an INTERRUPT was for did not come: it is to be sent again. Once. */
		fuzz_check(error == -EAGAIN && interrupts[unique % INTERRUPTS] == unique);
		interrupts[unique % INTERRUPTS] = 0;
		return;
	}
	fuzz_check(unique == last_unique);
	reply.count++;
	reply.error = error;
	reply.len = len;
}

/* Replies come in the target's thread, notifications in the notifier's. */
static inline ssize_t kernel_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	char notice[sizeof(struct fuse_notify_inval_entry_out) + FIELD_NAME_MAX + 1];
	struct fuse_out_header h;
	size_t len;

	(void)fd;
	(void)userdata;
	fuzz_check(iov[0].iov_len == sizeof(h));
	memcpy(&h, iov[0].iov_base, sizeof(h));
	if (h.unique)
		len = gather(iov, count, reply.data, sizeof(reply.data));
	else
		len = gather(iov, count, notice, sizeof(notice));
	fuzz_check(h.len == sizeof(h) + len);
	if (h.unique)
		take_reply_to(h.unique, h.error, len);
	else
		take_notice(&h, notice, len);
	return (ssize_t)h.len;
}

static inline bool wants_reply(uint32_t op)
{
	return op != FUSE_FORGET && op != FUSE_BATCH_FORGET && op != FUSE_INTERRUPT;
}

/* Sends one, and checks that it is answered once or, if it is to have none, never. The error. */
static inline int request(uint32_t op, uint64_t node, const void *body, size_t len)
{
	static char text[65536];
	struct fuse_in_header h = {.len = (uint32_t)(sizeof(h) + len),
				   .opcode = op,
				   .unique = ++last_unique,
				   .nodeid = node,
				   .pid = 1};

	fuzz_check(h.len <= sizeof(text));
	memcpy(text, &h, sizeof(h));
	if (len)
		memcpy(text + sizeof(h), body, len);
	if (op == FUSE_INTERRUPT) {
		interrupts[h.unique % INTERRUPTS] = h.unique;
		waiting_interrupts++;
	}
	inbox.data = text;
	inbox.len = h.len;
	reply.count = 0;
	fuzz_check(fuse_session_receive_buf(fs->session, &buffer) == (int)h.len);
	fuse_session_process_buf(fs->session, &buffer);
	fuzz_check(reply.count == wants_reply(op));
	destroyed = op == FUSE_DESTROY;
	return wants_reply(op) ? reply.error : 0;
}

/*
 * libfuse answers an INTERRUPT that was for nothing with a later request, one each, and keeps it
 * till then; one that was for a request which came after it gets no answer.
 */
static inline void settle_interrupts(void)
{
	for (; waiting_interrupts; waiting_interrupts--)
		fuzz_check(request(FUSE_STATFS, FUSE_ROOT_ID, NULL, 0) == 0);
}

static inline struct node *find_node(uint64_t id)
{
	for (size_t i = 0; i < n_nodes; i++)
		if (nodes[i].id == id)
			return &nodes[i];
	return NULL;
}

static inline const struct node *find_past(uint64_t id)
{
	for (size_t i = 0; i < n_past; i++)
		if (past[i].id == id)
			return &past[i];
	return NULL;
}

/* An id is never another file: also not when it comes again, as that of a folder may that was given
 * back before what is below it. */
static inline struct node *add_node(uint64_t id, const struct fuse_attr *attr)
{
	const struct node *was = find_past(id);

	fuzz_check(id > FUSE_ROOT_ID && n_nodes < NODES_MAX);
	fuzz_check(!was || (was->type == S_IFDIR && was->ino == attr->ino));
	nodes[n_nodes] = (struct node){id, 0, attr->ino, attr->mode & S_IFMT};
	return &nodes[n_nodes++];
}

/* The kernel was told of a node: it has one lookup more. */
static inline void hold_node(uint64_t id, const struct fuse_attr *attr)
{
	struct node *n = find_node(id);

	if (!n)
		n = add_node(id, attr);
	fuzz_check(n->type == (attr->mode & S_IFMT) && n->ino == attr->ino);
	n->lookups++;
}

static inline void drop_node(struct node *n, uint64_t count)
{
	fuzz_check(n->lookups >= count);
	n->lookups -= count;
	if (n->lookups)
		return;
	if (n_past < NODES_MAX && !find_past(n->id))
		past[n_past++] = *n;
	*n = nodes[--n_nodes];
}

static inline void forget(uint64_t id, uint64_t count)
{
	const struct fuse_forget_in in = {.nlookup = count};

	drop_node(find_node(id), count);
	request(FUSE_FORGET, id, &in, sizeof(in));
}

/* Of a READDIRPLUS or READDIR; false at the end of the reply. */
struct dirent {
	struct fuse_entry_out entry; /* zeroed of a READDIR */
	uint64_t off;
	char name[FIELD_NAME_MAX + 1];
};

static inline bool next_dirent(bool plus, size_t *at, struct dirent *ret)
{
	size_t fixed = (plus ? sizeof(ret->entry) : 0) + offsetof(struct fuse_dirent, name);
	const char *p = reply.data + *at;

	if (*at >= reply.len)
		return false;
	*ret = (struct dirent){0};
	fuzz_check(reply.len - *at >= fixed);
	if (plus)
		memcpy(&ret->entry, p, sizeof(ret->entry));
	struct fuse_dirent head;
	memcpy(&head, p + fixed - offsetof(struct fuse_dirent, name),
	       offsetof(struct fuse_dirent, name));
	ret->off = head.off;
	fuzz_check(head.namelen > 0 && head.namelen <= FIELD_NAME_MAX);
	fuzz_check(reply.len - *at >= fixed + head.namelen);
	memcpy(ret->name, p + fixed, head.namelen);
	fuzz_check(strlen(ret->name) == head.namelen && !strchr(ret->name, '/'));
	*at += FUSE_DIRENT_ALIGN(fixed + head.namelen);
	return true;
}

/* Waits until everything said so far is among the notices. */
static inline void drain_notices(void)
{
	static const char name[] = "that is all";
	bool done = false;

	notifier_push(fs->notifier, NOTIFY_ENTRY, FUSE_ROOT_ID, name);
	pthread_mutex_lock(&notices.lock);
	while (!done) {
		const struct notice *last = notices.count ? &notices.all[notices.count - 1] : NULL;

		done = notices.lost || (last && last->is_entry && !strcmp(last->name, name));
		if (!done)
			pthread_cond_wait(&notices.came, &notices.lock);
	}
	if (!notices.lost)
		notices.count--;
	pthread_mutex_unlock(&notices.lock);
}

static inline void kernel_start(void)
{
	static const struct fuse_custom_io io = {.writev = kernel_writev, .read = kernel_read};
	const struct fs_options options = {.fuse_options = ""};
	const struct fuse_init_in init = {.major = 7, .minor = 38, .max_readahead = 65536};
	struct error e = {0};

	world_init(&world);
	n_nodes = 0;
	notices.count = 0;
	notices.lost = false;
	n_past = 0;
	last_unique = 0;
	memset(interrupts, 0, sizeof(interrupts));
	waiting_interrupts = 0;
	destroyed = false;
	memory = memory_new();
	fuzz_check(memory >= 0);
	fuzz_check(fs_new(&world.tree, &options, memory, false, &fs, &e) == 0);
	/* What is written to it past libfuse is refused, as by an older kernel. */
	fuzz_check(
	    fuse_session_custom_io(fs->session, &io, open("/dev/null", O_RDONLY | O_CLOEXEC)) == 0);
	const struct notify_options notify = {fs->session, &fs->notified, fs_sweep, fs};
	fuzz_check(notifier_start(&notify, &fs->notifier) == 0);
	const struct store_observer observer = {fs, fs_changed, fs_published};
	store_observe(world.store, &observer);
	fuzz_check(request(FUSE_INIT, 0, &init, sizeof(init)) == 0);
}

static inline void kernel_stop(void)
{
	if (!destroyed)
		settle_interrupts();
	while (n_nodes && !destroyed)
		forget(nodes[0].id, nodes[0].lookups);
	/* The root alone. */
	fuzz_check(inode_count(fs->inodes) == 1 || destroyed);
	store_observe(world.store, NULL);
	fuzz_check(notifier_stop(fs->notifier));
	notifier_free(fs->notifier);
	fs_free(fs);
	close(memory);
	free(buffer.mem);
	buffer = (struct fuse_buf){0};
	world_release(&world);
}

#endif
