/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include <podfs/base/clock.h>
#include <podfs/base/hash.h>
#include <podfs/model/packed.h>

struct source {
	const struct json_index *index;
	const char *text;
};

void packed_release(struct packed *p)
{
	free(p->name);
	free(p->namespace);
	free(p->uid);
	free(p->resource_version);
	free(p->node_name);
	pod_facts_release(&p->facts);
	buf_release(&p->text);
	*p = (struct packed){0};
}

bool packed_name_is_valid(const char *name, size_t len, size_t max)
{
	return len > 0 && len <= max && name[0] != '.' && !memchr(name, '/', len) &&
	       !memchr(name, '\0', len);
}

/*
 * A copy of the string member @key of object @n; "" if there is none, or one
 * with a NUL in it, of which a C string would be the beginning. NULL: out of memory.
 */
static char *copy_member(const struct source *src, uint32_t n, const char *key)
{
	cleanup_buf struct buf value = {0};
	uint32_t m = n ? json_member(src->index, src->text, n, key) : 0;

	if (m && src->index->nodes[m].type == JSON_STRING)
		json_string(&value, src->text, &src->index->nodes[m]);
	if (value.len && memchr(value.data, '\0', value.len))
		buf_clear(&value);
	return buf_take(&value, NULL);
}

/* Appends member @m as it was written, with a comma in front unless it is the first. */
static void copy_text(struct buf *out, const struct source *src, uint32_t m, bool first)
{
	const struct json_node *node = &src->index->nodes[m];
	bool quoted = node->type == JSON_STRING;
	size_t start = node->key_off - 1;
	size_t end = (size_t)node->off + node->len + (quoted ? 1 : 0);

	if (!first)
		buf_addch(out, ',');
	buf_add(out, src->text + start, end - start);
}

/* Whether a member is replaced by what every text begins with. */
static bool is_type(const struct source *src, uint32_t m)
{
	const struct json_node *node = &src->index->nodes[m];

	return json_key_is(src->text, node, "apiVersion") || json_key_is(src->text, node, "kind");
}

static bool is_managed_fields(const struct source *src, uint32_t m)
{
	return json_key_is(src->text, &src->index->nodes[m], "managedFields");
}

static void copy_metadata(struct buf *out, const struct source *src, uint32_t metadata)
{
	bool first = true;

	buf_addstr(out, ",\"metadata\":{");
	for (uint32_t m = json_first(src->index, metadata); m; m = src->index->nodes[m].next) {
		if (is_managed_fields(src, m))
			continue;
		copy_text(out, src, m, first);
		first = false;
	}
	buf_addch(out, '}');
}

static int make_text(struct packed *p, const struct source *src, uint32_t metadata)
{
	struct buf *out = &p->text;

	/* Room for all of it at once: nothing below makes it longer than this. */
	buf_reserve(out, src->index->nodes[0].len + 64);
	buf_addf(out, "{\"apiVersion\":\"v1\",\"kind\":\"%s\"", kind_name(p->kind));
	for (uint32_t m = json_first(src->index, 0); m; m = src->index->nodes[m].next) {
		if (m == metadata)
			copy_metadata(out, src, metadata);
		else if (!is_type(src, m))
			copy_text(out, src, m, false);
	}
	buf_addch(out, '}');
	return out->err;
}

static const char *check_names(const struct packed *p)
{
	size_t namespace_len = strlen(p->namespace);

	if (!packed_name_is_valid(p->name, strlen(p->name), OBJECT_NAME_MAX))
		return "metadata.name is missing or no object name";
	if (p->kind == KIND_POD
		? !packed_name_is_valid(p->namespace, namespace_len, NAMESPACE_NAME_MAX)
		: namespace_len != 0)
		return "metadata.namespace is not one of its kind";
	return NULL;
}

/* Makes an index over a text from that of another, of which it has pieces. */
struct mover {
	struct source src;
	struct json_index *to;
	uint32_t last; /* the child of the open container seen last, 0: none yet */
	uint32_t at;   /* in the text */
};

static struct json_node *add_child(struct mover *m, uint32_t parent)
{
	struct json_node *nodes = m->to->nodes;
	uint32_t n = m->to->count++;

	if (m->last)
		nodes[m->last].next = n;
	nodes[parent].count++;
	m->last = n;
	return &nodes[n];
}

