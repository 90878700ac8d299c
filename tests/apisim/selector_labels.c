/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar of label selectors, with the server's messages:
 *
 *	selector    = [requirement {"," requirement}]
 *	requirement = ["!"] key | key op value | key ("in" | "notin") "(" values ")"
 *	op          = "=" | "==" | "!=" | ">" | "<"
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "selector_impl.h"

enum token {
	TOKEN_END,
	TOKEN_WORD,
	TOKEN_COMMA,
	TOKEN_NOT,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_EQUALS,
	TOKEN_NOT_EQUALS,
	TOKEN_GREATER,
	TOKEN_LESS,
	TOKEN_OTHER,
};

struct lexer {
	const char *p; /* behind the token */
	enum token token;
	const char *at; /* the token's text */
	size_t len;
};

static void next(struct lexer *l)
{
	static const struct {
		const char *text;
		enum token token;
	} symbols[] = {
	    {"!=", TOKEN_NOT_EQUALS}, {"==", TOKEN_EQUALS}, {"=", TOKEN_EQUALS},
	    {"!", TOKEN_NOT},         {",", TOKEN_COMMA},   {"(", TOKEN_OPEN},
	    {")", TOKEN_CLOSE},       {">", TOKEN_GREATER}, {"<", TOKEN_LESS},
	};

	l->p += strspn(l->p, " \t\r\n");
	l->at = l->p;
	l->len = strcspn(l->p, " \t\r\n!=,()><");
	l->token = l->len ? TOKEN_WORD : TOKEN_END;
	for (size_t i = 0; i < ARRAY_SIZE(symbols) && !l->len && *l->p; i++)
		if (!strncmp(l->p, symbols[i].text, strlen(symbols[i].text))) {
			l->token = symbols[i].token;
			l->len = strlen(symbols[i].text);
		}
	l->p += l->len;
}

static bool is_word(const struct lexer *l, const char *word)
{
	return l->token == TOKEN_WORD && l->len == strlen(word) && !strncmp(l->at, word, l->len);
}

static char *unexpected(const struct lexer *l, const char *rest)
{
	return xasprintf("found '%.*s'%s", (int)l->len, l->at, rest);
}

static char *check_value(const struct requirement *r, const char *value)
{
	if (label_value_valid(value))
		return NULL;
	return xasprintf("values[0][%s]: Invalid value: \"%s\": a valid label must be an empty "
			 "string or consist of alphanumeric characters, '-', '_' or '.', and must "
			 "start and end with an alphanumeric character (e.g. 'MyValue',  or "
			 "'my_value',  or '12345', regex used for validation is "
			 "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
			 r->key, value);
}

/*
 * "(" values ")", where no value at all is an empty one, too: an empty value between commas counts
 * as one. The server reads commas in pairs and then wants a value: so two of them are refused in
 * front of ")", but three are not.
 */
static char *parse_values(struct lexer *l, struct requirement *r)
{
	bool wants_value = true;
	unsigned commas = 0;

	if (l->token != TOKEN_OPEN)
		return unexpected(l, " expected: '('");
	next(l);
	for (;; next(l)) {
		if (l->token == TOKEN_CLOSE && commas && commas % 2 == 0)
			return unexpected(l, ", expected: ',', or identifier");
		commas = l->token == TOKEN_COMMA ? commas + 1 : 0;
		if (l->token == TOKEN_WORD && wants_value) {
			requirement_add_value(r, l->at, l->len);
			wants_value = false;
		} else if (l->token == TOKEN_COMMA || l->token == TOKEN_CLOSE) {
			if (wants_value)
				requirement_add_value(r, "", 0);
			wants_value = true;
			if (l->token == TOKEN_CLOSE)
				break;
		} else {
			return unexpected(l, ", expected: ',', ')' or identifier");
		}
	}
	next(l);
	return NULL;
}

static bool is_integer(const char *s)
{
	char *end;

	errno = 0;
	strtoll(s, &end, 10);
	return *s && !*end && errno == 0;
}

static char *parse_requirement(struct lexer *l, struct requirement *r)
{
	char *message = NULL;

	if (l->token == TOKEN_NOT) {
		r->op = OP_NOT_EXISTS;
		next(l);
	}
	if (l->token != TOKEN_WORD)
		return unexpected(l, ", expected: identifier");
	r->key = xstrndup(l->at, l->len);
	if (!label_key_valid(r->key))
		return xasprintf(
		    "key: Invalid value: \"%s\": name part must consist of "
		    "alphanumeric characters, '-', '_' or '.', and must start and end "
		    "with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or "
		    "'123-abc', regex used for validation is "
		    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
		    r->key);
	next(l);
	if (r->op == OP_NOT_EXISTS)
		return NULL;
	if (l->token == TOKEN_END || l->token == TOKEN_COMMA) {
		r->op = OP_EXISTS;
		return NULL;
	}
	if (is_word(l, "in") || is_word(l, "notin")) {
		r->op = is_word(l, "in") ? OP_IN : OP_NOT_IN;
		next(l);
		message = parse_values(l, r);
	} else {
		r->op = l->token == TOKEN_EQUALS       ? OP_IN
			: l->token == TOKEN_NOT_EQUALS ? OP_NOT_IN
			: l->token == TOKEN_GREATER    ? OP_GREATER
			: l->token == TOKEN_LESS       ? OP_LESS
						       : OP_UNSET;
		if (r->op == OP_UNSET)
			return unexpected(l, ", expected: in, notin, =, ==, !=, gt, lt");
		next(l);
		if (l->token == TOKEN_WORD) {
			requirement_add_value(r, l->at, l->len);
			next(l);
		} else if (l->token == TOKEN_END || l->token == TOKEN_COMMA) {
			requirement_add_value(r, "", 0);
		} else {
			return unexpected(l, ", expected: identifier");
		}
	}
	for (size_t i = 0; i < r->n_values && !message; i++)
		message = check_value(r, r->values[i]);
	if (!message && (r->op == OP_GREATER || r->op == OP_LESS) && !is_integer(r->values[0]))
		message =
		    xasprintf("values[0]: Invalid value: \"%s\": for 'Gt', 'Lt' operators, the "
			      "value must be an integer",
			      r->values[0]);
	return message;
}

bool selector_parse_labels(struct selector *s, const char *text, char **ret_message)
{
	struct lexer l = {.p = text};
	char *message = NULL;

	next(&l);
	while (l.token != TOKEN_END) {
		if (l.token != TOKEN_WORD && l.token != TOKEN_NOT) {
			*ret_message =
			    unexpected(&l, ", expected: !, identifier, or 'end of string'");
			return false;
		}
		message = parse_requirement(&l, requirement_add(&s->labels, &s->n_labels));
		if (message) {
			*ret_message = xasprintf("unable to parse requirement: %s", message);
			free(message);
			return false;
		}
		if (l.token == TOKEN_END)
			break;
		if (l.token != TOKEN_COMMA) {
			*ret_message = unexpected(&l, ", expected: ',' or 'end of string'");
			return false;
		}
		next(&l);
		if (l.token != TOKEN_WORD && l.token != TOKEN_NOT) {
			*ret_message = unexpected(&l, ", expected: identifier after ','");
			return false;
		}
	}
	return true;
}
