/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <podfs/base/bytes.h>
#include <podfs/model/history.h>

/* So many of the latest changes are never folded. */
#define HISTORY_APART 64

void history_release(struct history *h)
{
	for (uint16_t i = 0; i < h->count; i++)
		free(h->entries[i].path);
	free(h->entries);
	*h = (struct history){0};
}

static void cut_to_folder(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash)
		*slash = '\0';
	else
		path[0] = '\0';
}

/* count: not there. */
static uint16_t find(const struct history *h, const char *path, bool below)
{
	uint16_t i = 0;

	while (i < h->count &&
	       (h->entries[i].below != below || strcmp(h->entries[i].path, path) != 0))
		i++;
	return i;
}

static struct history_entry take(struct history *h, uint16_t i)
{
	struct history_entry e = h->entries[i];

	h->count--;
	memmove(&h->entries[i], &h->entries[i + 1], (h->count - i) * sizeof(e));
	return e;
}

/* The oldest of the deepest, but none of the latest: so what is close together folds first. */
static uint16_t pick_to_fold(const struct history *h)
{
	uint16_t picked = 0;
	size_t deepest = 0;

	for (uint16_t i = 0; i + HISTORY_APART < h->count; i++) {
		const char *path = h->entries[i].path;
		size_t depth = *path != '\0';

		for (; *path; path++)
			depth += *path == '/';
		if (depth > deepest) {
			deepest = depth;
			picked = i;
		}
	}
	return picked;
}

/*
 * Makes an old entry count for its folder until two of them are the same. Each
 * round makes paths shorter, so at the latest they meet at "".
 */
static void fold(struct history *h)
{
	while (h->count == HISTORY_MAX) {
		uint16_t i = pick_to_fold(h);
		struct history_entry *e = &h->entries[i];

		cut_to_folder(e->path);
		e->below = false;
		uint16_t same = find(h, e->path, true);
		e->below = true;
		if (same == h->count)
			continue;
		/* The later one stays, with the later time. */
		int64_t time =
		    e->time_ns > h->entries[same].time_ns ? e->time_ns : h->entries[same].time_ns;
		h->entries[i > same ? i : same].time_ns = time;
		free(take(h, i < same ? i : same).path);
	}
}

int history_push(struct history *h, char *path, bool below, int64_t time_ns)
{
	if (h->count == h->cap) {
		uint16_t cap = h->cap ? (uint16_t)(h->cap * 2) : 4;
		struct history_entry *entries = realloc(h->entries, cap * sizeof(*entries));

		if (!entries) {
			free(path);
			return -ENOMEM;
		}
		h->entries = entries;
		h->cap = cap;
	}
	h->entries[h->count++] = (struct history_entry){time_ns, path, below};
	return 0;
}

/* Entries stand in the order in which they were noted. */
static int note(struct history *h, char *path, bool below, int64_t time_ns)
{
	uint16_t same = find(h, path, below);

	if (same < h->count)
		free(take(h, same).path);
	fold(h);
	return history_push(h, path, below, time_ns);
}

/* How much of a path its first names are. */
static size_t names_len(const char *path, size_t names)
{
	size_t len = 0;

	while (names && path[len]) {
		len++;
		names -= path[len] == '/' || path[len] == '\0';
	}
	return len;
}

/*
 * Adds the first @count changes of @diff to @ret, or more than HISTORY_APART of
 * them: those of more than @names names make one of the folder of so many. A
 * diff says what is in one folder in a row. 0 or -ENOMEM.
 */
static int fold_to(const struct diff *diff, size_t count, size_t names, struct diff *ret)
{
	cleanup_buf struct buf folder = {0};
	bool in_folder = false;
	int r = 0;

	ret->count = 0;
	buf_clear(&ret->paths);
	for (size_t i = 0; i < count && ret->count <= HISTORY_APART && r == 0; i++) {
		const char *path = diff_path(diff, i);
		size_t len = names_len(path, names);

		if (diff->changes[i].unnoted) {
			continue;
		} else if (!path[len]) {
			in_folder = false;
			r = diff_add(ret, diff->changes[i].kind, path);
		} else if (!in_folder || !bytes_equal(folder.data, folder.len, path, len)) {
			in_folder = true;
			buf_clear(&folder);
			r = buf_add(&folder, path, len);
			if (r == 0)
				r = diff_add(ret, CHANGE_ADDED, folder.data);
		}
	}
	return r;
}

/* Where the last @apart noted changes begin; 0 also if there are no more than HISTORY_MAX. */
static size_t latest(const struct diff *diff, size_t apart)
{
	size_t noted = 0;
	size_t at = 0;

	for (size_t i = diff->count; i > 0; i--) {
		noted += !diff->changes[i - 1].unnoted;
		if (!at && noted == apart)
			at = i - 1;
	}
	return noted > HISTORY_MAX ? at : 0;
}

int history_fold(const struct diff *diff, struct diff *scratch, const struct diff **ret)
{
	size_t older = latest(diff, HISTORY_APART);
	size_t names = 0;
	int r;

	*ret = diff;
	if (!older)
		return 0;
	*ret = scratch;
	/* As deep as it can be. */
	do {
		r = fold_to(diff, older, ++names, scratch);
	} while (r == 0 && scratch->count <= HISTORY_APART);
	if (r == 0)
		r = fold_to(diff, older, names - 1, scratch);
	for (size_t i = older; i < diff->count && r == 0; i++)
		if (!diff->changes[i].unnoted)
			r = diff_add(scratch, diff->changes[i].kind, diff_path(diff, i));
	return r;
}

int history_add(struct history *h, const struct diff *diff, int64_t time_ns)
{
	int r = 0;

	for (size_t i = 0; i < diff->count && r == 0; i++) {
		enum change_kind kind = diff->changes[i].kind;
		char *path;

		if (diff->changes[i].unnoted)
			continue;
		path = strdup(diff_path(diff, i));
		if (!path)
			return -ENOMEM;
		if (kind == CHANGE_REMOVED)
			cut_to_folder(path);
		r = note(h, path, kind == CHANGE_ADDED, time_ns);
	}
	return r;
}

/* Whether @path is @folder or below it. */
static bool is_within(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return n == 0 || (!strncmp(path, folder, n) && (path[n] == '/' || path[n] == '\0'));
}

int64_t history_time(const struct history *h, const char *path, bool is_dir, int64_t base_ns)
{
	int64_t latest = INT64_MIN;

	for (uint16_t i = 0; i < h->count; i++) {
		const struct history_entry *e = &h->entries[i];
		bool counts = !strcmp(e->path, path) || (e->below && is_within(path, e->path)) ||
			      (is_dir && is_within(e->path, path));

		if (counts && e->time_ns > latest)
			latest = e->time_ns;
	}
	/* Not the later of both: the server's clock may be ahead of ours. */
	return latest == INT64_MIN ? base_ns : latest;
}
