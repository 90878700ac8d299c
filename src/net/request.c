/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request: how libcurl is set up for it, and how its end is reported.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include <podfs/base/clock.h>

#include "internal.h"

/* Body bytes handed over at once; a pod is 15 kB. */
#define RECEIVE_BUFFER (128L << 10)

/* The system's authorities are many, and seldom change. One that is given is read anew for
 * every connection. */
#define CA_CACHE_S 3600L

/* A unix socket refuses these: no matter. */
static int on_new_socket(void *ctx, curl_socket_t fd, curlsocktype purpose)
{
	struct http_client *c = ctx;
	int probes = c->times.keepalive_probes;
	unsigned timeout = (unsigned)c->times.user_timeout_ms;

	(void)purpose;
	client_count(&c->stats.connections);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
	return CURL_SOCKOPT_OK;
}

static long status_of(struct http_request *r)
{
	long status = 0;

	curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

static void count_version(struct http_request *r)
{
	long version = 0;

	curl_easy_getinfo(r->easy, CURLINFO_HTTP_VERSION, &version);
	if (version != CURL_HTTP_VERSION_2_0)
		return;
	client_count(&r->client->stats.http2);
	r->http2 = true;
}

static size_t on_header(char *line, size_t one, size_t len, void *ctx)
{
	struct http_request *r = ctx;

	(void)one;
	r->header_bytes += len;
	if (r->header_bytes > HTTP_HEADER_MAX) {
		r->header_overflow = true;
		return 0;
	}
	bool blank = len <= 2 && (line[0] == '\r' || line[0] == '\n');
	if (blank)
		count_version(r);
	if (r->http2)
		probe_heard(r);
	if (blank && status_of(r) != 401)
		credentials_accepted(&r->client->credentials, r->generation);
	if (blank && r->state == REQUEST_RUNNING && !r->opened && status_of(r) == 200) {
		r->opened = true;
		if (r->handler.on_open)
			r->handler.on_open(r->handler.ctx);
	}
	return len;
}

static size_t on_body(char *data, size_t one, size_t len, void *ctx)
{
	struct http_request *r = ctx;

	(void)one;
	if (r->state != REQUEST_RUNNING)
		return 0;
	if (r->http2)
		probe_heard(r);
	if (status_of(r) != 200) {
		size_t room = HTTP_ERROR_BODY_MAX - r->body.len;

		buf_add(&r->body, data, len < room ? len : room);
		return len;
	}
	r->refusal = r->handler.on_body(r->handler.ctx, data, len);
	/* Cancelled from inside: settle frees it; what is left of the body is not wanted. */
	return r->refusal || r->state != REQUEST_RUNNING ? 0 : len;
}

CURLcode easy_set_blob(CURL *easy, CURLoption option, const struct config_data *d)
{
	struct curl_blob blob = {d->data, d->len, CURL_BLOB_COPY};

	return d->data ? curl_easy_setopt(easy, option, &blob) : CURLE_OK;
}

static CURLcode set_tls(CURL *easy, const struct client_config *c)
{
	CURLcode r = CURLE_OK;

	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, c->ca_file ? 0L : CA_CACHE_S);
	if (c->insecure_skip_tls_verify) {
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	/* A CA that is given is the only one that counts: the system's directory goes. */
	if (c->ca_file || c->ca_data.data)
		r = curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	if (!r && c->ca_file)
		r = curl_easy_setopt(easy, CURLOPT_CAINFO, c->ca_file);
	if (!r)
		r = easy_set_blob(easy, CURLOPT_CAINFO_BLOB, &c->ca_data);
	if (!r && c->client_cert_file)
		r = curl_easy_setopt(easy, CURLOPT_SSLCERT, c->client_cert_file);
	if (!r)
		r = easy_set_blob(easy, CURLOPT_SSLCERT_BLOB, &c->client_cert_data);
	if (!r && c->client_key_file)
		r = curl_easy_setopt(easy, CURLOPT_SSLKEY, c->client_key_file);
	if (!r)
		r = easy_set_blob(easy, CURLOPT_SSLKEY_BLOB, &c->client_key_data);
	/* Or OpenSSL would ask whoever is at the terminal, and wait. */
	return r ? r : curl_easy_setopt(easy, CURLOPT_KEYPASSWD, "");
}

int request_model(struct http_client *c, struct error *ret_error)
{
	const struct client_config *config = c->config;
	CURL *easy = c->model = curl_easy_init();

	if (!easy)
		return -ENOMEM;
	CURLcode r = set_tls(easy, config);
	if (!r)
		r = proxy_set(easy, config);
	if (!r && !config->disable_compression)
		r = curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
	if (!r && !strncmp(config->server, "unix://", 7))
		r = curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, config->server + 7);
	if (!r)
		r = curl_easy_setopt(easy, CURLOPT_USERAGENT, "podfs");
	if (!r)
		r = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	if (!r && c->connect_to)
		r = curl_easy_setopt(easy, CURLOPT_CONNECT_TO, c->connect_to);
	if (r == CURLE_OUT_OF_MEMORY)
		return -ENOMEM;
	if (r)
		return error_set(ret_error, -EINVAL,
				 "libcurl does not accept the configuration: %s",
				 curl_easy_strerror(r));
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	/*
	 * Rather wait for a connection to show that it is HTTP/2 than open three. With TLS that
	 * shows in the handshake; without, libcurl would wait for the end of the first answer,
	 * which for a watch is minutes.
	 */
	curl_easy_setopt(easy, CURLOPT_PIPEWAIT, c->credentials.secure ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)c->times.connect_ms);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, RECEIVE_BUFFER);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)c->times.keepalive_idle_s);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long)c->times.keepalive_interval_s);
	curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_new_socket);
	curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, c);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	return 0;
}

