/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <podfs/model/history.h>

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

static struct history_entry *find(const struct history *h, const char *path, bool below)
{
	for (uint16_t i = 0; i < h->count; i++)
		if (h->entries[i].below == below && !strcmp(h->entries[i].path, path))
			return &h->entries[i];
	return NULL;
}

/* Makes the oldest entry count for its folder, which frees a place at the latest at "". */
static void fold_oldest(struct history *h)
{
	while (h->count == HISTORY_MAX) {
		struct history_entry *oldest = &h->entries[0];

		for (uint16_t i = 1; i < h->count; i++)
			if (h->entries[i].time_ns < oldest->time_ns)
				oldest = &h->entries[i];
		if (!oldest->path[0] && oldest->below) {
			/* Nothing is older than this, so nothing is lost but the time itself. */
			free(oldest->path);
			*oldest = h->entries[--h->count];
			return;
		}
		struct history_entry folded = *oldest;
		*oldest = h->entries[--h->count];
		cut_to_folder(folded.path);
		struct history_entry *same = find(h, folded.path, true);
		if (same) {
			if (same->time_ns < folded.time_ns)
				same->time_ns = folded.time_ns;
			free(folded.path);
		} else {
			folded.below = true;
			h->entries[h->count++] = folded;
		}
	}
}

static int note(struct history *h, char *path, bool below, int64_t time_ns)
{
	struct history_entry *same = find(h, path, below);

	if (same) {
		same->time_ns = time_ns;
		free(path);
		return 0;
	}
	fold_oldest(h);
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

int history_add(struct history *h, const struct diff *diff, int64_t time_ns)
{
	int r = 0;

	for (size_t i = 0; i < diff->count && r == 0; i++) {
		enum change_kind kind = diff->changes[i].kind;
		char *path = strdup(diff_path(diff, i));

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
	int64_t latest = base_ns;

	for (uint16_t i = 0; i < h->count; i++) {
		const struct history_entry *e = &h->entries[i];
		bool counts = !strcmp(e->path, path) || (e->below && is_within(path, e->path)) ||
			      (is_dir && is_within(e->path, path));

		if (counts && e->time_ns > latest)
			latest = e->time_ns;
	}
	return latest;
}
