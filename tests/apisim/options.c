/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

static const char usage[] =
    "Usage: apisim [OPTION]...\n"
    "A stand-in for a Kubernetes API server with namespaces, nodes and pods.\n\n"
    "  --listen HOST:PORT          default 127.0.0.1:0; the first line printed tells the port\n"
    "  --tls-cert F --tls-key F    HTTPS\n"
    "  --client-ca F               client certificates: CN is the user, O a group\n"
    "  --token TOKEN=USER          a bearer token; without one and without --client-ca\n"
    "                              everybody may do everything\n"
    "  --grant USER=VERBS:RESOURCES[:NAMESPACE]\n"
    "                              what USER may do (lists with commas, or *); a user\n"
    "                              without a grant may do everything\n"
    "  --load FILE.yaml            manifests; pods are scheduled and run\n"
    "  --load-json FILE[.gz]       lists as a server gave them, served as they are\n"
    "  --pods N --namespaces M --nodes K --seed S\n"
    "                              a generated cluster, the same for the same seed\n"
    "  --first-revision N          the first resourceVersion of what is generated\n"
    "  --rate BYTES_PER_SECOND     paces all answers together\n"
    "  --churn CHANGES_PER_SECOND  changes objects\n"
    "  --history EVENTS            events kept for each kind, default 10000\n"
    "  --bookmark-interval SECONDS default 60\n"
    "  --max-page N                no list holds more items than that\n"
    "  --streaming-lists yes|no|ignored\n"
    "                              sendInitialEvents is done, refused with 422 as by 1.27\n"
    "                              without the gate, or unheard of; default yes\n";

enum {
	OPT_LISTEN = 256,
	OPT_TLS_CERT,
	OPT_TLS_KEY,
	OPT_CLIENT_CA,
	OPT_TOKEN,
	OPT_GRANT,
	OPT_LOAD,
	OPT_LOAD_JSON,
	OPT_PODS,
	OPT_NAMESPACES,
	OPT_NODES,
	OPT_SEED,
	OPT_FIRST_REVISION,
	OPT_RATE,
	OPT_CHURN,
	OPT_HISTORY,
	OPT_BOOKMARK_INTERVAL,
	OPT_MAX_PAGE,
	OPT_STREAMING_LISTS,
	OPT_HELP,
};

static const struct option long_options[] = {
    {"listen", required_argument, NULL, OPT_LISTEN},
    {"tls-cert", required_argument, NULL, OPT_TLS_CERT},
    {"tls-key", required_argument, NULL, OPT_TLS_KEY},
    {"client-ca", required_argument, NULL, OPT_CLIENT_CA},
    {"token", required_argument, NULL, OPT_TOKEN},
    {"grant", required_argument, NULL, OPT_GRANT},
    {"load", required_argument, NULL, OPT_LOAD},
    {"load-json", required_argument, NULL, OPT_LOAD_JSON},
    {"pods", required_argument, NULL, OPT_PODS},
    {"namespaces", required_argument, NULL, OPT_NAMESPACES},
    {"nodes", required_argument, NULL, OPT_NODES},
    {"seed", required_argument, NULL, OPT_SEED},
    {"first-revision", required_argument, NULL, OPT_FIRST_REVISION},
    {"rate", required_argument, NULL, OPT_RATE},
    {"churn", required_argument, NULL, OPT_CHURN},
    {"history", required_argument, NULL, OPT_HISTORY},
    {"bookmark-interval", required_argument, NULL, OPT_BOOKMARK_INTERVAL},
    {"max-page", required_argument, NULL, OPT_MAX_PAGE},
    {"streaming-lists", required_argument, NULL, OPT_STREAMING_LISTS},
    {"help", no_argument, NULL, OPT_HELP},
    {0},
};

static void add(struct file_list *list, const char *value)
{
	list->v = xrealloc(list->v, (list->n + 1) * sizeof(*list->v));
	list->v[list->n++] = value;
}

static bool number(const char *s, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(s, &end, 10);
	return *s >= '0' && *s <= '9' && !*end && !errno;
}

static bool listen_address(char *arg, struct options *o)
{
	char *colon = strrchr(arg, ':');

	if (!colon)
		return false;
	*colon = '\0';
	o->port = colon + 1;
	if (*arg == '[' && colon > arg && colon[-1] == ']') {
		colon[-1] = '\0';
		arg++;
	}
	o->host = arg;
	return true;
}

static bool streaming_lists(const char *s, enum streaming_lists *ret)
{
	static const char *const names[] = {
	    [STREAMING_LISTS_YES] = "yes",
	    [STREAMING_LISTS_NO] = "no",
	    [STREAMING_LISTS_IGNORED] = "ignored",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(s, names[i])) {
			*ret = (enum streaming_lists)i;
			return true;
		}
	}
	return false;
}

bool options_is_grant(const char *s)
{
	const char *equals = strchr(s, '=');

	return equals && strchr(equals, ':');
}

static bool set(struct options *o, int opt, char *arg)
{
	switch (opt) {
	case OPT_LISTEN:
		return listen_address(arg, o);
	case OPT_TLS_CERT:
		o->tls_cert = arg;
		return true;
	case OPT_TLS_KEY:
		o->tls_key = arg;
		return true;
	case OPT_CLIENT_CA:
		o->client_ca = arg;
		return true;
	case OPT_TOKEN:
		add(&o->tokens, arg);
		return strchr(arg, '=');
	case OPT_GRANT:
		add(&o->grants, arg);
		return options_is_grant(arg);
	case OPT_LOAD:
		add(&o->load, arg);
		return true;
	case OPT_LOAD_JSON:
		add(&o->load_json, arg);
		return true;
	case OPT_PODS:
		return number(arg, &o->pods);
	case OPT_NAMESPACES:
		return number(arg, &o->namespaces);
	case OPT_NODES:
		return number(arg, &o->nodes);
	case OPT_SEED:
		return number(arg, &o->seed);
	case OPT_FIRST_REVISION:
		return number(arg, &o->first_revision);
	case OPT_RATE:
		return number(arg, &o->rate);
	case OPT_CHURN:
		return number(arg, &o->churn);
	case OPT_HISTORY:
		return number(arg, &o->history);
	case OPT_BOOKMARK_INTERVAL:
		return number(arg, &o->bookmark_interval);
	case OPT_MAX_PAGE:
		return number(arg, &o->max_page);
	case OPT_STREAMING_LISTS:
		return streaming_lists(arg, &o->streaming_lists);
	}
	return false;
}

int options_parse(int argc, char **argv, struct options *ret)
{
	int opt;

	*ret = (struct options){
	    .host = "127.0.0.1",
	    .port = "0",
	    .seed = 1,
	    .history = 10000,
	    .bookmark_interval = 60,
	};
	while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (opt == OPT_HELP) {
			fputs(usage, stdout);
			return -1;
		}
		if (opt == '?')
			return 2;
		if (!set(ret, opt, optarg)) {
			fprintf(stderr, "apisim: error: '%s' is no value for that option\n",
				optarg);
			return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "apisim: error: unexpected '%s'\n", argv[optind]);
		return 2;
	}
	if (!ret->tls_cert != !ret->tls_key || (ret->client_ca && !ret->tls_cert)) {
		fputs("apisim: error: --tls-cert and --tls-key belong together, --client-ca needs "
		      "both\n",
		      stderr);
		return 2;
	}
	return 0;
}