static int prepare(struct http_request *r, struct error *ret_error)
{
	struct http_client *c = r->client;
	cleanup_buf struct buf url = {0};
	cleanup_buf struct buf host = {0};
	const struct exec_credential *held = &c->credentials.held;
	int err =
	    credentials_headers(&c->credentials, clock_monotonic_ms(), &r->headers, ret_error);

	if (err < 0)
		return err;
	r->generation = c->credentials.generation;
	buf_addf(&url, "%s%s", c->base_url, r->path);
	buf_addstr(&host, c->host_header ? c->host_header : "");
	r->easy = curl_easy_duphandle(c->model);
	if (url.err || host.err || !r->easy)
		return -ENOMEM;
	if (c->host_header) {
		struct curl_slist *longer = curl_slist_append(r->headers, host.data);

		if (!longer)
			return -ENOMEM;
		r->headers = longer;
	}
	if (curl_easy_setopt(r->easy, CURLOPT_URL, url.data) != CURLE_OK ||
	    easy_set_blob(r->easy, CURLOPT_SSLCERT_BLOB, &held->cert) != CURLE_OK ||
	    easy_set_blob(r->easy, CURLOPT_SSLKEY_BLOB, &held->key) != CURLE_OK)
		return -ENOMEM;
	curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, r->headers);
	curl_easy_setopt(r->easy, CURLOPT_ERRORBUFFER, r->error_text);
	curl_easy_setopt(r->easy, CURLOPT_HEADERDATA, r);
	curl_easy_setopt(r->easy, CURLOPT_WRITEDATA, r);
	curl_easy_setopt(r->easy, CURLOPT_PRIVATE, r);
	return 0;
}

void request_start(struct http_request *r)
{
	struct http_client *c = r->client;
	struct error error = {0};
	int err = prepare(r, &error);

	client_count(&c->stats.requests);
	r->started_ms = clock_monotonic_ms();
	if (err >= 0) {
		r->state = REQUEST_RUNNING;
		if (curl_multi_add_handle(c->multi, r->easy) == CURLM_OK) {
			r->attached = true;
			probe_started(c);
			return;
		}
		err = -ENOMEM;
	}
	if (!error.code)
		error_set(&error, err, "%s", strerror(-err));
	client_fail(r, HTTP_FAILURE_LOCAL, &error);
}

static const char *words(struct http_request *r, CURLcode code, int err, struct buf *ret)
{
	if (code == CURLE_OK)
		return "";
	if (r->header_overflow)
		return "the header of the answer is too long";
	if (r->refusal)
		return strerror(-r->refusal);
	buf_addstr(ret, *r->error_text ? r->error_text : curl_easy_strerror(code));
	/* "Couldn't connect to server" is not yet why. */
	if (code == CURLE_COULDNT_CONNECT)
		buf_addf(ret, ": %s", strerror(-err));
	return ret->err ? "out of memory" : ret->data;
}

/* Once, with another credential of the program: whether that is how it goes on. */
static bool send_again(struct http_request *r)
{
	struct http_client *c = r->client;

	if (!credentials_retry(&c->credentials, r->generation) || r->resent)
		return false;
	request_detach(r);
	r->resent = true;
	r->state = REQUEST_QUEUED;
	client_kick(c);
	return true;
}

void request_finish(struct http_request *r, CURLcode code)
{
	struct http_client *c = r->client;
	struct http_result result = {.retry_after_s = -1, .hint = ""};
	cleanup_buf struct buf text = {0};
	curl_off_t retry_after = 0;

	if (status_of(r) == 401 && !r->probe && send_again(r))
		return;
	result.failure = failure_of(r->easy, code, r->error_text, &result.err);
	if (code && r->refusal) {
		result.failure = HTTP_FAILURE_REFUSED;
		result.err = r->refusal;
	}
	result.status = (int)status_of(r);
	result.message = words(r, code, result.err, &text);
	result.body = r->body.data ? r->body.data : "";
	result.body_len = r->body.len;
	curl_easy_getinfo(r->easy, CURLINFO_RETRY_AFTER, &retry_after);
	if (retry_after > 0)
		result.retry_after_s = retry_after;
	if (result.status == 401 && !r->probe)
		credentials_rejected(&c->credentials);
	struct http_handler handler = r->handler;
	r->state = REQUEST_CANCELLED;
	handler.on_done(handler.ctx, &result);
}

void request_detach(struct http_request *r)
{
	if (r->attached)
		curl_multi_remove_handle(r->client->multi, r->easy);
	if (r->easy)
		curl_easy_cleanup(take_ptr(r->easy));
	headers_free(take_ptr(r->headers));
	buf_release(&r->body);
	r->attached = false;
	r->http2 = false;
	r->header_bytes = 0;
	r->error_text[0] = '\0';
}

void request_free(struct http_request *r)
{
	request_detach(r);
	free(r->path);
	free(r);
}
