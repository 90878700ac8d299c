/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a place's children are named follows from its style, and a child's style
 * from its type, its key and its parent's style. So descending needs no more
 * than the place itself.
 *
 * A label map shows one level more than it has: keys are grouped by what stands
 * before their '/'. A group in which a '/' occurs is a FIELD_PREFIX, whose node
 * is the group's first member; the key without '/' is `.value` in it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <podfs/model/field.h>

#define PREFIX_VALUE ".value"

static const struct {
	const char *key;
	enum field_style style;
} keyed_lists[] = {
    {"containers", FIELD_BY_NAME},
    {"initContainers", FIELD_BY_NAME},
    {"ephemeralContainers", FIELD_BY_NAME},
    {"containerStatuses", FIELD_BY_NAME},
    {"initContainerStatuses", FIELD_BY_NAME},
    {"ephemeralContainerStatuses", FIELD_BY_NAME},
    {"volumes", FIELD_BY_NAME},
    {"env", FIELD_BY_NAME},
    {"imagePullSecrets", FIELD_BY_NAME},
    {"resourceClaims", FIELD_BY_NAME},
    {"conditions", FIELD_BY_TYPE},
    {"podIPs", FIELD_BY_IP},
    {"hostIPs", FIELD_BY_IP},
};

static const char *element_key(unsigned int style)
{
	switch (style) {
	case FIELD_BY_NAME:
		return "name";
	case FIELD_BY_TYPE:
		return "type";
	case FIELD_BY_IP:
		return "ip";
	default:
		return NULL;
	}
}

static const struct json_node *node_at(const struct view *view, uint32_t n)
{
	return &view->index.nodes[n];
}

struct field field_root(void)
{
	return (struct field){.node = 0, .style = FIELD_OBJECT};
}

/*
 * Appends a key as a file's name. Escaping cannot shorten it, so that @len over
 * the limit is refused before the work. False if no file can have such a name;
 * @names is as before then.
 */
static bool add_name(struct buf *names, const char *key, size_t len)
{
	size_t start = names->len;

	if (!len || len > FIELD_NAME_MAX || memchr(key, '\0', len))
		return false;
	if (len <= 2 && key[0] == '.' && key[len - 1] == '.') {
		for (size_t i = 0; i < len; i++)
			buf_addstr(names, "%2E");
		return true;
	}
	for (size_t i = 0; i < len; i++) {
		if (key[i] == '/')
			buf_addstr(names, "%2F");
		else if (key[i] == '%')
			buf_addstr(names, "%25");
		else
			buf_addch(names, key[i]);
	}
	if (names->err || names->len - start <= FIELD_NAME_MAX)
		return true;
	names->len = start;
	return false;
}

/* A string's value: where it stands if it can be used as it is, else decoded into @scratch. */
struct bytes {
	const char *p;
	size_t len;
};

static struct bytes key_bytes(const struct view *view, const struct json_node *node,
			      struct buf *scratch)
{
	if (!node->key_decode)
		return (struct bytes){view->text + node->key_off, node->key_len};
	buf_clear(scratch);
	json_key(scratch, view->text, node);
	return (struct bytes){scratch->data, scratch->len};
}

static struct bytes string_bytes(const struct view *view, const struct json_node *node,
				 struct buf *scratch)
{
	if (!node->decode)
		return (struct bytes){view->text + node->off, node->len};
	buf_clear(scratch);
	json_string(scratch, view->text, node);
	return (struct bytes){scratch->data, scratch->len};
}

static bool bytes_equal(struct bytes a, const char *p, size_t len)
{
	return a.len == len && !memcmp(a.p, p, len);
}

/* Splits a label key at its first '/'; false if it has none. */
static bool split_key(struct bytes key, struct bytes *ret_prefix, struct bytes *ret_rest)
{
	const char *slash = memchr(key.p, '/', key.len);

	if (!slash) {
		*ret_prefix = key;
		*ret_rest = (struct bytes){0};
		return false;
	}
	*ret_prefix = (struct bytes){key.p, (size_t)(slash - key.p)};
	*ret_rest = (struct bytes){slash + 1, key.len - ret_prefix->len - 1};
	return true;
}

static int compare_names(const char *names, const struct field_entry *a,
			 const struct field_entry *b)
{
	size_t n = a->name_len < b->name_len ? a->name_len : b->name_len;
	int order = memcmp(names + a->name_off, names + b->name_off, n);

	if (order)
		return order;
	return (a->name_len > b->name_len) - (a->name_len < b->name_len);
}

