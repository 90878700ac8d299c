/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdbool.h>
#include <time.h>

#include <podfs/base/clock.h>

struct timespec clock_timespec(int64_t ns)
{
	struct timespec t = {ns / NSEC_PER_SEC, ns % NSEC_PER_SEC};

	if (t.tv_nsec < 0) {
		t.tv_nsec += NSEC_PER_SEC;
		t.tv_sec--;
	}
	return t;
}

int64_t clock_realtime_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

int64_t clock_monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Reads exactly @n digits. */
static bool take_digits(const char **s, const char *end, int n, int *ret)
{
	int v = 0;

	if (end - *s < n)
		return false;
	for (int i = 0; i < n; i++) {
		char c = (*s)[i];

		if (c < '0' || c > '9')
			return false;
		v = v * 10 + (c - '0');
	}
	*s += n;
	*ret = v;
	return true;
}

static bool take_char(const char **s, const char *end, char c)
{
	if (*s == end || **s != c)
		return false;
	(*s)++;
	return true;
}

static bool take_fraction(const char **s, const char *end, int64_t *ret_ns)
{
	int64_t unit = NSEC_PER_SEC / 10;
	const char *first = *s;

	*ret_ns = 0;
	for (; *s < end && **s >= '0' && **s <= '9'; (*s)++, unit /= 10)
		*ret_ns += unit * (**s - '0');
	return *s > first;
}

static int days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

int clock_parse_rfc3339(const char *s, size_t len, int64_t *ret_ns)
{
	const char *end = s + len;
	struct tm tm = {0};
	int64_t fraction = 0;
	int64_t offset = 0;

	if (!take_digits(&s, end, 4, &tm.tm_year) || !take_char(&s, end, '-') ||
	    !take_digits(&s, end, 2, &tm.tm_mon) || !take_char(&s, end, '-') ||
	    !take_digits(&s, end, 2, &tm.tm_mday) || !take_char(&s, end, 'T') ||
	    !take_digits(&s, end, 2, &tm.tm_hour) || !take_char(&s, end, ':') ||
	    !take_digits(&s, end, 2, &tm.tm_min) || !take_char(&s, end, ':') ||
	    !take_digits(&s, end, 2, &tm.tm_sec))
		return -EINVAL;
	if (take_char(&s, end, '.') && !take_fraction(&s, end, &fraction))
		return -EINVAL;
	if (!take_char(&s, end, 'Z')) {
		int hours;
		int minutes;
		int sign = take_char(&s, end, '-') ? -1 : 1;

		if (sign > 0 && !take_char(&s, end, '+'))
			return -EINVAL;
		if (!take_digits(&s, end, 2, &hours) || !take_char(&s, end, ':') ||
		    !take_digits(&s, end, 2, &minutes) || hours > 23 || minutes > 59)
			return -EINVAL;
		offset = sign * (hours * INT64_C(3600) + minutes * INT64_C(60));
	}
	if (s != end || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 ||
	    tm.tm_mday > days_in_month(tm.tm_year, tm.tm_mon) || tm.tm_hour > 23 ||
	    tm.tm_min > 59 || tm.tm_sec > 60)
		return -EINVAL;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	int64_t seconds = (int64_t)timegm(&tm) - offset;
	if (seconds <= INT64_MIN / NSEC_PER_SEC || seconds >= INT64_MAX / NSEC_PER_SEC)
		return -EINVAL;
	*ret_ns = seconds * NSEC_PER_SEC + fraction;
	return 0;
}
