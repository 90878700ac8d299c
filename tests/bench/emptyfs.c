/* SPDX-License-Identifier: Apache-2.0 */
/*
 * emptyfs: a FUSE server that does nothing. It answers with what it made at its
 * start: how fast any server of that tree can be, on this machine.
 *
 * emptyfs MOUNTPOINT <SHAPE
 *
 * A line of SHAPE is `PARENT TYPE SIZE NAME`: PARENT is the number of the
 * directory it is in (0: the root; directories are numbered as they come),
 * TYPE is d, f, l, or n for a file that listings give without attributes.
 * All of a directory's lines are together, in the order of the directories.
 * Prints `ready` when it is mounted, and ends when it is unmounted.
 *
 * Threads, capabilities and timeouts are those of podfs (src/fs).
 */
#define FUSE_USE_VERSION 314
#include <errno.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TIMEOUT 31536000.0
#define WORKERS_MAX 8

struct node {
	uint32_t dir; /* of a directory: its number */
	uint32_t parent;
	char type;
	uint32_t size;
	char *name;
};

/* The listing of a directory, with attributes and without. */
struct listing {
	char *data[2];
	size_t *ends[2]; /* of each entry; the first two are the dots */
	size_t entries;
	size_t first; /* node */
};

static struct node *nodes; /* of id - 1; the first is the root */
static size_t n_nodes;
static struct listing *dirs;
static size_t n_dirs;
static struct fuse_session *session;
static char content[1 << 17]; /* of each file: text, so that grep takes it for that */

static void *need(void *p)
{
	if (!p) {
		fprintf(stderr, "emptyfs: out of memory\n");
		exit(1);
	}
	return p;
}

static struct node *add_node(char type, uint32_t parent, uint32_t size, const char *name)
{
	/* doubled at each power of two */
	if ((n_nodes & (n_nodes - 1)) == 0)
		nodes = need(realloc(nodes, (n_nodes ? 2 * n_nodes : 1) * sizeof(*nodes)));
	nodes[n_nodes] =
	    (struct node){.type = type, .parent = parent, .size = size, .name = need(strdup(name))};
	if (type == 'd')
		nodes[n_nodes].dir = (uint32_t)n_dirs++;
	return &nodes[n_nodes++];
}

static void read_shape(void)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t len;

	add_node('d', 0, 0, "");
	while ((len = getline(&line, &room, stdin)) > 0) {
		char *at;
		uint32_t parent = (uint32_t)strtoul(line, &at, 10);
		char type = at[0] ? at[1] : '\0';

		if (!type || parent >= n_dirs) {
			fprintf(stderr, "emptyfs: what shape is this: %s", line);
			exit(2);
		}
		uint32_t size = (uint32_t)strtoul(at + 2, &at, 10);
		line[len - 1] = '\0';
		add_node(type, parent, size, at + 1);
	}
	free(line);
}

static mode_t mode_of(const struct node *n)
{
	return n->type == 'd' ? S_IFDIR | 0555 : n->type == 'l' ? S_IFLNK | 0777 : S_IFREG | 0444;
}

static void fill(const struct node *n, struct fuse_entry_param *e)
{
	*e = (struct fuse_entry_param){
	    .ino = (fuse_ino_t)(n - nodes) + 1, .attr_timeout = TIMEOUT, .entry_timeout = TIMEOUT};
	e->attr.st_ino = e->ino;
	e->attr.st_mode = mode_of(n);
	e->attr.st_nlink = n->type == 'd' ? 2 : 1;
	e->attr.st_size = n->size;
	e->attr.st_blksize = 4096;
}

static void add_entry(struct listing *l, size_t i, const char *name,
		      const struct fuse_entry_param *e)
{
	for (int plus = 0; plus < 2; plus++) {
		size_t start = i ? l->ends[plus][i - 1] : 0;
		size_t len = plus ? fuse_add_direntry_plus(NULL, NULL, 0, name, NULL, 0)
				  : fuse_add_direntry(NULL, NULL, 0, name, NULL, 0);

		l->data[plus] = need(realloc(l->data[plus], start + len));
		l->ends[plus][i] = start + len;
		if (plus)
			fuse_add_direntry_plus(NULL, l->data[plus] + start, len, name, e,
					       (off_t)i + 1);
		else
			fuse_add_direntry(NULL, l->data[plus] + start, len, name, &e->attr,
					  (off_t)i + 1);
	}
}

static void make_listing(struct listing *l)
{
	struct fuse_entry_param dot = {.attr.st_mode = S_IFDIR};

	for (int plus = 0; plus < 2; plus++)
		l->ends[plus] = need(calloc(l->entries + 2, sizeof(size_t)));
	add_entry(l, 0, ".", &dot);
	add_entry(l, 1, "..", &dot);
	for (size_t i = 0; i < l->entries; i++) {
		const struct node *n = &nodes[l->first + i];
		struct fuse_entry_param e;

		fill(n, &e);
		if (n->type == 'n')
			e.ino = 0;
		add_entry(l, i + 2, n->name, &e);
	}
}

