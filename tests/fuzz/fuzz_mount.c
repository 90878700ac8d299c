/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a mount shows while objects come and go, as a script against a naive model of the kernel's
 * caches and of the cluster (src/fs, src/tree, src/store):
 *
 *  - After the notifications so far nothing that the kernel has cached is untrue: no name, present
 *    or absent, no attributes and no listing.
 *  - A listing in pieces has each name that was there throughout exactly once, and none that never
 *    was there, whatever comes and goes meanwhile.
 *  - Lookup counts add up, and a node id is one file for ever (kernel.h).
 *  - The pods, namespaces and nodes are those of the model, and a label's file is its value.
 *
 * Input: operations, a byte each, with their arguments behind them (do_operation()).
 */
#include "kernel.h"

#define OPERATIONS_MAX 96
#define DENTRIES_MAX 2048
#define SESSIONS 3
#define NAMESPACES 2
#define PODS 4
#define HOSTS 2

static const char *const namespaces[NAMESPACES] = {"shop", "b"};
static const char *const pods[PODS] = {"web", "db", "web-0", "p"};
static const char *const hosts[HOSTS] = {"n0", "n1"};
static const char *const labels[] = {"1", "2", "x"};

static const char *const names[] = {
    "namespaces", "nodes",    "select", "by-uid",      "by-ip",       ".podfs", "shop",
    "b",          "pods",     "web",    "db",          "web-0",       "p",      "n0",
    "n1",         "metadata", "labels", "annotations", "object.json", "a",      "downward",
    "containers", "node",     "spec",   "status",      "a=1",         "a!=2",   "!a",
    "none",       "1-1",      "self",   "10.0.0.1",
};

static const char *const paths[] = {
    "namespaces/shop/pods/web/metadata/labels/a",
    "namespaces/shop/pods/web/downward/metadata.labels",
    "namespaces/shop/pods/db/object.json",
    "namespaces/b/pods/web",
    "namespaces/shop/metadata/name",
    "nodes/n0/pods/shop/web",
    "nodes/n1/metadata",
    "namespaces/shop/pods/web/node/metadata/labels",
    "select/a=1/shop/web",
    "namespaces/shop/select/a!=2/db",
    "by-uid/1-1",
    "by-ip/10.0.0.1",
    ".podfs/version",
    "namespaces/shop/pods/web/labels",
    "namespaces/shop/pods/web/spec/nodeName",
    "namespaces/shop/pods/web/containers/c/resources",
};

/* The cluster. */
static struct {
	bool namespace[NAMESPACES];
	bool host[HOSTS];
	struct {
		bool there;
		unsigned int label; /* 0: none, else of labels[] and one more */
		unsigned int host;  /* the same of hosts[] */
	} pods[NAMESPACES][PODS];
} cluster;

/* Names with a NUL behind each. */
static bool has_name(const struct buf *list, const char *name)
{
	for (size_t at = 0; at < list->len; at += strlen(list->data + at) + 1)
		if (!strcmp(list->data + at, name))
			return true;
	return false;
}

static void add_name(struct buf *list, const char *name)
{
	fuzz_check(buf_add(list, name, strlen(name) + 1) == 0);
}

/* What the kernel has cached: names, */
static struct dentry {
	uint64_t parent;
	uint64_t id; /* 0: there is none of that name */
	char name[FIELD_NAME_MAX + 1];
} dentries[DENTRIES_MAX];
static size_t n_dentries;

/* and of nodes attributes and listings. */
static struct cached {
	uint64_t id;
	bool has_attr;
	bool has_list;
	struct fuse_attr attr;
	struct buf list;
} cached[NODES_MAX];
static size_t n_cached;

static struct session {
	uint64_t id; /* 0: none */
	uint64_t off;
	bool plus;
	bool renewed; /* the listing was dropped meanwhile */
	struct buf seen;
	struct buf throughout;
	struct buf ever;
} sessions[SESSIONS];

