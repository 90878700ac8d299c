/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include <podfs/base/bytes.h>
#include <podfs/base/cleanup.h>
#include <podfs/model/resource_value.h>

#define TWO_TO_63 9223372036854775808.0

/* NULL-terminated, in canonical form. */
static const char *const cpu_divisors[] = {"1", "1m", NULL};
static const char *const byte_divisors[] = {
    "1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei", NULL,
};

/* What may follow "limits." and "requests."; a name that ends in '-' goes on as it likes. */
static const struct {
	const char *name;
	const char *const *divisors;
} resources[] = {
    {"cpu", cpu_divisors},
    {"memory", byte_divisors},
    {"ephemeral-storage", byte_divisors},
    {"hugepages-", byte_divisors},
};

static bool take_prefix(const char **s, size_t *len, const char *prefix)
{
	size_t n = strlen(prefix);

	if (*len < n || memcmp(*s, prefix, n) != 0)
		return false;
	*s += n;
	*len -= n;
	return true;
}

static const char *const *divisors_of(const char *resource, size_t len)
{
	if (!take_prefix(&resource, &len, "limits.") && !take_prefix(&resource, &len, "requests."))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(resources); i++) {
		const char *name = resources[i].name;
		size_t n = strlen(name);
		bool goes_on = name[n - 1] == '-' && len > n;

		if (bytes_equal(resource, goes_on ? n : len, name, n))
			return resources[i].divisors;
	}
	return NULL;
}

int resource_divisor(const char *resource, size_t resource_len, const char *divisor,
		     size_t divisor_len, struct quantity *ret)
{
	const char *const *allowed = divisors_of(resource, resource_len);
	cleanup_buf struct buf text = {0};
	struct quantity q;

	if (!allowed)
		return -EINVAL;
	if (!divisor_len)
		return quantity_parse("1", 1, ret);
	if (quantity_parse(divisor, divisor_len, &q) < 0)
		return -EINVAL;
	if (quantity_is_zero(&q))
		return quantity_parse("1", 1, ret);
	int r = quantity_add_text(&text, &q);
	if (r < 0)
		return r;
	for (size_t i = 0; allowed[i]; i++) {
		if (strcmp(text.data, allowed[i]) == 0) {
			*ret = q;
			return 0;
		}
	}
	return -EINVAL;
}

static int64_t in_units(const struct quantity *q, bool is_cpu)
{
	return is_cpu ? quantity_milli_value(q) : quantity_value(q);
}

int64_t resource_value(const struct quantity *amount, const struct quantity *divisor, bool is_cpu)
{
	int64_t unit = in_units(divisor, is_cpu);

	if (!unit)
		unit = is_cpu ? 1000 : 1;
	double count = ceil((double)in_units(amount, is_cpu) / (double)unit);
	if (count >= TWO_TO_63)
		return INT64_MAX;
	return count < -TWO_TO_63 ? INT64_MIN : (int64_t)count;
}