static void make_listings(void)
{
	dirs = need(calloc(n_dirs, sizeof(*dirs)));
	for (size_t i = 1; i < n_nodes; i++) {
		struct listing *l = &dirs[nodes[i].parent];

		if (!l->entries++)
			l->first = i;
	}
	for (size_t i = 0; i < n_dirs; i++)
		make_listing(&dirs[i]);
}

static struct node *node_of(fuse_ino_t id)
{
	return &nodes[id - 1];
}

static void list(fuse_req_t req, fuse_ino_t id, size_t size, off_t off, int plus)
{
	const struct listing *l = &dirs[node_of(id)->dir];
	size_t at = (size_t)off;
	size_t total = l->entries + 2;
	size_t start = at ? l->ends[plus][at - 1] : 0;
	size_t end = at;

	if (l->ends[plus][total - 1] - start <= size)
		end = total;
	while (end < total && l->ends[plus][end] - start <= size)
		end++;
	fuse_reply_buf(req, l->data[plus] + start, end ? l->ends[plus][end - 1] - start : 0);
}

static void op_readdir(fuse_req_t req, fuse_ino_t id, size_t size, off_t off,
		       struct fuse_file_info *fi)
{
	list(req, id, size, off, 0);
}

static void op_readdirplus(fuse_req_t req, fuse_ino_t id, size_t size, off_t off,
			   struct fuse_file_info *fi)
{
	list(req, id, size, off, 1);
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	const struct listing *l = &dirs[node_of(parent)->dir];
	struct fuse_entry_param e = {.entry_timeout = TIMEOUT};

	for (size_t i = 0; i < l->entries; i++)
		if (!strcmp(nodes[l->first + i].name, name))
			fill(&nodes[l->first + i], &e);
	fuse_reply_entry(req, &e);
}

static void op_getattr(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi)
{
	struct fuse_entry_param e;

	fill(node_of(id), &e);
	fuse_reply_attr(req, &e.attr, TIMEOUT);
}

static void op_read(fuse_req_t req, fuse_ino_t id, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	size_t len = node_of(id)->size;
	size_t left = (size_t)off < len ? len - (size_t)off : 0;

	left = left < size ? left : size;
	fuse_reply_buf(req, content, left < sizeof(content) ? left : sizeof(content));
}

static void op_forget(fuse_req_t req, fuse_ino_t id, uint64_t n)
{
	fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	fuse_reply_none(req);
}

static void op_open(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi)
{
	fuse_reply_err(req, ENOSYS);
}

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	conn->want &= ~(unsigned int)(FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_SPLICE_READ |
				      FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
	conn->want |= conn->capable & (FUSE_CAP_EXPLICIT_INVAL_DATA | FUSE_CAP_CACHE_SYMLINKS |
				       FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO |
				       FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_ASYNC_READ |
				       FUSE_CAP_NO_OPEN_SUPPORT | FUSE_CAP_NO_OPENDIR_SUPPORT);
}

static const struct fuse_lowlevel_ops ops = {
    .init = op_init,
    .lookup = op_lookup,
    .forget = op_forget,
    .forget_multi = op_forget_multi,
    .getattr = op_getattr,
    .open = op_open,
    .read = op_read,
    .opendir = op_open,
    .readdir = op_readdir,
    .readdirplus = op_readdirplus,
};

static void *work(void *arg)
{
	struct fuse_buf buf = {0};

	while (!fuse_session_exited(session)) {
		int r = fuse_session_receive_buf(session, &buf);

		if (r == -EINTR)
			continue;
		if (r <= 0)
			break;
		fuse_session_process_buf(session, &buf);
	}
	free(buf.mem);
	return NULL;
}

static int serve(const char *mountpoint)
{
	pthread_t workers[WORKERS_MAX];
	long want = sysconf(_SC_NPROCESSORS_ONLN);
	int started = 0;

	if (fuse_session_mount(session, mountpoint) < 0)
		return 1;
	want = want < 2 ? 2 : want > WORKERS_MAX ? WORKERS_MAX : want;
	while (started < want && pthread_create(&workers[started], NULL, work, NULL) == 0)
		started++;
	printf("ready\n");
	fflush(stdout);
	for (int i = 0; i < started; i++)
		pthread_join(workers[i], NULL);
	fuse_session_unmount(session);
	return 0;
}

int main(int argc, char **argv)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	int r = 1;

	if (argc != 2) {
		fprintf(stderr, "usage: emptyfs MOUNTPOINT <SHAPE\n");
		return 2;
	}
	memset(content, 'x', sizeof(content));
	read_shape();
	make_listings();
	if (fuse_opt_add_arg(&args, argv[0]) < 0 || fuse_opt_add_arg(&args, "-o") < 0 ||
	    fuse_opt_add_arg(&args, "fsname=emptyfs,subtype=emptyfs,ro,nosuid,nodev,noexec") < 0)
		return 1;
	session = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	if (session)
		r = serve(argv[1]);
	if (session)
		fuse_session_destroy(session);
	fuse_opt_free_args(&args);
	return r;
}
