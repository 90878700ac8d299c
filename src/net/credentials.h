/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credentials: the headers that say who we are.
 *
 * Bearer tokens and passwords go to https servers alone, as in client-go: a
 * plain server gets the impersonation headers at most. A token file is read
 * again when the last reading is 50 seconds old or the server answered 401; if
 * that fails the last good token stays.
 */
#ifndef PODFS_NET_CREDENTIALS_H
#define PODFS_NET_CREDENTIALS_H

#include <curl/curl.h>
#include <stdint.h>

#include <podfs/config/config.h>
#include <podfs/config/file.h>

/* client-go: a minute, less ten seconds of leeway. */
#define TOKEN_MAX_AGE_MS 50000
#define TOKEN_SIZE_MAX (64u << 10)

struct credentials {
	const struct client_config *config;
	bool secure; /* the server is https */
	struct config_data file_token;
	int64_t read_at_ms; /* 0: read it before the next request */
};

void credentials_init(struct credentials *c, const struct client_config *config);
void credentials_release(struct credentials *c);

/**
 * Appends the headers for one request.
 *
 * @now_ms  clock_monotonic_ms()
 *
 * 0, -ENOMEM, or why the token file cannot be read, with @ret_error filled, if
 * there is no other token.
 */
int credentials_headers(struct credentials *c, int64_t now_ms, struct curl_slist **list,
			struct error *ret_error);

/* The server did not accept them: read the file again. */
void credentials_rejected(struct credentials *c);

/* Frees a list of headers, overwriting it. */
void headers_free(struct curl_slist *list);

#endif
