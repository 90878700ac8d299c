/* SPDX-License-Identifier: Apache-2.0 */
#include "edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A piece of the text and what comes in its place; in the order of the text. */
struct change {
	struct jspan at;
	const char *with;
};

static char *apply(const struct object *o, const struct change *c, size_t n)
{
	struct buf b = {0};
	const char *from = o->text;

	buf_reserve(&b, o->len + 256);
	for (size_t i = 0; i < n; i++) {
		if (!c[i].at.p)
			continue;
		buf_add(&b, from, (size_t)(c[i].at.p - from));
		buf_puts(&b, c[i].with);
		from = c[i].at.p + c[i].at.len;
	}
	buf_add(&b, from, (size_t)(o->text + o->len - from));
	return buf_steal(&b);
}

static int compare_key(struct jspan key, const char *with)
{
	size_t n = strlen(with);
	int r = memcmp(key.p, with, key.len < n ? key.len : n);

	return r ? r : key.len < n ? -1 : key.len > n;
}

/* An object without the map gets it where the server would write it: before what follows. */
static struct jspan place_for_map(struct jspan meta, const char *map)
{
	static const char *const behind_labels[] = {"annotations", "ownerReferences", "finalizers",
						    "managedFields"};
	bool labels = !strcmp(map, "labels");

	for (size_t i = labels ? 0 : 1; i < ARRAY_SIZE(behind_labels); i++) {
		struct jspan v = jspan_get(meta, behind_labels[i]);

		if (v.p)
			return (struct jspan){v.p - strlen(behind_labels[i]) - 3, 0};
	}
	return (struct jspan){meta.p + meta.len - 1, 0};
}

char *edit_map(const struct object *o, const char *map, const char *key, const char *value)
{
	struct jspan meta = jspan_get(object_span(o), "metadata"), m = jspan_get(meta, map), k, v;
	struct jspan at = {0};
	struct buf b = {0};
	_cleanup_(freep) char *with = NULL;
	const char *it = NULL;

	if (!m.p) {
		bool last;

		at = place_for_map(meta, map);
		last = *at.p == '}';
		buf_printf(&b, "%s\"%s\":{\"%s\":", last ? "," : "", map, key);
		buf_json_str(&b, value);
		buf_puts(&b, last ? "}" : "},");
	} else {
		int order = -1;

		/* the keys are in order, and stay so */
		while (order < 0 && jspan_member(m, &it, &k, &v))
			order = compare_key(k, key);
		if (order == 0) {
			at = v;
			buf_json_str(&b, value);
		} else {
			bool last = order < 0;

			at = (struct jspan){last ? m.p + m.len - 1 : k.p - 1, 0};
			buf_printf(&b, "%s\"%s\":", last && it ? "," : "", key);
			buf_json_str(&b, value);
			buf_puts(&b, last ? "" : ",");
		}
	}
	with = buf_steal(&b);
	return apply(o, &(struct change){at, with}, 1);
}

char *edit_restart(const struct object *o, const char *now)
{
	struct jspan list = jspan_path(object_span(o), "status.containerStatuses"), c;
	const char *it = NULL;
	_cleanup_(freep) char *started = xasprintf("\"%s\"", now);
	_cleanup_(freep) char *last = xasprintf("{\"terminated\":{\"exitCode\":137,\"reason\":"
						"\"OOMKilled\",\"startedAt\":\"%s\",\"finishedAt\":"
						"\"%s\"}}",
						now, now);
	char count[24];

	if (!jspan_element(list, &it, &c) || !jspan_get(c, "restartCount").p)
		return NULL;
	snprintf(count, sizeof(count), "%lld",
		 (long long)jspan_int(jspan_get(c, "restartCount"), 0) + 1);
	return apply(o,
		     (struct change[]){
			 {jspan_path(c, "state.running.startedAt"), started},
			 {jspan_get(c, "lastState"), last},
			 {jspan_get(c, "restartCount"), count},
		     },
		     3);
}

char *edit_heartbeat(const struct object *o, const char *now)
{
	struct jspan list = jspan_path(object_span(o), "status.conditions"), c;
	_cleanup_(freep) char *with = xasprintf("\"%s\"", now);
	struct change changes[16];
	const char *it = NULL;
	size_t n = 0;

	while (n < ARRAY_SIZE(changes) && jspan_element(list, &it, &c))
		changes[n++] = (struct change){jspan_get(c, "lastHeartbeatTime"), with};
	return n ? apply(o, changes, n) : NULL;
}

char *edit_identity(const struct object *o, const char *name, const char *uid, const char *now)
{
	struct jspan meta = jspan_get(object_span(o), "metadata");
	_cleanup_(freep) char *n = xasprintf("\"%s\"", name), *u = xasprintf("\"%s\"", uid);
	_cleanup_(freep) char *t = xasprintf("\"%s\"", now);

	return apply(o,
		     (struct change[]){
			 {jspan_get(meta, "name"), n},
			 {jspan_get(meta, "uid"), u},
			 {jspan_get(meta, "creationTimestamp"), t},
		     },
		     3);
}
