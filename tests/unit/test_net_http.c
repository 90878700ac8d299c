/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http over real sockets: what arrives how, what goes over the wire, and that
 * everything can be cancelled and closed from everywhere. TLS and HTTP/2 are
 * tested against the stand-in server (tests/client).
 */
#include <errno.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <podfs/net/http.h>

#include "http_peer.h"

static uv_loop_t loop;
static struct peer peer;
static struct http_client *client;
static struct client_config config;

/* What one request's handler has seen, and what it is to do. */
struct call {
	struct http_request *request;
	unsigned opened;
	struct buf body;
	unsigned done;
	struct http_result result;
	char message[256];
	struct buf error_body;
	int refuse_with;
	bool cancel_on_body;
	bool close_on_body;
	bool close_on_done;
	const char *again; /* path to get when done */
	struct call *again_call;
};

static bool client_closed;

static void closed_cb(void *ctx)
{
	(void)ctx;
	client_closed = true;
}

static void close_client(void)
{
	if (client)
		http_client_close(client, closed_cb, NULL);
	client = NULL;
}

static void get(struct call *c, const char *path);

static void on_open(void *ctx)
{
	struct call *c = ctx;

	assert_false(http_waiting(c->request));
	c->opened++;
}

static int on_body(void *ctx, const char *data, size_t len)
{
	struct call *c = ctx;

	buf_add(&c->body, data, len);
	if (c->cancel_on_body)
		http_cancel(c->request);
	if (c->close_on_body)
		close_client();
	return c->refuse_with;
}

static void on_done(void *ctx, const struct http_result *result)
{
	struct call *c = ctx;

	c->done++;
	c->result = *result;
	snprintf(c->message, sizeof(c->message), "%s", result->message);
	buf_add(&c->error_body, result->body, result->body_len);
	if (c->again)
		get(c->again_call, c->again);
	if (c->close_on_done)
		close_client();
}

static void get(struct call *c, const char *path)
{
	struct http_handler handler = {c, on_open, on_body, on_done};

	assert_int_equal(http_get(client, path, &handler, &c->request), 0);
	assert_int_equal(c->done, 0);
}

static void release(struct call *c)
{
	buf_release(&c->body);
	buf_release(&c->error_body);
}

static void run_until(const unsigned *flag)
{
	while (!*flag)
		assert_true(uv_run(&loop, UV_RUN_ONCE) || *flag);
}

static void open_client(void)
{
	struct error e = {0};

	assert_int_equal(http_client_open(&loop, &config, NULL, &client, &e), 0);
}

static int setup(void **state)
{
	char *url;

	(void)state;
	uv_loop_init(&loop);
	peer_open(&peer, &loop, NULL);
	if (asprintf(&url, "http://127.0.0.1:%d", peer.port) < 0)
		return -1;
	config = (struct client_config){.server = url};
	client_closed = false;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close_client();
	while (!client_closed)
		uv_run(&loop, UV_RUN_ONCE);
	peer_close(&peer);
	client_config_release(&config);
	return uv_loop_close(&loop);
}

#define OK "HTTP/1.1 200 OK\r\n"
#define HELLO OK "Content-Length: 5\r\n\r\nhello"

static void streams_the_body_of_a_200(void **state)
{
	struct call c = {0};

	(void)state;
	open_client();
	peer_answer(&peer, OK "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
		    false);
	get(&c, "/api/v1/pods?limit=5");
	assert_true(http_waiting(c.request));
	run_until(&c.done);
	assert_int_equal(c.opened, 1);
	assert_string_equal(c.body.data, "hello");
	assert_int_equal(c.result.err, 0);
	assert_int_equal(c.result.status, 200);
	assert_non_null(strstr(peer.requests.data, "GET /api/v1/pods?limit=5 HTTP/1.1\r\n"));
	assert_non_null(strstr(peer.requests.data, "Accept-Encoding: gzip\r\n"));
	release(&c);
}

