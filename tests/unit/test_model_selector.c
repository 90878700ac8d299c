/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <podfs/base/buf.h>
#include <podfs/model/selector.h>

#define X10 "xxxxxxxxxx"
#define X63 X10 X10 X10 X10 X10 X10 "xxx"
#define X253 X63 "." X63 "." X63 "." X10 X10 X10 X10 X10 X10 "x"

static int parse(const char *text)
{
	cleanup_selector struct selector s = {0};

	return selector_parse(text, strlen(text), &s);
}

static void every_form_is_accepted(void **state)
{
	static const char *const accepted[] = {
	    "",
	    " ",
	    " \t\r\n",
	    "a",
	    "!a",
	    "! a",
	    " !a ",
	    "a=",
	    "a= ",
	    "a==",
	    "a!=",
	    "a=b",
	    "a==b",
	    "a!=b",
	    "a = b",
	    "\ta\n==\rb ",
	    "a=,b=",
	    "a= ,b",
	    "a,b,!c",
	    "a , ! b , c != d",
	    "a in (b)",
	    "a in(b)",
	    "a in (b,c,d)",
	    "a in ( b , c )",
	    "a notin (b)",
	    "a notin(b),c",
	    "a in ()",
	    "a notin ( )",
	    "a in(),b",
	    "a in (,)",
	    "a in (,b)",
	    "a in (b,)",
	    "a in (b,,c)",
	    "a in (,,b)",
	    "a in (b,,,c)",
	    "a notin ( , )",
	    "a in (b,b)",
	    "a>1",
	    "a<1",
	    "a > 007",
	    "a>0,a<9223372036854775807",
	    "a=in",
	    "a=notin",
	    "in",
	    "!in",
	    "notin",
	    "in,notin",
	    "in=notin",
	    "in in (in)",
	    "notin notin (notin,in)",
	    "A_b.c-9=9-C.b_A",
	    "0",
	    "x.io/a",
	    "a.b-c.d/E_f.G-h in (x)",
	    X63 "=" X63,
	    X253 "/" X63,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(accepted); i++)
		if (parse(accepted[i]) != 0)
			fail_msg("refused: %s", accepted[i]);
}

