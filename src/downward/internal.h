/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this module share.
 *
 * Where a function takes @out to append a value to, NULL asks only whether
 * there is one; maps are not written out for that.
 */
#ifndef PODFS_DOWNWARD_INTERNAL_H
#define PODFS_DOWNWARD_INTERNAL_H

#include <podfs/base/bytes.h>
#include <podfs/downward/downward.h>
#include <podfs/model/name.h>
#include <podfs/model/quantity.h>
#include <podfs/model/render.h>

static inline const struct json_node *node_at(const struct view *view, uint32_t n)
{
	return &view->index.nodes[n];
}

/* Member @key of @n, which is not the root; 0 if there is none or @n is 0. */
static inline uint32_t node_member(const struct view *view, uint32_t n, const char *key)
{
	return n ? json_member(&view->index, view->text, n, key) : 0;
}

/* Member @folder.@key of the object, or 0. */
static inline uint32_t view_member(const struct view *view, const char *folder, const char *key)
{
	return node_member(view, json_member(&view->index, view->text, 0, folder), key);
}

/* The first child of @n, or 0, also if @n is 0 or no map or list. */
static inline uint32_t node_first(const struct view *view, uint32_t n)
{
	return n ? json_first(&view->index, n) : 0;
}

/* The string that @n is; of length 0 if it is none. */
static inline struct bytes node_string(const struct view *view, uint32_t n, struct buf *scratch)
{
	if (!n || node_at(view, n)->type != JSON_STRING)
		return (struct bytes){"", 0};
	return field_string(view, n, scratch);
}

static inline bool bytes_are(struct bytes b, const char *text)
{
	return bytes_equal(b.p, b.len, text, strlen(text));
}

/* list.c: names with what they stand for. */

void list_clear(struct downward_list *list);

/* Adds a name as it is. 0 or -ENOMEM. */
int list_add(struct downward_list *list, struct bytes name, struct downward_place place,
	     uint32_t node);

/* Adds element @n of a list by its `name`, unless no file can be called so. 0 or -ENOMEM. */
int list_add_named(struct downward_list *list, const struct view *view, uint32_t n);

/* Sorts; of one name the entry that was added first stays. */
void list_settle(struct downward_list *list);

/* containers.c */

enum container_kind {
	CONTAINER_APP = 1,
	CONTAINER_INIT = 2,
	CONTAINER_EPHEMERAL = 4,
};

/* Those that the kubelet looks for by name, and that have resources. */
#define CONTAINERS_NAMED (CONTAINER_APP | CONTAINER_INIT)
#define CONTAINERS_ALL (CONTAINERS_NAMED | CONTAINER_EPHEMERAL)

/* The containers of some kinds by the names of their directories. 0 or -ENOMEM. */
int containers_list(const struct view *pod, unsigned int kinds, struct downward_list *ret);

/* The container whose directory is @name; 0: none. 0 or -ENOMEM. */
int container_at(const struct view *pod, unsigned int kinds, struct bytes name, uint32_t *ret);

/* An app or init container by its own name, and which of the two it is. 0; -ENOENT; -ENOMEM. */
int container_named(const struct view *pod, struct bytes name, uint32_t *ret,
		    enum container_kind *ret_kind);

/* fields.c */

enum field_use {
	USE_UNSET,
	USE_FILE,   /* a file in downward/: every field */
	USE_ENV,    /* a fieldRef of a variable */
	USE_VOLUME, /* a fieldRef of a volume's file */
};

/* Appends what a field path stands for. 0; -ENOENT; -ENOMEM. */
int field_read(const struct downward_source *s, struct bytes path, enum field_use use,
	       struct buf *out);

/* Lists the fields that have a value. 0 or -ENOMEM. */
int fields_list(const struct downward_source *s, struct downward_list *ret);

#define FIELD_COUNT 11
/* The path of field @i. */
const char *field_path(size_t i);

/* Appends a label map as the kubelet's FormatMap() does. 0 or -ENOMEM. */
int map_read(const struct view *pod, const char *map, struct buf *out);

/* subscript.c */

/* What a path like metadata.labels['k'] consists of. False: it is no such path. */
struct subscript {
	const char *map; /* "labels" or "annotations" */
	struct bytes key;
};

bool subscript_parse(struct bytes path, struct subscript *ret);

/* Appends the value of that key, if the pod has it. 0 or -ENOMEM. */
int subscript_read(const struct view *pod, const struct subscript *subscript, struct buf *out);

/* Reports `downward/metadata.labels['k']`, if there can be such a file. 0 or -ENOMEM. */
int subscript_report(const char *map, struct bytes key, struct diff *diff);

/* The members of metadata.@map, if the pod has it. 0 or -ENOMEM. */
int map_sort(const struct view *pod, const char *map, struct sorted_members *ret);

/* hosts.c */

/* Append status.hostIP, or all of status.hostIPs. 0; -ENOENT: not known; -ENOMEM. */
int host_ips_read(const struct downward_source *s, bool all, struct buf *out);
/* The same of status.podIP and status.podIPs. */
int pod_ips_read(const struct downward_source *s, bool all, struct buf *out);

/* resources.c */

/* A resource of a container: "limits.memory". */
struct resource {
	bool is_limit;
	struct bytes name; /* "memory" */
};

/* False: no resource that the Downward API has. */
bool resource_parse(struct bytes text, struct resource *ret);

/* Where a limit that is unset or zero comes from. */
enum resource_default {
	DEFAULT_UNSET,
	DEFAULT_NONE, /* it is zero */
	DEFAULT_NODE, /* the node's allocatable amount */
	DEFAULT_POD,  /* the pod's own limit, if it has one, else the node's */
};

