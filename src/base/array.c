/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include <podfs/base/array.h>

int array_grow(void *array, size_t count, size_t *cap, size_t size)
{
	void **items = array;
	size_t more = *cap ? *cap * 2 : 16;

	if (count < *cap)
		return 0;
	void *grown = more > SIZE_MAX / size ? NULL : realloc(*items, more * size);
	if (!grown)
		return -ENOMEM;
	*items = grown;
	*cap = more;
	return 0;
}
