/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credentials: the headers that say who we are.
 *
 * Bearer tokens and passwords go to https servers alone, as in client-go: a
 * plain server gets the impersonation headers at most. A token file is read
 * again when the last reading is 50 seconds old or the server answered 401; if
 * that fails the last good token stays.
 *
 * What a program handed out is kept until it expires or the server refuses it.
 * Whoever sends requests asks credentials_wanted() first, and waits while the
 * program runs.
 */
#ifndef PODFS_NET_CREDENTIALS_H
#define PODFS_NET_CREDENTIALS_H

#include <curl/curl.h>
#include <stdint.h>

#include <podfs/config/config.h>
#include <podfs/config/file.h>

#include "exec_credential.h"

/* client-go: a minute, less ten seconds of leeway. */
#define TOKEN_MAX_AGE_MS 50000
#define TOKEN_SIZE_MAX (64u << 10)

struct credentials {
	const struct client_config *config;
	bool secure; /* the server is https */
	struct config_data file_token;
	int64_t read_at_ms; /* 0: read it before the next request */

	/* Of the program. */
	struct exec_credential held;
	uint64_t generation; /* counts them; 0: none yet */
	bool refused;        /* the server did: get another */
	bool accepted;       /* the server did, since it was got */
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

/* The server did not accept them: read the file again, run the program again. */
void credentials_rejected(struct credentials *c);

/* Whether the program must run before the next request. @now_ns: clock_realtime_ns() */
bool credentials_wanted(const struct credentials *c, int64_t now_ns);

/* A request with the program's credential of @generation was answered, and not by a 401. */
void credentials_accepted(struct credentials *c, uint64_t generation);

/* Keeps what the program handed out. Whether the client certificate is another than before. */
bool credentials_take(struct credentials *c, struct exec_credential *taken);

/**
 * A request with the program's credential of @generation was answered 401. Whether it should be
 * sent once more, with another: if there is a newer one already, or if this one did work before
 * or is the first.
 */
bool credentials_retry(struct credentials *c, uint64_t generation);

/* Frees a list of headers, overwriting it. */
void headers_free(struct curl_slist *list);

#endif
