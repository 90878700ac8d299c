/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ingest: what it costs to take in pods, with no network and no server.
 *
 * ingest [-n] [-r] [-e [-c]] [-d] N FILE.json[.gz]
 *
 * Cuts a list into its objects, as the client does, and puts N of them into a
 * store. A list with fewer is read again, with other names, uids and addresses
 * each time. -r: then takes in all of it once more, as a relist that changes
 * nothing. -e: then once more with another label in each, as events; with -c
 * other memory is read before each, as by whoever runs between two events: so
 * the caches have nothing. -d: then puts all of it back from the memory, as the
 * next process does when this one has died. -n: they are Nodes. Prints the
 * processor time of the two steps and the memory.
 */
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include <podfs/base/memory.h>
#include <podfs/store/recover.h>
#include <podfs/tree/tree.h>

#include "kube/stream.h"

#define COLD_BYTES (16u << 20)

struct bench {
	struct store *store;
	bool events;      /* each object gets another label */
	const char *cold; /* what is read before each, or NULL */
	enum kind kind;
	uint64_t want;
	uint64_t taken;
	unsigned round;
	struct json_index index;
	struct buf text; /* of an object that got another name */
	uint64_t bytes;
	uint64_t kept_bytes;
	int64_t pack_ns;
	int64_t put_ns;
};

static int64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void replace_all(struct buf *text, const char *from, const char *to)
{
	struct buf out = {0};
	size_t n = strlen(from);
	const char *p = text->data;
	const char *hit;

	while (n && (hit = strstr(p, from))) {
		buf_add(&out, p, (size_t)(hit - p));
		buf_addstr(&out, to);
		p = hit + n;
	}
	buf_addstr(&out, p);
	buf_release(text);
	*text = out;
}

/* Another pod of the same workload: its name's end, its uid and its address differ. */
static void rename_pod(struct bench *b, const struct packed *p)
{
	char name[OBJECT_NAME_MAX + 1];
	char uid[64];
	char ip[64];
	size_t len = strlen(p->name);
	uint64_t n = b->taken;

	if (strlen(p->uid) >= sizeof(uid) || len < 6)
		return;
	snprintf(name, sizeof(name), "%.*s%05x", (int)len - 5, p->name, (unsigned)n & 0xfffff);
	snprintf(uid, sizeof(uid), "%08x%s", (unsigned)(n * 2654435761u), p->uid + 8);
	replace_all(&b->text, p->name, name);
	replace_all(&b->text, p->uid, uid);
	for (size_t i = 0; i < p->facts.address_count; i++) {
		const char *old = fact_string(&p->facts, p->facts.addresses[i]);

		if (strchr(old, ':'))
			snprintf(ip, sizeof(ip), "fd00::%x:%x", (unsigned)(n >> 16),
				 (unsigned)n & 0xffff);
		else
			snprintf(ip, sizeof(ip), "10.1%02u.%u.%u", (unsigned)(n >> 16) & 0x3f,
				 (unsigned)(n >> 8) & 0xff, (unsigned)n & 0xff);
		replace_all(&b->text, old, ip);
	}
}

/* Another pod than before, as in the list's next round. */
static void make_another(struct bench *b)
{
	cleanup_packed struct packed p = {0};
	const char *fault;

	if (packed_from_json(&b->index, b->kind, b->text.data, b->text.len, &p, &fault) == 0)
		rename_pod(b, &p);
}

static void add_label(struct bench *b)
{
	replace_all(&b->text, "\"labels\":{", "\"labels\":{\"bench\":\"turn\",");
	replace_all(&b->text, "\"resourceVersion\":\"", "\"resourceVersion\":\"1");
}

/* Reads memory until the processor's caches have nothing else. */
static void chill(const struct bench *b)
{
	static volatile unsigned sum;

	for (size_t i = 0; b->cold && i < COLD_BYTES; i += 64)
		sum += (unsigned char)b->cold[i];
	(void)sum;
}

static int take(struct bench *b, const struct kube_object *o, int64_t *ret_packed)
{
	cleanup_packed struct packed p = {0};
	const char *fault;
	int r = o->index ? packed_from_index(o->index, b->kind, o->text, &p, &fault)
			 : packed_from_json(&b->index, b->kind, o->text, o->len, &p, &fault);

	*ret_packed = cpu_ns();
	b->kept_bytes += p.text.len;
	return r < 0 ? r : store_put(b->store, &p);
}

static int on_item(void *ctx, const struct kube_object *o)
{
	struct bench *b = ctx;
	struct kube_object object = *o;
	int64_t packed;

	if (b->taken == b->want)
		return 0;
	if (b->round || b->events) {
		buf_clear(&b->text);
		buf_add(&b->text, o->text, o->len);
		if (b->round)
			make_another(b);
		if (b->events)
			add_label(b);
		object = (struct kube_object){b->text.data, b->text.len, NULL};
	}
	chill(b);
	int64_t start = cpu_ns();
	int r = take(b, &object, &packed);
	b->pack_ns += packed - start;
	b->put_ns += cpu_ns() - packed;
	b->bytes += object.len;
	b->taken++;
	return r < 0 ? r : 0;
}