static struct cached *cached_of(uint64_t id)
{
	for (size_t i = 0; i < n_cached; i++)
		if (cached[i].id == id)
			return &cached[i];
	fuzz_check(n_cached < NODES_MAX);
	cached[n_cached] = (struct cached){.id = id};
	return &cached[n_cached++];
}

static void drop_cached(uint64_t id)
{
	for (size_t i = 0; i < n_cached; i++) {
		if (cached[i].id != id)
			continue;
		buf_release(&cached[i].list);
		cached[i] = cached[--n_cached];
		return;
	}
}

/* A name goes with all that is below it. */
static void drop_dentry(size_t i)
{
	uint64_t id = dentries[i].id;

	dentries[i] = dentries[--n_dentries];
	for (size_t k = 0; id && k < n_dentries;) {
		if (dentries[k].parent != id) {
			k++;
			continue;
		}
		drop_dentry(k);
		k = 0;
	}
}

static void drop_name(uint64_t parent, const char *name)
{
	for (size_t i = 0; i < n_dentries; i++) {
		if (dentries[i].parent == parent && !strcmp(dentries[i].name, name)) {
			drop_dentry(i);
			return;
		}
	}
}

/* The kernel gives a node back: nothing leads to it any more. */
static void evict(uint64_t id)
{
	for (size_t i = 0; i < n_dentries;) {
		if (dentries[i].id != id && dentries[i].parent != id) {
			i++;
			continue;
		}
		drop_dentry(i);
		i = 0;
	}
	for (size_t i = 0; i < SESSIONS; i++)
		if (sessions[i].id == id)
			sessions[i].id = 0;
	drop_cached(id);
	forget(id, find_node(id)->lookups);
}

static void take_attr(const struct fuse_attr *attr, uint64_t id)
{
	struct cached *c = cached_of(id);

	c->has_attr = true;
	c->attr = *attr;
}

static void take_name(uint64_t parent, const char *name, uint64_t id)
{
	drop_name(parent, name);
	if (n_dentries == DENTRIES_MAX)
		return;
	struct dentry *d = &dentries[n_dentries++];
	*d = (struct dentry){.parent = parent, .id = id};
	strcpy(d->name, name);
}

/* 0: there is none. A node that is found is held once more. */
static uint64_t look_up(uint64_t parent, const char *name, struct fuse_entry_out *ret)
{
	*ret = (struct fuse_entry_out){0};
	int r = request(FUSE_LOOKUP, parent, name, strlen(name) + 1);

	fuzz_check(r == 0 || r == -ENOENT || r == -EINVAL);
	if (r < 0)
		return 0;
	fuzz_check(reply.len == sizeof(*ret));
	memcpy(ret, reply.data, sizeof(*ret));
	if (ret->nodeid)
		hold_node(ret->nodeid, &ret->attr);
	return ret->nodeid;
}

/* As the kernel does it for somebody. */
static uint64_t look_up_and_keep(uint64_t parent, const char *name)
{
	struct fuse_entry_out e;
	uint64_t id = look_up(parent, name, &e);

	if (e.entry_valid)
		take_name(parent, name, id);
	if (id && e.attr_valid)
		take_attr(&e.attr, id);
	return id;
}

static bool is_dir(uint64_t id)
{
	const struct node *n = find_node(id);

	return id == FUSE_ROOT_ID || (n && n->type == S_IFDIR);
}

/* All names of a folder as they are now. */
static void list(uint64_t id, struct buf *ret)
{
	struct fuse_read_in in = {.size = 65536};
	struct dirent d;

	buf_clear(ret);
	do {
		fuzz_check(request(FUSE_READDIR, id, &in, sizeof(in)) == 0);
		for (size_t at = 0; next_dirent(false, &at, &d);) {
			fuzz_check(d.off > in.offset && !has_name(ret, d.name));
			in.offset = d.off;
			add_name(ret, d.name);
		}
	} while (reply.len);
}

