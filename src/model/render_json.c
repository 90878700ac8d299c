/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <podfs/base/bytes.h>
#include <podfs/base/utf8.h>
#include <podfs/model/render.h>

#define INDENT 4

void sorted_members_release(struct sorted_members *s)
{
	buf_release(&s->keys);
	free(s->members);
	*s = (struct sorted_members){0};
}

/* By key; of one key the later member first. */
static int compare_members(const void *a, const void *b, void *keys)
{
	const struct sorted_member *x = a;
	const struct sorted_member *y = b;
	int order = bytes_compare((char *)keys + x->key_off, x->key_len, (char *)keys + y->key_off,
				  y->key_len);

	return order ? order : (x->node < y->node) - (x->node > y->node);
}

static bool same_key(const struct sorted_members *s, size_t i, size_t j)
{
	const struct sorted_member *x = &s->members[i];
	const struct sorted_member *y = &s->members[j];

	return bytes_equal(s->keys.data + x->key_off, x->key_len, s->keys.data + y->key_off,
			   y->key_len);
}

int sort_members(const struct view *view, uint32_t n, struct sorted_members *ret)
{
	const struct json_node *nodes = view->index.nodes;
	size_t kept = 0;

	sorted_members_release(ret);
	if (!nodes[n].count)
		return 0;
	ret->members = calloc(nodes[n].count, sizeof(*ret->members));
	if (!ret->members)
		return -ENOMEM;
	for (uint32_t c = json_first(&view->index, n); c; c = nodes[c].next) {
		size_t off = ret->keys.len;

		if (json_key(&ret->keys, view->text, &nodes[c]) < 0)
			return -ENOMEM;
		ret->members[ret->count++] =
		    (struct sorted_member){c, (uint32_t)off, (uint32_t)(ret->keys.len - off)};
	}
	qsort_r(ret->members, ret->count, sizeof(*ret->members), compare_members, ret->keys.data);
	for (size_t i = 0; i < ret->count; i++)
		if (!kept || !same_key(ret, kept - 1, i))
			ret->members[kept++] = ret->members[i];
	ret->count = kept;
	return 0;
}

static void add_escape(struct buf *out, uint32_t rune)
{
	static const char shorts[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
				      ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};

	if (rune < sizeof(shorts) && shorts[rune]) {
		buf_addch(out, '\\');
		buf_addch(out, shorts[rune]);
	} else {
		buf_addf(out, "\\u%04x", rune);
	}
}

static bool needs_escape(uint32_t rune)
{
	return rune < 0x20 || rune == '"' || rune == '\\' || rune == '<' || rune == '>' ||
	       rune == '&' || rune == 0x2028 || rune == 0x2029;
}

/* @s is UTF-8: a decoded string. */
static void add_string(struct buf *out, const char *s, size_t len)
{
	size_t done = 0;

	buf_addch(out, '"');
	for (size_t i = 0; i < len;) {
		uint32_t rune;
		size_t n = utf8_read(s + i, len - i, &rune);

		if (!n)
			n = 1;
		if (needs_escape(rune)) {
			buf_add(out, s + done, i - done);
			add_escape(out, rune);
			done = i + n;
		}
		i += n;
	}
	buf_add(out, s + done, len - done);
	buf_addch(out, '"');
}

/* Digits with their point: @exponent is of the first one. */
static void add_plain(struct buf *out, const char *digits, int count, int exponent)
{
	int whole = exponent + 1;

	if (whole <= 0) {
		buf_addstr(out, "0.");
		buf_addfill(out, '0', (size_t)-whole);
		buf_add(out, digits, (size_t)count);
	} else if (whole >= count) {
		buf_add(out, digits, (size_t)count);
		buf_addfill(out, '0', (size_t)(whole - count));
	} else {
		buf_addf(out, "%.*s.%.*s", whole, digits, count - whole, digits + whole);
	}
}

