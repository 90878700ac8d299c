/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubewatch: the client without a filesystem, for tests.
 *
 * Takes kubectl's options, follows namespaces, nodes and pods, and prints a
 * line for whatever happens:
 *
 *	error CODE MESSAGE | HINT            the configuration cannot be used; then it ends
 *	list RESOURCE COUNT VERSION          a list is complete
 *	event RESOURCE                       a watch brought something
 *	state RESOURCE PHASE FAILURE STATUS MESSAGE
 *
 * And answers lines on stdin: "dump RESOURCE" with every object ("= KEY VERSION")
 * and "end"; "texts RESOURCE" with their JSON in place of that; "http" with "http CONNECTIONS
 *REQUESTS HTTP2 PROBES RENEWALS EXECRUNS"; "describe RESOURCE" with "error ..."; "quit".
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <podfs/kube/client.h>

#include "kube/scan.h"

#define OBJECTS_MAX 65536

struct object {
	char *key;
	char *text;
	char version[64];
	bool seen;
};

struct table {
	enum kube_resource resource;
	struct object *objects;
	size_t n;
	uint64_t listed;
};

static struct table tables[KUBE_N_RESOURCES];
static struct kube_client *client;
static uv_loop_t loop;
static uv_pipe_t input;
static char line[256];
static size_t line_len;

static void list_begin(void *ctx)
{
	struct table *t = ctx;

	for (size_t i = 0; i < t->n; i++)
		t->objects[i].seen = false;
}

static int parse(const char *obj, size_t len, char *key, size_t size, char *version)
{
	const char *meta, *name, *ns = "", *rv;
	size_t meta_len, name_len, ns_len = 0, rv_len;

	if (!scan_member(obj, len, "metadata", &meta, &meta_len) ||
	    !scan_member_string(meta, meta_len, "name", &name, &name_len) ||
	    !scan_member_string(meta, meta_len, "resourceVersion", &rv, &rv_len) || rv_len > 63)
		return -EINVAL;
	scan_member_string(meta, meta_len, "namespace", &ns, &ns_len);
	snprintf(key, size, "%.*s/%.*s", (int)ns_len, ns, (int)name_len, name);
	snprintf(version, 64, "%.*s", (int)rv_len, rv);
	return 0;
}

static struct object *find(struct table *t, const char *key)
{
	for (size_t i = 0; i < t->n; i++)
		if (!strcmp(t->objects[i].key, key))
			return &t->objects[i];
	return NULL;
}

static int upsert(void *ctx, const struct kube_object *obj, bool from_list)
{
	struct table *t = ctx;
	char key[512];
	char version[64];

	if (parse(obj->text, obj->len, key, sizeof(key), version) < 0)
		return -EINVAL;
	struct object *o = find(t, key);
	if (!o) {
		if (t->n == OBJECTS_MAX)
			return -ENOMEM;
		o = &t->objects[t->n++];
		o->key = strdup(key);
	}
	strcpy(o->version, version);
	free(o->text);
	o->text = strndup(obj->text, obj->len);
	o->seen = true;
	if (!from_list)
		printf("event %s\n", kube_resource_name(t->resource));
	return 0;
}

static void drop(struct table *t, struct object *o)
{
	free(o->key);
	free(o->text);
	/* What was last is here now, and owned once. */
	*o = t->objects[--t->n];
	t->objects[t->n] = (struct object){0};
}

static int remove_one(void *ctx, const struct kube_object *obj)
{
	struct table *t = ctx;
	char key[512];
	char version[64];

	if (parse(obj->text, obj->len, key, sizeof(key), version) < 0)
		return -EINVAL;
	struct object *o = find(t, key);
	if (o)
		drop(t, o);
	printf("event %s\n", kube_resource_name(t->resource));
	return 0;
}

static void list_end(void *ctx, const char *version)
{
	struct table *t = ctx;

	for (size_t i = t->n; i > 0; i--)
		if (!t->objects[i - 1].seen)
			drop(t, &t->objects[i - 1]);
	printf("list %s %zu %s\n", kube_resource_name(t->resource), t->n, version);
}

static void list_abort(void *ctx)
{
	const struct table *t = ctx;

	printf("abort %s\n", kube_resource_name(t->resource));
}

static void on_state(void *ctx, enum kube_resource r, const struct kube_resource_state *s)
{
	static const char *const phases[] = {"none", "listing", "opening", "watching", "waiting"};
	static const char *const failures[] = {"none",      "unreachable", "tls",    "unauthorized",
					       "forbidden", "rejected",    "server", "local"};

	(void)ctx;
	printf("state %s %s %s %d %s\n", kube_resource_name(r), phases[s->phase],
	       failures[s->failure], s->http_status, s->message);
}

static void print_error(const struct error *e)
{
	printf("error %s %s | %s\n", strerror(-e->code), e->msg, e->hint);
}

static bool starts(const char *text, const char *command, enum kube_resource *ret)
{
	size_t len = strlen(command);

	if (strncmp(text, command, len) != 0)
		return false;
	for (unsigned r = 0; r < KUBE_N_RESOURCES; r++)
		if (!strcmp(text + len, kube_resource_name((enum kube_resource)r))) {
			*ret = (enum kube_resource)r;
			return true;
		}
	return false;
}

