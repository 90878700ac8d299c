/* SPDX-License-Identifier: Apache-2.0 */
#include "http.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth.h"
#include "fault.h"
#include "gzip.h"
#include "pace.h"
#include "status.h"

enum {
	/* what a connection may buffer: large chunks make large lists cheap */
	CONNECTION_MEMORY = 512 * 1024,
	BODY_MAX = 3 * 1024 * 1024,
	/* as Go's server: what fits here is sent with its length, the rest in chunks */
	CHUNKED_FROM = 2049,
	GZIP_FROM = 128 * 1024,
	THREADS = 4,
};

static atomic_uint_fast64_t requests;

uint64_t http_requests(void)
{
	return requests;
}

const char *request_arg(const struct request *req, const char *name)
{
	const char *value = NULL;
	size_t n;

	if (MHD_lookup_connection_value_n(req->connection, MHD_GET_ARGUMENT_KIND, name,
					  strlen(name), &value, &n) != MHD_YES)
		return NULL;
	return value ? value : "";
}

bool request_arg_true(const struct request *req, const char *name)
{
	const char *value = request_arg(req, name);

	return value && (!strcmp(value, "1") || !strcasecmp(value, "true") || !strcmp(value, "t"));
}

uint64_t request_arg_number(const struct request *req, const char *name, uint64_t otherwise)
{
	const char *value = request_arg(req, name);

	return value && *value ? strtoull(value, NULL, 10) : otherwise;
}

const char *request_header(const struct request *req, const char *name)
{
	return MHD_lookup_connection_value(req->connection, MHD_HEADER_KIND, name);
}

bool request_wants_gzip(const struct request *req)
{
	const char *accepts = request_header(req, "Accept-Encoding");

	return accepts && strstr(accepts, "gzip");
}

bool request_is_local(const struct request *req)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(req->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	char text[INET6_ADDRSTRLEN] = "";

	if (!info ||
	    getnameinfo(info->client_addr,
			info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
								 : sizeof(struct sockaddr_in),
			text, sizeof(text), NULL, 0, NI_NUMERICHOST) != 0)
		return false;
	return !strncmp(text, "127.", 4) || !strcmp(text, "::1") ||
	       !strncmp(text, "::ffff:127.", 11);
}

bool connection_lost(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct pollfd p = {.fd = info ? info->connect_fd : -1, .events = POLLRDHUP};

	return p.fd >= 0 && poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

static ssize_t read_stream(void *cls, uint64_t pos, char *out, size_t max)
{
	struct stream *s = cls;
	size_t allowed = pace_take(s->connection, max);
	ssize_t n;

	if (!allowed)
		return 0;
	n = s->read(s, out, allowed);
	pace_give_back(n > 0 ? allowed - (size_t)n : allowed);
	if (n == STREAM_END)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (n == STREAM_ERROR)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	return n;
}

static void free_stream(void *cls)
{
	struct stream *s = cls;

	s->free(s);
}

/* A buffer that is too long for one answer with its length. */
struct buf_stream {
	struct stream stream;
	struct buf buf;
	size_t sent;
};

static ssize_t buf_stream_read(struct stream *s, char *out, size_t max)
{
	struct buf_stream *b = (struct buf_stream *)s;
	size_t n = b->buf.len - b->sent < max ? b->buf.len - b->sent : max;

	if (!n)
		return STREAM_END;
	memcpy(out, b->buf.data + b->sent, n);
	b->sent += n;
	return (ssize_t)n;
}

static void buf_stream_free(struct stream *s)
{
	struct buf_stream *b = (struct buf_stream *)s;

	buf_release(&b->buf);
	free(b);
}

void reply_header(struct request *req, const char *name, const char *value)
{
	MHD_add_response_header(req->response, name, value);
}

void reply_stream(struct request *req, struct stream *s, bool gzip)
{
	if (gzip)
		s = gzip_stream(s);
	if (req->resource)
		s = fault_bytes_stream(s, req->resource, req->verb);
	s->connection = req->connection;
	req->code = req->code ? req->code : 200;
	req->response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, CONNECTION_MEMORY,
							  read_stream, s, free_stream);
	reply_header(req, "Content-Type", "application/json");
	if (gzip) {
		reply_header(req, "Content-Encoding", "gzip");
		reply_header(req, "Vary", "Accept-Encoding");
	}
}

void reply(struct request *req, unsigned code, const char *content_type, struct buf *body)
{
	req->code = code;
	if (body->len < CHUNKED_FROM && !pace_limited() && !fault_on(PLACE_BYTES)) {
		req->response =
		    MHD_create_response_from_buffer(body->len, body->data, MHD_RESPMEM_MUST_COPY);
		buf_release(body);
	} else {
		struct buf_stream *b = xcalloc(1, sizeof(*b));
		bool gzip = body->len > GZIP_FROM && request_wants_gzip(req);

		b->stream = (struct stream){buf_stream_read, buf_stream_free, NULL};
		b->buf = *body;
		*body = (struct buf){0};
		reply_stream(req, &b->stream, gzip);
		MHD_del_response_header(req->response, "Content-Type", "application/json");
	}
	reply_header(req, "Content-Type", content_type);
}

