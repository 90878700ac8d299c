/* SPDX-License-Identifier: Apache-2.0 */
/*
 * field: an object's JSON seen as directories and files.
 *
 * The path is the API's field path. Maps and lists are directories, every other
 * value but null is a file; podfs(5) has the rules ("Lists" and "Keys"). It is a
 * pure function of the text: a `struct view` is a text with its index, a `struct
 * field` is a place in it, valid for that view alone.
 *
 * Names in a directory are unique, at most NAME_MAX bytes, never empty, ".",
 * ".." or with a '/' or NUL in them. What cannot be named so is left out.
 */
#ifndef PODFS_MODEL_FIELD_H
#define PODFS_MODEL_FIELD_H

#include <podfs/model/json.h>

#define FIELD_NAME_MAX 255

/* A text that json_scan() has accepted, and its index. */
struct view {
	const char *text;
	size_t len;
	struct json_index index;
};

enum field_style {
	FIELD_UNSET,
	FIELD_FILE,        /* a value */
	FIELD_OBJECT,      /* the whole object: apiVersion and kind have no files */
	FIELD_METADATA,    /* a map whose `labels` and `annotations` are label maps */
	FIELD_MAP,         /* a map: a '/' in a key is written %2F */
	FIELD_LABELS,      /* a label map: a '/' in a key opens a directory */
	FIELD_PREFIX,      /* that directory; `node` is the first member with the prefix */
	FIELD_PREFIX_DEEP, /* the same, if one of its values is a map or a list */
	FIELD_INDEXED,     /* a list, named 0, 1, ... */
	FIELD_BY_NAME,     /* a list named by its elements' `name` */
	FIELD_BY_TYPE,
	FIELD_BY_IP,
};

struct field {
	uint32_t node : 26;
	uint32_t style : 6; /* enum field_style */
};

struct field_entry {
	uint32_t name_off; /* in `names` */
	uint32_t name_len;
	struct field field;
	uint32_t member; /* in `members`, if there are: where the entry's own begin */
	uint32_t members;
};

/* A directory's entries, sorted by the bytes of their names. */
struct field_list {
	struct buf names;
	struct field_entry *entries;
	size_t count;
	size_t cap;
	uint32_t *members; /* of a label map: the nodes, in the order of the entries */
	size_t left_out;   /* values whose name cannot be a file's */
};

struct field field_root(void);

static inline bool field_is_dir(struct field f)
{
	return f.style != FIELD_FILE;
}

/* Finds @name in directory @dir. 0; -ENOENT; -ENOMEM. */
int field_lookup(const struct view *view, struct field dir, const char *name, size_t len,
		 struct field *ret);

/* Finds a path of names joined by '/', from @dir; "" is @dir itself. */
int field_walk(const struct view *view, struct field dir, const char *path, struct field *ret);

/* Lists @dir into a zeroed or used list. 0 or -ENOMEM. */
int field_list(const struct view *view, struct field dir, struct field_list *ret);

/*
 * Lists the directory that entry @i of @list is. Like field_list() of its place,
 * but for all prefixes of a label map together that takes no longer than for
 * the map; there it would be that long for each. 0 or -ENOMEM.
 */
int field_list_below(const struct view *view, const struct field_list *list, size_t i,
		     struct field_list *ret);

static inline const char *field_entry_name(const struct field_list *list, size_t i)
{
	return list->names.data + list->entries[i].name_off;
}

/* Empties a list, which keeps most of its memory. */
void field_list_clear(struct field_list *list);
void field_list_release(struct field_list *list);
#define cleanup_field_list cleanup_(field_list_release)

/* Appends a file's bytes: the value and one newline. 0 or -ENOMEM. */
int field_value(const struct view *view, struct field file, struct buf *out);

/* How many bytes field_value() appends. 0 or -ENOMEM. */
int field_size(const struct view *view, struct field file, size_t *ret);

/* How many of a directory's entries are directories. 0 or -ENOMEM. */
int field_count_dirs(const struct view *view, struct field dir, uint32_t *ret);

/* How many of the values in @view have no name that a file could have. 0.. or -ENOMEM. */
int field_count_left_out(const struct view *view);

/* The text of a place, as written; what is equal there is equal below. */
void field_raw(const struct view *view, struct field f, const char **ret, size_t *ret_len);

#endif
