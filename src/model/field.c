/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a place's children are named follows from its style, and a child's style
 * from its type, its key and its parent's style. So descending needs no more
 * than the place itself.
 *
 * A list's style is the costly one: all its elements must be looked at. It is
 * found out only for what is asked for, never for what is merely passed by.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <podfs/base/bytes.h>

#include "field_internal.h"

struct field field_root(void)
{
	return field_at(0, FIELD_OBJECT);
}

struct bytes field_key(const struct view *view, uint32_t n, struct buf *scratch)
{
	const struct json_node *node = node_at(view, n);

	if (!node->key_decode)
		return (struct bytes){view->text + node->key_off, node->key_len};
	buf_clear(scratch);
	json_key(scratch, view->text, node);
	return (struct bytes){scratch->data, scratch->len};
}

struct bytes field_string(const struct view *view, uint32_t n, struct buf *scratch)
{
	const struct json_node *node = node_at(view, n);

	if (!node->decode)
		return (struct bytes){view->text + node->off, node->len};
	buf_clear(scratch);
	json_string(scratch, view->text, node);
	return (struct bytes){scratch->data, scratch->len};
}

struct field field_child(const struct view *view, unsigned int parent, uint32_t n)
{
	const struct json_node *node = node_at(view, n);

	switch (node->type) {
	case JSON_NULL:
		return field_at(n, FIELD_UNSET);
	case JSON_ARRAY:
		return field_at(n, keyed_style(view, n));
	case JSON_OBJECT:
		if (parent == FIELD_METADATA && (json_key_is(view->text, node, "labels") ||
						 json_key_is(view->text, node, "annotations")))
			return field_at(n, FIELD_LABELS);
		if (json_key_is(view->text, node, "metadata"))
			return field_at(n, FIELD_METADATA);
		return field_at(n, FIELD_MAP);
	default:
		return field_at(n, FIELD_FILE);
	}
}

bool field_is_hidden(const struct view *view, struct field dir, uint32_t n)
{
	const struct json_node *node = node_at(view, n);

	return dir.style == FIELD_OBJECT && (json_key_is(view->text, node, "apiVersion") ||
					     json_key_is(view->text, node, "kind"));
}

/* Goes over a directory's members, in the order of the text. */
struct members {
	const struct view *view;
	struct field dir;
	uint32_t next;
	uint32_t position;
	struct buf scratch;
	struct buf own_scratch;
	struct bytes prefix; /* of a prefix's directory */
	/* The member we are at: */
	uint32_t node;
	struct bytes name; /* before escaping */
	bool slash;        /* in a label map: the key has more behind the name */
};

static void members_start(struct members *m, const struct view *view, struct field dir)
{
	bool slash;

	*m = (struct members){.view = view, .dir = dir};
	if (field_is_prefix(dir)) {
		m->next = dir.node;
		m->prefix = label_prefix(field_key(view, dir.node, &m->own_scratch), &slash);
	} else if (field_is_dir(dir)) {
		m->next = json_first(&view->index, dir.node);
	}
}

static void members_end(struct members *m)
{
	buf_release(&m->scratch);
	buf_release(&m->own_scratch);
}
#define cleanup_members cleanup_(members_end)

/* Names the member we are at. False: it is none of this directory's. */
static bool name_member(struct members *m, uint32_t position)
{
	const char *by = keyed_member(m->dir.style);

	if (field_is_hidden(m->view, m->dir, m->node))
		return false;
	if (m->dir.style == FIELD_INDEXED) {
		buf_clear(&m->scratch);
		buf_addf(&m->scratch, "%u", position);
		m->name = (struct bytes){m->scratch.data, m->scratch.len};
		return true;
	}
	if (by) {
		uint32_t k = json_member(&m->view->index, m->view->text, m->node, by);

		m->name = field_string(m->view, k, &m->scratch);
		return true;
	}
	struct bytes key = field_key(m->view, m->node, &m->scratch);
	m->name = key;
	if (m->dir.style == FIELD_LABELS) {
		m->name = label_prefix(key, &m->slash);
	} else if (field_is_prefix(m->dir)) {
		bool slash;
		struct bytes prefix = label_prefix(key, &slash);

		m->name = label_rest(key);
		return bytes_equal(prefix.p, prefix.len, m->prefix.p, m->prefix.len);
	}
	return true;
}