void reply_json(struct request *req, unsigned code, struct buf *body)
{
	reply(req, code, "application/json", body);
}

static enum MHD_Result send_answer(struct request *req)
{
	enum MHD_Result r;
	char id[37];

	random_uuid(id);
	reply_header(req, "Audit-Id", id);
	reply_header(req, "Cache-Control", "no-cache, private");
	if (req->code != 401) {
		reply_header(req, "X-Kubernetes-Pf-Flowschema-Uid",
			     "2b1a52c6-36c4-43ac-a13e-77b1d08f6c55");
		reply_header(req, "X-Kubernetes-Pf-Prioritylevel-Uid",
			     "9d7fb96a-90a5-4a46-b54f-0b3d9a1d5e02");
	}
	r = MHD_queue_response(req->connection, req->code, req->response);
	MHD_destroy_response(req->response);
	req->response = NULL;
	requests++;
	return r;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *size, void **con_cls)
{
	struct request *req = *con_cls;

	if (!req) {
		req = *con_cls = xcalloc(1, sizeof(*req));
		req->connection = connection;
		req->method = xstrdup(method);
		req->path = xstrdup(url);
		return MHD_YES;
	}
	if (*size) {
		if (req->body.len + *size <= BODY_MAX)
			buf_add(&req->body, data, *size);
		else
			req->code = 413;
		*size = 0;
		return MHD_YES;
	}
	if (req->hold.end == HOLD_RELEASED || req->hold.end == HOLD_LOST)
		return MHD_NO;
	if (req->code == 413) {
		status_reply(req, 413, "RequestEntityTooLarge", "limit is 3145728", NULL);
	} else if (auth_check(req)) {
		req->code = 0;
		api_handle(req);
	}
	if (req->hold.held)
		return MHD_YES;
	return req->drop ? MHD_NO : send_answer(req);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
			 enum MHD_RequestTerminationCode why)
{
	struct request *req = *con_cls;

	if (!req)
		return;
	hold_stop(&req->hold);
	buf_release(&req->body);
	free(req->method);
	free(req->path);
	free(req->user);
	for (char **g = req->groups; g && *g; g++)
		free(*g);
	free(req->groups);
	free(req);
	*con_cls = NULL;
}

static int listen_on(const struct options *o, unsigned *ret_port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list;
	struct sockaddr_storage bound = {0};
	char port[8] = "";
	socklen_t n = sizeof(bound);
	int r, on = 1, fd;

	r = getaddrinfo(o->host, o->port, &hints, &list);
	if (r != 0) {
		fprintf(stderr, "apisim: error: %s: %s\n", o->host, gai_strerror(r));
		return -EINVAL;
	}
	fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, list->ai_addr, list->ai_addrlen) < 0 || listen(fd, 512) < 0 ||
	    getsockname(fd, (struct sockaddr *)&bound, &n) < 0) {
		r = -errno;
		fprintf(stderr, "apisim: error: listen on %s:%s: %s\n", o->host, o->port,
			strerror(-r));
		if (fd >= 0)
			close(fd);
		freeaddrinfo(list);
		return r;
	}
	freeaddrinfo(list);
	getnameinfo((struct sockaddr *)&bound, n, NULL, 0, port, sizeof(port), NI_NUMERICSERV);
	*ret_port = (unsigned)strtoul(port, NULL, 10);
	return fd;
}

static char *read_text(const char *path)
{
	FILE *f = fopen(path, "re");
	struct buf b = {0};
	char block[4096];
	size_t n;

	if (!f) {
		fprintf(stderr, "apisim: error: %s: %s\n", path, strerror(errno));
		return NULL;
	}
	while ((n = fread(block, 1, sizeof(block), f)))
		buf_add(&b, block, n);
	fclose(f);
	return buf_steal(&b);
}

int http_start(const struct options *o, unsigned *ret_port)
{
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
	struct MHD_OptionItem tls[8];
	size_t n = 0;
	int fd = listen_on(o, ret_port);

	if (fd < 0)
		return fd;
	if (o->tls_cert) {
		/* they stay for as long as the process lives */
		char *cert = read_text(o->tls_cert), *key = read_text(o->tls_key);

		if (!cert || !key)
			return -ENOENT;
		flags |= MHD_USE_TLS;
		tls[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, cert};
		tls[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, key};
		if (o->client_ca) {
			char *ca = read_text(o->client_ca);

			if (!ca)
				return -ENOENT;
			tls[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_TRUST, 0, ca};
		}
	}
	tls[n] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
	if (!MHD_start_daemon(flags, 0, NULL, NULL, on_request, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
			      MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
			      MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS,
			      MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
			      MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)(64 * 1024),
			      MHD_OPTION_CONNECTION_LIMIT, (unsigned)4000, MHD_OPTION_ARRAY, tls,
			      MHD_OPTION_END)) {
		fputs("apisim: error: the HTTP server does not start (certificate and key?)\n",
		      stderr);
		return -EINVAL;
	}
	return 0;
}
