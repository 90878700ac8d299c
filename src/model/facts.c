/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <podfs/base/array.h>
#include <podfs/model/facts.h>

/* Never in the way of a real key or value: strings with a NUL are no facts. */
#define NO_FACT UINT32_MAX

struct source {
	const struct json_index *index;
	const char *text;
	struct pod_facts *facts;
};

/* The member of an object below the top; 0 if there is none, or no object. */
static uint32_t member(const struct source *src, uint32_t n, const char *key)
{
	return n ? json_member(src->index, src->text, n, key) : 0;
}

static uint32_t top_member(const struct source *src, const char *key)
{
	return json_member(src->index, src->text, 0, key);
}

/* Keeps a string or a key; NO_FACT if it is no C string. */
static uint32_t keep(const struct source *src, uint32_t n, bool key)
{
	struct buf *out = &src->facts->strings;
	const struct json_node *node = &src->index->nodes[n];
	size_t off = out->len;

	if (!key && node->type != JSON_STRING)
		return NO_FACT;
	if (key)
		json_key(out, src->text, node);
	else
		json_string(out, src->text, node);
	if (out->err)
		return NO_FACT;
	if (memchr(out->data + off, '\0', out->len - off)) {
		out->len = off;
		return NO_FACT;
	}
	buf_addch(out, '\0');
	return (uint32_t)off;
}

static int compare_labels(const void *a, const void *b, void *strings)
{
	const struct fact_label *x = a;
	const struct fact_label *y = b;
	int order = strcmp((char *)strings + x->key, (char *)strings + y->key);

	/* Of one key twice the last one counts: it comes first here. */
	return order ? order : (x->key < y->key) - (x->key > y->key);
}

static int read_labels(const struct source *src, uint32_t labels)
{
	struct pod_facts *f = src->facts;
	size_t kept = 0;

	for (uint32_t m = json_first(src->index, labels); m; m = src->index->nodes[m].next) {
		struct fact_label label = {.key = keep(src, m, true)};

		label.value = label.key == NO_FACT ? NO_FACT : keep(src, m, false);
		if (label.value == NO_FACT)
			continue;
		if (array_grow(&f->labels, f->label_count, &f->label_cap, sizeof(*f->labels)) < 0)
			return -ENOMEM;
		f->labels[f->label_count++] = label;
	}
	if (f->strings.err)
		return f->strings.err;
	if (f->label_count)
		qsort_r(f->labels, f->label_count, sizeof(*f->labels), compare_labels,
			f->strings.data);
	for (size_t i = 0; i < f->label_count; i++)
		if (!kept || strcmp(fact_string(f, f->labels[kept - 1].key),
				    fact_string(f, f->labels[i].key)) != 0)
			f->labels[kept++] = f->labels[i];
	f->label_count = kept;
	return 0;
}

bool address_normalize(const char *text, size_t len, char ret[ADDRESS_MAX])
{
	char spelled[ADDRESS_MAX];
	struct in6_addr v6;
	struct in_addr v4;

	if (!len || len >= sizeof(spelled))
		return false;
	memcpy(spelled, text, len);
	spelled[len] = '\0';
	if (strlen(spelled) != len)
		return false;
	if (inet_pton(AF_INET, spelled, &v4) == 1)
		return inet_ntop(AF_INET, &v4, ret, ADDRESS_MAX);
	if (inet_pton(AF_INET6, spelled, &v6) != 1)
		return false;
	if (!IN6_IS_ADDR_V4MAPPED(&v6))
		return inet_ntop(AF_INET6, &v6, ret, ADDRESS_MAX);
	memcpy(&v4, v6.s6_addr + 12, sizeof(v4));
	return inet_ntop(AF_INET, &v4, ret, ADDRESS_MAX);
}

/* Of node @n, if it is a string that is an address, and not known yet. */
static int add_address(const struct source *src, uint32_t n)
{
	struct pod_facts *f = src->facts;
	char address[ADDRESS_MAX];
	size_t mark = f->strings.len;
	uint32_t off = n ? keep(src, n, false) : NO_FACT;

	if (off == NO_FACT)
		return f->strings.err;
	bool is_address =
	    address_normalize(f->strings.data + off, strlen(f->strings.data + off), address);
	f->strings.len = mark;
	for (size_t i = 0; i < f->address_count && is_address; i++)
		is_address = strcmp(fact_string(f, f->addresses[i]), address) != 0;
	if (!is_address || f->address_count == POD_ADDRESSES_MAX)
		return 0;
	f->addresses[f->address_count++] = (uint32_t)mark;
	return buf_add(&f->strings, address, strlen(address) + 1);
}

static bool is_finished(const struct source *src, uint32_t status)
{
	uint32_t phase = member(src, status, "phase");
	const struct json_node *node = &src->index->nodes[phase];

	if (!phase || node->type != JSON_STRING)
		return false;
	return (node->len == 9 && !memcmp(src->text + node->off, "Succeeded", 9)) ||
	       (node->len == 6 && !memcmp(src->text + node->off, "Failed", 6));
}

static int read_addresses(const struct source *src)
{
	uint32_t spec = top_member(src, "spec");
	uint32_t status = top_member(src, "status");
	uint32_t host = member(src, spec, "hostNetwork");
	uint32_t list = member(src, status, "podIPs");

	if ((host && src->index->nodes[host].type == JSON_TRUE) || is_finished(src, status))
		return 0;
	int r = add_address(src, member(src, status, "podIP"));
	if (!list || src->index->nodes[list].type != JSON_ARRAY)
		return r;
	for (uint32_t i = json_first(src->index, list); i && r == 0; i = src->index->nodes[i].next)
		if (src->index->nodes[i].type == JSON_OBJECT)
			r = add_address(src, member(src, i, "ip"));
	return r;
}

int pod_facts_read(const struct json_index *index, const char *text, struct pod_facts *ret)
{
	const struct source src = {index, text, ret};
	uint32_t metadata = top_member(&src, "metadata");
	uint32_t labels = member(&src, metadata, "labels");
	uint32_t annotations = member(&src, metadata, "annotations");
	uint32_t hash = member(&src, annotations, "kubernetes.io/config.hash");

	/* Where there is no hash: an empty string of its own. */
	buf_addch(&ret->strings, '\0');
	int r = labels && index->nodes[labels].type == JSON_OBJECT ? read_labels(&src, labels) : 0;
	if (r == 0)
		r = read_addresses(&src);
	uint32_t off = hash && r == 0 ? keep(&src, hash, false) : NO_FACT;
	ret->config_hash = off == NO_FACT ? 0 : off;
	return r == 0 ? ret->strings.err : r;
}

void pod_facts_release(struct pod_facts *f)
{
	buf_release(&f->strings);
	free(f->labels);
	*f = (struct pod_facts){0};
}
