/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree: what the mount shows, as a function of the store.
 *
 * Nothing of the tree exists until it is asked for: a place is found by walking
 * names from the root, and says what is there now. No I/O, no FUSE.
 *
 * Everything here is called under the store's shared lock, and what a place
 * points to is valid as long as that is held; the exceptions say so.
 */
#ifndef PODFS_TREE_TREE_H
#define PODFS_TREE_TREE_H

#include <sys/types.h>

#include <podfs/store/store.h>

enum tree_kind {
	TREE_UNSET,
	TREE_ROOT,
	TREE_NAMESPACES,
	TREE_NAMESPACE,
	TREE_PODS,
	TREE_POD,
	TREE_POD_NODE,   /* <pod>/node: the Node's metadata */
	TREE_CONTAINERS, /* <pod>/containers */
	TREE_CONTAINER,
	TREE_DOWNWARD_DIR, /* <pod>/downward and below */
	TREE_DOWNWARD_FILE,
	TREE_NODES,
	TREE_NODE,
	TREE_NODE_PODS,      /* nodes/<node>/pods */
	TREE_NODE_NAMESPACE, /* nodes/<node>/pods/<ns> */
	TREE_FIELD,          /* a directory or file of an object's fields */
	TREE_JSON,
	TREE_YAML,
	TREE_LINK,
	TREE_SELECT,    /* select, namespaces/<ns>/select */
	TREE_SELECTION, /* <selector> in one of these: of the latter if it has a namespace */
	TREE_SELECTION_NAMESPACE, /* select/<selector>/<ns> */
	TREE_BY_IP,
	TREE_BY_UID,
	TREE_OWN_POD, /* /self, the same for everybody */
	TREE_CALLER,  /* /self, by who asks: volatile, and not listed */
	TREE_SELF,    /* .podfs */
	TREE_SELF_STATUS,
	TREE_SELF_METRICS,
	TREE_SELF_VERSION,
};

/* What the filesystem says about itself. [worker] Any of them may be called at any time. */
struct tree_self {
	void *ctx;
	int (*status)(void *ctx, struct buf *out);
	int (*metrics)(void *ctx, struct buf *out);
	int (*version)(void *ctx, struct buf *out);
};

/* Which pod /self leads to. A zeroed struct: there is none. */
struct tree_own {
	/* The same for everybody: the pod of these names, while there is one. NULL: none. */
	const char *namespace;
	const char *pod;
	bool not_on_host; /* only if that pod is not on its host's network */
	/*
	 * If not NULL: /self is this instead, the link's target for a thread that looks it up.
	 * [worker] 0; -ENOENT: that thread has none; -ENOMEM.
	 */
	int (*caller)(void *ctx, pid_t tid, struct buf *target);
	void *ctx;
};

struct tree {
	struct store *store;
	struct tree_self self;
	struct tree_own own;
	int64_t started_ns;
};

struct tree_place {
	enum tree_kind kind;
	struct field field;    /* of a TREE_FIELD */
	struct object *object; /* whose content it is, or NULL */
	const struct store_namespace *ns;
	const struct store_node *node;
	const struct store_node_namespace *on_node; /* of a TREE_NODE_NAMESPACE and below */
	struct opened *opened;                      /* of `object`: owned */
	struct opened *node_opened;  /* below downward/, of the pod's Node if it is known: owned */
	struct buf path;             /* from the object's own directory to here */
	uint64_t seed;               /* of inode numbers below here */
	enum tree_kind dir;          /* of the folder it is in */
	struct object *pod;          /* of a link in a view: where it leads */
	struct selection *selection; /* here and below, or NULL; owned */
};

/* One name of a directory. */
struct tree_entry {
	const char *name; /* not NUL-terminated */
	size_t name_len;
	uint64_t cookie; /* where a listing goes on behind it */
	enum tree_kind kind;
	struct field field;
	struct object *object;
	const struct store_namespace *ns;
	const struct store_node *node;
	const struct store_node_namespace *on_node;
	struct object *pod;  /* as in the place */
	struct store *store; /* of a selection */
	bool uncached;       /* nobody is told when the name, found or not, leads elsewhere */
};

struct tree_attr {
	uint32_t type; /* S_IFDIR, S_IFREG or S_IFLNK */
	uint32_t nlink;
	uint16_t mode; /* permissions */
	uint64_t ino;
	uint64_t size;
	int64_t mtime_ns;
};

/* The root's place. A place is released in any case, also after a failed walk. */
void tree_root(const struct tree *t, struct tree_place *ret);
void tree_place_release(struct tree_place *p);
#define cleanup_place cleanup_(tree_place_release)

