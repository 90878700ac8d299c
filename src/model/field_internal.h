/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that make up `field` share. */
#ifndef PODFS_MODEL_FIELD_INTERNAL_H
#define PODFS_MODEL_FIELD_INTERNAL_H

#include <podfs/model/field.h>
#include <podfs/model/name.h>

static inline const struct json_node *node_at(const struct view *view, uint32_t n)
{
	return &view->index.nodes[n];
}

static inline struct field field_at(uint32_t node, enum field_style style)
{
	return (struct field){.node = node & 0x3ffffff, .style = (unsigned int)style & 0x3f};
}

/* entries.c: the names of one directory. */

/* Adds member @f to a listing, or counts it as left out. 0 or -ENOMEM. */
int entries_add(struct field_list *list, struct bytes key, struct field f);

/* Sorts, and makes one entry of those that share a name. */
void entries_settle(struct field_list *list);

/* Members of one directory that have one name, added in any order. */
struct same_name {
	struct field latest;
	uint32_t first;
	bool prefix; /* one of them has a '/' behind the name */
	bool nested; /* one of them is a map or a list */
};

void same_name_add(struct same_name *s, struct field f);
/* What they are together; FIELD_UNSET: nothing that has a file. */
struct field same_name_field(const struct same_name *s);

/* keyed.c: lists whose elements have names. */

/* The member that names the elements of a list of that style, or NULL. */
const char *keyed_member(unsigned int style);

/* How the elements of list @array are named. */
enum field_style keyed_style(const struct view *view, uint32_t array);

/* labels.c: label maps. */

/* The name that a key has in its label map's directory; @ret_slash: it has more behind that. */
struct bytes label_prefix(struct bytes key, bool *ret_slash);

/* The name that a key has in its prefix's directory. */
struct bytes label_rest(struct bytes key);

/* What a value whose key has a '/' is in its label map's directory. */
enum field_style label_style(const struct json_node *value);

static inline bool field_is_prefix(struct field f)
{
	return f.style == FIELD_PREFIX || f.style == FIELD_PREFIX_DEEP;
}

/* field.c */

/* The place of child @n in a directory of style @parent; FIELD_UNSET for a null. */
struct field field_child(const struct view *view, unsigned int parent, uint32_t n);

/* apiVersion and kind are the object's form, not its content: they have no files. */
bool field_is_hidden(const struct view *view, struct field dir, uint32_t n);

#endif
