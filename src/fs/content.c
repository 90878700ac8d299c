/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in a file: constant for as long as its node lives. It is its object's
 * newest version while the name leads to the node, then the version it was
 * detached from, or bytes that were made for this node alone.
 */
#include <errno.h>
#include <sys/stat.h>

#include "internal.h"

/* A file as the caller may read it: an opened version, or pinned content. */
struct content {
	struct tree_source source;
	struct pin *pin;
	enum tree_kind kind;
	struct buf path;
	struct buf scratch;
	const struct buf *bytes;
};

static void content_release(struct content *c)
{
	opened_unrefp(&c->source.object);
	opened_unrefp(&c->source.node);
	pin_unref(c->pin);
	buf_release(&c->path);
	buf_release(&c->scratch);
}
#define cleanup_content cleanup_(content_release)

/* The versions a file is made of; references. */
struct made_of {
	struct version *object;
	struct version *node;
};

static void made_of_release(struct made_of *m)
{
	version_unref(m->object);
	version_unref(m->node);
}
#define cleanup_made_of cleanup_(made_of_release)

static void made_of_set(struct made_of *m, struct version *object, struct version *node)
{
	m->object = version_ref(object);
	if (node)
		m->node = version_ref(node);
}

/* Under the store's lock. */
static struct version *node_version(const struct fs *fs, enum tree_kind kind,
				    const struct object *object)
{
	const struct store_node *node = NULL;

	if (kind == TREE_DOWNWARD_FILE)
		node = tree_pod_node(fs->tree, object);
	return node ? node->object->version : NULL;
}

/*
 * Which version a file shows; pinned content has none. 0, -ENOENT, -EISDIR, -ESTALE.
 */
static int content_version(struct fs *fs, uint64_t id, struct content *ret, struct made_of *ret_m)
{
	int r = 0;

	store_rdlock(fs->tree->store);
	inode_lock(fs->inodes);
	const struct inode *n = inode_get(fs->inodes, id);
	struct pin *pin = n ? inode_pin(fs->inodes, n) : NULL;
	struct object *object = n ? inode_object(fs->inodes, n) : NULL;
	if (!n)
		r = -ENOENT;
	else if (fs_is_denied(fs, n->kind))
		r = -EIO;
	else if (n->is_dir)
		r = -EISDIR;
	else if (pin && !pin->version)
		ret->pin = pin_ref(pin);
	else if (pin)
		made_of_set(ret_m, pin->version, pin->node_version);
	else if (object)
		made_of_set(ret_m, object->version, node_version(fs, n->kind, object));
	else
		r = -ESTALE;
	if (n)
		ret->kind = n->kind;
	inode_unlock(fs->inodes);
	store_rdunlock(fs->tree->store);
	return r < 0 ? r : inode_object_path(fs->inodes, n, &ret->path);
}

static int content_get(struct fs *fs, uint64_t id, struct content *ret)
{
	cleanup_made_of struct made_of m = {0};
	int r = content_version(fs, id, ret, &m);

	if (r == 0 && m.object)
		r = opened_get(m.object, &ret->source.object);
	if (r == 0 && m.node)
		r = opened_get(m.node, &ret->source.node);
	if (ret->pin)
		ret->bytes = &ret->pin->content;
	if (r == 0 && m.object)
		r = tree_read(&ret->source, ret->kind, ret->path.data, &ret->scratch, &ret->bytes);
	return r;
}

int fs_content_size(struct fs *fs, uint64_t id, struct tree_attr *attr)
{
	cleanup_content struct content content = {0};
	int r = content_get(fs, id, &content);

	if (r < 0)
		return r;
	attr->type = S_IFREG;
	attr->mode = 0444;
	attr->nlink = 1;
	attr->size = content.bytes->len;
	if (content.kind == TREE_DOWNWARD_FILE)
		r = tree_mode(&content.source, content.kind, content.path.data, &attr->mode);
	return r;
}

void fs_read(struct fs *fs, fuse_req_t req, uint64_t id, size_t size, off_t off)
{
	cleanup_content struct content content = {0};
	int r = content_get(fs, id, &content);

	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	size_t len = content.bytes->len;
	/* Nothing may lie nowhere. */
	const char *data = len ? content.bytes->data : "";
	size_t start = (size_t)off < len ? (size_t)off : len;
	size_t left = len - start;
	fuse_reply_buf(req, data + start, left < size ? left : size);
}