/* False behind the last one, or without memory: then `scratch` has the error. */
static bool members_next(struct members *m)
{
	bool named = false;

	while (m->next && !named && !m->scratch.err) {
		m->node = m->next;
		m->next = node_at(m->view, m->node)->next;
		named = name_member(m, m->position++);
	}
	return named && !m->scratch.err;
}

/* What the member we are at is. */
static struct field members_field(const struct members *m)
{
	if (m->slash)
		return field_at(m->node, label_style(node_at(m->view, m->node)));
	return field_child(m->view, m->dir.style, m->node);
}

void field_list_clear(struct field_list *list)
{
	list->count = 0;
	list->left_out = 0;
	buf_clear(&list->names);
	free(take_ptr(list->members));
}

int field_list(const struct view *view, struct field dir, struct field_list *ret)
{
	cleanup_members struct members m = {0};

	field_list_clear(ret);
	members_start(&m, view, dir);
	while (members_next(&m)) {
		int r = entries_add(ret, m.name, members_field(&m));

		if (r < 0)
			return r;
	}
	if (dir.style == FIELD_LABELS) {
		ret->members = calloc(ret->count + 1, sizeof(*ret->members));
		if (!ret->members)
			return -ENOMEM;
	}
	entries_settle(ret);
	return m.scratch.err ? m.scratch.err : m.own_scratch.err;
}

void field_list_release(struct field_list *list)
{
	buf_release(&list->names);
	free(list->entries);
	free(list->members);
	*list = (struct field_list){0};
}

/* A name with an escape in it: too rare to deserve more than a search in the listing. */
static int lookup_escaped(const struct view *view, struct field dir, const char *name, size_t len,
			  struct field *ret)
{
	cleanup_field_list struct field_list list = {0};
	int r = field_list(view, dir, &list);

	if (r < 0)
		return r;
	for (size_t i = 0; i < list.count; i++) {
		if (bytes_equal(field_entry_name(&list, i), list.entries[i].name_len, name, len)) {
			*ret = list.entries[i].field;
			return 0;
		}
	}
	return -ENOENT;
}

/* Whether a file can be called so; names in a text can be anything. */
static bool is_file_name(const char *name, size_t len)
{
	return len && len <= FIELD_NAME_MAX && !memchr(name, '/', len) &&
	       !memchr(name, '\0', len) && !(len <= 2 && name[0] == '.' && name[len - 1] == '.');
}

int field_lookup(const struct view *view, struct field dir, const char *name, size_t len,
		 struct field *ret)
{
	cleanup_members struct members m = {0};
	struct same_name same = {0};

	if (!field_is_dir(dir) || !is_file_name(name, len))
		return -ENOENT;
	if (memchr(name, '%', len))
		return lookup_escaped(view, dir, name, len, ret);
	members_start(&m, view, dir);
	/* A name that needs an escape has a '%', so these are equal to what is not escaped. */
	while (members_next(&m))
		if (bytes_equal(m.name.p, m.name.len, name, len))
			same_name_add(&same, members_field(&m));
	if (m.scratch.err || m.own_scratch.err)
		return -ENOMEM;
	struct field found = same_name_field(&same);
	if (found.style == FIELD_UNSET)
		return -ENOENT;
	*ret = found;
	return 0;
}

int field_walk(const struct view *view, struct field dir, const char *path, struct field *ret)
{
	struct field at = dir;

	while (*path) {
		size_t n = strcspn(path, "/");
		int r = field_lookup(view, at, path, n, &at);

		if (r < 0)
			return r;
		path += n + (path[n] == '/');
	}
	*ret = at;
	return 0;
}

int field_value(const struct view *view, struct field file, struct buf *out)
{
	const struct json_node *node = node_at(view, file.node);

	if (node->type == JSON_STRING)
		json_string(out, view->text, node);
	else
		buf_add(out, view->text + node->off, node->len);
	return buf_addch(out, '\n');
}

int field_size(const struct view *view, struct field file, size_t *ret)
{
	const struct json_node *node = node_at(view, file.node);
	cleanup_buf struct buf scratch = {0};

	if (node->type == JSON_STRING)
		*ret = field_string(view, file.node, &scratch).len + 1;
	else
		*ret = (size_t)node->len + 1;
	return scratch.err;
}

void field_raw(const struct view *view, struct field f, const char **ret, size_t *ret_len)
{
	const struct json_node *node = node_at(view, f.node);
	bool is_prefix = field_is_prefix(f);

	*ret = is_prefix ? NULL : view->text + node->off;
	*ret_len = is_prefix ? 0 : node->len;
}
