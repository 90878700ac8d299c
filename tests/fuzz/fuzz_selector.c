/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Selectors (src/model/selector.c): what is read, written anew and read again is the same; as a
 * file's name it is the same, too; every key and value can be a label's; and what matches is what
 * a naive matcher says.
 *
 * Input: a selector, then lines `key=value`: the labels to match.
 */
#include <errno.h>
#include <limits.h>

#include <podfs/model/label_name.h>
#include <podfs/model/selector.h>

#include "fuzz.h"

#define LABELS_MAX 16

struct labels {
	char *keys[LABELS_MAX];
	char *values[LABELS_MAX];
	size_t count;
};

static void print_values(struct buf *out, const struct requirement *q)
{
	/* In an empty place in front or between, and not last, where there is a corner. */
	for (size_t i = 0; i < q->count; i++)
		if (!*q->values[i])
			buf_addch(out, ',');
	for (size_t i = 0, n = 0; i < q->count; i++)
		if (*q->values[i])
			buf_addf(out, "%s%s", n++ ? "," : "", q->values[i]);
}

static void print(struct buf *out, const struct selector *s)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct requirement *q = &s->requirements[i];
		bool among = q->op == REQUIRE_IN || q->op == REQUIRE_NOT_IN;

		buf_addf(out, "%s%s%s", i ? "," : "", q->op == REQUIRE_NO_KEY ? "!" : "", q->key);
		if (among && q->count == 1) {
			buf_addf(out, "%s%s", q->op == REQUIRE_IN ? "=" : "!=", q->values[0]);
		} else if (among) {
			buf_addf(out, " %s (", q->op == REQUIRE_IN ? "in" : "notin");
			print_values(out, q);
			buf_addch(out, ')');
		} else if (q->op == REQUIRE_GREATER || q->op == REQUIRE_LESS) {
			buf_addf(out, "%c%lld", q->op == REQUIRE_GREATER ? '>' : '<',
				 (long long)q->bound);
		}
	}
}

static bool has_value(const struct requirement *q, const char *value)
{
	for (size_t i = 0; i < q->count; i++)
		if (!strcmp(q->values[i], value))
			return true;
	return false;
}

static void check_same(const struct selector *a, const struct selector *b)
{
	fuzz_check(a->count == b->count);
	for (size_t i = 0; i < a->count; i++) {
		const struct requirement *x = &a->requirements[i];
		const struct requirement *y = &b->requirements[i];

		fuzz_check(x->op == y->op && !strcmp(x->key, y->key) && x->bound == y->bound);
		fuzz_check(x->count == y->count);
		for (size_t v = 0;
		     v < x->count && x->op != REQUIRE_GREATER && x->op != REQUIRE_LESS; v++)
			fuzz_check(has_value(y, x->values[v]));
	}
}

static void check_parts(const struct selector *s)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct requirement *q = &s->requirements[i];

		fuzz_check(q->op != REQUIRE_UNSET && label_key_is_valid(q->key, strlen(q->key)));
		fuzz_check((q->count > 0) == (q->op != REQUIRE_KEY && q->op != REQUIRE_NO_KEY));
		for (size_t v = 0; v < q->count; v++)
			fuzz_check(label_value_is_valid(q->values[v], strlen(q->values[v])));
	}
}

static void check_print(const struct selector *s)
{
	struct selector again = {0};
	cleanup_buf struct buf text = {0};

	buf_addstr(&text, "");
	print(&text, s);
	fuzz_check(selector_parse(text.data, text.len, &again) == 0);
	check_same(s, &again);
	selector_release(&again);
}

static void check_name(struct fuzz_input in, int r, const struct selector *s)
{
	struct selector named = {0};
	cleanup_buf struct buf name = {0};

	for (size_t i = 0; i < in.len; i++) {
		if (in.p[i] == '/' || in.p[i] == '%')
			buf_addf(&name, "%%%s", in.p[i] == '/' ? "2F" : "25");
		else
			buf_addch(&name, in.p[i]);
	}
	char *exact = fuzz_copy((struct fuzz_input){name.data, name.len}, false);
	fuzz_check(selector_parse_name(exact, name.len, &named) == r);
	if (r == 0)
		check_same(s, &named);
	selector_release(&named);
	free(exact);
}

static const char *label(const void *ctx, const char *key)
{
	const struct labels *l = ctx;

	for (size_t i = 0; i < l->count; i++)
		if (!strcmp(l->keys[i], key))
			return l->values[i];
	return NULL;
}

static bool naive_number(const char *s, long long *ret)
{
	char *end;

	/* strtoll() lets blanks stand in front. */
	if (!strchr("+-0123456789", *s))
		return false;
	errno = 0;
	*ret = strtoll(s, &end, 10);
	return *s && end != s && !*end && !errno;
}

static bool naive_meets(const struct requirement *q, const char *value)
{
	long long n;

	switch (q->op) {
	case REQUIRE_KEY:
		return value != NULL;
	case REQUIRE_NO_KEY:
		return value == NULL;
	case REQUIRE_IN:
		return value != NULL && has_value(q, value);
	case REQUIRE_NOT_IN:
		return !(value != NULL && has_value(q, value));
	default:
		if (value == NULL || !naive_number(value, &n))
			return false;
		return q->op == REQUIRE_GREATER ? n > q->bound : n < q->bound;
	}
}

static void check_match(const struct selector *s, const struct labels *labels)
{
	bool all = true;

	for (size_t i = 0; i < s->count; i++) {
		const struct requirement *q = &s->requirements[i];
		const char *value = label(labels, q->key);
		bool meets = naive_meets(q, value);

		fuzz_check(requirement_matches(q, value) == meets);
		all = all && meets;
	}
	fuzz_check(selector_matches(s, label, labels) == all);
}

static void read_labels(struct fuzz_input in, struct labels *ret)
{
	while (in.len && ret->count < LABELS_MAX) {
		struct fuzz_input line = fuzz_until(&in, '\n');
		struct fuzz_input key = fuzz_until(&line, '=');

		ret->keys[ret->count] = fuzz_copy(key, true);
		ret->values[ret->count++] = fuzz_copy(line, true);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_begin(data, size);
	struct fuzz_input text = fuzz_until(&in, '\n');
	char *exact = fuzz_copy(text, false);
	struct selector s = {0};
	struct labels labels = {0};
	int r = selector_parse(exact, text.len, &s);

	fuzz_check(r == 0 || r == -EINVAL);
	read_labels(in, &labels);
	if (r == 0) {
		check_parts(&s);
		check_print(&s);
		check_match(&s, &labels);
	}
	check_name(text, r, &s);
	for (size_t i = 0; i < labels.count; i++) {
		free(labels.keys[i]);
		free(labels.values[i]);
	}
	selector_release(&s);
	free(exact);
	return 0;
}