static void unpacks_gzip(void **state)
{
	/* printf hello | gzip -n */
	static const char packed[] =
	    OK "Content-Encoding: gzip\r\nContent-Length: 25\r\n\r\n"
	       "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6\x10"
	       "\x36\x05\x00\x00\x00";
	struct call c = {0};

	(void)state;
	open_client();
	peer.answer = packed;
	peer.answer_len = sizeof(packed) - 1;
	get(&c, "/");
	run_until(&c.done);
	assert_string_equal(c.body.data, "hello");
	release(&c);
}

static void does_not_offer_gzip_when_told_not_to(void **state)
{
	struct call c = {0};

	(void)state;
	config.disable_compression = true;
	open_client();
	peer_answer(&peer, HELLO, false);
	get(&c, "/");
	run_until(&c.done);
	assert_null(strstr(peer.requests.data, "Accept-Encoding"));
	release(&c);
}

static void collects_the_body_of_an_error(void **state)
{
	struct call c = {0};

	(void)state;
	open_client();
	peer_answer(
	    &peer,
	    "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nslow",
	    false);
	get(&c, "/");
	run_until(&c.done);
	assert_int_equal(c.opened, 0);
	assert_null(c.body.data);
	assert_int_equal(c.result.status, 429);
	assert_int_equal(c.result.retry_after_s, 7);
	assert_string_equal(c.error_body.data, "slow");
	assert_int_equal(c.result.failure, HTTP_FAILURE_UNSET);
	release(&c);
}

static void reports_a_refused_connection(void **state)
{
	struct call c = {0};

	(void)state;
	free(config.server);
	/* A port that was free a moment ago; 1 is reserved and needs root to be taken. */
	config.server = strdup("http://127.0.0.1:1");
	open_client();
	get(&c, "/");
	run_until(&c.done);
	assert_int_equal(c.result.failure, HTTP_FAILURE_UNREACHABLE);
	assert_int_equal(c.result.err, -ECONNREFUSED);
	assert_non_null(strstr(c.message, "Connection refused"));
	release(&c);
}

static void reports_a_body_that_breaks_off(void **state)
{
	struct call c = {0};

	(void)state;
	open_client();
	peer_answer(&peer, OK "Content-Length: 9\r\n\r\nhello", true);
	get(&c, "/");
	run_until(&c.done);
	assert_string_equal(c.body.data, "hello");
	assert_int_equal(c.result.failure, HTTP_FAILURE_UNREACHABLE);
	assert_int_equal(c.result.err, -ECONNRESET);
	assert_int_equal(c.result.status, 200);
	release(&c);
}

static void reports_what_is_not_http(void **state)
{
	struct call c = {0};

	(void)state;
	open_client();
	peer_answer(&peer, "SSH-2.0-OpenSSH\r\n", true);
	get(&c, "/");
	run_until(&c.done);
	assert_int_equal(c.result.failure, HTTP_FAILURE_PROTOCOL);
	release(&c);
}

static void limits_the_header(void **state)
{
	struct buf answer = {0};
	struct call c = {0};

	(void)state;
	open_client();
	buf_addstr(&answer, OK);
	for (int i = 0; i < 40; i++) {
		buf_addstr(&answer, "X: ");
		buf_addfill(&answer, 'x', 8000);
		buf_addstr(&answer, "\r\n");
	}
	buf_addstr(&answer, "Content-Length: 0\r\n\r\n");
	peer_answer(&peer, answer.data, false);
	get(&c, "/");
	run_until(&c.done);
	assert_int_not_equal(c.result.err, 0);
	assert_int_equal(c.opened, 0);
	buf_release(&answer);
	release(&c);
}

static void ends_with_what_on_body_returns(void **state)
{
	struct call c = {.refuse_with = -EBADMSG};

	(void)state;
	open_client();
	peer_answer(&peer, HELLO, false);
	get(&c, "/");
	run_until(&c.done);
	assert_int_equal(c.result.failure, HTTP_FAILURE_REFUSED);
	assert_int_equal(c.result.err, -EBADMSG);
	release(&c);
}