/* A member of the root that is in every text. The quote before its key is next. */
static struct json_node *add_new(struct mover *m, const char *key, enum json_type type)
{
	struct json_node *node = add_child(m, 0);
	uint32_t len = (uint32_t)strlen(key);
	uint32_t quote = type == JSON_STRING;

	*node = (struct json_node){
	    .key_off = m->at + 1, .off = m->at + len + 3 + quote, .type = type & 0xf};
	node->key_len = len & 0xffffff;
	m->at = node->off;
	return node;
}

static void add_type(struct mover *m, const char *key, const char *value)
{
	struct json_node *node = add_new(m, key, JSON_STRING);

	node->len = (uint32_t)strlen(value);
	/* Behind the quote, and what is between two members. */
	m->at += node->len + 2;
}

/* What copy_text() copied: member @n of the other index and all below it, as far as @end. */
static void move_member(struct mover *m, uint32_t parent, uint32_t n, uint32_t end)
{
	const struct json_node *from = m->src.index->nodes;
	uint32_t start = from[n].key_off - 1;
	uint32_t text_end = from[n].off + from[n].len + (from[n].type == JSON_STRING);
	uint32_t by = m->at - start;
	uint32_t nodes_by = m->to->count - n;
	struct json_node *to = add_child(m, parent);

	m->to->count += end - n - 1;
	for (uint32_t i = n; i < end; i++, to++) {
		*to = from[i];
		to->off += by;
		to->key_off += to->key_off ? by : 0;
		to->next += to->next ? nodes_by : 0;
	}
	m->to->nodes[m->last].next = 0;
	m->at += text_end - start + 1;
}

static uint32_t end_of(const struct json_index *index, uint32_t n, uint32_t end)
{
	return index->nodes[n].next ? index->nodes[n].next : end;
}

static void move_metadata(struct mover *m, uint32_t metadata, uint32_t end)
{
	const struct json_index *from = m->src.index;
	struct json_node *node = add_new(m, "metadata", JSON_OBJECT);
	uint32_t own = m->last;

	m->at++;
	m->last = 0;
	for (uint32_t n = json_first(from, metadata); n; n = from->nodes[n].next)
		if (!is_managed_fields(&m->src, n))
			move_member(m, own, n, end_of(from, n, end));
	/* Behind the last one there is no comma. */
	m->at += m->last ? 0 : 1;
	node->len = m->at - node->off;
	m->at++;
	m->last = own;
}

int packed_index(const struct packed *p, struct json_index *ret)
{
	const struct json_index *from = p->from.index;
	struct mover m = {.src = {from, p->from.json}, .to = ret};

	ret->cap = from->count + 2;
	ret->nodes = calloc(ret->cap, sizeof(*ret->nodes));
	if (!ret->nodes)
		return -ENOMEM;
	ret->key_max = (uint32_t)strlen("apiVersion");
	if (p->key_max > ret->key_max)
		ret->key_max = p->key_max;
	ret->nodes[0] = (struct json_node){.len = (uint32_t)p->text.len, .type = JSON_OBJECT};
	ret->count = 1;
	m.at = 1;
	add_type(&m, "apiVersion", "v1");
	add_type(&m, "kind", kind_name(p->kind));
	for (uint32_t n = json_first(from, 0); n; n = from->nodes[n].next) {
		uint32_t end = end_of(from, n, from->count);

		if (n == p->from.metadata)
			move_metadata(&m, n, end);
		else if (!is_type(&m.src, n))
			move_member(&m, 0, n, end);
	}
	return 0;
}

/* Adds a member's text, as written, to a hash. */
static uint64_t hash_member(const struct source *src, uint32_t n, const char *key, uint64_t h)
{
	uint32_t m = json_member(src->index, src->text, n, key);
	const struct json_node *node = &src->index->nodes[m];

	return m ? hash_u64(h ^ hash_bytes(hash_process_key(), src->text + node->off, node->len))
		 : h;
}