/* What each listing under way may and must have. */
static void follow_sessions(void)
{
	for (size_t i = 0; i < SESSIONS; i++) {
		struct session *s = &sessions[i];
		cleanup_buf struct buf now = {0};
		struct buf both = {0};

		if (!s->id)
			continue;
		list(s->id, &now);
		for (size_t at = 0; at < now.len; at += strlen(now.data + at) + 1) {
			if (!has_name(&s->ever, now.data + at))
				add_name(&s->ever, now.data + at);
			if (has_name(&s->throughout, now.data + at))
				add_name(&both, now.data + at);
		}
		buf_release(&s->throughout);
		s->throughout = both;
	}
}

static void begin_session(struct session *s, uint64_t id, bool plus)
{
	s->id = id;
	s->off = 0;
	s->plus = plus;
	s->renewed = false;
	buf_clear(&s->seen);
	buf_clear(&s->ever);
	list(id, &s->throughout);
	buf_add(&s->ever, s->throughout.data, s->throughout.len);
}

static void end_session(struct session *s)
{
	for (size_t at = 0; at < s->throughout.len; at += strlen(s->throughout.data + at) + 1)
		fuzz_check(has_name(&s->seen, s->throughout.data + at));
	if (!s->renewed) {
		struct cached *c = cached_of(s->id);

		buf_clear(&c->list);
		buf_add(&c->list, s->seen.data, s->seen.len);
		c->has_list = true;
	}
	s->id = 0;
}

static void take_dirent(struct session *s, const struct dirent *d)
{
	fuzz_check(d->off > s->off && !has_name(&s->seen, d->name) && has_name(&s->ever, d->name));
	s->off = d->off;
	add_name(&s->seen, d->name);
	if (!d->entry.nodeid)
		return;
	hold_node(d->entry.nodeid, &d->entry.attr);
	if (d->entry.entry_valid)
		take_name(s->id, d->name, d->entry.nodeid);
	if (d->entry.attr_valid)
		take_attr(&d->entry.attr, d->entry.nodeid);
}

static void go_on(struct session *s, uint32_t size)
{
	const struct fuse_read_in in = {.offset = s->off, .size = size};
	struct dirent d;

	fuzz_check(request(s->plus ? FUSE_READDIRPLUS : FUSE_READDIR, s->id, &in, sizeof(in)) == 0);
	size_t len = reply.len;
	for (size_t at = 0; next_dirent(s->plus, &at, &d);)
		take_dirent(s, &d);
	if (!len)
		end_session(s);
}

/* Does what the notifications so far say. */
static void take_notices(void)
{
	drain_notices();
	for (size_t i = 0; i < notices.count; i++) {
		const struct notice *n = &notices.all[i];

		if (n->is_entry) {
			drop_name(n->id, n->name);
			continue;
		}
		struct cached *c = cached_of(n->id);
		c->has_attr = false;
		c->has_list = c->has_list && n->off < 0;
		for (size_t k = 0; k < SESSIONS; k++)
			if (sessions[k].id == n->id && n->off >= 0)
				sessions[k].renewed = true;
	}
	fuzz_check(!notices.lost);
	notices.count = 0;
}

static void check_names(void)
{
	for (size_t i = 0; i < n_dentries; i++) {
		const struct dentry *d = &dentries[i];
		struct fuse_entry_out e;
		uint64_t id = look_up(d->parent, d->name, &e);

		if (id != d->id)
			fprintf(stderr, "%s in %llu is %llu, not %llu\n", d->name,
				(unsigned long long)d->parent, (unsigned long long)id,
				(unsigned long long)d->id);
		fuzz_check(id == d->id);
		if (id)
			forget(id, 1);
	}
}

