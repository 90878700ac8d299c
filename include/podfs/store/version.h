/* SPDX-License-Identifier: Apache-2.0 */
/*
 * version: one state of an object. It never changes; whoever holds a reference
 * may read it from any thread. Its text is kept packed.
 *
 * opened: a version made readable: its text with the index over it, and the
 * whole object as kubectl prints it, once someone asked for that. Unpacking
 * and indexing a pod takes ten microseconds, so the opened versions used last are kept, up to
 * a limit of bytes.
 */
#ifndef PODFS_STORE_VERSION_H
#define PODFS_STORE_VERSION_H

#include <pthread.h>
#include <stdatomic.h>

#include <podfs/model/field.h>
#include <podfs/model/kind.h>

struct version {
	atomic_uint refs;
	uint32_t len; /* of its text */
	union {
		uint64_t seq;         /* 1, 2, ...: no two versions of any objects share one */
		struct version *next; /* once it is dead */
	};
	_Atomic uint64_t off; /* where its text is: texts.h */
};

struct version_text {
	enum kind kind;
	uint64_t group; /* that of texts it is likely to resemble; 0: of none */
	const char *text;
	size_t len;
};

/* A new version with one reference, the caller's; NULL: out of memory. [loop] */
struct version *version_new(const struct version_text *text);

/* [any thread] */
struct version *version_ref(struct version *v);
void version_unref(struct version *v);

/* [any thread] Reads its text, with a NUL behind it. 0 or -ENOMEM; -EIO: it was overwritten. */
int version_read(const struct version *v, struct buf *ret);

/* Whether its text is this one: 0 or 1; as version_read(). */
int version_same(const struct version *v, const char *text, size_t len, struct buf *scratch);

/* Gives back the memory of versions that nobody needs any more. version_new() does, too. [loop] */
void versions_tidy(void);

struct opened {
	atomic_uint refs;
	struct view view;
	struct buf text; /* the view's */
	struct version *version;
	pthread_mutex_t lock;
	struct buf json; /* under the lock until made, constant afterwards */
	struct buf yaml;
	size_t cost;          /* bytes in memory, what was rendered included; under the cache's */
	struct opened *newer; /* lock, as its list */
	struct opened *older;
};

/**
 * Opens a version, or finds it opened already.
 *
 * @ret  a reference that the caller gives back.
 *
 * [any thread] Takes the cache's lock, never while indexing. 0, -ENOMEM or -EIO.
 */
int opened_get(struct version *v, struct opened **ret);

/*
 * Keeps a version opened whose text and index are at hand; both are taken over, also if it fails.
 * 0 or -ENOMEM.
 */
int opened_keep(struct version *v, struct buf *text, struct json_index *index);
struct opened *opened_ref(struct opened *o);
void opened_unref(struct opened *o);
static inline void opened_unrefp(struct opened **o)
{
	if (*o)
		opened_unref(*o);
	*o = NULL;
}
#define cleanup_opened cleanup_(opened_unrefp)

/*
 * The whole object as JSON or YAML (render.h), made at the first call. The
 * bytes live as long as @o. 0 or -ENOMEM.
 */
int opened_json(struct opened *o, const struct buf **ret);
int opened_yaml(struct opened *o, const struct buf **ret);

/* Drops what the cache keeps; for the end of the program and for tests. */
void opened_cache_clear(void);

#endif