/* Pods of one namespace that run the same images have most of their text in common. */
static uint64_t group_of(const struct source *src, uint32_t metadata)
{
	uint32_t spec = json_member(src->index, src->text, 0, "spec");
	uint32_t list = spec ? json_member(src->index, src->text, spec, "containers") : 0;
	uint64_t h = hash_member(src, metadata, "namespace", 1);

	if (!list || src->index->nodes[list].type != JSON_ARRAY)
		return 0;
	for (uint32_t c = json_first(src->index, list); c; c = src->index->nodes[c].next)
		h = hash_member(src, c, "image", hash_member(src, c, "name", h));
	return h;
}

static int copy_members(struct packed *p, const struct source *src, uint32_t metadata)
{
	uint32_t spec = p->kind == KIND_POD ? json_member(src->index, src->text, 0, "spec") : 0;
	uint32_t created = json_member(src->index, src->text, metadata, "creationTimestamp");

	p->name = copy_member(src, metadata, "name");
	p->namespace = copy_member(src, metadata, "namespace");
	p->uid = copy_member(src, metadata, "uid");
	p->resource_version = copy_member(src, metadata, "resourceVersion");
	p->node_name = copy_member(src, spec, "nodeName");
	if (!p->name || !p->namespace || !p->uid || !p->resource_version || !p->node_name)
		return -ENOMEM;
	if (created) {
		const struct json_node *node = &src->index->nodes[created];

		clock_parse_rfc3339(src->text + node->off, node->len, &p->created_ns);
	}
	return 0;
}

/* Reads all but the text. @ret_metadata: its node. Else as packed_from_json(). */
static int read_all(const struct json_index *index, const char *json, struct packed *ret,
		    const char **ret_fault, uint32_t *ret_metadata)
{
	const struct source src = {index, json};

	*ret_fault = "no object with metadata";
	uint32_t metadata = json_member(index, json, 0, "metadata");
	if (!metadata || index->nodes[metadata].type != JSON_OBJECT)
		return -EINVAL;
	*ret_metadata = metadata;
	*ret_fault = "another kind";
	const char *name = kind_name(ret->kind);
	uint32_t named = json_member(index, json, 0, "kind");
	if (named && !(index->nodes[named].len == strlen(name) &&
		       !memcmp(json + index->nodes[named].off, name, index->nodes[named].len)))
		return -EINVAL;
	*ret_fault = "out of memory";
	ret->key_max = index->key_max;
	int r = copy_members(ret, &src, metadata);
	if (r < 0)
		return r;
	*ret_fault = check_names(ret);
	if (*ret_fault)
		return -EINVAL;
	*ret_fault = "out of memory";
	if (ret->kind == KIND_POD) {
		ret->group = group_of(&src, metadata);
		r = pod_facts_read(index, json, &ret->facts);
	}
	if (r == 0)
		*ret_fault = NULL;
	return r;
}

static int scan(struct json_index *index, const char *json, size_t len, struct packed *ret,
		const char **ret_fault)
{
	*ret_fault = "not JSON, or over a limit";
	int r = json_scan(index, json, len, &ret->fault_off);
	if (r == 0)
		ret->fault_off = 0;
	return r;
}

int packed_from_json(struct json_index *index, enum kind kind, const char *json, size_t len,
		     struct packed *ret, const char **ret_fault)
{
	int r = scan(index, json, len, ret, ret_fault);

	return r < 0 ? r : packed_from_index(index, kind, json, ret, ret_fault);
}

int packed_from_index(const struct json_index *index, enum kind kind, const char *json,
		      struct packed *ret, const char **ret_fault)
{
	struct source src = {index, json};
	uint32_t metadata;

	ret->kind = kind;
	int r = read_all(index, json, ret, ret_fault, &metadata);
	if (r < 0)
		return r;
	ret->from.json = json;
	ret->from.index = index;
	ret->from.metadata = metadata;
	*ret_fault = "out of memory";
	r = make_text(ret, &src, metadata);
	if (r < 0)
		return r;
	*ret_fault = "over a limit";
	if (ret->text.len > JSON_TEXT_MAX)
		return -E2BIG;
	*ret_fault = NULL;
	return 0;
}

int packed_from_kept(struct json_index *index, enum kind kind, struct packed *ret,
		     const char **ret_fault)
{
	uint32_t metadata;

	ret->kind = kind;
	int r = scan(index, ret->text.data, ret->text.len, ret, ret_fault);
	return r < 0 ? r : read_all(index, ret->text.data, ret, ret_fault, &metadata);
}