static void says_nothing_after_a_cancel(void **state)
{
	struct call queued = {0};
	struct call inside = {.cancel_on_body = true};
	struct call after = {0};

	(void)state;
	open_client();
	peer_answer(&peer, HELLO, false);
	get(&queued, "/queued");
	http_cancel(queued.request);
	get(&inside, "/inside");
	while (!inside.body.len)
		uv_run(&loop, UV_RUN_ONCE);
	get(&after, "/after");
	run_until(&after.done);
	assert_int_equal(queued.done, 0);
	assert_int_equal(inside.done, 0);
	assert_null(strstr(peer.requests.data, "/queued"));
	release(&inside);
	release(&after);
}

static void keeps_the_connection_for_the_next_request(void **state)
{
	struct call second = {0};
	struct call first = {.again = "/second", .again_call = &second};
	struct http_stats stats;

	(void)state;
	open_client();
	peer_answer(&peer, HELLO, false);
	get(&first, "/first");
	run_until(&second.done);
	assert_int_equal(peer.connections, 1);
	http_client_stats(client, &stats);
	assert_int_equal(stats.connections, 1);
	assert_int_equal(stats.requests, 2);
	assert_int_equal(stats.http2, 0);
	release(&first);
	release(&second);
}

static void closes_from_inside_its_callbacks(void **state)
{
	struct call c = {.close_on_body = true};

	(void)state;
	open_client();
	peer_answer(&peer, HELLO, false);
	get(&c, "/");
	while (!client_closed)
		uv_run(&loop, UV_RUN_ONCE);
	assert_int_equal(c.done, 0);
	release(&c);

	c = (struct call){.close_on_done = true};
	client_closed = false;
	open_client();
	get(&c, "/");
	while (!client_closed)
		uv_run(&loop, UV_RUN_ONCE);
	assert_int_equal(c.done, 1);
	release(&c);
}

static void closes_with_requests_under_way(void **state)
{
	struct call running = {0};
	struct call queued = {0};

	(void)state;
	open_client();
	peer_answer(&peer, OK "Content-Length: 9\r\n\r\nhello", false);
	get(&running, "/");
	while (!running.body.len)
		uv_run(&loop, UV_RUN_ONCE);
	get(&queued, "/");
	close_client();
	while (!client_closed)
		uv_run(&loop, UV_RUN_ONCE);
	assert_int_equal(running.done + queued.done, 0);
	release(&running);
}

/* client-go: an http server gets no credentials, but it may be asked to impersonate. */
static void sends_no_credentials_over_plain_http(void **state)
{
	struct call c = {0};
	char *groups[] = {strdup("dev"), strdup("ops"), NULL};
	char *values[] = {strdup("why"), NULL};
	struct config_extra extra = {strdup("example.com/Reason"), values};

	(void)state;
	config.token = strdup("hush");
	config.as = strdup("jane");
	config.as_uid = strdup("7");
	config.as_groups = groups;
	config.as_extra = &extra;
	config.n_as_extra = 1;
	open_client();
	peer_answer(&peer, HELLO, false);
	get(&c, "/");
	run_until(&c.done);
	const char *sent = peer.requests.data;
	assert_null(strstr(sent, "Authorization"));
	assert_null(strstr(sent, "hush"));
	assert_non_null(strstr(sent, "Impersonate-User: jane\r\n"));
	assert_non_null(strstr(sent, "Impersonate-Uid: 7\r\n"));
	assert_non_null(strstr(sent, "Impersonate-Group: dev\r\nImpersonate-Group: ops\r\n"));
	assert_non_null(strstr(sent, "Impersonate-Extra-example.com%2FReason: why\r\n"));
	config.as_groups = NULL;
	config.as_extra = NULL;
	config.n_as_extra = 0;
	free(groups[0]);
	free(groups[1]);
	free(values[0]);
	free(extra.key);
	release(&c);
}

static void reaches_a_unix_socket(void **state)
{
	char dir[] = "/tmp/podfs-http-XXXXXX";
	char path[64];
	struct peer socket_peer;
	struct call c = {0};

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/socket", dir);
	peer_open(&socket_peer, &loop, path);
	peer_answer(&socket_peer, HELLO, false);
	free(config.server);
	assert_true(asprintf(&config.server, "unix://%s", path) > 0);
	open_client();
	get(&c, "/version");
	run_until(&c.done);
	assert_string_equal(c.body.data, "hello");
	assert_non_null(strstr(socket_peer.requests.data, "Host: localhost\r\n"));
	release(&c);
	close_client();
	while (!client_closed)
		uv_run(&loop, UV_RUN_ONCE);
	uv_close(&socket_peer.listener.handle, NULL);
	uv_run(&loop, UV_RUN_NOWAIT);
	buf_release(&socket_peer.requests);
	unlink(path);
	rmdir(dir);
}

