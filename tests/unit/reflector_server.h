/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reflector_server: the test is the server: what it is asked for, and what it
 * answers, in words.
 */
#ifndef PODFS_TESTS_REFLECTOR_SERVER_H
#define PODFS_TESTS_REFLECTOR_SERVER_H

#include "rig.h"

#define POD(name, version)                                                                         \
	"{\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"" version "\"}}"
#define EVENT(type, object) "{\"type\":\"" type "\",\"object\":" object "}\n"
#define BOOKMARK(version)                                                                          \
	EVENT("BOOKMARK", "{\"kind\":\"Pod\",\"metadata\":{\"resourceVersion\":\"" version "\"}}")
/* The end of a streamed list. */
#define END(version)                                                                               \
	EVENT("BOOKMARK", "{\"kind\":\"Pod\",\"metadata\":{\"resourceVersion\":\"" version         \
			  "\",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}")
#define LIST(meta, items) "{\"metadata\":{" meta "},\"items\":[" items "]}"
#define GONE "{\"kind\":\"Status\",\"message\":\"too old\",\"reason\":\"Expired\",\"code\":410}"

static struct rig g;

static inline const struct kube_resource_state *st(void)
{
	return reflector_state(g.reflector);
}

static inline void asked(const char *part)
{
	if (!strstr(g.asked, part))
		fail_msg("asked for \"%s\", not for \"%s\"", g.asked, part);
}

static inline void not_asked(const char *part)
{
	if (!*g.asked || strstr(g.asked, part))
		fail_msg("asked for \"%s\"", g.asked);
}

static inline void idle(void)
{
	assert_string_equal(g.asked, "");
}

static inline void send(const char *text)
{
	reflector_data(g.reflector, text, strlen(text));
}

static inline void end_clean(void)
{
	struct reflector_answer a = {.status = 200, .retry_after_s = -1, .body = "", .message = ""};

	rig_done(&g, &a);
}

static inline void end_broken(void)
{
	struct reflector_answer a = {.failure = KUBE_FAILURE_UNREACHABLE,
				     .status = st()->phase == KUBE_PHASE_WATCHING ? 200 : 0,
				     .retry_after_s = -1,
				     .body = "",
				     .message = "connection reset"};

	rig_done(&g, &a);
}

static inline void refuse_for(int status, const char *body, int64_t retry_after_s)
{
	struct reflector_answer a = {.status = status,
				     .retry_after_s = retry_after_s,
				     .body = body,
				     .body_len = strlen(body),
				     .message = ""};

	rig_done(&g, &a);
}

static inline void refuse(int status, const char *body)
{
	refuse_for(status, body, -1);
}

static inline void answer_list(const char *body)
{
	reflector_open(g.reflector);
	send(body);
	end_clean();
}

static inline void open_watch(void)
{
	asked("watch=true");
	reflector_open(g.reflector);
	assert_int_equal(st()->phase, KUBE_PHASE_WATCHING);
}

/* Everything in the sink, in the order it came: "a@3 b@4". */
static inline void holds(const char *expected)
{
	struct buf text = {0};

	for (size_t i = 0; i < g.n_objects; i++)
		buf_addf(&text, "%s%s@%s", i ? " " : "", g.objects[i].name, g.objects[i].version);
	buf_addstr(&text, "");
	assert_string_equal(text.data, expected);
	buf_release(&text);
}

static inline int set_up(void **state)
{
	(void)state;
	rig_open(&g, 0, false);
	return 0;
}

/* Listed a and b at version 5, and watching. */
static inline int set_up_synced(void **state)
{
	set_up(state);
	answer_list(LIST("\"resourceVersion\":\"5\"", POD("a", "3") "," POD("b", "4")));
	open_watch();
	holds("a@3 b@4");
	return 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	rig_close(&g);
	return 0;
}

/* A reflector that has just asked for its first list; one that watches; one the test opens. */
#define fresh_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define synced_test(name) cmocka_unit_test_setup_teardown(name, set_up_synced, tear_down)
#define opening_test(name) cmocka_unit_test_teardown(name, tear_down)

#endif
