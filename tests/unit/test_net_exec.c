/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credential programs: what they are told, what of their answers is taken, one
 * run of one, and when a credential is asked for again. The whole of it is
 * tested against a server in tests/client.
 */
#include <signal.h>
#include <sys/stat.h>
#include <uv.h>

#include <podfs/base/buf.h>

#include "net/base64.h"
#include "net/credentials.h"
#include "net/exec_info.h"
#include "net/exec_run.h"
#include "unit.h"

#define V1 "client.authentication.k8s.io/v1"
#define CREDENTIAL(status)                                                                         \
	"{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "\",\"status\":" status "}"

static void encodes_base64(void **state)
{
	static const char *const pairs[][2] = {
	    {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"\xff\xfe", "//4="}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		char *text = base64_encode(pairs[i][0], strlen(pairs[i][0]));

		assert_string_equal(text, pairs[i][1]);
		free(text);
	}
}

static void tells_what_kubectl_tells(void **state)
{
	struct config_exec x = {.api_version = strdup(V1)};
	struct client_config c = {.server = strdup("https://x"), .exec = &x};
	struct error e = {0};
	char *text;

	(void)state;
	assert_int_equal(exec_info(&c, true, &text, &e), 0);
	assert_string_equal(text, "{\"spec\":{\"interactive\":true},\"kind\":\"ExecCredential\","
				  "\"apiVersion\":\"" V1 "\"}");
	free(text);
	x.provide_cluster_info = true;
	c.ca_data = (struct config_data){strdup("ca"), 2};
	c.insecure_skip_tls_verify = true;
	c.proxy_url = strdup("http://p");
	assert_int_equal(exec_info(&c, false, &text, &e), 0);
	assert_string_equal(
	    text, "{\"spec\":{\"cluster\":{\"server\":\"https://x\","
		  "\"insecure-skip-tls-verify\":true,\"certificate-authority-data\":\"Y2E=\","
		  "\"proxy-url\":\"http://p\",\"config\":null},\"interactive\":false},"
		  "\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "\"}");
	free(text);
	config_data_release(&c.ca_data);
	c.ca_file = strdup("/nonexistent/ca");
	assert_int_equal(exec_info(&c, false, &text, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "/nonexistent/ca"));
	c.exec = NULL;
	free(x.api_version);
	client_config_release(&c);
}

static void takes_tokens_and_certificates(void **state)
{
	static const char good[] =
	    CREDENTIAL("{\"token\":\"t\\u0031\",\"clientCertificateData\":\"C\",\"clientKeyData\":"
		       "\"K\",\"expirationTimestamp\":\"1970-01-01T00:00:02Z\",\"more\":[{}]}");
	struct exec_credential c;
	struct error e = {0};

	(void)state;
	assert_int_equal(exec_credential_parse(good, strlen(good), V1, &c, &e), 0);
	assert_string_equal(c.token.data, "t1");
	assert_string_equal(c.cert.data, "C");
	assert_string_equal(c.key.data, "K");
	assert_int_equal(c.expires_ns, 2000000000);
	exec_credential_release(&c);
	assert_null(c.key.data);
}

struct bad_answer {
	const char *text;
	const char *says;
};

