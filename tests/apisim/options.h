/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options: the command line.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct file_list {
	const char **v;
	size_t n;
};

/* What becomes of a watch with sendInitialEvents. */
enum streaming_lists {
	STREAMING_LISTS_YES,
	STREAMING_LISTS_NO,      /* 422: known, and switched off */
	STREAMING_LISTS_IGNORED, /* it and resourceVersionMatch are unheard of, as before 1.19 */
};

struct options {
	const char *host, *port;
	const char *tls_cert, *tls_key, *client_ca;
	struct file_list load, load_json, tokens, grants;
	uint64_t pods, namespaces, nodes, seed, first_revision;
	uint64_t rate, churn, history, bookmark_interval, max_page;
	enum streaming_lists streaming_lists;
};

/** Whether it is USER=VERBS:RESOURCES[:NAMESPACE]. */
bool options_is_grant(const char *s);

/** 0, or the exit code with everything said: 2 for a wrong line, -1 for --help. */
int options_parse(int argc, char **argv, struct options *ret);
