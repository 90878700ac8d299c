/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client: namespaces, nodes and pods of one cluster, kept up to date.
 *
 * Opens one reflector a resource over one HTTP client and reports how each of
 * them does. It never gives up: what fails is tried again, and whoever opened
 * it decides what a failure means (before the first sync podfs ends with it,
 * afterwards it serves on).
 *
 * Everything is [loop] unless it says otherwise.
 */
#ifndef PODFS_KUBE_CLIENT_H
#define PODFS_KUBE_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include <podfs/base/error.h>
#include <podfs/config/config.h>
#include <podfs/kube/sink.h>
#include <podfs/kube/state.h>
#include <podfs/net/http.h>

/* An index: the one enum here whose zero is a value. */
enum kube_resource {
	KUBE_NAMESPACES,
	KUBE_NODES,
	KUBE_PODS,
	KUBE_N_RESOURCES,
};

/* "namespaces", "nodes", "pods": as in the API's paths. */
const char *kube_resource_name(enum kube_resource r);

struct kube_state {
	char server[256];
	char identity[256]; /* client_config_identity() */
	/* The one namespace looked at, "" for all; and whether that was forced on us: listing
	 * all pods is forbidden. */
	char namespace[64];
	bool fell_back;
	struct http_stats http;
	struct kube_resource_state resources[KUBE_N_RESOURCES];
};

struct kube_client;

/* From where another client can go on. Plain data. */
struct kube_resume {
	char versions[KUBE_N_RESOURCES][64]; /* "": not known, it is listed */
	char namespace[64];                  /* as in kube_state */
	bool fell_back;
};

struct kube_options {
	const char *namespace;      /* only this one; NULL: all */
	const char *label_selector; /* of pods; NULL: all */
	const char *field_selector; /* of pods; NULL: all */
	/* Lists as streams of events where the server can (1.34 and later), else in pages. Such a
	 * list has no total. */
	bool streaming_lists;

	const struct http_times *times; /* NULL: the defaults; see net/http.h */

	struct reflector_sink sinks[KUBE_N_RESOURCES];

	const struct kube_resume
	    *resume; /* the sinks have all that is up to there; NULL: nothing */

	/**
	 * Phase, failure or sync of a resource changed, or a page of its list is in (not: an
	 * event). May be NULL. kube_client_close() may be called from here.
	 */
	void (*on_state)(void *ctx, enum kube_resource r, const struct kube_resource_state *s);
	void *ctx;
};

/**
 * Starts listing and watching at once; results come while @loop runs.
 *
 * @config   must stay valid until the client is closed.
 * @options  copied, strings too.
 *
 * 0, -ENOMEM, or -errno with @ret_error filled: the configuration names
 * credentials that cannot be used (then the exit code is that of TLS or
 * configuration, not of the network).
 */
int kube_client_open(uv_loop_t *loop, const struct client_config *config,
		     const struct kube_options *options, struct kube_client **ret,
		     struct error *ret_error);

/**
 * Ends all requests. No sink and no on_state is called any more; @closed_cb is,
 * from the loop, when nothing is left of the client (NULL: nobody is told).
 */
void kube_client_close(struct kube_client *c, void (*closed_cb)(void *ctx), void *ctx);

/* Up to where the sinks have everything now. */
void kube_client_resume_point(const struct kube_client *c, struct kube_resume *ret);

/* How things are. [any thread] */
void kube_client_state(struct kube_client *c, struct kube_state *ret);

/**
 * Puts a resource's failure into words: the message names the verb and the resource and carries
 * the server's text; the hint says what to do. -errno in ret->code.
 */
void kube_failure_describe(const struct kube_state *s, enum kube_resource r, struct error *ret);

#endif
