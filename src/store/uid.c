/* SPDX-License-Identifier: Apache-2.0 */
/* Pods by uid: by looking at all of them, until there is an index. */
#include <podfs/base/bytes.h>

#include "internal.h"

#define HASH_LEN 32

static bool has_hash(struct object *pod, const char *hash)
{
	cleanup_opened struct opened *opened = NULL;
	cleanup_buf struct buf value = {0};
	struct field field;

	return opened_get(pod->version, &opened) == 0 &&
	       field_walk(&opened->view, field_root(),
			  "metadata/annotations/kubernetes.io/config.hash", &field) == 0 &&
	       field_value(&opened->view, field, &value) == 0 &&
	       bytes_equal(value.data, value.len - 1, hash, HASH_LEN);
}

struct object *store_find_uid(const struct store *s, const char *uid, size_t len)
{
	struct object *by_hash = NULL;
	unsigned int claims = 0;

	for (size_t i = 0; i < s->namespaces.count; i++) {
		const struct store_namespace *ns = s->namespaces.items[i];

		for (size_t k = 0; k < ns->pods.count; k++) {
			struct object *pod = ns->pods.items[k];

			if (bytes_equal(pod->uid, strlen(pod->uid), uid, len))
				return pod;
			if (len == HASH_LEN && has_hash(pod, uid)) {
				by_hash = pod;
				claims++;
			}
		}
	}
	return claims == 1 ? by_hash : NULL;
}
