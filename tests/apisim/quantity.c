/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Amounts like 500m, 1.5Gi, 2e3. The canonical form has no fraction and the
 * largest suffix that loses nothing. Exact up to 10^27 or so, which is more than
 * any manifest holds; decimal exponents are kept as they are written.
 */
#include "quantity.h"

#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

static const char *const decimal[] = {"n", "u", "m", "", "k", "M", "G", "T", "P", "E"};
static const char *const binary[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};

enum {
	NANO = 9, /* decimal places that are kept */
};

static bool read_suffix(const char *s, int *ret_power10, int *ret_power1024)
{
	*ret_power10 = *ret_power1024 = 0;
	for (size_t i = 0; i < ARRAY_SIZE(decimal); i++)
		if (!strcmp(s, decimal[i])) {
			*ret_power10 = ((int)i - 3) * 3;
			return true;
		}
	for (size_t i = 1; i < ARRAY_SIZE(binary); i++)
		if (!strcmp(s, binary[i])) {
			*ret_power1024 = (int)i;
			return true;
		}
	return false;
}

static void write_wide(wide v, struct buf *out)
{
	char digits[48];
	size_t n = sizeof(digits);

	do
		digits[--n] = (char)('0' + (int)(v % 10));
	while (v /= 10);
	buf_add(out, digits + n, sizeof(digits) - n);
}

static void write_decimal(wide nano, struct buf *out)
{
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(decimal) && nano % 1000 == 0) {
		nano /= 1000;
		i++;
	}
	write_wide(nano, out);
	buf_puts(out, decimal[i]);
}

bool quantity_write(const char *s, struct buf *out)
{
	bool negative = *s == '-', point = false, digit = false, up = false;
	int places = 0, power10, power1024;
	wide v = 0, one = 1;

	s += *s == '-' || *s == '+';
	for (; (*s >= '0' && *s <= '9') || (*s == '.' && !point); s++) {
		if (*s == '.') {
			point = true;
			continue;
		}
		digit = true;
		if (places == NANO) {
			up = up || *s != '0';
			continue;
		}
		if (v > (wide)1000000000000000000u)
			return false;
		v = v * 10 + (wide)(*s - '0');
		places += point;
	}
	if (!digit)
		return false;
	if ((*s == 'e' || *s == 'E') &&
	    (s[1] == '+' || s[1] == '-' || (s[1] >= '0' && s[1] <= '9'))) {
		char *end;
		long e = strtol(s + 1, &end, 10);

		if (*end || labs(e) > 30 || point)
			return false;
		write_wide(v, out);
		if (v)
			buf_printf(out, "e%ld", e);
		return true;
	}
	if (!read_suffix(s, &power10, &power1024))
		return false;
	for (int i = places; i < NANO; i++)
		v *= 10;
	v += up;
	for (; power10 > 0; power10 -= 3)
		v *= 1000;
	for (; power10 < 0; power10 += 3)
		v = (v + 999) / 1000;
	for (int i = 0; i < power1024; i++)
		v *= 1024;
	for (int i = 0; i < NANO; i++)
		one *= 10;
	if (v == 0) {
		buf_putc(out, '0');
		return true;
	}
	if (negative)
		buf_putc(out, '-');
	if (power1024 && v % one == 0 && v / one >= 1024) {
		size_t i = 0;

		for (v /= one; v % 1024 == 0 && i + 1 < ARRAY_SIZE(binary); i++)
			v /= 1024;
		write_wide(v, out);
		buf_puts(out, binary[i]);
	} else {
		write_decimal(v, out);
	}
	return true;
}