static void check_attr(const struct cached *c)
{
	const struct fuse_getattr_in in = {0};
	struct fuse_attr_out now;

	fuzz_check(request(FUSE_GETATTR, c->id, &in, sizeof(in)) == 0);
	memcpy(&now, reply.data, sizeof(now));
	const struct fuse_attr *a = &now.attr;
	/* A link that no name leads to any more has no text. */
	if (S_ISLNK(a->mode) && !a->size)
		return;
	fuzz_check(a->ino == c->attr.ino && a->mode == c->attr.mode && a->size == c->attr.size);
	fuzz_check(a->nlink == c->attr.nlink && a->blocks == c->attr.blocks);
	fuzz_check(a->mtime == c->attr.mtime && a->mtimensec == c->attr.mtimensec);
}

static void check_list(const struct cached *c)
{
	cleanup_buf struct buf now = {0};

	list(c->id, &now);
	fuzz_check(now.len == c->list.len && !memcmp(now.data, c->list.data, now.len));
}

/* A path's node, or 0, and what is in it. Nothing is held then but what was. */
static uint64_t walk(const char *path, struct buf *ret_bytes)
{
	uint64_t held[16];
	size_t n = 0;
	uint64_t id = FUSE_ROOT_ID;
	struct fuse_entry_out e = {0};

	while (*path && id) {
		char name[FIELD_NAME_MAX + 1];
		size_t len = strcspn(path, "/");

		snprintf(name, sizeof(name), "%.*s", (int)len, path);
		id = look_up(id, name, &e);
		if (id)
			held[n++] = id;
		path += len + (path[len] == '/');
	}
	if (id && ret_bytes) {
		const struct fuse_read_in in = {.size = 65536};

		if (is_dir(id)) {
			list(id, ret_bytes);
		} else {
			fuzz_check(request(FUSE_READ, id, &in, sizeof(in)) == 0);
			buf_add(ret_bytes, reply.data, reply.len);
		}
	}
	while (n)
		forget(held[--n], 1);
	return id;
}

static bool any_pod(size_t ns)
{
	for (size_t p = 0; p < PODS; p++)
		if (cluster.pods[ns][p].there)
			return true;
	return false;
}

static void check_pod(size_t ns, size_t p)
{
	cleanup_buf struct buf path = {0};
	cleanup_buf struct buf value = {0};
	bool there = cluster.pods[ns][p].there;
	unsigned int label = cluster.pods[ns][p].label;
	unsigned int host = cluster.pods[ns][p].host;

	buf_addf(&path, "namespaces/%s/pods/%s/metadata/labels/a", namespaces[ns], pods[p]);
	bool found = walk(path.data, &value);
	fuzz_check(found == (there && label));
	fuzz_check(!found || (value.len == strlen(labels[label - 1]) + 1 &&
			      !memcmp(value.data, labels[label - 1], value.len - 1)));
	for (size_t h = 0; h < HOSTS; h++) {
		buf_clear(&path);
		buf_addf(&path, "nodes/%s/pods/%s/%s", hosts[h], namespaces[ns], pods[p]);
		fuzz_check(!!walk(path.data, NULL) == (there && host == h + 1 && cluster.host[h]));
	}
	for (size_t l = 0; l < 2; l++) {
		buf_clear(&path);
		buf_addf(&path, "select/a=%s/%s/%s", labels[l], namespaces[ns], pods[p]);
		fuzz_check(!!walk(path.data, NULL) == (there && label == l + 1));
	}
}

/* Without the dots, as many names as that, and each of them found. */
static void check_count(const char *path, size_t want)
{
	cleanup_buf struct buf all = {0};
	size_t n = 0;

	fuzz_check(walk(path, &all) != 0);
	for (size_t at = 0; at < all.len; at += strlen(all.data + at) + 1)
		n += strcmp(all.data + at, ".") != 0 && strcmp(all.data + at, "..") != 0;
	fuzz_check(n == want);
}

