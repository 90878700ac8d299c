/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup paths (src/caller/cgroup.c): the verdict is that of a naive reader of the same rules; a
 * pod that is found is a known one and its name stands in the text; and whatever a process does
 * below the outermost cgroup that has a pod's name changes nothing.
 *
 * Input: a byte of flags (1: podfs has a cgroup namespace), uids that are known, one a line, up to
 * an empty line; podfs's own cgroup file up to an empty line; then the cgroup file to judge.
 */
#include <podfs/caller/cgroup.h>

#include "fuzz.h"

#define KNOWN_MAX 8
#define LINES_MAX 64
#define NAMES_MAX 256

struct known {
	char *uids[KNOWN_MAX];
	size_t count;
};

static bool is_known(void *ctx, const char *uid)
{
	const struct known *known = ctx;

	for (size_t i = 0; i < known->count; i++)
		if (!strcmp(known->uids[i], uid))
			return true;
	return false;
}

/* A line in pieces. */
struct line {
	struct fuzz_input id;
	struct fuzz_input path;
	struct fuzz_input names[NAMES_MAX];
	size_t count;
};

/* False: it has no path, or too many parts for this reader. */
static bool split(struct fuzz_input text, struct line *ret)
{
	const char *start = text.p;
	struct fuzz_input rest = text;
	struct fuzz_input number = fuzz_until(&rest, ':');
	struct fuzz_input names = fuzz_until(&rest, ':');

	*ret = (struct line){0};
	/* Two colons must be there. */
	if (number.len == text.len || names.p + names.len == text.p + text.len)
		return false;
	ret->path = rest;
	ret->id = (struct fuzz_input){start, (size_t)(names.p + names.len - start)};
	/* What is before the first slash is no name, whatever it is. */
	for (size_t i = 0; i < ret->path.len;) {
		size_t begin = ++i;

		while (i < ret->path.len && ret->path.p[i] != '/')
			i++;
		if (ret->count == NAMES_MAX)
			return false;
		ret->names[ret->count++] = (struct fuzz_input){ret->path.p + begin, i - begin};
	}
	return true;
}

static bool same(struct fuzz_input a, struct fuzz_input b)
{
	return a.len == b.len && (!a.len || !memcmp(a.p, b.p, a.len));
}

static bool is_up(struct fuzz_input name)
{
	return same(name, (struct fuzz_input){"..", 2});
}

/* The uid in `podUID`, `x-podUID`, with or without `.slice`, and with or without `:more`. */
static bool naive_uid(struct fuzz_input name, struct pod_uid *ret)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	char *s = fuzz_copy(fuzz_until(&name, ':'), true);
	size_t len = strlen(s);
	bool found = false;

	if (len > 6 && !strcmp(s + len - 6, ".slice"))
		s[len - 6] = '\0';
	for (char *p = s; (p = strstr(p, "pod")) && !found; p++) {
		const char *uid = p + 3;
		bool dashed = strlen(uid) == 36;

		found = (p == s || p[-1] == '-') && (dashed || strlen(uid) == 32);
		for (size_t i = 0; found && uid[i]; i++) {
			bool dash = dashed && form[i] == '-';

			found = strchr(dash ? "-_" : "0123456789abcdef", uid[i]);
			ret->text[i] = dash ? '-' : uid[i];
			ret->text[i + 1] = '\0';
		}
	}
	free(s);
	return found;
}

/* Whether podfs is in container @n (an index of names) of that line. */
static bool is_inside(struct fuzz_input own, const struct line *line, size_t n)
{
	struct line ours;

	while (own.len) {
		if (!split(fuzz_until(&own, '\n'), &ours) || !same(ours.id, line->id))
			continue;
		if (ours.count <= n)
			return false;
		const char *end = line->names[n].p + line->names[n].len;
		struct fuzz_input head = {line->path.p, (size_t)(end - line->path.p)};
		const char *own_end = ours.names[n].p + ours.names[n].len;
		return same(head,
			    (struct fuzz_input){ours.path.p, (size_t)(own_end - ours.path.p)});
	}
	return false;
}

/* What systemd leaves to a user of the host. */
static bool is_of_user(struct fuzz_input name)
{
	return name.len >= 13 && !memcmp(name.p, "user@", 5) &&
	       !memcmp(name.p + name.len - 8, ".service", 8);
}

