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
	struct opened *opened;
	struct pin *pin;
	enum tree_kind kind;
	struct buf path;
	struct buf scratch;
	const struct buf *bytes;
};

static void content_release(struct content *c)
{
	if (c->opened)
		opened_unref(c->opened);
	pin_unref(c->pin);
	buf_release(&c->path);
	buf_release(&c->scratch);
}
#define cleanup_content cleanup_(content_release)

/*
 * Which version a file shows; pinned content has none. 0, -ENOENT, -ESTALE.
 */
static int content_version(struct fs *fs, uint64_t id, struct content *ret, struct version **ret_v)
{
	struct version *v = NULL;
	int r = 0;

	store_rdlock(fs->tree->store);
	inode_lock(fs->inodes);
	const struct inode *n = inode_get(fs->inodes, id);
	if (!n)
		r = -ENOENT;
	else if (fs_is_denied(fs, n->kind))
		r = -EIO;
	else if (n->pin && !n->pin->version)
		ret->pin = pin_ref(n->pin);
	else if (n->pin)
		v = n->pin->version;
	else if (n->attached && n->object)
		v = n->object->version;
	else
		r = -ESTALE;
	if (v)
		*ret_v = version_ref(v);
	if (n)
		ret->kind = n->kind;
	inode_unlock(fs->inodes);
	store_rdunlock(fs->tree->store);
	return r < 0 ? r : inode_object_path(n, &ret->path);
}

static int content_get(struct fs *fs, uint64_t id, struct content *ret)
{
	struct version *v = NULL;
	int r = content_version(fs, id, ret, &v);

	if (r == 0 && v)
		r = opened_get(v, &ret->opened);
	version_unref(v);
	if (ret->pin)
		ret->bytes = &ret->pin->content;
	if (r == 0 && v)
		r = tree_read(ret->opened, ret->kind, ret->path.data, &ret->scratch, &ret->bytes);
	return r;
}

int fs_content_size(struct fs *fs, uint64_t id, struct tree_attr *attr)
{
	cleanup_content struct content content = {0};
	int r = content_get(fs, id, &content);

	if (r < 0)
		return r;
	attr->type = S_IFREG;
	attr->nlink = 1;
	attr->size = content.bytes->len;
	return 0;
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
	size_t start = (size_t)off < len ? (size_t)off : len;
	size_t left = len - start;
	fuse_reply_buf(req, content.bytes->data + start, left < size ? left : size);
}