static void check_cluster(void)
{
	size_t n_namespaces = 0;
	size_t n_hosts = 0;

	for (size_t ns = 0; ns < NAMESPACES; ns++) {
		cleanup_buf struct buf path = {0};
		size_t n = 0;

		for (size_t p = 0; p < PODS; p++) {
			check_pod(ns, p);
			n += cluster.pods[ns][p].there;
		}
		buf_addf(&path, "namespaces/%s/pods", namespaces[ns]);
		if (cluster.namespace[ns] || any_pod(ns)) {
			check_count(path.data, n);
			n_namespaces++;
		} else {
			fuzz_check(!walk(path.data, NULL));
		}
	}
	for (size_t h = 0; h < HOSTS; h++)
		n_hosts += cluster.host[h];
	check_count("namespaces", n_namespaces);
	check_count("nodes", n_hosts);
}

static void check_all(void)
{
	take_notices();
	check_names();
	for (size_t i = 0; i < n_cached; i++) {
		if (cached[i].has_attr)
			check_attr(&cached[i]);
		if (cached[i].has_list)
			check_list(&cached[i]);
	}
	check_cluster();
}

static void put_pod(struct fuzz_input *in)
{
	uint8_t what = fuzz_byte(in);
	uint8_t how = fuzz_byte(in);
	size_t ns = what % NAMESPACES;
	size_t p = what / NAMESPACES % PODS;
	unsigned int label = how % 4;
	unsigned int host = how / 4 % (HOSTS + 1);
	cleanup_buf struct buf json = {0};

	/* Another uid is another pod of that name. */
	buf_addf(&json, "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"%s\",\"uid\":\"%zu-%u\"",
		 pods[p], namespaces[ns], ns + NAMESPACES * p, how / 64u);
	if (label)
		buf_addf(&json, ",\"labels\":{\"a\":\"%s\"}", labels[label - 1]);
	buf_addstr(&json, "},\"spec\":{\"containers\":[{\"name\":\"c\"}]");
	if (host)
		buf_addf(&json, ",\"nodeName\":\"%s\"", hosts[host - 1]);
	buf_addf(&json, "},\"status\":{\"podIP\":\"10.0.0.%u\"}}", how / 16 % 4);
	fuzz_check(world_put(&world, KIND_POD, json.data) >= 0);
	cluster.pods[ns][p].there = true;
	cluster.pods[ns][p].label = label;
	cluster.pods[ns][p].host = host;
}

static void remove_pod(struct fuzz_input *in)
{
	uint8_t what = fuzz_byte(in);
	size_t ns = what % NAMESPACES;
	size_t p = what / NAMESPACES % PODS;

	fuzz_check(store_remove(world.store, KIND_POD, namespaces[ns], pods[p]) ==
		   cluster.pods[ns][p].there);
	cluster.pods[ns][p].there = false;
}

static void change_other(enum kind kind, const char *name, bool *there, unsigned int how)
{
	cleanup_buf struct buf json = {0};

	if (how % 2) {
		fuzz_check(store_remove(world.store, kind, "", name) == *there);
		*there = false;
		return;
	}
	buf_addf(&json, "{\"metadata\":{\"name\":\"%s\",\"uid\":\"%u\",\"labels\":{\"z\":\"%u\"}}}",
		 name, how / 8 % 2, how / 2 % 4);
	fuzz_check(world_put(&world, kind, json.data) >= 0);
	*there = true;
}

/* Nothing but these. */
static void list_again(enum kind kind)
{
	store_list_begin(world.store, kind);
	store_list_end(world.store, kind);
	if (kind == KIND_POD)
		memset(cluster.pods, 0, sizeof(cluster.pods));
	else if (kind == KIND_NODE)
		memset(cluster.host, 0, sizeof(cluster.host));
	else
		memset(cluster.namespace, 0, sizeof(cluster.namespace));
}

static uint64_t any_node(struct fuzz_input *in)
{
	uint8_t byte = fuzz_byte(in);

	return byte && n_nodes ? nodes[byte % n_nodes].id : FUSE_ROOT_ID;
}

