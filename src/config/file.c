/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "strings.h"

/* realloc() would leave copies of secrets behind. */
static int grow(struct config_data *d, size_t *cap)
{
	size_t bigger = *cap ? *cap * 2 : 16384;
	char *data = malloc(bigger + 1);

	if (!data)
		return -ENOMEM;
	if (d->len)
		memcpy(data, d->data, d->len);
	size_t len = d->len;
	config_data_release(d);
	d->data = data;
	d->len = len;
	*cap = bigger;
	return 0;
}

int file_read(const char *path, size_t max, struct config_data *ret)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	cleanup_secret struct config_data text = {0};
	size_t cap = 0;

	if (fd < 0)
		return -errno;
	for (;;) {
		if (text.len == cap) {
			int r = grow(&text, &cap);

			if (r < 0)
				return r;
		}
		ssize_t n = read(fd, text.data + text.len, cap - text.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		text.len += (size_t)n;
		if (text.len > max)
			return -EFBIG;
	}
	text.data[text.len] = '\0';
	*ret = text;
	text = (struct config_data){0};
	return 0;
}
