/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: what it says about mistakes, and what it hides.
 */
#include <errno.h>
#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "options.h"

#define WORDS_MAX 9

static char words[WORDS_MAX][64];

/* Of one command line, whose words may be written to. */
static int parse(const char *const *line, struct options *ret, struct error *e)
{
	char *argv[WORDS_MAX + 1] = {words[0]};
	int argc = 1;

	strcpy(words[0], "podfs");
	for (; *line; line++, argc++) {
		assert_true(argc < WORDS_MAX && strlen(*line) < sizeof(words[0]));
		argv[argc] = strcpy(words[argc], *line);
	}
	optind = 0;
	*ret = (struct options){0};
	*e = (struct error){0};
	return options_parse(argc, argv, ret, e);
}

static void moves_the_token_away(void **state)
{
	static const char *const lines[][4] = {{"--token", "hush", "mnt"}, {"--token=hush", "mnt"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct options o;
		struct error e;

		assert_int_equal(parse(lines[i], &o, &e), 0);
		assert_string_equal(o.config.token, "hush");
		assert_string_equal(o.mountpoint, "mnt");
		for (size_t w = 0; w < WORDS_MAX; w++)
			assert_null(strstr(words[w], "hush"));
		options_release(&o);
	}
}

/* It may have been meant as a token. */
static void names_an_unknown_option_without_its_value(void **state)
{
	static const struct {
		const char *line[4];
		const char *says;
	} lines[] = {
	    {{"--tokn=hush", "mnt"}, "there is no option --tokn"},
	    {{"--tok=hush", "mnt"}, "there is no option --tok"},
	    {{"--tokn", "hush", "mnt"}, "there is no option --tokn"},
	    {{"mnt", "-fxhush"}, "there is no option -x"},
	    {{"mnt", "--token"}, "--token needs a value"},
	    {{"mnt", "-fs"}, "-s needs a value"},
	    {{"--foreground=hush", "mnt"}, "--foreground takes no value"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct options o;
		struct error e;

		assert_int_equal(parse(lines[i].line, &o, &e), -EINVAL);
		assert_string_equal(e.msg, lines[i].says);
		options_release(&o);
	}
}

/* As for kubectl: `--context "$CONTEXT"` is in many a script. */
static void takes_an_empty_value_for_none(void **state)
{
	static const char *const line[] = {"--context=", "--token=", "-n",  "",
					   "-s",         "",         "mnt", NULL};
	struct options o;
	struct error e;

	(void)state;
	assert_int_equal(parse(line, &o, &e), 0);
	assert_null(o.config.context);
	assert_null(o.config.token);
	assert_null(o.config.namespace);
	assert_null(o.config.server);
	assert_string_equal(o.mountpoint, "mnt");
	options_release(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(moves_the_token_away),
	    cmocka_unit_test(names_an_unknown_option_without_its_value),
	    cmocka_unit_test(takes_an_empty_value_for_none),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
