/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_status: the Status object a server sends instead of what was asked for,
 * and the metadata of a list. Rare and small, so json-c reads them.
 */
#ifndef PODFS_KUBE_API_STATUS_H
#define PODFS_KUBE_API_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct api_status {
	int code;              /* 0: none in it */
	char message[512];     /* "": none in it */
	bool too_large;        /* a cause is ResourceVersionTooLarge */
	bool expired;          /* reason Expired or Gone */
	int64_t retry_after_s; /* -1: none in it */
};

/* Reads a body that may be anything; what is no Status leaves its first line as the message. */
void api_status_parse(const char *text, size_t len, struct api_status *ret);

struct list_metadata {
	char resource_version[64];
	char *continue_token; /* NULL: the list is complete */
	int64_t remaining;    /* -1: not said, or not to be believed */
};

/* 0, -EINVAL: not a list's metadata, -ENOMEM. */
int list_metadata_parse(const char *text, size_t len, struct list_metadata *ret);
void list_metadata_release(struct list_metadata *m);

#endif