static void whatever_the_server_refuses_is_refused(void **state)
{
	static const char *const refused[] = {
	    /* The grammar. */
	    ",",
	    ",a",
	    "a,",
	    "a,,b",
	    "a, ",
	    "=",
	    "=a",
	    "!",
	    "!,a",
	    "!!a",
	    "a!",
	    "!a=b",
	    "!a in (b)",
	    "!a!",
	    "a b",
	    "a=b c",
	    "a=b=c",
	    "a===b",
	    "a=!b",
	    "a!==b",
	    "a=(b)",
	    "a=(",
	    "a!b",
	    "a=>1",
	    "a><1",
	    "(a)",
	    ")",
	    "a)",
	    "a in",
	    "a in b",
	    "a in (",
	    "a in (b",
	    "a in (b,",
	    "a in (b c)",
	    "a in (b=c)",
	    "a in (b!)",
	    "a in ((b))",
	    "a in (b))",
	    "a in (b) c",
	    "a in (b),",
	    "a in in (b)",
	    "a In (b)",
	    "a exists",
	    /* What the reader of lists trips over. */
	    "a in (,,)",
	    "a in (b,,)",
	    /* Numbers. */
	    "a>",
	    "a>b",
	    "a>1.5",
	    "a>-1",
	    "a>+1",
	    "a>0x1",
	    "a<9223372036854775808",
	    "a>1,b<",
	    "a>99999999999999999999999",
	    /* Keys. */
	    "-a",
	    "a-",
	    ".a",
	    "a.",
	    "_a",
	    "a_",
	    "a*",
	    "a:b",
	    "\xc3\xa9",
	    "a/",
	    "/a",
	    "/",
	    "a/b/c",
	    "a//b",
	    "A/b",
	    "a_b/c",
	    "-a/b",
	    "a-/b",
	    ".a/b",
	    "a./b",
	    "a..b/c",
	    "a.-b/c",
	    "a-.b/c",
	    "a/-b",
	    X63 "x",
	    "a/" X63 "x",
	    X253 "x/a",
	    "!-a",
	    "\"a\"",
	    /* Values. */
	    "a=-b",
	    "a=b-",
	    "a=b/c",
	    "a=b:c",
	    "a='b'",
	    "a=\xc3\xa9",
	    "a!=.b",
	    "a in (b,-c)",
	    "a=" X63 "x",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		if (parse(refused[i]) != -EINVAL)
			fail_msg("accepted: %s", refused[i]);
	cleanup_selector struct selector nul = {0};
	assert_int_equal(selector_parse("a\0b", 3, &nul), -EINVAL);
}

static void in_a_name_slash_and_percent_are_escaped(void **state)
{
	static const char *const accepted[] = {"x.io%2Fa", "a,x.io%2Fa=b,!y.io%2Fa"};
	static const char *const refused[] = {"x.io%2fa", "a%2",          "a%",       "%25",
					      "a=%252F",  "x.io%2Fa%2Fb", "x.io%3Fa", "x.io/a%20"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(accepted) + ARRAY_SIZE(refused); i++) {
		cleanup_selector struct selector s = {0};
		bool fine = i < ARRAY_SIZE(accepted);
		const char *name = fine ? accepted[i] : refused[i - ARRAY_SIZE(accepted)];

		if (selector_parse_name(name, strlen(name), &s) != (fine ? 0 : -EINVAL))
			fail_msg("%s: %s", fine ? "refused" : "accepted", name);
		if (fine)
			assert_string_equal(s.requirements[i].key, "x.io/a");
	}
}

/* Labels as "key=value" one after the other, an empty text at the end. */
static const char *value_of(const void *labels, const char *key)
{
	size_t len = strlen(key);

	for (const char *at = labels; *at; at += strlen(at) + 1)
		if (!strncmp(at, key, len) && at[len] == '=')
			return at + len + 1;
	return NULL;
}

static void it_selects_what_the_server_selects(void **state)
{
	static const struct {
		const char *selector;
		const char *labels;
		bool selected;
	} table[] = {
	    {"", "", true},
	    {" ", "a=1\0", true},
	    {"a", "a=1\0", true},
	    {"a", "a=\0", true},
	    {"a", "b=1\0", false},
	    {"!a", "a=\0", false},
	    {"!a", "b=a\0", true},
	    {"a=1", "a=1\0", true},
	    {"a=1", "a=11\0", false},
	    {"a=1", "", false},
	    {"a==1", "b=1\0a=1\0", true},
	    {"a=", "a=\0", true},
	    {"a=", "a=1\0", false},
	    {"a=", "", false},
	    {"a!=1", "a=1\0", false},
	    {"a!=1", "a=2\0", true},
	    {"a!=1", "", true},
	    {"a!=", "a=\0", false},
	    {"a!=", "", true},
	    {"a in (1,2)", "a=2\0", true},
	    {"a in (1,2)", "a=3\0", false},
	    {"a in (1,2)", "", false},
	    {"a in (1,)", "a=\0", true},
	    {"a in (,1)", "a=\0", true},
	    {"a in (1,,2)", "a=\0", true},
	    {"a in (,)", "a=1\0", false},
	    {"a in ()", "a=\0", true},
	    {"a in ()", "a=1\0", false},
	    {"a in ()", "", false},
	    {"a notin ()", "a=\0", false},
	    {"a notin ()", "a=1\0", true},
	    {"a notin ()", "", true},
	    {"a notin (1,2)", "a=2\0", false},
	    {"a notin (1,2)", "a=3\0", true},
	    {"a notin (1,2)", "", true},
	    {"a notin (,)", "a=\0", false},
	    {"a=in", "a=in\0", true},
	    {"in in (in)", "in=in\0", true},
	    {"a>5", "a=6\0", true},
	    {"a>5", "a=5\0", false},
	    {"a>5", "a=10\0", true},
	    {"a>5", "", false},
	    {"a>5", "a=x\0", false},
	    {"a>5", "a=\0", false},
	    {"a>5", "a=6.5\0", false},
	    {"a>5", "a=99999999999999999999\0", false},
	    {"a<5", "a=4\0", true},
	    {"a<5", "a=-9223372036854775808\0", true},
	    {"a<5", "a=-9223372036854775809\0", false},
	    {"a<5", "a=-\0", false},
	    {"a<5", "a=5\0", false},
	    {"a<5", "", false},
	    {"a>1,a<3", "a=2\0", true},
	    {"a>1,a<3", "a=3\0", false},
	    {"a,!b,c=1,d!=1", "a=x\0c=1\0", true},
	    {"a,!b,c=1,d!=1", "a=x\0c=1\0d=1\0", false},
	    {"a,!b,c=1,d!=1", "a=x\0b=\0c=1\0", false},
	    {"a=1,a=2", "a=1\0", false},
	    {"x.io/a=1", "x.io/a=1\0", true},
	    {"x.io/a=1", "a=1\0", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		cleanup_selector struct selector s = {0};

		assert_int_equal(selector_parse(table[i].selector, strlen(table[i].selector), &s),
				 0);
		if (selector_matches(&s, value_of, table[i].labels) != table[i].selected)
			fail_msg("%s on %s", table[i].selector, table[i].labels);
	}
}

/* Random texts of the grammar's own words: nothing may be read outside of them. */
static void any_text_is_read_to_its_end_and_no_further(void **state)
{
	static const char *const words[] = {
	    "a", "b1", "in", "notin", "=", "==", "!=", "!",     "(",  ")",
	    ",", ">",  "<",  " ",     "7", "-",  "/",  "x.io/", "\t", "."};
	struct dice dice = {11};
	unsigned int accepted = 0;

	(void)state;
	for (unsigned int i = 0; i < 200000; i++) {
		cleanup_selector struct selector s = {0};
		cleanup_buf struct buf text = {0};

		buf_addstr(&text, "");
		for (uint32_t n = dice_roll(&dice, 9); n > 0; n--)
			buf_addstr(&text, words[dice_roll(&dice, ARRAY_SIZE(words))]);
		/* A copy without a NUL behind it, for the sanitizer. */
		char *exact = malloc(text.len + 1);
		assert_non_null(exact);
		memcpy(exact + 1, text.data, text.len);
		int r = selector_parse(exact + 1, text.len, &s);
		free(exact);
		assert_true(r == 0 || r == -EINVAL);
		accepted += r == 0;
	}
	assert_in_range(accepted, 1000, 100000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_form_is_accepted),
	    cmocka_unit_test(whatever_the_server_refuses_is_refused),
	    cmocka_unit_test(in_a_name_slash_and_percent_are_escaped),
	    cmocka_unit_test(it_selects_what_the_server_selects),
	    cmocka_unit_test(any_text_is_read_to_its_end_and_no_further),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