/* A second place like @p. 0 or -ENOMEM. */
int tree_place_copy(const struct tree_place *p, struct tree_place *ret);

/*
 * Finds @name in directory @dir. What is found may have another name, which is
 * listed; `uncached` is set also if nothing is found.
 *
 * 0; -ENOENT; -EINVAL: a malformed selector; -ENOMEM.
 */
int tree_find(const struct tree *t, const struct tree_place *dir, const char *name, size_t len,
	      struct tree_entry *ret);

/* Makes @p, the directory in which @entry was found or listed, the entry's place. 0 or -ENOMEM. */
int tree_enter(struct tree_place *p, const struct tree_entry *entry);

/* Walks from the root: "namespaces/shop/pods". "" is the root. Errors as of tree_find(). */
int tree_walk(const struct tree *t, const char *path, struct tree_place *ret);

/* The known Node that a pod is on, or NULL. */
const struct store_node *tree_pod_node(const struct tree *t, const struct object *pod);

/* The pod that tree_own names, if it is there and as tree_own wants it; else NULL. */
struct object *tree_own_pod(const struct tree *t);

/* Appends a pod's path from the root. 0 or -ENOMEM. */
int tree_pod_path(const struct object *pod, struct buf *out);

/* Called for each entry; returns 0 to go on, anything else ends the listing. */
typedef int (*tree_list_fn)(void *ctx, const struct tree_entry *entry);

/**
 * Lists a directory's entries whose cookies are greater than @after, in the
 * order of their cookies.
 *
 * 0; -ENOMEM; or what @fn returned.
 */
int tree_list(const struct tree *t, const struct tree_place *dir, uint64_t after, tree_list_fn fn,
	      void *ctx);

bool tree_is_dir(enum tree_kind kind, struct field field);
bool tree_is_link(enum tree_kind kind);
/* Whether its content is made anew each time it is looked up. */
bool tree_is_volatile(enum tree_kind kind);
/* Whether its size is known only when it has been rendered. */
bool tree_is_rendered(enum tree_kind kind);

/* 0 or -ENOMEM. The size of a volatile file is 0: it is its content's. */
int tree_attr(const struct tree *t, const struct tree_place *p, struct tree_attr *ret);

/* When a file of @o, with its path from the object's directory, last changed. Under the lock. */
int64_t tree_file_time(const struct object *o, enum tree_kind kind, const char *path);

/* An entry's inode number. */
uint64_t tree_entry_ino(const struct tree_place *dir, const struct tree_entry *entry);

/* Appends a link's target. 0 or -ENOMEM. */
int tree_readlink(const struct tree_place *p, struct buf *out);

/*
 * Appends what a volatile file says now, or where a volatile link leads for thread @tid; not under
 * the lock. 0; -ENOENT: the link is not there for that thread; or -errno.
 */
int tree_read_volatile(const struct tree *t, enum tree_kind kind, pid_t tid, struct buf *out);

/* The text of a rendered file (tree_is_rendered), which @o keeps. Not under the lock. 0 or -ENOMEM.
 */
int tree_render(struct opened *o, enum tree_kind kind, const struct buf **ret);

/* What a file is made of. */
struct tree_source {
	struct opened *object;
	struct opened *node; /* of a file below downward/: the pod's Node, NULL: not known */
};

/* The permissions of such a file. 0; -ENOENT; -ENOMEM. */
int tree_mode(const struct tree_source *source, enum tree_kind kind, const char *path,
	      uint16_t *ret);

/**
 * A file's bytes in one version of its object. Not under the lock.
 *
 * @path     from the object's directory.
 * @scratch  zeroed; holds the bytes if nothing else does, and is the caller's.
 * @ret      @scratch, or what the source keeps.
 *
 * 0; -ENOENT: that version has no such file; -ENOMEM.
 */
int tree_read(const struct tree_source *source, enum tree_kind kind, const char *path,
	      struct buf *scratch, const struct buf **ret);

/* What of a change shows in an object's directory. */
extern const struct store_rules tree_rules;

/**
 * Called for each name that a change makes untrue.
 *
 * @path      from the root.
 * @base_len  up to there @path names the topmost directory whose attributes
 *            changed, too; all between it and the name did.
 */
typedef void (*tree_change_fn)(void *ctx, enum change_kind kind, const char *path, size_t base_len);

/* Says what a change of the store does to the tree. Under the exclusive lock. 0 or -ENOMEM. */
int tree_changes(const struct tree *t, const struct store_change *change, tree_change_fn fn,
		 void *ctx);

#endif
