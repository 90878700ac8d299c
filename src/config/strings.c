/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "strings.h"

void strings_free(char **list)
{
	for (char **p = list; p && *p; p++)
		free(*p);
	free(list);
}

void secret_free(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

void config_data_release(struct config_data *d)
{
	if (d->data)
		explicit_bzero(d->data, d->len);
	free(d->data);
	*d = (struct config_data){0};
}

int string_replace(char **where, const char *s)
{
	if (!s)
		return 0;
	char *copy = strdup(s);
	if (!copy)
		return -ENOMEM;
	secret_free(*where);
	*where = copy;
	return 0;
}

char *path_join(const char *dir, const char *path)
{
	char *joined;

	if (path[0] == '/')
		return strdup(path);
	if (asprintf(&joined, "%s/%s", strcmp(dir, "/") ? dir : "", path) < 0)
		return NULL;
	return joined;
}

char *path_dir(const char *path, const char *cwd)
{
	char *whole = path_join(*cwd ? cwd : "/", path);

	if (!whole)
		return NULL;
	char *slash = strrchr(whole, '/');
	slash[slash == whole] = '\0';
	return whole;
}

static int sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

int base64_decode(const char *text, struct config_data *ret)
{
	cleanup_secret struct config_data out = {malloc(strlen(text) / 4 * 3 + 4), 0};
	unsigned bits = 0;
	unsigned digits = 0;
	unsigned padding = 0;

	if (!out.data)
		return -ENOMEM;
	for (; *text; text++) {
		if (strchr(" \t\r\n", *text))
			continue;
		if (*text == '=') {
			padding++;
			continue;
		}
		int v = sextet(*text);
		if (v < 0 || padding)
			return -EINVAL;
		bits = bits << 6 | (unsigned)v;
		if (digits++ % 4)
			out.data[out.len++] = (char)(bits >> (6 - 2 * ((digits - 1) % 4)));
	}
	if ((digits + padding) % 4 || padding > 2)
		return -EINVAL;
	out.data[out.len] = '\0';
	ret->len = out.len;
	ret->data = take_ptr(out.data);
	return 0;
}
