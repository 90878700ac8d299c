/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "resource_version.h"
#include "scan.h"

bool resource_version_valid(const char *s)
{
	size_t len = strlen(s);

	return len && s[0] != '0' && strspn(s, "0123456789") == len;
}

int resource_version_compare(const char *a, const char *b, int *ret)
{
	size_t a_len = strlen(a);
	size_t b_len = strlen(b);

	if (!strcmp(a, b)) {
		*ret = 0;
		return 0;
	}
	if (!resource_version_valid(a) || !resource_version_valid(b))
		return -EINVAL;
	if (a_len != b_len)
		*ret = a_len < b_len ? -1 : 1;
	else
		*ret = strcmp(a, b);
	return 0;
}

int resource_version_of(const char *obj, size_t len, char ret[RESOURCE_VERSION_MAX + 1])
{
	const char *meta;
	const char *version;
	size_t n;

	/* It stands near the beginning of what most of an object's metadata comes after. */
	if (!scan_member_start(obj, len, "metadata", &meta, &n) ||
	    !scan_member_string(meta, n, "resourceVersion", &version, &n) || !n ||
	    n > RESOURCE_VERSION_MAX)
		return -EINVAL;
	memcpy(ret, version, n);
	ret[n] = '\0';
	return 0;
}
