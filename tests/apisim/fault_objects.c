/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects that are hard to swallow. They are really there: every list and
 * watch has them, until the fault is switched off.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "edit.h"
#include "fault.h"
#include "store.h"

#define LABEL "apisim.example.com/fault"

static const char *made_by(const struct object *o)
{
	for (size_t i = 0; i < o->n_labels; i++)
		if (!strcmp(o->labels[i].key, LABEL))
			return o->labels[i].value;
	return NULL;
}

bool fault_made(const struct object *o)
{
	return made_by(o);
}

static struct object *remake(const struct object *o, char *text)
{
	struct object *made = object_new(o->kind, text, strlen(text), o->rv);

	free(text);
	return made;
}

/* A pod like another one, of its own name and with the label. */
static struct object *another(const struct object *o, const char *fault)
{
	_cleanup_(object_unrefp) struct object *renamed = NULL;
	_cleanup_(freep) char *name = xasprintf("apisim-%s", fault);
	char uid[37], now[32];

	random_uuid(uid);
	format_time(time(NULL), now);
	renamed = remake(o, edit_identity(o, name, uid, now));
	return remake(renamed, edit_map(renamed, "labels", LABEL, fault));
}

static char *filled(char c, uint64_t n)
{
	char *s = xcalloc(n + 1, 1);

	memset(s, c, n);
	return s;
}

static char *huge(const struct object *o, uint64_t n)
{
	_cleanup_(freep) char *value = filled('x', n);

	return edit_map(o, "annotations", "apisim.example.com/huge", value);
}

static char *nested(const struct object *o, uint64_t n)
{
	_cleanup_(freep) char *open = filled('[', n), *close = filled(']', n);

	return xasprintf("%.*s,\"nested\":%s%s}", (int)o->len - 1, o->text, open, close);
}

/* The first that no fault made. */
static struct object *pick_pod(void)
{
	for (size_t i = 0; i < store_count(KIND_PODS); i++) {
		struct object *o = store_pick(KIND_PODS, i);

		if (o && !fault_made(o))
			return o;
		object_unref(o);
	}
	return NULL;
}

static bool make_pod(const struct fault *f)
{
	_cleanup_(object_unrefp) struct object *o = pick_pod(), *pod = NULL;
	_cleanup_(freep) char *text = NULL;

	if (!o)
		return false;
	pod = another(o, faults[f->id].name);
	text = f->id == FAULT_HUGE ? huge(pod, f->n) : nested(pod, f->n);
	/* it may be there already */
	store_create(KIND_PODS, text, strlen(text), NULL);
	return true;
}

static bool change_uid(uint64_t which)
{
	char uid[37], now[32];
	int r;

	do {
		_cleanup_(object_unrefp) struct object *o = store_pick(KIND_PODS, which);
		_cleanup_(freep) char *text = NULL;

		if (!o)
			return false;
		random_uuid(uid);
		format_time(time(NULL), now);
		text = edit_identity(o, o->name, uid, now);
		r = store_replace(o, text, strlen(text), NULL);
	} while (r == -EAGAIN || r == -ENOENT);
	return r == 0;
}

bool fault_make_objects(const struct fault *f)
{
	if (f->id == FAULT_COMPACT)
		store_compact();
	else if (f->id != FAULT_NEW_UID)
		return make_pod(f);
	else
		for (uint64_t i = 0; i < f->n; i++)
			if (!change_uid(i))
				return false;
	return true;
}

void fault_remove_objects(enum fault_id id)
{
	struct snapshot pods;

	if (id != FAULT_HUGE && id != FAULT_NESTED)
		return;
	if (store_snapshot(KIND_PODS, NULL, 0, &pods) < 0)
		return;
	for (size_t i = 0; i < pods.n; i++) {
		const char *by = made_by(pods.v[i]);

		if (by && !strcmp(by, faults[id].name))
			store_delete(pods.v[i], NULL, 0, NULL);
	}
	snapshot_release(&pods);
}