static int on_metadata(void *ctx, const char *text, size_t len)
{
	(void)ctx;
	(void)text;
	(void)len;
	return 0;
}

static int on_oversize(void *ctx, enum stream_event type, const char *head, size_t len, int err)
{
	(void)ctx;
	(void)type;
	(void)head;
	(void)len;
	return err;
}

static int read_list(struct bench *b, const char *path)
{
	const struct stream_handler handler = {b, on_metadata, on_item, NULL, on_oversize};
	static char chunk[64 << 10];
	struct stream stream = {0};
	gzFile file = gzopen(path, "rb");
	int r = file ? 0 : -1;
	int n;

	stream_start(&stream, STREAM_LIST, &handler);
	while (r == 0 && b->taken < b->want && (n = gzread(file, chunk, sizeof(chunk))) > 0)
		r = stream_feed(&stream, chunk, (size_t)n);
	if (r == 0 && b->taken < b->want)
		r = stream_end(&stream);
	stream_release(&stream);
	if (file)
		gzclose(file);
	return r;
}

static int read_lists(struct bench *b, const char *path)
{
	int r = 0;

	b->taken = 0;
	b->bytes = 0;
	b->kept_bytes = 0;
	b->pack_ns = 0;
	b->put_ns = 0;
	if (!b->events)
		store_list_begin(b->store, b->kind);
	for (b->round = 0; r == 0 && b->taken < b->want; b->round++) {
		uint64_t before = b->taken;

		r = read_list(b, path);
		if (r == 0 && b->taken == before)
			r = -1;
	}
	if (r == 0 && !b->events)
		store_list_end(b->store, b->kind);
	return r;
}

static void print_times(const struct bench *b, const char *what)
{
	double n = (double)b->taken;

	printf("%s: %llu objects of %.0f bytes, %.0f kept\n", what, (unsigned long long)b->taken,
	       (double)b->bytes / n, (double)b->kept_bytes / n);
	printf("  index, if not yet, and pack   %8.2f us an object\n",
	       (double)b->pack_ns / n / 1000);
	printf("  put               %8.2f us an object\n", (double)b->put_ns / n / 1000);
}

static void print_memory(const char *what)
{
	char line[256];
	FILE *f = fopen("/proc/self/status", "re");

	printf("%s:", what);
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "RssAnon", 7) || !strncmp(line, "RssShmem", 8) ||
		    !strncmp(line, "VmHWM", 5))
			printf(" %.*s", (int)strcspn(line, "\n"), line);
	if (f)
		fclose(f);
	printf("\n");
}

static int run(struct bench *b, const char *path, const char *what)
{
	int r = read_lists(b, path);

	print_times(b, what);
	print_memory("after");
	return r;
}

static int recover(struct bench *b, int memory)
{
	struct store_recovered found;

	store_memory_close();
	store_free(b->store);
	int64_t start = cpu_ns();
	int r = store_memory_open(memory);
	int64_t opened = cpu_ns();
	b->store = r == 0 ? store_new(&tree_rules) : NULL;
	if (!b->store || store_recover(b->store, &found) < 0)
		return -1;
	store_recovery_end();
	int64_t end = cpu_ns();
	double n = (double)found.objects;
	printf("recovered: %llu objects\n", (unsigned long long)found.objects);
	printf("  look through      %8.2f us an object\n", (double)(opened - start) / n / 1000);
	printf("  put back          %8.2f us an object\n", (double)(end - opened) / n / 1000);
	return 0;
}

int main(int argc, char **argv)
{
	cleanup_close int memory = memory_new();
	struct bench b = {.kind = KIND_POD};
	bool die = false;
	bool again = false;
	bool events = false;
	bool cold = false;
	int r = 0;

	if (store_memory_open(memory) == 0)
		b.store = store_new(&tree_rules);
	for (int c; (c = getopt(argc, argv, "rnecd")) != -1;) {
		die |= c == 'd';
		again |= c == 'r';
		events |= c == 'e';
		cold |= c == 'c';
		if (c == 'n')
			b.kind = KIND_NODE;
	}
	if (argc - optind != 2 || !b.store) {
		fprintf(stderr, "usage: ingest [-r] [-e [-c]] [-d] [-n] N FILE.json[.gz]\n");
		return 2;
	}
	const char *path = argv[optind + 1];
	b.want = strtoull(argv[optind], NULL, 10);
	print_memory("before");
	r = run(&b, path, "first list");
	if (r == 0 && again)
		r = run(&b, path, "relist, nothing new");
	b.events = true;
	char *others = cold ? malloc(COLD_BYTES) : NULL;
	if (others)
		b.cold = memset(others, 1, COLD_BYTES);
	if (r == 0 && events)
		r = run(&b, path, "events, a label each");
	free(others);
	if (r == 0 && die)
		r = recover(&b, memory);
	store_free(b.store);
	opened_cache_clear();
	json_index_release(&b.index);
	buf_release(&b.text);
	if (r < 0)
		fprintf(stderr, "ingest: %s: not a list, or no memory\n", path);
	return r < 0 ? 1 : 0;
}
