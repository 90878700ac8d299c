/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <podfs/model/label_name.h>

static bool is_lower_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alphanumeric(char c)
{
	return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}

/* Letters and digits, with '-', '_' and '.' between them. */
static bool is_label_word(const char *s, size_t len, size_t max)
{
	if (!len || len > max || !is_alphanumeric(s[0]) || !is_alphanumeric(s[len - 1]))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_alphanumeric(s[i]) && s[i] != '-' && s[i] != '_' && s[i] != '.')
			return false;
	return true;
}

static bool is_subdomain(const char *s, size_t len)
{
	if (!len || len > LABEL_PREFIX_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool first = i == 0 || s[i - 1] == '.';
		bool last = i + 1 == len || s[i + 1] == '.';

		if (is_lower_or_digit(s[i]))
			continue;
		/* A dot parts two labels, neither of which is empty or begins or ends with '-'. */
		if (first || last || (s[i] != '-' && s[i] != '.'))
			return false;
	}
	return true;
}

bool label_key_is_valid(const char *s, size_t len)
{
	const char *slash = len ? memchr(s, '/', len) : NULL;

	if (!slash)
		return is_label_word(s, len, LABEL_NAME_MAX);
	size_t prefix = (size_t)(slash - s);
	return is_subdomain(s, prefix) &&
	       is_label_word(slash + 1, len - prefix - 1, LABEL_NAME_MAX);
}

bool label_value_is_valid(const char *s, size_t len)
{
	return !len || is_label_word(s, len, LABEL_VALUE_MAX);
}