/* 0: it says nothing; -1: no pod; 1: *ret. */
static int naive_line(struct fuzz_input own, struct known *known, const struct line *line,
		      struct pod_uid *ret)
{
	for (size_t i = 0; i < line->count; i++) {
		if (is_of_user(line->names[i]) && !is_inside(own, line, i))
			return 0;
		if (!naive_uid(line->names[i], ret))
			continue;
		if (is_known(known, ret->text))
			return 1;
		if (i + 1 == line->count || !is_inside(own, line, i + 1))
			return -1;
		i++;
	}
	return 0;
}

static enum cgroup_place naive(bool rooted, struct fuzz_input own, struct fuzz_input text,
			       struct known *known, struct pod_uid *ret)
{
	struct fuzz_input rest = text;
	struct line line;
	bool outside = false;
	size_t lines = 0;
	bool found = false;

	while (rooted && rest.len) {
		if (!split(fuzz_until(&rest, '\n'), &line))
			continue;
		lines++;
		outside =
		    outside || (line.count > 1 && is_up(line.names[0]) && is_up(line.names[1]));
	}
	if (lines && !outside)
		return CGROUP_OWN_POD;
	while (text.len) {
		struct pod_uid uid;

		if (!split(fuzz_until(&text, '\n'), &line))
			continue;
		int says = naive_line(own, known, &line, &uid);
		if (says < 0 || (says > 0 && found && strcmp(uid.text, ret->text) != 0))
			return CGROUP_NOWHERE;
		if (says > 0)
			*ret = uid;
		found = found || says > 0;
	}
	return found ? CGROUP_POD : CGROUP_NOWHERE;
}

/* Whether every name and line fits the naive reader. */
static bool fits(struct fuzz_input text)
{
	struct line line;

	if (text.len && memchr(text.p, '\0', text.len))
		return false;
	while (text.len) {
		struct fuzz_input one = fuzz_until(&text, '\n');
		size_t slashes = 0;

		for (size_t i = 0; i < one.len; i++)
			slashes += one.p[i] == '/';
		if (slashes >= NAMES_MAX - 1)
			return false;
		split(one, &line);
	}
	return true;
}

/* Each line that names a pod gets one name more, as a process in its container can make it. */
static void go_below(struct fuzz_input own, struct fuzz_input text, struct known *known,
		     struct buf *out)
{
	while (text.len) {
		struct fuzz_input one = fuzz_until(&text, '\n');
		struct pod_uid uid;
		struct line line;

		buf_add(out, one.p, one.len);
		/* In a container, not in place of one. */
		if (known->count && split(one, &line) && naive_line(own, known, &line, &uid) != 0 &&
		    !naive_uid(line.names[line.count - 1], &uid))
			buf_addf(out, "/pod%s", known->uids[0]);
		buf_addch(out, '\n');
	}
}

static struct fuzz_input paragraph(struct fuzz_input *in)
{
	const char *end = in->len > 1 ? memmem(in->p, in->len, "\n\n", 2) : NULL;
	size_t len = end ? (size_t)(end - in->p) : in->len;
	struct fuzz_input part = fuzz_take(in, len);

	fuzz_take(in, 2);
	return part;
}

static void judge(bool rooted, struct fuzz_input own, struct fuzz_input in, struct known *known)
{
	char *own_text = fuzz_copy(own, true);
	char *text = fuzz_copy(in, true);
	const struct cgroup_own me = {own_text, rooted};
	struct pod_uid uid = {{0}};
	struct pod_uid want = {{0}};
	enum cgroup_place place = cgroup_find(&me, text, is_known, known, &uid);
	cleanup_buf struct buf below = {0};

	fuzz_check(place == naive(rooted, own, in, known, &want));
	fuzz_check(place != CGROUP_POD || !strcmp(uid.text, want.text));
	fuzz_check(place != CGROUP_POD || is_known(known, uid.text));
	go_below(own, in, known, &below);
	if (below.len) {
		struct pod_uid again = {{0}};
		enum cgroup_place there = cgroup_find(&me, below.data, is_known, known, &again);

		fuzz_check(there == place);
		fuzz_check(place != CGROUP_POD || !strcmp(uid.text, again.text));
	}
	free(text);
	free(own_text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_begin(data, size);
	bool rooted = fuzz_byte(&in) & 1;
	struct fuzz_input uids = paragraph(&in);
	struct fuzz_input own = paragraph(&in);
	struct known known = {0};

	while (uids.len && known.count < KNOWN_MAX)
		known.uids[known.count++] = fuzz_copy(fuzz_until(&uids, '\n'), true);
	if (fits(own) && fits(in))
		judge(rooted, own, in, &known);
	for (size_t i = 0; i < known.count; i++)
		free(known.uids[i]);
	return 0;
}
