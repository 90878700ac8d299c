/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line is `ID:CONTROLLERS:PATH`. With cgroup v2 there is one, `0::PATH`; with
 * v1 one for each hierarchy, and a kubelet uses most of them, for the same pod:
 * lines that name different pods are nothing to build upon.
 *
 * A path is relative to the root of the reader's cgroup namespace. If podfs has
 * one of its own, `/` is its container, `/..` its pod and what is next to the
 * container in that; `/../..` has other pods below it. That is decided before
 * any name is looked at, as the names below `/` and `/../x` are the containers'.
 */
#include <podfs/caller/cgroup.h>
#include <string.h>

#define UUID_LEN 36
#define HASH_LEN 32

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* Of a UUID, with `-` or `_` between its groups. */
static bool is_uid(const char *s, size_t len)
{
	if (len != UUID_LEN && len != HASH_LEN)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool between = len == UUID_LEN && (i == 8 || i == 13 || i == 18 || i == 23);

		if (between ? s[i] != '-' && s[i] != '_' : !is_hex(s[i]))
			return false;
	}
	return true;
}

static bool ends_with_uid(const char *s, size_t len, size_t uid_len)
{
	static const char pod[] = "pod";
	const size_t pod_len = sizeof(pod) - 1;

	if (len < pod_len + uid_len || !is_uid(s + len - uid_len, uid_len))
		return false;
	const char *at = s + len - uid_len - pod_len;
	return !memcmp(at, pod, pod_len) && (at == s || at[-1] == '-');
}

bool cgroup_pod_uid(const char *name, size_t len, struct pod_uid *ret)
{
	static const char slice[] = ".slice";
	const size_t slice_len = sizeof(slice) - 1;
	/* A containerd with cgroupfs under a kubelet with systemd: `<slice>:cri-containerd:<id>`.
	 */
	const char *colon = memchr(name, ':', len);
	size_t uid_len = UUID_LEN;

	if (colon)
		len = (size_t)(colon - name);
	if (len > slice_len && !memcmp(name + len - slice_len, slice, slice_len))
		len -= slice_len;
	if (!ends_with_uid(name, len, uid_len)) {
		uid_len = HASH_LEN;
		if (!ends_with_uid(name, len, uid_len))
			return false;
	}
	for (size_t i = 0; i < uid_len; i++) {
		char c = name[len - uid_len + i];

		ret->text[i] = c == '_' ? '-' : c;
	}
	ret->text[uid_len] = '\0';
	return true;
}

struct line {
	const char *id; /* "0:", "12:cpu,cpuacct" */
	size_t id_len;
	const char *path;
	size_t path_len;
};

/* The line that begins at *@at, which moves on; false at the end. */
static bool next_line(const char **at, struct line *ret)
{
	while (**at) {
		const char *start = *at;
		size_t len = strcspn(start, "\n");
		const char *first = memchr(start, ':', len);
		const char *second =
		    first ? memchr(first + 1, ':', len - (size_t)(first + 1 - start)) : NULL;

		*at = start + len + (start[len] == '\n');
		if (!second)
			continue;
		ret->id = start;
		ret->id_len = (size_t)(second - start);
		ret->path = second + 1;
		ret->path_len = len - (size_t)(second + 1 - start);
		return true;
	}
	return false;
}

/* podfs's own line of the same hierarchy. */
static bool own_line(const struct cgroup_own *own, const struct line *line, struct line *ret)
{
	const char *at = own->text;

	while (next_line(&at, ret))
		if (ret->id_len == line->id_len && !memcmp(ret->id, line->id, line->id_len))
			return true;
	return false;
}

/* The component that begins behind the slash at @off; its end. */
static size_t component(const struct line *line, size_t off, const char **ret, size_t *ret_len)
{
	const char *start = line->path + off + 1;
	size_t left = line->path_len - off - 1;
	const char *slash = memchr(start, '/', left);

	*ret = start;
	*ret_len = slash ? (size_t)(slash - start) : left;
	return off + 1 + *ret_len;
}

/* How many levels a path climbs above the root of our cgroup namespace. */
static unsigned int climbs(const struct line *line)
{
	unsigned int n = 0;
	const char *name;
	size_t len;

	for (size_t off = 0; off < line->path_len;) {
		off = component(line, off, &name, &len);
		if (len != 2 || memcmp(name, "..", 2) != 0)
			break;
		n++;
	}
	return n;
}

/* Whether podfs itself is at or below the first @len bytes of the path. */
static bool is_around_us(const struct cgroup_own *own, const struct line *line, size_t len)
{
	struct line ours;

	return own_line(own, line, &ours) && ours.path_len >= len &&
	       !memcmp(ours.path, line->path, len) &&
	       (ours.path_len == len || ours.path[len] == '/');
}

/* Systemd's manager of a user of the host, who may make any cgroup below it. */
static bool is_of_user(const char *name, size_t len)
{
	static const char start[] = "user@";
	static const char end[] = ".service";

	return len >= sizeof(start) + sizeof(end) - 2 && !memcmp(name, start, sizeof(start) - 1) &&
	       !memcmp(name + len - sizeof(end) + 1, end, sizeof(end) - 1);
}

/* What one hierarchy says. */
enum verdict {
	SAYS_NOTHING,
	SAYS_UNKNOWN,
	SAYS_POD,
};

static enum verdict judge(const struct cgroup_own *own, const struct line *line,
			  cgroup_known_fn known, void *ctx, struct pod_uid *ret)
{
	const char *name;
	size_t len;

	for (size_t off = 0; off < line->path_len;) {
		off = component(line, off, &name, &len);
		/* Where podfs is not the user's, too, no kubelet of the user's counts. */
		if (is_of_user(name, len) && !is_around_us(own, line, off))
			return SAYS_NOTHING;
		if (!cgroup_pod_uid(name, len, ret))
			continue;
		if (known(ctx, ret->text))
			return SAYS_POD;
		/* Only a pod in one container of which podfs is, too, can be around others. */
		if (off == line->path_len)
			return SAYS_UNKNOWN;
		off = component(line, off, &name, &len);
		if (!is_around_us(own, line, off))
			return SAYS_UNKNOWN;
	}
	return SAYS_NOTHING;
}

static bool is_in_own_pod(const struct cgroup_own *own, const char *text)
{
	bool any = false;
	struct line line;

	if (!own->rooted)
		return false;
	while (next_line(&text, &line)) {
		if (climbs(&line) > 1)
			return false;
		any = true;
	}
	return any;
}

enum cgroup_place cgroup_find(const struct cgroup_own *own, const char *text, cgroup_known_fn known,
			      void *ctx, struct pod_uid *ret)
{
	bool found = false;
	struct line line;

	if (is_in_own_pod(own, text))
		return CGROUP_OWN_POD;
	while (next_line(&text, &line)) {
		struct pod_uid uid;
		enum verdict verdict = judge(own, &line, known, ctx, &uid);

		if (verdict == SAYS_NOTHING)
			continue;
		if (verdict == SAYS_UNKNOWN || (found && strcmp(uid.text, ret->text) != 0))
			return CGROUP_NOWHERE;
		*ret = uid;
		found = true;
	}
	return found ? CGROUP_POD : CGROUP_NOWHERE;
}

bool cgroup_is_root(const char *text)
{
	struct line line;
	bool any = false;

	for (; next_line(&text, &line); any = true)
		if (line.path_len != 1 || *line.path != '/')
			return false;
	return any;
}