/* By name; of one name the later member first, as it is the one that counts. */
static int compare_entries(const void *a, const void *b, void *names)
{
	const struct field_entry *x = a;
	const struct field_entry *y = b;
	int order = compare_names(names, x, y);

	if (order)
		return order;
	return (x->field.node < y->field.node) - (x->field.node > y->field.node);
}

static int add_entry(struct field_list *list, const char *key, size_t len, struct field field)
{
	size_t off = list->names.len;

	if (!add_name(&list->names, key, len)) {
		list->left_out++;
		return 0;
	}
	if (list->count == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 16;
		struct field_entry *entries = realloc(list->entries, cap * sizeof(*entries));

		if (!entries)
			return -ENOMEM;
		list->entries = entries;
		list->cap = cap;
	}
	list->entries[list->count++] =
	    (struct field_entry){(uint32_t)off, (uint32_t)(list->names.len - off), field};
	return list->names.err;
}

/* Sorts, and makes one entry of those that share a name; nulls go last of all. */
static void settle(struct field_list *list)
{
	size_t kept = 0;

	if (!list->count)
		return;
	qsort_r(list->entries, list->count, sizeof(*list->entries), compare_entries,
		list->names.data);
	for (size_t i = 0; i < list->count;) {
		struct field_entry entry = list->entries[i];

		for (i++;
		     i < list->count && !compare_names(list->names.data, &entry, &list->entries[i]);
		     i++) {
			/* A group with a '/' in it is a directory from its first member on. */
			if (list->entries[i].field.style == FIELD_PREFIX)
				entry.field.style = FIELD_PREFIX;
			if (entry.field.style == FIELD_PREFIX)
				entry.field.node = list->entries[i].field.node;
		}
		if (entry.field.style != FIELD_UNSET)
			list->entries[kept++] = entry;
	}
	list->count = kept;
}

/* Whether every element has a usable key of its own. */
static bool keys_are_good(const struct view *view, uint32_t array, unsigned int style)
{
	cleanup_field_list struct field_list seen = {0};
	cleanup_buf struct buf scratch = {0};

	for (uint32_t e = json_first(&view->index, array); e; e = node_at(view, e)->next) {
		uint32_t k = json_member(&view->index, view->text, e, element_key(style));
		struct field f = {.node = e, .style = FIELD_MAP};

		if (!k || node_at(view, k)->type != JSON_STRING)
			return false;
		struct bytes key = string_bytes(view, node_at(view, k), &scratch);
		if (add_entry(&seen, key.p, key.len, f) < 0 || seen.left_out)
			return false;
	}
	size_t count = seen.count;
	settle(&seen);
	return seen.count == count;
}

static unsigned int list_style(const struct view *view, uint32_t array)
{
	const struct json_node *node = node_at(view, array);

	for (size_t i = 0; i < ARRAY_SIZE(keyed_lists); i++)
		if (json_key_is(view->text, node, keyed_lists[i].key))
			return keys_are_good(view, array, keyed_lists[i].style)
				   ? keyed_lists[i].style
				   : FIELD_INDEXED;
	return FIELD_INDEXED;
}

/* The place of child @n in a directory of style @parent; FIELD_UNSET for a null. */
static struct field child_field(const struct view *view, unsigned int parent, uint32_t n)
{
	const struct json_node *node = node_at(view, n);
	unsigned int style = FIELD_FILE;

	if (node->type == JSON_NULL) {
		style = FIELD_UNSET;
	} else if (node->type == JSON_ARRAY) {
		style = list_style(view, n);
	} else if (node->type == JSON_OBJECT) {
		if (parent == FIELD_METADATA && (json_key_is(view->text, node, "labels") ||
						 json_key_is(view->text, node, "annotations")))
			style = FIELD_LABELS;
		else if (json_key_is(view->text, node, "metadata"))
			style = FIELD_METADATA;
		else
			style = FIELD_MAP;
	}
	return (struct field){.node = n & 0x3ffffff, .style = style & 0x3f};
}

/* apiVersion and kind are the object's form, not its content. */
static bool is_hidden(const struct view *view, struct field dir, const struct json_node *node)
{
	return dir.style == FIELD_OBJECT && (json_key_is(view->text, node, "apiVersion") ||
					     json_key_is(view->text, node, "kind"));
}

/* What a member of a directory is called there, before escaping. */
struct member {
	struct bytes name;
	struct field field;
};

/* False: the member is none of this directory's. */
static bool name_member(const struct view *view, struct field dir, uint32_t n, uint32_t position,
			struct buf *scratch, struct member *ret)
{
	const struct json_node *node = node_at(view, n);
	const char *by = element_key(dir.style);
	struct bytes rest;

