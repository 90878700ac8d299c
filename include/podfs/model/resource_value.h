/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resource_value: the number that a resourceFieldRef becomes.
 */
#ifndef PODFS_MODEL_RESOURCE_VALUE_H
#define PODFS_MODEL_RESOURCE_VALUE_H

#include <podfs/model/quantity.h>

/**
 * Whether a resource ("limits.cpu", "requests.memory", "limits.hugepages-2Mi", ...)
 * may be asked for in units of @divisor.
 *
 * @divisor  compared by its canonical text, as the API server does: "1000m" is
 *           "1", but "01" is not. "" and every zero are 1.
 *
 * 0; -EINVAL: no resource that a container's fields name, or not one of its divisors;
 * -ENOMEM.
 */
int resource_divisor(const char *resource, size_t resource_len, const char *divisor,
		     size_t divisor_len, struct quantity *ret);

/**
 * What the kubelet prints: how many times @divisor covers @amount, rounded up.
 *
 * @divisor  one of zero counts as 1
 * @is_cpu   thousandths are divided; all else is whole
 *
 * The kubelet divides in float64: beyond 2^53 its result is near, and so is this
 * one, to the digit. Clamped to int64, where the kubelet's wraps.
 */
int64_t resource_value(const struct quantity *amount, const struct quantity *divisor, bool is_cpu);

#endif