/* A container's amount. 0; -ENOENT: it cannot be known. */
int resource_amount(const struct downward_source *s, uint32_t container,
		    const struct resource *resource, enum resource_default fallback,
		    struct quantity *ret);

/* A quantity in JSON, 0 if there is none. 0; -EINVAL. */
int quantity_at(const struct view *view, uint32_t n, struct quantity *ret);

/* Appends how many times @divisor covers @amount. 0 or -ENOMEM. */
int amount_print(const struct resource *resource, const struct quantity *amount,
		 const struct quantity *divisor, struct buf *out);

/* The huge pages that are listed: "hugepages-2Mi". 0 or -ENOMEM. */
int hugepages_list(const struct downward_source *s, struct downward_list *ret);

/* Appends the file @name, "limits.cpu@1m", of a container. 0; -ENOENT; -ENOMEM. */
int resource_read(const struct downward_source *s, uint32_t container, struct bytes name,
		  struct buf *out);

/* Lists a container's directory. 0 or -ENOMEM. */
int resources_list(const struct downward_source *s, uint32_t container, struct downward_list *ret);

/* reference.c */

/*
 * Appends what a fieldRef or resourceFieldRef in @holder stands for.
 *
 * @holder     a variable's `valueFrom`, or a volume's item
 * @container  of the variable; 0 in a volume
 *
 * 0; -ENOENT; -ENOMEM.
 */
int reference_read(const struct downward_source *s, uint32_t holder, uint32_t container,
		   struct buf *out);

/* Its fieldRef's path; empty if it has none. As node_string(). */
struct bytes reference_field(const struct view *pod, uint32_t holder, struct buf *scratch);

/* files.c: files whose paths the pod chooses. */

struct file {
	uint32_t path_off; /* in `paths`: "env/main/POD_IP" */
	uint32_t path_len;
	mode_t mode;
	uint32_t holder; /* of the reference; 0: no file after all */
	uint32_t container;
};

/* Sorted so that a directory's files follow each other, and directories are in order of name. */
struct files {
	struct buf paths;
	struct file *files;
	size_t count;
	size_t cap;
};

static inline struct bytes file_path(const struct files *files, size_t i)
{
	return (struct bytes){files->paths.data + files->files[i].path_off,
			      files->files[i].path_len};
}

/* Adds @file, whose path is what `paths` got since it was @path_off long. 0 or -ENOMEM. */
int files_add(struct files *files, size_t path_off, struct file file);

/* Sorts; of one path the file added last stays. */
void files_sort(struct files *files);

/* Of sorted files: leaves out those without a value, and what would be below a file. 0 or -ENOMEM.
 */
int files_settle(const struct downward_source *s, struct files *files);

/* Whether files_settle() would keep file @i of sorted ones. 0; -ENOENT: no; -ENOMEM. */
int files_is_shown(const struct downward_source *s, const struct files *files, size_t i);

/* What is at @path: 0, with the file's number if it is one; or -ENOENT. */
int files_find(const struct files *files, struct bytes path, struct downward_place *ret,
	       size_t *ret_i);

/* Adds the entries of directory @path, "" or a path, to a list. 0 or -ENOMEM. */
int files_list(const struct files *files, struct bytes path, struct downward_list *ret);

void files_release(struct files *files);
#define cleanup_files cleanup_(files_release)

/* env.c, volumes.c: all files, or those of one container or volume. 0 or -ENOMEM. */
int env_files(const struct downward_source *s, struct bytes only, struct files *ret);
int volume_files(const struct downward_source *s, struct bytes only, struct files *ret);

/* Appends the variable whose file is @name, of the container whose directory is @folder. */
int env_read(const struct downward_source *s, struct bytes folder, struct bytes name,
	     struct buf *out);

/* diff_maps.c: two pods' labels and annotations. */
struct map_diff {
	bool is_read;
	bool differs;
	struct sorted_members was; /* of maps that are written alike: empty */
	struct sorted_members is;
};

struct map_diffs {
	const struct view *old;
	const struct view *new;
	struct map_diff maps[2];
	struct buf a;
	struct buf b;
};

/* Whether what a field path stands for differs. 0; -ENOENT: it is in none of them; -ENOMEM. */
int map_diffs_compare(struct map_diffs *d, struct bytes path, bool *ret);
/* Reports the keys of `labels` or `annotations` that have another value. 0 or -ENOMEM. */
int map_diffs_keys(struct map_diffs *d, const char *map, struct diff *diff);
void map_diffs_release(struct map_diffs *d);
#define cleanup_map_diffs cleanup_(map_diffs_release)

/* diff_files.c: settled files; or sorted ones that are the same in both, of which only maps differ.
 */
int files_diff(const struct downward_source *old, const struct files *was,
	       const struct downward_source *new, const struct files *is, struct map_diffs *maps,
	       struct diff *diff);
int files_diff_maps(const struct downward_source *new, const struct files *files,
		    struct map_diffs *maps, struct diff *diff);

/* diff_resources.c */
int resources_diff(const struct downward_source *old, const struct downward_source *new,
		   struct diff *diff);

/* diff.c: whether two values, 0 for none, are written alike. */
bool same_text(const struct view *a, uint32_t x, const struct view *b, uint32_t y);

/* Adds a change of `downward/` + @path. 0 or -ENOMEM. */
int report(struct diff *diff, enum change_kind kind, struct bytes path);

#endif
