/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include <podfs/model/render.h>
#include <podfs/store/version.h>

/* Opened versions that nobody uses are kept up to this many bytes. */
#define CACHE_BYTES_MAX (4u << 20)
#define CACHE_BUCKETS 1024u

static struct {
	pthread_mutex_t lock;
	struct opened *newest;
	struct opened *oldest;
	struct opened *buckets[CACHE_BUCKETS]; /* by seq; a newcomer displaces */
	size_t bytes;
} cache = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct opened *opened_ref(struct opened *o)
{
	atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed);
	return o;
}

void opened_unref(struct opened *o)
{
	if (atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) > 1)
		return;
	json_index_release(&o->view.index);
	buf_release(&o->text);
	buf_release(&o->json);
	buf_release(&o->yaml);
	pthread_mutex_destroy(&o->lock);
	version_unref(o->version);
	free(o);
}

static void unlink_locked(struct opened *o)
{
	struct opened **bucket = &cache.buckets[o->version->seq % CACHE_BUCKETS];

	*(o->newer ? &o->newer->older : &cache.newest) = o->older;
	*(o->older ? &o->older->newer : &cache.oldest) = o->newer;
	if (*bucket == o)
		*bucket = NULL;
	cache.bytes -= o->cost;
}

static void push_locked(struct opened *o)
{
	o->newer = NULL;
	o->older = cache.newest;
	*(o->older ? &o->older->newer : &cache.oldest) = o;
	cache.newest = o;
	cache.buckets[o->version->seq % CACHE_BUCKETS] = o;
	cache.bytes += o->cost;
}

/* The cached one with a reference for the caller, or NULL. */
static struct opened *find(const struct version *v)
{
	pthread_mutex_lock(&cache.lock);
	struct opened *o = cache.buckets[v->seq % CACHE_BUCKETS];
	if (o && o->version == v) {
		opened_ref(o);
		if (o != cache.newest) {
			unlink_locked(o);
			push_locked(o);
		}
	} else {
		o = NULL;
	}
	pthread_mutex_unlock(&cache.lock);
	return o;
}

/* Takes the oldest out until the rest but @o fits, and puts them before @dropped. */
static struct opened *trim_locked(const struct opened *o, struct opened *dropped)
{
	while (cache.bytes > CACHE_BYTES_MAX && cache.oldest != o) {
		struct opened *oldest = cache.oldest;

		unlink_locked(oldest);
		oldest->older = dropped;
		dropped = oldest;
	}
	return dropped;
}

/* Those that the cache had. Not under its lock. */
static void unref_all(struct opened *dropped)
{
	while (dropped) {
		struct opened *next = dropped->older;

		opened_unref(dropped);
		dropped = next;
	}
}

static void keep(struct opened *o)
{
	struct opened *dropped = NULL;

	pthread_mutex_lock(&cache.lock);
	struct opened *rival = cache.buckets[o->version->seq % CACHE_BUCKETS];
	if (rival) {
		unlink_locked(rival);
		rival->older = NULL;
		dropped = rival;
	}
	push_locked(opened_ref(o));
	dropped = trim_locked(o, dropped);
	pthread_mutex_unlock(&cache.lock);
	unref_all(dropped);
}

/* It takes more memory than before, which others make room for if it is kept. */
static void charge(struct opened *o, size_t bytes)
{
	struct opened *dropped = NULL;

	pthread_mutex_lock(&cache.lock);
	if (cache.buckets[o->version->seq % CACHE_BUCKETS] == o) {
		unlink_locked(o);
		o->cost += bytes;
		push_locked(o);
		dropped = trim_locked(o, NULL);
	}
	pthread_mutex_unlock(&cache.lock);
	unref_all(dropped);
}

static struct opened *opened_new(struct version *v)
{
	struct opened *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	atomic_init(&o->refs, 1);
	pthread_mutex_init(&o->lock, NULL);
	o->version = version_ref(v);
	return o;
}

/* It has its text and index. */
static void complete(struct opened *o)
{
	o->view.text = o->text.data;
	o->view.len = o->text.len;
	o->cost = sizeof(*o) + o->text.cap + o->view.index.cap * sizeof(struct json_node);
	keep(o);
}

int opened_get(struct version *v, struct opened **ret)
{
	size_t fault_off;

	*ret = find(v);
	if (*ret)
		return 0;
	struct opened *o = opened_new(v);
	if (!o)
		return -ENOMEM;
	int r = version_read(v, &o->text);
	if (r == 0)
		r = json_scan(&o->view.index, o->text.data, o->text.len, &fault_off);
	if (r < 0) {
		opened_unref(o);
		return r;
	}
	complete(o);
	*ret = o;
	return 0;
}

int opened_keep(struct version *v, struct buf *text, struct json_index *index)
{
	struct opened *o = opened_new(v);
	int r = o ? 0 : -ENOMEM;

	if (r == 0) {
		o->text = *text;
		o->view.index = *index;
		*text = (struct buf){0};
		*index = (struct json_index){0};
		/* It was made with room for more, which nobody will need. */
		buf_fit(&o->text);
		complete(o);
		opened_unref(o);
	}
	buf_release(text);
	json_index_release(index);
	return r;
}

static int rendered(struct opened *o, struct buf *out,
		    int (*render)(const struct view *, struct buf *), const struct buf **ret)
{
	size_t made = 0;
	int r = 0;

	pthread_mutex_lock(&o->lock);
	if (!out->len) {
		r = render(&o->view, out);
		if (r < 0)
			buf_release(out);
		made = out->cap;
	}
	pthread_mutex_unlock(&o->lock);
	if (made)
		charge(o, made);
	*ret = out;
	return r;
}

int opened_json(struct opened *o, const struct buf **ret)
{
	return rendered(o, &o->json, render_json, ret);
}

int opened_yaml(struct opened *o, const struct buf **ret)
{
	return rendered(o, &o->yaml, render_yaml, ret);
}

void opened_cache_clear(void)
{
	pthread_mutex_lock(&cache.lock);
	struct opened *all = cache.newest;
	cache.newest = NULL;
	cache.oldest = NULL;
	memset(cache.buckets, 0, sizeof(cache.buckets));
	cache.bytes = 0;
	pthread_mutex_unlock(&cache.lock);
	unref_all(all);
}