static void execute(const char *text)
{
	struct kube_state state;
	enum kube_resource r;
	struct error e = {0};

	kube_client_state(client, &state);
	if (!strcmp(text, "quit")) {
		kube_client_close(client, NULL, NULL);
		uv_close((uv_handle_t *)&input, NULL);
	} else if (!strcmp(text, "http")) {
		printf("http %llu %llu %llu %llu %llu %llu\n",
		       (unsigned long long)state.http.connections,
		       (unsigned long long)state.http.requests,
		       (unsigned long long)state.http.http2, (unsigned long long)state.http.probes,
		       (unsigned long long)state.http.renewals,
		       (unsigned long long)state.http.exec_runs);
	} else if (starts(text, "describe ", &r)) {
		kube_failure_describe(&state, r, &e);
		print_error(&e);
	} else if (starts(text, "dump ", &r)) {
		for (size_t i = 0; i < tables[r].n; i++)
			printf("= %s %s\n", tables[r].objects[i].key, tables[r].objects[i].version);
		printf("end\n");
	} else if (starts(text, "texts ", &r)) {
		for (size_t i = 0; i < tables[r].n; i++)
			printf("= %s\n", tables[r].objects[i].text);
		printf("end\n");
	}
}

static void alloc_cb(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	(void)handle;
	(void)size;
	*buf = uv_buf_init(line + line_len, (unsigned)(sizeof(line) - line_len));
}

static void read_cb(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	char *end;

	(void)stream;
	(void)buf;
	if (n < 0) {
		execute("quit");
		return;
	}
	line_len += (size_t)n;
	while ((end = memchr(line, '\n', line_len))) {
		*end = '\0';
		execute(line);
		line_len -= (size_t)(end + 1 - line);
		memmove(line, end + 1, line_len);
	}
}

static int parse_options(int argc, char **argv, struct config_overrides *o, struct kube_options *k,
			 struct http_times *t)
{
	static const struct option longs[] = {
	    {"kubeconfig", 1, NULL, 'k'},
	    {"context", 1, NULL, 'x'},
	    {"server", 1, NULL, 's'},
	    {"token", 1, NULL, 't'},
	    {"token-file", 1, NULL, 'T'},
	    {"certificate-authority", 1, NULL, 'a'},
	    {"client-certificate", 1, NULL, 'c'},
	    {"client-key", 1, NULL, 'y'},
	    {"tls-server-name", 1, NULL, 'N'},
	    {"insecure-skip-tls-verify", 0, NULL, 'i'},
	    {"namespace", 1, NULL, 'n'},
	    {"selector", 1, NULL, 'l'},
	    {"field-selector", 1, NULL, 'f'},
	    {"streaming", 0, NULL, 'S'},
	    {"probe-idle-ms", 1, NULL, 'p'},
	    {"probe-answer-ms", 1, NULL, 'q'},
	    {"files-check-ms", 1, NULL, 'F'},
	    {"exec-ms", 1, NULL, 'e'},
	    {NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "s:n:l:", longs, NULL)) != -1) {
		switch (c) {
		case 'k':
			o->kubeconfig = optarg;
			break;
		case 'x':
			o->context = optarg;
			break;
		case 's':
			o->server = optarg;
			break;
		case 't':
			o->token = optarg;
			break;
		case 'T':
			o->token_file = optarg;
			break;
		case 'a':
			o->certificate_authority = optarg;
			break;
		case 'c':
			o->client_certificate = optarg;
			break;
		case 'y':
			o->client_key = optarg;
			break;
		case 'N':
			o->tls_server_name = optarg;
			break;
		case 'i':
			o->insecure_skip_tls_verify = true;
			break;
		case 'n':
			o->namespace = optarg;
			break;
		case 'l':
			k->label_selector = optarg;
			break;
		case 'f':
			k->field_selector = optarg;
			break;
		case 'S':
			k->streaming_lists = true;
			break;
		case 'p':
			t->probe_idle_ms = strtoll(optarg, NULL, 10);
			break;
		case 'q':
			t->probe_answer_ms = strtoll(optarg, NULL, 10);
			break;
		case 'F':
			t->files_check_ms = strtoll(optarg, NULL, 10);
			break;
		case 'e':
			t->exec_ms = strtoll(optarg, NULL, 10);
			break;
		default:
			return -EINVAL;
		}
	}
	return 0;
}

static void release(void)
{
	for (unsigned r = 0; r < KUBE_N_RESOURCES; r++) {
		while (tables[r].n)
			drop(&tables[r], &tables[r].objects[0]);
		free(tables[r].objects);
	}
}

int main(int argc, char **argv)
{
	cleanup_client_config struct client_config config = {0};
	struct config_overrides overrides = {0};
	struct http_times times = http_times_default;
	struct kube_options options = {.on_state = on_state, .times = &times};
	struct error e = {0};

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (parse_options(argc, argv, &overrides, &options, &times) < 0)
		return 2;
	if (client_config_load(&overrides, NULL, &config, &e) < 0) {
		print_error(&e);
		return 3;
	}
	options.namespace = config.namespace_from_flag ? config.namespace : NULL;
	for (unsigned r = 0; r < KUBE_N_RESOURCES; r++) {
		tables[r].resource = (enum kube_resource)r;
		tables[r].objects = calloc(OBJECTS_MAX, sizeof(struct object));
		options.sinks[r] = (struct reflector_sink){
		    &tables[r], list_begin, upsert, remove_one, list_end, list_abort, NULL, NULL};
	}
	uv_loop_init(&loop);
	if (kube_client_open(&loop, &config, &options, &client, &e) < 0) {
		print_error(&e);
		release();
		return 3;
	}
	uv_pipe_init(&loop, &input, 0);
	uv_pipe_open(&input, STDIN_FILENO);
	uv_read_start((uv_stream_t *)&input, alloc_cb, read_cb);
	uv_run(&loop, UV_RUN_DEFAULT);
	release();
	return uv_loop_close(&loop) ? 1 : 0;
}