/* Credentials are for the server that was named, and for no other that it names. */
static void follows_no_redirect(void **state)
{
	struct call c = {0};
	char *answer;

	(void)state;
	open_client();
	if (asprintf(&answer,
		     "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%d/elsewhere\r\n"
		     "Content-Length: 0\r\n\r\n",
		     peer.port) < 0)
		fail();
	peer_answer(&peer, answer, false);
	get(&c, "/");
	run_until(&c.done);
	assert_int_equal(c.result.status, 302);
	assert_null(strstr(peer.requests.data, "elsewhere"));
	free(answer);
	release(&c);
}

/* Waiting would not help: there is nothing to wait for. */
static void refuses_a_server_that_is_no_url(void **state)
{
	static const char *const servers[] = {"https://127.0.0.1:99999", "http://[::1",
					      "https://a,b", "https://a:b", "https://a%20b:6443"};
	uv_loop_t unused;

	(void)state;
	assert_int_equal(uv_loop_init(&unused), 0);
	for (size_t i = 0; i < 2 * ARRAY_SIZE(servers); i++) {
		struct client_config c = {.server = (char *)(uintptr_t)servers[i / 2],
					  .tls_server_name = i % 2 ? (char[]){"name"} : NULL};
		struct http_client *none = NULL;
		struct error e = {0};

		assert_int_equal(http_client_open(&unused, &c, NULL, &none, &e), -EINVAL);
		assert_non_null(strstr(e.msg, servers[i / 2]));
	}
	assert_int_equal(uv_loop_close(&unused), 0);
}

/* As Go does: what is on this machine is never asked for over a proxy of the environment. */
static void sends_only_what_is_elsewhere_over_a_proxy_of_the_environment(void **state)
{
	static const struct {
		const char *server;
		bool here; /* on the peer's port */
		const char *asked;
	} servers[] = {
	    {"http://127.0.0.1", true, "GET /x HTTP"},
	    {"http://localhost", true, "GET /x HTTP"},
	    {"http://localhost.example", false, "GET http://localhost.example/x HTTP"},
	    {"http://127.example", false, "GET http://127.example/x HTTP"},
	    {"http://10.0.0.1/://127.0.0.1", false, "GET http://10.0.0.1/://127.0.0.1/x HTTP"},
	};
	char proxy[64];

	(void)state;
	snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", peer.port);
	unsetenv("HTTP_PROXY");
	setenv("http_proxy", proxy, 1);
	unsetenv("no_proxy");
	unsetenv("NO_PROXY");
	for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
		struct call c = {0};
		if (i) {
			close_client();
			while (!client_closed)
				uv_run(&loop, UV_RUN_ONCE);
			client_closed = false;
		}
		free(config.server);
		if (!servers[i].here)
			config.server = strdup(servers[i].server);
		else if (asprintf(&config.server, "%s:%d", servers[i].server, peer.port) < 0)
			fail();
		open_client();
		buf_clear(&peer.requests);
		peer_answer(&peer, HELLO, true);
		get(&c, "/x");
		run_until(&c.done);
		if (!peer.requests.data ||
		    strncmp(peer.requests.data, servers[i].asked, strlen(servers[i].asked)))
			fail_msg("%s: %s", servers[i].server, peer.requests.data);
		release(&c);
	}
	unsetenv("http_proxy");
}

static int find_socket;

static void find_cb(uv_handle_t *handle, void *ctx)
{
	(void)ctx;
	if (handle->type == UV_POLL && !uv_is_closing(handle))
		assert_int_equal(uv_fileno(handle, &find_socket), 0);
}

