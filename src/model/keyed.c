/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists whose elements are named by one of their members, if each of them can be.
 */
#include <podfs/base/bytes.h>
#include <podfs/base/hash.h>

#include "field_internal.h"

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

const char *keyed_member(unsigned int style)
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

/* A name in a hash table; one of length 0 is none. */
struct slot {
	uint32_t off;
	uint32_t len;
};

/* The names of a list's elements: open addressing, at most half full. */
struct name_set {
	struct buf names;
	struct slot *slots;
	size_t mask;
};

/* Takes in the name that ends `names`. False if it is there already. */
static bool set_add(struct name_set *set, size_t off)
{
	const char *name = set->names.data + off;
	size_t len = set->names.len - off;
	size_t at = hash_bytes(hash_process_key(), name, len) & set->mask;

	for (; set->slots[at].len; at = (at + 1) & set->mask)
		if (bytes_equal(set->names.data + set->slots[at].off, set->slots[at].len, name,
				len))
			return false;
	set->slots[at] = (struct slot){(uint32_t)off, (uint32_t)len};
	return true;
}

static bool set_add_key(struct name_set *set, struct bytes key)
{
	size_t off = set->names.len;

	return name_add(&set->names, key) && !set->names.err && set_add(set, off);
}

/* Whether every element has a usable key of its own. */
static bool keys_are_good(const struct view *view, uint32_t array, unsigned int style)
{
	struct slot few[32] = {0};
	cleanup_free struct slot *many = NULL;
	cleanup_buf struct buf scratch = {0};
	struct name_set set = {.slots = few, .mask = ARRAY_SIZE(few) - 1};
	bool good = true;

	while (set.mask < node_at(view, array)->count * (size_t)2)
		set.mask = set.mask * 2 + 1;
	if (set.mask >= ARRAY_SIZE(few)) {
		set.slots = many = calloc(set.mask + 1, sizeof(*many));
		if (!many)
			return false;
	}
	for (uint32_t e = json_first(&view->index, array); e && good; e = node_at(view, e)->next) {
		uint32_t k = json_member(&view->index, view->text, e, keyed_member(style));

		good = k && node_at(view, k)->type == JSON_STRING &&
		       set_add_key(&set, field_string(view, k, &scratch));
	}
	buf_release(&set.names);
	return good;
}

enum field_style keyed_style(const struct view *view, uint32_t array)
{
	const struct json_node *node = node_at(view, array);

	for (size_t i = 0; i < ARRAY_SIZE(keyed_lists); i++)
		if (json_key_is(view->text, node, keyed_lists[i].key))
			return keys_are_good(view, array, keyed_lists[i].style)
				   ? keyed_lists[i].style
				   : FIELD_INDEXED;
	return FIELD_INDEXED;
}
