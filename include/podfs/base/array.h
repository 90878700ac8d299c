/* SPDX-License-Identifier: Apache-2.0 */
/*
 * array: room for one more in an array from malloc().
 */
#ifndef PODFS_BASE_ARRAY_H
#define PODFS_BASE_ARRAY_H

#include <stddef.h>

/**
 * Makes an array larger if it is full.
 *
 * @array  the address of the pointer to it; NULL there is an empty array.
 * @count  how many items it has.
 * @cap    how many it has room for.
 * @size   of an item.
 *
 * 0 or -ENOMEM: then nothing changed.
 */
int array_grow(void *array, size_t count, size_t *cap, size_t size);

#endif
