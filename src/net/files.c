/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates and keys that change while the program runs.
 *
 * A new connection reads them anew anyway. What this adds: an old connection
 * does not live on with what was taken away. A file that cannot be read, or is
 * half there, changes nothing.
 */
#include <podfs/base/hash.h>
#include <podfs/config/file.h>

#include "internal.h"

#define PEM_SIZE_MAX (4u << 20)

/* 0: it cannot be read. */
static uint64_t digest_of(const char *path)
{
	cleanup_secret struct config_data text = {0};

	if (file_read(path, PEM_SIZE_MAX, &text) < 0 || !text.len)
		return 0;
	return hash_bytes(hash_process_key(), text.data, text.len) | 1;
}

static bool changed(struct watched_file *f)
{
	uint64_t digest = f->path ? digest_of(f->path) : 0;

	if (!digest || digest == f->digest)
		return false;
	f->digest = digest;
	return true;
}

static void timer_cb(uv_timer_t *timer)
{
	struct http_client *c = timer->data;
	bool any = false;

	if (c->closing)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(c->files); i++)
		any = changed(&c->files[i]) || any;
	if (any)
		client_renew(c, "a certificate or key has changed");
}

void files_init(struct http_client *c)
{
	const struct client_config *config = c->config;
	const char *const paths[] = {config->ca_file, config->client_cert_file,
				     config->client_key_file};
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(c->files); i++) {
		c->files[i].path = c->credentials.secure ? paths[i] : NULL;
		any = changed(&c->files[i]) || any;
	}
	uv_unref((uv_handle_t *)&c->files_timer);
	if (any)
		uv_timer_start(&c->files_timer, timer_cb, (uint64_t)c->times.files_check_ms,
			       (uint64_t)c->times.files_check_ms);
}