static int option_of(int name)
{
	int value = -1;
	socklen_t size = sizeof(value);

	assert_int_equal(getsockopt(find_socket, IPPROTO_TCP, name, &value, &size), 0);
	return value;
}

static void sets_keepalive_and_user_timeout_on_every_socket(void **state)
{
	struct call c = {0};
	int on = 0;
	socklen_t size = sizeof(on);

	(void)state;
	open_client();
	peer_answer(&peer, OK "Content-Length: 9\r\n\r\nhello", false);
	get(&c, "/");
	while (!c.body.len)
		uv_run(&loop, UV_RUN_ONCE);
	find_socket = -1;
	uv_walk(&loop, find_cb, NULL);
	assert_true(find_socket >= 0);
	assert_int_equal(getsockopt(find_socket, SOL_SOCKET, SO_KEEPALIVE, &on, &size), 0);
	assert_int_equal(on, 1);
	assert_int_equal(option_of(TCP_KEEPIDLE), 30);
	assert_int_equal(option_of(TCP_KEEPINTVL), 5);
	assert_int_equal(option_of(TCP_KEEPCNT), 3);
	assert_int_equal(option_of(TCP_USER_TIMEOUT), 45000);
	release(&c);
}

/* The only network device there is. */
static bool set_loopback(bool up)
{
	struct ifreq r = {.ifr_name = "lo", .ifr_flags = up ? IFF_UP : 0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool good = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &r) == 0;

	if (fd >= 0)
		close(fd);
	return good;
}

/* In a network of its own: 0 if the loss was noticed, 77 if there can be no such network. */
static int lose_the_network(void)
{
	struct http_times times = http_times_default;
	struct call c = {0};
	struct error e = {0};
	void *nothing = NULL;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0 && unshare(CLONE_NEWNET) < 0)
		return 77;
	if (!set_loopback(true) || setup(&nothing) < 0)
		return 77;
	times.keepalive_idle_s = 1;
	times.keepalive_interval_s = 1;
	times.keepalive_probes = 2;
	times.user_timeout_ms = 2000;
	if (http_client_open(&loop, &config, &times, &client, &e) < 0)
		return 1;
	peer_answer(&peer, OK "Content-Length: 9\r\n\r\nhello", false);
	get(&c, "/");
	while (!c.body.len)
		uv_run(&loop, UV_RUN_ONCE);
	if (!set_loopback(false))
		return 77;
	while (!c.done)
		uv_run(&loop, UV_RUN_ONCE);
	/* Of TCP itself, or what the route said last. */
	return c.result.failure == HTTP_FAILURE_UNREACHABLE ? 0 : 2;
}

/* Nothing is sent: only TCP itself can notice, and after so long as it was told. */
static void notices_a_peer_that_is_gone_without_a_word(void **state)
{
	int status = 0;

	(void)state;
	pid_t child = fork();
	assert_true(child >= 0);
	if (!child) {
		alarm(60);
		_exit(lose_the_network());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(streams_the_body_of_a_200),
	    TEST(unpacks_gzip),
	    TEST(does_not_offer_gzip_when_told_not_to),
	    TEST(collects_the_body_of_an_error),
	    TEST(reports_a_refused_connection),
	    TEST(reports_a_body_that_breaks_off),
	    TEST(reports_what_is_not_http),
	    TEST(limits_the_header),
	    TEST(ends_with_what_on_body_returns),
	    TEST(says_nothing_after_a_cancel),
	    TEST(keeps_the_connection_for_the_next_request),
	    TEST(closes_from_inside_its_callbacks),
	    TEST(closes_with_requests_under_way),
	    TEST(sends_no_credentials_over_plain_http),
	    TEST(reaches_a_unix_socket),
	    TEST(sends_only_what_is_elsewhere_over_a_proxy_of_the_environment),
	    TEST(follows_no_redirect),
	    cmocka_unit_test(refuses_a_server_that_is_no_url),
	    TEST(sets_keepalive_and_user_timeout_on_every_socket),
	    cmocka_unit_test(notices_a_peer_that_is_gone_without_a_word),
	};

	return cmocka_run_group_tests_name("net_http", tests, NULL, NULL);
}