static void ask(uint64_t id)
{
	const struct fuse_getattr_in in = {0};
	const struct fuse_read_in read = {.size = 4096};
	const struct node *n = find_node(id);
	struct fuse_attr_out out;

	fuzz_check(request(FUSE_GETATTR, id, &in, sizeof(in)) == 0);
	memcpy(&out, reply.data, sizeof(out));
	take_attr(&out.attr, id);
	if (!n || n->type == S_IFDIR)
		return;
	if (n->type == S_IFLNK)
		fuzz_check(request(FUSE_READLINK, id, NULL, 0) == 0 || reply.error == -ESTALE);
	else
		fuzz_check(request(FUSE_READ, id, &read, sizeof(read)) == 0);
	/* A link that nobody can follow any more may be without its text. */
	fuzz_check(reply.error || out.attr.size > 4096 || reply.len == out.attr.size);
}

static void walk_and_keep(const char *path)
{
	uint64_t id = FUSE_ROOT_ID;

	while (*path && id && is_dir(id)) {
		char name[FIELD_NAME_MAX + 1];
		size_t len = strcspn(path, "/");

		snprintf(name, sizeof(name), "%.*s", (int)len, path);
		id = look_up_and_keep(id, name);
		path += len + (path[len] == '/');
	}
}

static bool do_change(unsigned int op, struct fuzz_input *in)
{
	unsigned int how;

	switch (op) {
	case 0:
	case 1:
	case 2:
		put_pod(in);
		return true;
	case 3:
		remove_pod(in);
		return true;
	case 4:
		how = fuzz_byte(in);
		change_other(KIND_NODE, hosts[how / 16 % HOSTS], &cluster.host[how / 16 % HOSTS],
			     how);
		return true;
	case 5:
		how = fuzz_byte(in);
		if (how == 255)
			list_again(KIND_POD);
		else if (how == 254)
			list_again(KIND_NODE);
		else if (how == 253)
			list_again(KIND_NAMESPACE);
		else
			change_other(KIND_NAMESPACE, namespaces[how / 16 % NAMESPACES],
				     &cluster.namespace[how / 16 % NAMESPACES], how);
		return true;
	default:
		return false;
	}
}

static void do_operation(struct fuzz_input *in)
{
	unsigned int op = fuzz_below(in, 16);
	struct session *s;
	uint64_t id;

	if (do_change(op, in)) {
		follow_sessions();
		return;
	}
	switch (op) {
	case 6:
	case 7:
		id = any_node(in);
		op = fuzz_byte(in);
		if (is_dir(id))
			look_up_and_keep(id, names[op % ARRAY_SIZE(names)]);
		break;
	case 8:
	case 9:
		walk_and_keep(paths[fuzz_byte(in) % ARRAY_SIZE(paths)]);
		break;
	case 10:
		id = any_node(in);
		if (id != FUSE_ROOT_ID)
			evict(id);
		break;
	case 11:
		id = any_node(in);
		op = fuzz_byte(in);
		if (is_dir(id))
			begin_session(&sessions[op % SESSIONS], id, op & 0x80);
		break;
	case 12:
	case 13:
		op = fuzz_byte(in);
		s = &sessions[op % SESSIONS];
		if (s->id)
			go_on(s, 300 + op * 8);
		break;
	case 14:
		ask(any_node(in));
		break;
	default:
		check_all();
	}
}

static void clear(void)
{
	for (size_t i = 0; i < n_cached; i++)
		buf_release(&cached[i].list);
	for (size_t i = 0; i < SESSIONS; i++) {
		buf_release(&sessions[i].seen);
		buf_release(&sessions[i].throughout);
		buf_release(&sessions[i].ever);
		sessions[i] = (struct session){0};
	}
	n_cached = 0;
	n_dentries = 0;
	memset(&cluster, 0, sizeof(cluster));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_begin(data, size);

	kernel_start();
	for (int i = 0; i < OPERATIONS_MAX && in.len; i++)
		do_operation(&in);
	check_all();
	/* All that is under way comes to an end. */
	for (size_t i = 0; i < SESSIONS; i++)
		while (sessions[i].id)
			go_on(&sessions[i], 4096);
	kernel_stop();
	clear();
	return 0;
}