	if (is_hidden(view, dir, node))
		return false;
	if (dir.style == FIELD_INDEXED) {
		buf_clear(scratch);
		buf_addf(scratch, "%u", position);
		ret->name = (struct bytes){scratch->data, scratch->len};
	} else if (by) {
		uint32_t k = json_member(&view->index, view->text, n, by);

		ret->name = string_bytes(view, node_at(view, k), scratch);
	} else if (dir.style == FIELD_LABELS) {
		struct bytes key = key_bytes(view, node, scratch);

		/* A null opens no directory: the group may have nothing else. */
		if (split_key(key, &ret->name, &rest) && node->type != JSON_NULL) {
			ret->field = (struct field){.node = n & 0x3ffffff, .style = FIELD_PREFIX};
			return true;
		}
	} else if (dir.style == FIELD_PREFIX) {
		struct bytes key = key_bytes(view, node, scratch);
		struct bytes prefix;
		cleanup_buf struct buf first = {0};
		struct bytes own = key_bytes(view, node_at(view, dir.node), &first);

		split_key(own, &own, &rest);
		bool has_rest = split_key(key, &prefix, &rest);
		if (!bytes_equal(prefix, own.p, own.len))
			return false;
		ret->name =
		    has_rest ? rest : (struct bytes){PREFIX_VALUE, sizeof(PREFIX_VALUE) - 1};
	} else {
		ret->name = key_bytes(view, node, scratch);
	}
	ret->field = child_field(view, dir.style, n);
	return true;
}

static uint32_t first_child(const struct view *view, struct field dir)
{
	return dir.style == FIELD_PREFIX ? dir.node : json_first(&view->index, dir.node);
}

int field_list(const struct view *view, struct field dir, struct field_list *ret)
{
	cleanup_buf struct buf scratch = {0};
	uint32_t position = 0;

	ret->count = 0;
	ret->left_out = 0;
	buf_clear(&ret->names);
	if (!field_is_dir(dir))
		return 0;
	for (uint32_t c = first_child(view, dir); c; c = node_at(view, c)->next, position++) {
		struct member m;

		if (!name_member(view, dir, c, position, &scratch, &m))
			continue;
		int r = add_entry(ret, m.name.p, m.name.len, m.field);
		if (r < 0)
			return r;
	}
	settle(ret);
	return scratch.err;
}

void field_list_release(struct field_list *list)
{
	buf_release(&list->names);
	free(list->entries);
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
		struct bytes entry = {field_entry_name(&list, i), list.entries[i].name_len};

		if (bytes_equal(entry, name, len)) {
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
	cleanup_buf struct buf scratch = {0};
	struct field found = {0};
	uint32_t position = 0;
	uint32_t first = 0; /* of the members with that name */

	if (!field_is_dir(dir) || !is_file_name(name, len))
		return -ENOENT;
	if (memchr(name, '%', len))
		return lookup_escaped(view, dir, name, len, ret);
	/* A name that needs an escape has a '%', so these are equal to what is not escaped. */
	for (uint32_t c = first_child(view, dir); c; c = node_at(view, c)->next, position++) {
		struct member m;

		if (!name_member(view, dir, c, position, &scratch, &m) ||
		    !bytes_equal(m.name, name, len))
			continue;
		bool was_prefix = found.style == FIELD_PREFIX;
		if (!first)
			first = m.field.node;
		if (was_prefix || m.field.style == FIELD_PREFIX)
			m.field = (struct field){.node = first & 0x3ffffff, .style = FIELD_PREFIX};
		found = m.field;
	}
	if (scratch.err)
		return scratch.err;
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

static int count_below(const struct view *view, struct field dir)
{
	cleanup_field_list struct field_list list = {0};
	int r = field_list(view, dir, &list);
	int count = (int)list.left_out;

	if (r < 0)
		return r;
	for (size_t i = 0; i < list.count; i++) {
		if (!field_is_dir(list.entries[i].field))
			continue;
		r = count_below(view, list.entries[i].field);
		if (r < 0)
			return r;
		count += r;
	}
	return count;
}

int field_count_left_out(const struct view *view)
{
	/* An escape makes three bytes of one, so shorter keys always fit. */
	if (view->index.key_max <= FIELD_NAME_MAX / 3)
		return 0;
	return count_below(view, field_root());
}

void field_raw(const struct view *view, struct field f, const char **ret, size_t *ret_len)
{
	const struct json_node *node = node_at(view, f.node);

	*ret = f.style == FIELD_PREFIX ? NULL : view->text + node->off;
	*ret_len = f.style == FIELD_PREFIX ? 0 : node->len;
}
