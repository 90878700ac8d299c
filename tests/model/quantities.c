/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quantities: what podfs makes of quantities, for quantity.py.
 *
 * A line of stdin is a text, any bytes but a newline. A line of stdout is
 *
 *	EINVAL | ERANGE
 *	CANONICAL VALUE MILLI DIVIDES CPU... BYTES...
 *
 * DIVIDES: which resources may be divided by it, "c" for cpu and "m" for memory, or
 * "-"; CPU and BYTES: its resource values by each divisor, in the order given below.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <podfs/base/cleanup.h>
#include <podfs/model/resource_value.h>

static const char *const cpu_divisors[] = {"1m", "1"};
static const char *const byte_divisors[] = {"1",   "1k",  "1M",  "1G",  "1T",  "1P", "1E",
					    "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"};

static bool divides(const char *resource, const char *text, size_t len)
{
	struct quantity q;

	return resource_divisor(resource, strlen(resource), text, len, &q) == 0;
}

static void print_by(const struct quantity *q, const char *resource, bool is_cpu,
		     const char *const *divisors, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct quantity divisor;

		if (resource_divisor(resource, strlen(resource), divisors[i], strlen(divisors[i]),
				     &divisor) < 0)
			abort();
		printf(" %" PRId64, resource_value(q, &divisor, is_cpu));
	}
}

static void print_quantity(const char *text, size_t len)
{
	cleanup_buf struct buf canonical = {0};
	struct quantity q;
	int r = quantity_parse(text, len, &q);

	if (r < 0) {
		puts(r == -ERANGE ? "ERANGE" : "EINVAL");
		return;
	}
	if (quantity_add_text(&canonical, &q) < 0)
		abort();
	printf("%s %" PRId64 " %" PRId64 " ", canonical.data, quantity_value(&q),
	       quantity_milli_value(&q));
	bool cpu = divides("limits.cpu", text, len), memory = divides("limits.memory", text, len);
	printf("%s%s%s", cpu ? "c" : "", memory ? "m" : "", cpu || memory ? "" : "-");
	print_by(&q, "limits.cpu", true, cpu_divisors, ARRAY_SIZE(cpu_divisors));
	print_by(&q, "limits.memory", false, byte_divisors, ARRAY_SIZE(byte_divisors));
	putchar('\n');
}

int main(void)
{
	cleanup_free char *line = NULL;
	size_t room = 0;

	for (ssize_t len; (len = getline(&line, &room, stdin)) > 0;)
		print_quantity(line, (size_t)len - (line[len - 1] == '\n'));
	return ferror(stdout) ? 1 : 0;
}
