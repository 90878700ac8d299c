/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is it that has a uid? A claim that comes from an annotation is nobody's
 * right: one that is not the only one is not believed.
 */
#include <podfs/store/views.h>

#include "internal.h"

struct object *store_find_uid(const struct store *s, const char *uid, size_t len)
{
	const struct claim *claim = claims_find(store_by_uid(s), uid, len);

	return claim && (claim->own || !claim->next) ? claim->pod : NULL;
}
