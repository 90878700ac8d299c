/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <podfs/base/hash.h>

#include "shared.h"

#define BUCKETS 4096u

struct shared {
	struct shared *next; /* in its bucket */
	size_t refs;
	char text[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct shared *buckets[BUCKETS];

static struct shared **place_of(const char *text)
{
	uint64_t h = hash_bytes(hash_process_key(), text, strlen(text));
	struct shared **at = &buckets[h % BUCKETS];

	while (*at && strcmp((*at)->text, text) != 0)
		at = &(*at)->next;
	return at;
}

static struct shared *make(const char *text)
{
	size_t size = strlen(text) + 1;
	struct shared *s = malloc(sizeof(*s) + size);

	if (!s)
		return NULL;
	s->next = NULL;
	s->refs = 0;
	memcpy(s->text, text, size);
	return s;
}

const char *shared_get(const char *text)
{
	if (!*text)
		return "";
	pthread_mutex_lock(&lock);
	struct shared **at = place_of(text);
	if (!*at)
		*at = make(text);
	struct shared *s = *at;
	if (s)
		s->refs++;
	pthread_mutex_unlock(&lock);
	return s ? s->text : NULL;
}

void shared_put(const char *text)
{
	struct shared *gone = NULL;

	if (!text || !*text)
		return;
	pthread_mutex_lock(&lock);
	struct shared **at = place_of(text);
	/* It is there: whoever gives it back has it. */
	if (*at && !--(*at)->refs) {
		gone = *at;
		*at = gone->next;
	}
	pthread_mutex_unlock(&lock);
	free(gone);
}