static void takes_nothing_else(void **state)
{
	static const struct bad_answer bad[] = {
	    {"", "did not print JSON"},
	    {"hush", "did not print JSON"},
	    {"[\"hush\"]", "did not print JSON"},
	    {"{\"hush\":", "did not print JSON"},
	    {"{}", "did not print an ExecCredential"},
	    {"{\"kind\":\"ExecCredential\",\"apiVersion\":\"hush\"}", "another apiVersion"},
	    {CREDENTIAL("null"), "without a status"},
	    {CREDENTIAL("\"hush\""), "without a status"},
	    {CREDENTIAL("{}"), "neither a token nor"},
	    {CREDENTIAL("{\"token\":\"\"}"), "neither a token nor"},
	    {CREDENTIAL("{\"token\":7}"), "neither a token nor"},
	    {CREDENTIAL("{\"token\":\"hush\",\"clientKeyData\":\"hush\"}"), "not both"},
	    {CREDENTIAL("{\"clientCertificateData\":\"hush\"}"), "not both"},
	    {CREDENTIAL("{\"token\":\"hush\\nX: y\"}"), "no token can have"},
	    {CREDENTIAL("{\"token\":\"hush\\u0000\"}"), "no token can have"},
	    {CREDENTIAL("{\"token\":\"hush\",\"expirationTimestamp\":\"hush\"}"), "is no time"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct exec_credential c;
		struct error e = {0};
		int r = exec_credential_parse(bad[i].text, strlen(bad[i].text), V1, &c, &e);

		if (r != -EINVAL || !strstr(e.msg, bad[i].says) || strstr(e.msg, "hush"))
			fail_msg("%s\n-> %d: %s", bad[i].text, r, e.msg);
	}
}

static void finds_programs_in_absolute_directories_only(void **state)
{
	char *found = exec_find("sh", ":.:relative:/nonexistent:/bin");

	(void)state;
	assert_string_equal(found, "/bin/sh");
	free(found);
	assert_null(exec_find("sh", "."));
	assert_null(exec_find("sh", ""));
	assert_null(exec_find("sh", NULL));
	assert_null(exec_find("/", "/bin"));
	assert_null(exec_find("/etc/passwd", "/bin"));
}

/* --- a run --- */

struct outcome {
	struct buf output;
	struct error error;
	unsigned done;
	unsigned closed;
};

static uv_loop_t loop;

static void on_done(void *ctx, const char *output, size_t len, const struct error *error)
{
	struct outcome *o = ctx;

	o->done++;
	buf_add(&o->output, output, len);
	if (error)
		o->error = *error;
}

static void on_closed(void *ctx)
{
	struct outcome *o = ctx;

	o->closed++;
}

/* Runs a shell script to its end, with @stdin_text on our standard input if it may read that. */
static void shell(const char *script, const char *stdin_text, int64_t limit_ms, struct outcome *ret)
{
	char *args[] = {strdup("-c"), strdup(script), NULL};
	struct config_env_entry env[] = {{strdup("A"), strdup("b")}, {strdup("B"), NULL}};
	struct config_exec x = {.command = strdup("/bin/sh"), .args = args, .env = env, .n_env = 2};
	struct exec_run_handler handler = {ret, on_done, on_closed};
	struct exec_run *run;
	int fds[2];
	int saved = dup(0);

	*ret = (struct outcome){0};
	if (stdin_text) {
		assert_int_equal(pipe(fds), 0);
		assert_int_equal(write(fds[1], stdin_text, strlen(stdin_text)), strlen(stdin_text));
		close(fds[1]);
		assert_true(dup2(fds[0], 0) == 0);
		close(fds[0]);
	}
	uv_loop_init(&loop);
	assert_int_equal(exec_run_start(&loop, &x, stdin_text != NULL, "{}", limit_ms, &handler,
					&run, &ret->error),
			 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	assert_int_equal(ret->done, 1);
	assert_int_equal(ret->closed, 1);
	assert_true(dup2(saved, 0) == 0);
	close(saved);
	for (size_t i = 0; i < 2; i++) {
		free(args[i]);
		free(env[i].name);
		free(env[i].value);
	}
	free(x.command);
}

static void gives_the_program_its_environment(void **state)
{
	struct outcome o;

	(void)state;
	setenv("A", "ours", 1);
	setenv("KUBERNETES_EXEC_INFO", "ours", 1);
	shell("echo \"$A,${B-unset},$KUBERNETES_EXEC_INFO,${PATH:+path}\"; cat", NULL, 60000, &o);
	assert_string_equal(o.output.data, "b,,{},path\n");
	buf_release(&o.output);
	unsetenv("A");
	unsetenv("KUBERNETES_EXEC_INFO");
}

static void lets_it_ask_a_person(void **state)
{
	struct outcome o;

	(void)state;
	shell("read -r word; echo \"got $word\"", "hello\n", 60000, &o);
	assert_string_equal(o.output.data, "got hello\n");
	buf_release(&o.output);
}

static void takes_large_answers(void **state)
{
	struct outcome o;

	(void)state;
	shell("head -c 1048576 /dev/zero", NULL, 60000, &o);
	assert_int_equal(o.error.code, 0);
	assert_int_equal(o.output.len, EXEC_OUTPUT_MAX);
	buf_release(&o.output);
	shell("head -c 1048577 /dev/zero", NULL, 60000, &o);
	assert_int_equal(o.error.code, -EFBIG);
	buf_release(&o.output);
}

/* Somebody in the background holds the pipe open: the answer is there all the same. */
static void does_not_wait_for_what_it_left_behind(void **state)
{
	struct outcome o;

	(void)state;
	shell("sleep 600 2>&- & echo $!", NULL, 60000, &o);
	pid_t left = (pid_t)strtol(o.output.data, NULL, 10);
	assert_true(left > 1);
	assert_int_equal(kill(left, SIGKILL), 0);
	assert_int_equal(o.error.code, 0);
	buf_release(&o.output);
}

static void says_when_it_takes_too_long(void **state)
{
	struct outcome o;

	(void)state;
	shell("sleep 600", NULL, 1, &o);
	assert_int_equal(o.error.code, -ETIMEDOUT);
	assert_non_null(strstr(o.error.msg, "did not end within 1 seconds"));
	assert_non_null(strstr(o.error.hint, "/bin/sh with its args"));
	buf_release(&o.output);
}

static void says_when_it_cannot_be_run(void **state)
{
	char path[] = "/tmp/podfs-exec-XXXXXX";
	int fd = mkstemp(path);
	struct config_exec x = {.command = path, .install_hint = NULL};
	struct outcome o = {0};
	struct exec_run_handler handler = {&o, on_done, on_closed};
	struct exec_run *run;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "#!/nonexistent\n", 15), 15);
	assert_int_equal(fchmod(fd, 0700), 0);
	close(fd);
	uv_loop_init(&loop);
	assert_int_equal(exec_run_start(&loop, &x, false, "{}", 1000, &handler, &run, &o.error),
			 -ENOENT);
	assert_non_null(strstr(o.error.msg, "cannot be run"));
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(o.closed, 1);
	unlink(path);
	assert_int_equal(exec_run_start(&loop, &x, false, "{}", 1000, &handler, &run, &o.error),
			 -ENOENT);
	assert_non_null(strstr(o.error.msg, "is not there"));
	assert_int_equal(o.closed, 2);
	assert_int_equal(o.done, 0);
	assert_int_equal(uv_loop_close(&loop), 0);
}

