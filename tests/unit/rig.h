/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rig: a reflector between a sink that remembers names and a transport that
 * does what the test says, on a clock that stands still until told to move.
 */
#ifndef PODFS_TESTS_RIG_H
#define PODFS_TESTS_RIG_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <podfs/base/buf.h>
#include <podfs/kube/reflector.h>

#define RIG_OBJECTS 64

struct rig_object {
	char name[16];
	char version[64];
	bool seen; /* in the list under way */
};

struct rig {
	struct reflector *reflector;
	int64_t now;
	int64_t timer; /* -1: none */
	uint64_t random;
	bool zero_jitter;
	char asked[512]; /* path under way, "" if none */
	unsigned requests;
	bool unsent; /* the request under way waits for a credential */

	struct rig_object objects[RIG_OBJECTS];
	size_t n_objects;
	bool listing;
	unsigned begun, ended, aborted, bookmarks, flushed;
	char list_version[64];
	int sink_error; /* what upsert and remove return, once */
	bool lenient;   /* objects may be damaged: refused, as a store does */
};

static int64_t rig_now(void *ctx)
{
	const struct rig *g = ctx;

	return g->now;
}

static uint64_t rig_random(void *ctx)
{
	struct rig *g = ctx;

	if (g->zero_jitter)
		return 0;
	g->random ^= g->random << 13;
	g->random ^= g->random >> 7;
	g->random ^= g->random << 17;
	return g->random;
}

static int rig_get(void *ctx, const char *path)
{
	struct rig *g = ctx;

	assert_string_equal(g->asked, "");
	snprintf(g->asked, sizeof(g->asked), "%s", path);
	g->requests++;
	return 0;
}

static void rig_cancel(void *ctx)
{
	struct rig *g = ctx;

	g->asked[0] = '\0';
}

static void rig_set_timer(void *ctx, int64_t at_ms)
{
	struct rig *g = ctx;

	g->timer = at_ms;
}

static void rig_list_begin(void *ctx)
{
	struct rig *g = ctx;

	assert_false(g->listing);
	g->listing = true;
	g->begun++;
	for (size_t i = 0; i < g->n_objects; i++)
		g->objects[i].seen = false;
}

/* The name and version in an object's text, which the tests make themselves. */
static int rig_parse(const char *obj, size_t len, struct rig_object *ret)
{
	char text[512];

	snprintf(text, sizeof(text), "%.*s", (int)len, obj);
	return sscanf(text,
		      "{\"metadata\":{\"name\":\"%15[^\"]\",\"resourceVersion\":\"%63[^\"]\"}}",
		      ret->name, ret->version) == 2
		   ? 0
		   : -1;
}

static struct rig_object *rig_find(struct rig *g, const char *name)
{
	for (size_t i = 0; i < g->n_objects; i++)
		if (!strcmp(g->objects[i].name, name))
			return &g->objects[i];
	return NULL;
}

static int rig_refusal(struct rig *g)
{
	int err = g->sink_error;

	g->sink_error = 0;
	return err;
}

static int rig_upsert(void *ctx, const struct kube_object *obj, bool from_list)
{
	struct rig *g = ctx;
	struct rig_object o = {.seen = true};
	int err = rig_refusal(g);

	if (err)
		return err;
	if (rig_parse(obj->text, obj->len, &o) < 0) {
		assert_true(g->lenient);
		return -EINVAL;
	}
	assert_int_equal(from_list, g->listing);
	struct rig_object *known = rig_find(g, o.name);
	if (!known) {
		assert_true(g->n_objects < RIG_OBJECTS);
		known = &g->objects[g->n_objects++];
	}
	*known = o;
	return 0;
}

static int rig_remove(void *ctx, const struct kube_object *obj)
{
	struct rig *g = ctx;
	struct rig_object o;
	int err = rig_refusal(g);

	if (err)
		return err;
	if (rig_parse(obj->text, obj->len, &o) < 0) {
		assert_true(g->lenient);
		return -EINVAL;
	}
	struct rig_object *known = rig_find(g, o.name);
	if (known)
		*known = g->objects[--g->n_objects];
	return 0;
}

static void rig_list_end(void *ctx, const char *version)
{
	struct rig *g = ctx;

	assert_true(g->listing);
	g->listing = false;
	g->ended++;
	snprintf(g->list_version, sizeof(g->list_version), "%s", version);
	for (size_t i = 0; i < g->n_objects;)
		if (g->objects[i].seen)
			i++;
		else
			g->objects[i] = g->objects[--g->n_objects];
}

static void rig_list_abort(void *ctx)
{
	struct rig *g = ctx;

	assert_true(g->listing);
	g->listing = false;
	g->aborted++;
}

static void rig_bookmark(void *ctx, const char *version)
{
	struct rig *g = ctx;

	assert_false(g->listing);
	assert_true(*version);
	g->bookmarks++;
}

static void rig_flush(void *ctx)
{
	struct rig *g = ctx;

	g->flushed++;
}

static void rig_open(struct rig *g, uint64_t seed, bool streaming)
{
	struct reflector_options o = {
	    .path = "/p",
	    .query = "labelSelector=a%3Db",
	    .streaming = streaming,
	    .sink = {g, rig_list_begin, rig_upsert, rig_remove, rig_list_end, rig_list_abort,
		     rig_bookmark, rig_flush},
	    .transport = {g, rig_now, rig_random, rig_get, rig_cancel, rig_set_timer},
	};

	*g = (struct rig){.now = 1000000, .timer = -1, .random = seed | 1};
	g->zero_jitter = seed == 0;
	assert_int_equal(reflector_new(&o, &g->reflector), 0);
	reflector_start(g->reflector);
}

static void rig_close(struct rig *g)
{
	reflector_stop(g->reflector);
	assert_string_equal(g->asked, "");
	assert_int_equal(g->timer, -1);
	reflector_free(g->reflector);
}

/* The request under way ends. */
static void rig_done(struct rig *g, const struct reflector_answer *answer)
{
	assert_string_not_equal(g->asked, "");
	g->asked[0] = '\0';
	reflector_done(g->reflector, answer);
}

/* Moves the clock, at most to the timer, which then fires. */
static void rig_pass(struct rig *g, int64_t ms)
{
	int64_t until = g->now + ms;

	while (g->timer >= 0 && g->timer <= until) {
		if (g->timer > g->now)
			g->now = g->timer;
		g->timer = -1;
		if (g->unsent)
			reflector_postpone(g->reflector);
		else
			reflector_timer(g->reflector);
	}
	g->now = until;
}

#endif
