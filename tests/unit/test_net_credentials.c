/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which headers go out, and when a token file is read again.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/credentials.h"

static char path[64];
static struct client_config config;
static struct credentials credentials;

static void write_token(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int setup(void **state)
{
	(void)state;
	strcpy(path, "/tmp/podfs-token-XXXXXX");
	int fd = mkstemp(path);
	if (fd < 0)
		return -1;
	close(fd);
	config = (struct client_config){.server = strdup("https://x"), .token_file = strdup(path)};
	credentials_init(&credentials, &config);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	credentials_release(&credentials);
	client_config_release(&config);
	unlink(path);
	return 0;
}

/* The headers at a time, one after the other; NULL if there was an error. */
static void sends(int64_t now_ms, const char *expected)
{
	struct curl_slist *list = NULL;
	struct error e = {0};
	char text[512] = "";

	assert_int_equal(credentials_headers(&credentials, now_ms, &list, &e), 0);
	for (struct curl_slist *h = list; h; h = h->next)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s\n", h->data);
	headers_free(list);
	assert_string_equal(text, expected);
}

static void reads_the_token_again_after_fifty_seconds(void **state)
{
	(void)state;
	write_token(" one\n");
	sends(1000, "Authorization: Bearer one\n");
	write_token("two");
	sends(50999, "Authorization: Bearer one\n");
	sends(51000, "Authorization: Bearer two\n");
}

static void reads_the_token_again_when_it_was_rejected(void **state)
{
	(void)state;
	write_token("one");
	sends(1000, "Authorization: Bearer one\n");
	write_token("two");
	credentials_rejected(&credentials);
	sends(1001, "Authorization: Bearer two\n");
}

static void keeps_the_last_good_token(void **state)
{
	(void)state;
	write_token("one");
	sends(1000, "Authorization: Bearer one\n");
	write_token(" \n");
	sends(60000, "Authorization: Bearer one\n");
	unlink(path);
	sends(120000, "Authorization: Bearer one\n");
	write_token("three");
	sends(120001, "Authorization: Bearer three\n");
}

static void says_why_there_is_no_token(void **state)
{
	static const char *const bad[] = {"", "  \n", "a b", "a\nb", "\x01"};
	struct curl_slist *list = NULL;
	struct error e = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		write_token(bad[i]);
		assert_int_equal(credentials_headers(&credentials, 1000, &list, &e), -EINVAL);
		assert_non_null(strstr(e.msg, path));
	}
	unlink(path);
	assert_int_equal(credentials_headers(&credentials, 1000, &list, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "No such file"));
	assert_null(list);
}

static void falls_back_to_the_token_in_place_until_the_file_is_there(void **state)
{
	(void)state;
	config.token = strdup("static");
	unlink(path);
	sends(1000, "Authorization: Bearer static\n");
	write_token("fresh");
	sends(1001, "Authorization: Bearer fresh\n");
}

static void encodes_a_password(void **state)
{
	(void)state;
	free(config.token_file);
	config.token_file = NULL;
	config.username = strdup("me");
	config.password = strdup("s3cr");
	sends(1000, "Authorization: Basic bWU6czNjcg==\n");
	free(config.password);
	config.password = strdup("s3crt");
	sends(1000, "Authorization: Basic bWU6czNjcnQ=\n");
	free(config.password);
	config.password = NULL;
	sends(1000, "Authorization: Basic bWU6\n");
}

static void gives_nothing_to_a_plain_server(void **state)
{
	(void)state;
	write_token("one");
	free(config.server);
	config.server = strdup("http://x");
	credentials_init(&credentials, &config);
	sends(1000, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(reads_the_token_again_after_fifty_seconds),
	    TEST(reads_the_token_again_when_it_was_rejected),
	    TEST(keeps_the_last_good_token),
	    TEST(says_why_there_is_no_token),
	    TEST(falls_back_to_the_token_in_place_until_the_file_is_there),
	    TEST(encodes_a_password),
	    TEST(gives_nothing_to_a_plain_server),
	};

	return cmocka_run_group_tests_name("net_credentials", tests, NULL, NULL);
}