/* --- what is kept --- */

static bool take(struct credentials *c, const char *cert, int64_t expires_ns)
{
	struct exec_credential got = {.expires_ns = expires_ns};

	got.token = (struct config_data){strdup("t"), 1};
	if (cert) {
		got.cert = (struct config_data){strdup(cert), strlen(cert)};
		got.key = (struct config_data){strdup("k"), 1};
	}
	return credentials_take(c, &got);
}

static void asks_again_when_it_expired_or_was_refused(void **state)
{
	struct config_exec x = {0};
	struct client_config config = {.server = strdup("https://x"), .exec = &x};
	struct credentials c;

	(void)state;
	credentials_init(&c, &config);
	assert_true(credentials_wanted(&c, 50));
	assert_false(take(&c, NULL, 100));
	assert_false(credentials_wanted(&c, 99));
	assert_true(credentials_wanted(&c, 100));
	assert_false(take(&c, NULL, 0));
	assert_false(credentials_wanted(&c, INT64_MAX));
	credentials_rejected(&c);
	assert_true(credentials_wanted(&c, 0));
	credentials_release(&c);
	config.exec = NULL;
	assert_false(credentials_wanted(&c, 0));
	free(config.server);
	config.server = strdup("http://x");
	config.exec = &x;
	credentials_init(&c, &config);
	assert_false(credentials_wanted(&c, 0));
	config.exec = NULL;
	client_config_release(&config);
}

/* One that never worked is not asked for twice in a row. */
static void sends_once_more_after_a_401(void **state)
{
	struct config_exec x = {0};
	struct client_config config = {.server = strdup("https://x"), .exec = &x};
	struct credentials c;

	(void)state;
	credentials_init(&c, &config);
	assert_false(credentials_retry(&c, 0));
	take(&c, NULL, 0);
	assert_true(credentials_retry(&c, 1));
	assert_true(credentials_retry(&c, 1));
	take(&c, NULL, 0);
	assert_true(credentials_retry(&c, 1));
	assert_false(credentials_retry(&c, 2));
	assert_true(credentials_wanted(&c, 0));
	take(&c, NULL, 0);
	assert_false(credentials_retry(&c, 3));
	take(&c, NULL, 0);
	credentials_accepted(&c, 3);
	assert_false(credentials_retry(&c, 4));
	take(&c, NULL, 0);
	credentials_accepted(&c, 5);
	assert_true(credentials_retry(&c, 5));
	credentials_release(&c);
	config.exec = NULL;
	client_config_release(&config);
}

static void notices_another_certificate(void **state)
{
	struct config_exec x = {0};
	struct client_config config = {.server = strdup("https://x"), .exec = &x};
	struct credentials c;

	(void)state;
	credentials_init(&c, &config);
	assert_false(take(&c, "one", 0));
	assert_false(take(&c, "one", 0));
	assert_true(take(&c, "two", 0));
	assert_true(take(&c, NULL, 0));
	credentials_release(&c);
	config.exec = NULL;
	client_config_release(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(encodes_base64),
	    cmocka_unit_test(tells_what_kubectl_tells),
	    cmocka_unit_test(takes_tokens_and_certificates),
	    cmocka_unit_test(takes_nothing_else),
	    cmocka_unit_test(finds_programs_in_absolute_directories_only),
	    cmocka_unit_test(gives_the_program_its_environment),
	    cmocka_unit_test(lets_it_ask_a_person),
	    cmocka_unit_test(takes_large_answers),
	    cmocka_unit_test(does_not_wait_for_what_it_left_behind),
	    cmocka_unit_test(says_when_it_takes_too_long),
	    cmocka_unit_test(says_when_it_cannot_be_run),
	    cmocka_unit_test(asks_again_when_it_expired_or_was_refused),
	    cmocka_unit_test(sends_once_more_after_a_401),
	    cmocka_unit_test(notices_another_certificate),
	};

	return cmocka_run_group_tests_name("net_exec", tests, NULL, NULL);
}
