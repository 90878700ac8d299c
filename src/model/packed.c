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

static void copy_metadata(struct buf *out, const struct source *src, uint32_t metadata)
{
	bool first = true;

	buf_addstr(out, ",\"metadata\":{");
	for (uint32_t m = json_first(src->index, metadata); m; m = src->index->nodes[m].next) {
		if (json_key_is(src->text, &src->index->nodes[m], "managedFields"))
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
		const struct json_node *node = &src->index->nodes[m];

		if (m == metadata)
			copy_metadata(out, src, metadata);
		else if (!json_key_is(src->text, node, "apiVersion") &&
			 !json_key_is(src->text, node, "kind"))
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

int packed_from_json(struct json_index *index, enum kind kind, const char *json, size_t len,
		     struct packed *ret, const char **ret_fault)
{
	struct source src = {index, json};

	*ret_fault = "not JSON, or over a limit";
	int r = json_scan(index, json, len, &ret->fault_off);
	if (r < 0)
		return r;
	ret->fault_off = 0;
	*ret_fault = "no object with metadata";
	uint32_t metadata = json_member(index, json, 0, "metadata");
	if (!metadata || index->nodes[metadata].type != JSON_OBJECT)
		return -EINVAL;
	*ret_fault = "another kind";
	uint32_t named = json_member(index, json, 0, "kind");
	if (named &&
	    !(index->nodes[named].len == strlen(kind_name(kind)) &&
	      !memcmp(json + index->nodes[named].off, kind_name(kind), index->nodes[named].len)))
		return -EINVAL;
	*ret_fault = "out of memory";
	ret->kind = kind;
	ret->key_max = index->key_max;
	r = copy_members(ret, &src, metadata);
	if (r < 0)
		return r;
	*ret_fault = check_names(ret);
	if (*ret_fault)
		return -EINVAL;
	*ret_fault = "out of memory";
	if (kind == KIND_POD)
		ret->group = group_of(&src, metadata);
	if (kind == KIND_POD)
		r = pod_facts_read(index, json, &ret->facts);
	if (r == 0)
		r = make_text(ret, &src, metadata);
	if (r < 0)
		return r;
	*ret_fault = "over a limit";
	if (ret->text.len > JSON_TEXT_MAX)
		return -E2BIG;
	*ret_fault = NULL;
	return 0;
}
