/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is it that has a uid? A claim that comes from an annotation is nobody's
 * right: one that is not the only one is not believed, nor one to what the API
 * server gives, for it may be that of a pod which is not known here.
 */
#include <string.h>

#include <podfs/store/views.h>

#include "internal.h"

/* A UUID. What a kubelet gives a static pod is a digest, without dashes. */
static bool is_of_api_server(const char *uid, size_t len)
{
	return memchr(uid, '-', len);
}

struct object *store_find_uid(const struct store *s, const char *uid, size_t len)
{
	const struct claim *claim = claims_find(store_by_uid(s), uid, len);

	if (!claim || (!claim->own && (claim->next || is_of_api_server(uid, len))))
		return NULL;
	return claim->pod;
}