/* A float as Go prints it: the shortest digits that read back as the same number. */
static void add_float(struct buf *out, double v, bool point)
{
	char text[64];
	char digits[24];
	double size = fabs(v);
	int count = 0;

	do {
		snprintf(text, sizeof(text), "%.*e", count++, size);
	} while (strtod(text, NULL) != size && count < 17);
	int exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
	digits[0] = text[0];
	memcpy(digits + 1, text + 2, (size_t)count - 1);
	if (signbit(v))
		buf_addch(out, '-');
	if (size == 0 || (size >= 1e-6 && size < 1e21)) {
		add_plain(out, digits, count, exponent);
		return;
	}
	add_plain(out, digits, count, 0);
	if (point && count == 1)
		buf_addstr(out, ".0");
	/* Go writes e+21 and e-9: no zero in front. */
	buf_addf(out, "e%c%d", exponent < 0 ? '-' : '+', abs(exponent));
}

int render_number(struct buf *out, const char *token, size_t len, bool point)
{
	cleanup_buf struct buf copy = {0};
	char *end;

	if (buf_add(&copy, token, len) < 0)
		return out->err = -ENOMEM;
	errno = 0;
	long long whole = strtoll(copy.data, &end, 10);
	double v = strtod(copy.data, NULL);
	if (!*end && !errno)
		buf_addf(out, "%lld", whole);
	else if (isfinite(v))
		add_float(out, v, point);
	else
		buf_add(out, token, len); /* Go would refuse the whole object for it. */
	return out->err;
}

static int add_value(const struct view *view, uint32_t n, size_t indent, struct buf *out);

static void break_line(struct buf *out, size_t indent)
{
	buf_addch(out, '\n');
	buf_addfill(out, ' ', indent);
}

static int add_object(const struct view *view, uint32_t n, size_t indent, struct buf *out)
{
	cleanup_sorted_members struct sorted_members sorted = {0};
	int r = sort_members(view, n, &sorted);

	if (r < 0)
		return r;
	buf_addch(out, '{');
	for (size_t i = 0; i < sorted.count; i++) {
		const struct sorted_member *m = &sorted.members[i];

		if (i)
			buf_addch(out, ',');
		break_line(out, indent + INDENT);
		add_string(out, sorted.keys.data + m->key_off, m->key_len);
		buf_addstr(out, ": ");
		r = add_value(view, m->node, indent + INDENT, out);
		if (r < 0)
			return r;
	}
	if (sorted.count)
		break_line(out, indent);
	return buf_addch(out, '}');
}

static int add_array(const struct view *view, uint32_t n, size_t indent, struct buf *out)
{
	uint32_t first = json_first(&view->index, n);

	buf_addch(out, '[');
	for (uint32_t c = first; c; c = view->index.nodes[c].next) {
		if (c != first)
			buf_addch(out, ',');
		break_line(out, indent + INDENT);
		int r = add_value(view, c, indent + INDENT, out);
		if (r < 0)
			return r;
	}
	if (first)
		break_line(out, indent);
	return buf_addch(out, ']');
}

static int add_value(const struct view *view, uint32_t n, size_t indent, struct buf *out)
{
	const struct json_node *node = &view->index.nodes[n];

	switch (node->type) {
	case JSON_OBJECT:
		return add_object(view, n, indent, out);
	case JSON_ARRAY:
		return add_array(view, n, indent, out);
	case JSON_STRING: {
		cleanup_buf struct buf value = {0};

		if (!node->decode) {
			add_string(out, view->text + node->off, node->len);
			return out->err;
		}
		if (json_string(&value, view->text, node) < 0)
			return -ENOMEM;
		add_string(out, value.data, value.len);
		return out->err;
	}
	case JSON_NUMBER:
		return render_number(out, view->text + node->off, node->len, false);
	default:
		return buf_add(out, view->text + node->off, node->len);
	}
}

int render_json(const struct view *view, struct buf *out)
{
	int r = add_value(view, 0, 0, out);

	return r < 0 ? r : buf_addch(out, '\n');
}
