/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's own reader of selectors is the rule here, with its corners:
 * `in` and `notin` are words like others where no operator can stand, a list
 * of values may have empty places, which are the empty value, and `()` is one;
 * but an empty place in front of the last parenthesis after two commas is
 * refused.
 */
#include <errno.h>
#include <string.h>

#include <podfs/base/array.h>
#include <podfs/base/buf.h>
#include <podfs/base/bytes.h>
#include <podfs/model/label_name.h>
#include <podfs/model/selector.h>

enum token {
	TOKEN_END,
	TOKEN_WORD,
	TOKEN_SYMBOL,
};

/* `at` and `len` are the token that comes next. */
struct reader {
	const char *next; /* behind it */
	const char *end;
	enum token token;
	const char *at;
	size_t len;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_symbol(char c)
{
	return c && strchr("!=,()><", c);
}

static void advance(struct reader *r)
{
	const char *p = r->next;

	while (p < r->end && is_blank(*p))
		p++;
	r->at = p;
	if (p == r->end) {
		r->token = TOKEN_END;
	} else if (is_symbol(*p)) {
		r->token = TOKEN_SYMBOL;
		p++;
		/* The only symbols of two characters are == and !=. */
		if (p < r->end && *p == '=' && (p[-1] == '=' || p[-1] == '!'))
			p++;
	} else {
		r->token = TOKEN_WORD;
		while (p < r->end && !is_symbol(*p) && !is_blank(*p))
			p++;
	}
	r->len = (size_t)(p - r->at);
	r->next = p;
}

static bool sees(const struct reader *r, enum token token, const char *text)
{
	return r->token == token && bytes_equal(r->at, r->len, text, strlen(text));
}

static bool sees_symbol(const struct reader *r, const char *symbol)
{
	return sees(r, TOKEN_SYMBOL, symbol);
}

static bool sees_end(const struct reader *r)
{
	return r->token == TOKEN_END || sees_symbol(r, ",");
}

/* Decimal, with an optional sign. False: something else, or out of range. */
static bool parse_integer(const char *s, int64_t *ret)
{
	bool negative = *s == '-';
	uint64_t limit = (uint64_t)INT64_MAX + negative;
	uint64_t n = 0;

	s += *s == '-' || *s == '+';
	if (!*s)
		return false;
	for (; *s; s++) {
		unsigned int digit = (unsigned int)(unsigned char)*s - '0';

		if (digit > 9 || n > (limit - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*ret = negative ? (int64_t)(0 - n) : (int64_t)n;
	return true;
}

static bool has_value(const struct requirement *q, const char *value, size_t len)
{
	for (size_t i = 0; i < q->count; i++)
		if (bytes_equal(q->values[i], strlen(q->values[i]), value, len))
			return true;
	return false;
}

/* Each value once. */
static int add_value(struct requirement *q, const char *value, size_t len)
{
	if (!label_value_is_valid(value, len))
		return -EINVAL;
	if (has_value(q, value, len))
		return 0;
	int r = array_grow(&q->values, q->count, &q->cap, sizeof(*q->values));
	if (r < 0)
		return r;
	q->values[q->count] = strndup(value, len);
	return q->values[q->count++] ? 0 : -ENOMEM;
}

/* Places between commas, up to the parenthesis that closes them. */
static int parse_places(struct reader *in, struct requirement *q)
{
	while (in->token == TOKEN_WORD || sees_symbol(in, ",")) {
		int r = 0;

		if (in->token == TOKEN_WORD) {
			r = add_value(q, in->at, in->len);
			advance(in);
			if (r < 0)
				return r;
			if (sees_symbol(in, ")"))
				return 0;
			if (!sees_symbol(in, ","))
				return -EINVAL;
			continue;
		}
		advance(in);
		bool doubled = sees_symbol(in, ",");
		bool closed = sees_symbol(in, ")");
		if (!q->count || doubled || closed)
			r = add_value(q, "", 0);
		if (r < 0 || closed)
			return r;
		if (doubled)
			advance(in);
	}
	return -EINVAL;
}

static int parse_values(struct reader *in, struct requirement *q)
{
	if (!sees_symbol(in, "("))
		return -EINVAL;
	advance(in);
	int r = sees_symbol(in, ")") ? add_value(q, "", 0) : parse_places(in, q);
	if (r == 0)
		advance(in);
	return r;
}

static int parse_value(struct reader *in, struct requirement *q)
{
	if (sees_end(in))
		return add_value(q, "", 0);
	if (in->token != TOKEN_WORD)
		return -EINVAL;
	int r = add_value(q, in->at, in->len);
	advance(in);
	return r;
}

static int parse_operation(struct reader *in, struct requirement *q)
{
	static const struct {
		enum token token;
		const char *text;
		enum requirement_op op;
	} ops[] = {
	    {TOKEN_SYMBOL, "=", REQUIRE_IN},       {TOKEN_SYMBOL, "==", REQUIRE_IN},
	    {TOKEN_SYMBOL, "!=", REQUIRE_NOT_IN},  {TOKEN_SYMBOL, ">", REQUIRE_GREATER},
	    {TOKEN_SYMBOL, "<", REQUIRE_LESS},     {TOKEN_WORD, "in", REQUIRE_IN},
	    {TOKEN_WORD, "notin", REQUIRE_NOT_IN},
	};

	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		if (!sees(in, ops[i].token, ops[i].text))
			continue;
		q->op = ops[i].op;
		advance(in);
		int r = ops[i].token == TOKEN_WORD ? parse_values(in, q) : parse_value(in, q);
		bool compares = q->op == REQUIRE_GREATER || q->op == REQUIRE_LESS;
		if (r == 0 && compares && !parse_integer(q->values[0], &q->bound))
			r = -EINVAL;
		return r;
	}
	return -EINVAL;
}

static int parse_requirement(struct reader *in, struct requirement *q)
{
	bool absent = sees_symbol(in, "!");

	if (absent)
		advance(in);
	if (in->token != TOKEN_WORD || !label_key_is_valid(in->at, in->len))
		return -EINVAL;
	q->key = strndup(in->at, in->len);
	if (!q->key)
		return -ENOMEM;
	advance(in);
	if (absent || sees_end(in)) {
		q->op = absent ? REQUIRE_NO_KEY : REQUIRE_KEY;
		return 0;
	}
	return parse_operation(in, q);
}

int selector_parse(const char *text, size_t len, struct selector *ret)
{
	struct reader in = {.next = text, .end = text + len};

	advance(&in);
	if (in.token == TOKEN_END)
		return 0;
	for (;;) {
		int r = array_grow(&ret->requirements, ret->count, &ret->cap,
				   sizeof(*ret->requirements));

		if (r < 0)
			return r;
		ret->requirements[ret->count] = (struct requirement){0};
		r = parse_requirement(&in, &ret->requirements[ret->count++]);
		if (r < 0)
			return r;
		if (in.token == TOKEN_END)
			return 0;
		if (!sees_symbol(&in, ","))
			return -EINVAL;
		advance(&in);
	}
}

int selector_parse_name(const char *name, size_t len, struct selector *ret)
{
	cleanup_buf struct buf text = {0};

	for (size_t i = 0; i < len; i++) {
		bool escaped = name[i] == '%' && len - i > 2;

		if (escaped && !memcmp(name + i, "%2F", 3))
			buf_addch(&text, '/');
		else if (escaped && !memcmp(name + i, "%25", 3))
			buf_addch(&text, '%');
		else
			escaped = false;
		if (escaped)
			i += 2;
		else
			buf_addch(&text, name[i]);
	}
	int r = buf_reserve(&text, 0);
	return r < 0 ? r : selector_parse(text.data, text.len, ret);
}

bool requirement_matches(const struct requirement *r, const char *value)
{
	int64_t number;

	switch (r->op) {
	case REQUIRE_KEY:
		return value;
	case REQUIRE_NO_KEY:
		return !value;
	case REQUIRE_IN:
		return value && has_value(r, value, strlen(value));
	case REQUIRE_NOT_IN:
		return !value || !has_value(r, value, strlen(value));
	case REQUIRE_GREATER:
		return value && parse_integer(value, &number) && number > r->bound;
	case REQUIRE_LESS:
		return value && parse_integer(value, &number) && number < r->bound;
	default:
		return false;
	}
}

bool selector_matches(const struct selector *s, label_value_fn value, const void *labels)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct requirement *r = &s->requirements[i];

		if (!requirement_matches(r, value(labels, r->key)))
			return false;
	}
	return true;
}

void selector_release(struct selector *s)
{
	for (size_t i = 0; i < s->count; i++) {
		struct requirement *r = &s->requirements[i];

		for (size_t v = 0; v < r->count; v++)
			free(r->values[v]);
		free(r->values);
		free(r->key);
	}
	free(s->requirements);
	*s = (struct selector){0};
}
