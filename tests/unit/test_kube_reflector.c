/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reflector, one rule of list and watch a test. The test is the server.
 */
#include <errno.h>

#include "rig.h"

#define POD(name, version)                                                                         \
	"{\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"" version "\"}}"
#define EVENT(type, object) "{\"type\":\"" type "\",\"object\":" object "}\n"
#define BOOKMARK(version)                                                                          \
	EVENT("BOOKMARK", "{\"kind\":\"Pod\",\"metadata\":{\"resourceVersion\":\"" version "\"}}")
#define LIST(meta, items) "{\"metadata\":{" meta "},\"items\":[" items "]}"
#define GONE "{\"kind\":\"Status\",\"message\":\"too old\",\"reason\":\"Expired\",\"code\":410}"
#define TOO_LARGE                                                                                  \
	"{\"kind\":\"Status\",\"message\":\"Timeout: Too large resource version: 9, current: 4\"," \
	"\"reason\":\"Timeout\",\"details\":{\"causes\":[{\"reason\":\"ResourceVersionTooLarge\"}" \
	"],"                                                                                       \
	"\"retryAfterSeconds\":1},\"code\":504}"

static struct rig g;

static const struct kube_resource_state *st(void)
{
	return reflector_state(g.reflector);
}

static void asked(const char *part)
{
	if (!strstr(g.asked, part))
		fail_msg("asked for \"%s\", not for \"%s\"", g.asked, part);
}

static void not_asked(const char *part)
{
	if (!*g.asked || strstr(g.asked, part))
		fail_msg("asked for \"%s\"", g.asked);
}

static void idle(void)
{
	assert_string_equal(g.asked, "");
}

static void send(const char *text)
{
	reflector_data(g.reflector, text, strlen(text));
}

static void end_clean(void)
{
	struct reflector_answer a = {.status = 200, .retry_after_s = -1, .body = "", .message = ""};

	rig_done(&g, &a);
}

static void end_broken(void)
{
	struct reflector_answer a = {.failure = KUBE_FAILURE_UNREACHABLE,
				     .status = st()->phase == KUBE_PHASE_WATCHING ? 200 : 0,
				     .retry_after_s = -1,
				     .body = "",
				     .message = "connection reset"};

	rig_done(&g, &a);
}

static void refuse_for(int status, const char *body, int64_t retry_after_s)
{
	struct reflector_answer a = {.status = status,
				     .retry_after_s = retry_after_s,
				     .body = body,
				     .body_len = strlen(body),
				     .message = ""};

	rig_done(&g, &a);
}

static void refuse(int status, const char *body)
{
	refuse_for(status, body, -1);
}

static void answer_list(const char *body)
{
	reflector_open(g.reflector);
	send(body);
	end_clean();
}

static void open_watch(void)
{
	asked("watch=true");
	reflector_open(g.reflector);
	assert_int_equal(st()->phase, KUBE_PHASE_WATCHING);
}

/* Everything in the sink, in the order it came: "a@3 b@4". */
static void holds(const char *expected)
{
	struct buf text = {0};

	for (size_t i = 0; i < g.n_objects; i++)
		buf_addf(&text, "%s%s@%s", i ? " " : "", g.objects[i].name, g.objects[i].version);
	buf_addstr(&text, "");
	assert_string_equal(text.data, expected);
	buf_release(&text);
}

/* The look after a loss: the server has this version. */
static void look(const char *version)
{
	char text[128];

	asked("/p?limit=1&");
	not_asked("resourceVersion");
	snprintf(text, sizeof(text),
		 "{\"metadata\":{\"resourceVersion\":\"%s\",\"continue\":\"t\"},\"items\":[" POD(
		     "zz", "1") "]}",
		 version);
	answer_list(text);
}

/* Listed a and b at version 5, and watching. */
static void synced(void)
{
	rig_open(&g, 0, false);
	answer_list(LIST("\"resourceVersion\":\"5\"", POD("a", "3") "," POD("b", "4")));
	open_watch();
	holds("a@3 b@4");
}

static int close_rig(void **state)
{
	(void)state;
	rig_close(&g);
	return 0;
}

static void lists_consistently_in_pages(void **state)
{
	(void)state;
	rig_open(&g, 0, false);
	assert_string_equal(g.asked, "/p?limit=500&labelSelector=a%3Db");
	reflector_open(g.reflector);
	send("{\"metadata\":{\"resourceVersion\":\"5\",\"continue\":\"x/"
	     "y\",\"remainingItemCount\":7},");
	assert_int_equal(st()->total, 507);
	send("\"items\":[" POD("a", "3") "]}");
	assert_int_equal(st()->received, 1);
	end_clean();
	assert_int_equal(st()->total, 8);
	assert_string_equal(g.asked, "/p?limit=500&continue=x%2Fy&labelSelector=a%3Db");
	assert_false(st()->synced);
	answer_list(LIST("\"resourceVersion\":\"5\"", POD("b", "4")));
	assert_true(st()->synced);
	assert_int_equal(st()->received, 2);
	assert_int_equal(st()->total, 2);
	assert_string_equal(g.list_version, "5");
	holds("a@3 b@4");
}

static void watches_from_the_lists_version(void **state)
{
	(void)state;
	rig_open(&g, 0, false);
	answer_list(LIST("\"resourceVersion\":\"5\"", ""));
	assert_string_equal(g.asked, "/p?watch=true&allowWatchBookmarks=true&resourceVersion=5&"
				     "timeoutSeconds=300&labelSelector=a%3Db");
	assert_int_equal(st()->phase, KUBE_PHASE_OPENING);
}

static void asks_for_a_watch_of_five_to_ten_minutes(void **state)
{
	unsigned long low = 1000;
	unsigned long high = 0;

	(void)state;
	rig_open(&g, 7, false);
	answer_list(LIST("\"resourceVersion\":\"5\"", ""));
	for (int i = 0; i < 1000; i++) {
		unsigned long s = strtoul(
		    strstr(g.asked, "timeoutSeconds=") + strlen("timeoutSeconds="), NULL, 10);

		low = s < low ? s : low;
		high = s > high ? s : high;
		open_watch();
		rig_pass(&g, 2000);
		end_clean();
	}
	assert_in_range(low, 300, 310);
	assert_in_range(high, 590, 599);
}

static void applies_events_in_order(void **state)
{
	(void)state;
	synced();
	send(EVENT("ADDED", POD("c", "6")) EVENT("MODIFIED", POD("a", "7")));
	send(EVENT("DELETED", POD("b", "8")));
	holds("a@7 c@6");
	assert_string_equal(st()->resource_version, "8");
	assert_int_equal(st()->counters.added, 1);
	assert_int_equal(st()->counters.modified, 1);
	assert_int_equal(st()->counters.deleted, 1);
	assert_int_equal(g.begun, 1);
}

static void takes_a_known_object_added_again_as_a_change(void **state)
{
	(void)state;
	synced();
	send(EVENT("ADDED", POD("a", "6")) EVENT("ADDED", POD("a", "6")));
	holds("a@6 b@4");
	assert_string_not_equal(g.asked, "");
}

static void ignores_the_removal_of_an_unknown_object(void **state)
{
	(void)state;
	synced();
	send(EVENT("DELETED", POD("zz", "6")));
	holds("a@3 b@4");
	assert_int_equal(st()->phase, KUBE_PHASE_WATCHING);
}

static void keeps_the_version_of_a_bookmark(void **state)
{
	(void)state;
	synced();
	send(BOOKMARK("41"));
	assert_int_equal(g.bookmarks, 1);
	rig_pass(&g, 2000);
	end_clean();
	asked("resourceVersion=41&");
}

static void resumes_a_clean_end_at_once(void **state)
{
	(void)state;
	synced();
	send(EVENT("ADDED", POD("c", "6")));
	end_clean();
	asked("resourceVersion=6&");
	assert_int_equal(st()->failure, KUBE_FAILURE_UNSET);
	assert_int_equal(st()->counters.failures, 0);
}

static void resumes_a_broken_connection_at_once(void **state)
{
	(void)state;
	synced();
	rig_pass(&g, 2000);
	send("{\"type\":\"ADDED\",\"obj");
	end_broken();
	asked("resourceVersion=5&");
	open_watch();
	send(EVENT("ADDED", POD("c", "6")));
	holds("a@3 b@4 c@6");
}

static void pauses_when_a_watch_ends_as_soon_as_it_is_open(void **state)
{
	(void)state;
	synced();
	end_clean();
	idle();
	assert_int_equal(st()->phase, KUBE_PHASE_WAITING);
	rig_pass(&g, 799);
	idle();
	rig_pass(&g, 1);
	asked("watch=true");
	asked("resourceVersion=5&");
}

/* Bookmarks alone must not make a loop out of a server that hangs up after each. */
static void pauses_when_watches_stay_short_in_spite_of_bookmarks(void **state)
{
	(void)state;
	synced();
	send(BOOKMARK("6"));
	end_clean();
	open_watch();
	send(BOOKMARK("7"));
	end_clean();
	assert_int_equal(st()->phase, KUBE_PHASE_WAITING);
}

static void lists_again_after_status_410_on_a_watch(void **state)
{
	(void)state;
	synced();
	rig_pass(&g, 2000);
	end_clean();
	refuse(410, GONE);
	assert_string_equal(g.asked, "/p?limit=500&labelSelector=a%3Db");
	holds("a@3 b@4");
	answer_list(LIST("\"resourceVersion\":\"9\"", POD("b", "4") "," POD("c", "8")));
	holds("c@8 b@4");
	asked("resourceVersion=9&");
	assert_int_equal(st()->counters.expired, 1);
}

static void lists_again_after_a_410_event(void **state)
{
	(void)state;
	synced();
	send(EVENT("ERROR", GONE));
	assert_string_equal(g.asked, "/p?limit=500&labelSelector=a%3Db");
	assert_int_equal(st()->failure, KUBE_FAILURE_UNSET);
	answer_list(LIST("\"resourceVersion\":\"9\"", ""));
	holds("");
}

/* A server that forgets everything at once must not be listed in a loop. */
static void pauses_when_410_follows_410(void **state)
{
	(void)state;
	synced();
	send(EVENT("ERROR", GONE));
	answer_list(LIST("\"resourceVersion\":\"9\"", ""));
	refuse(410, GONE);
	idle();
	rig_pass(&g, 800);
	asked("limit=500");
	answer_list(LIST("\"resourceVersion\":\"9\"", ""));
	open_watch();
	rig_pass(&g, 2000);
	send(EVENT("ERROR", GONE));
	asked("limit=500");
}

static void lists_whole_when_a_continue_token_expired(void **state)
{
	(void)state;
	rig_open(&g, 0, false);
	answer_list(LIST("\"resourceVersion\":\"5\",\"continue\":\"t\"", POD("a", "3")));
	asked("continue=t");
	refuse(410, GONE);
	assert_string_equal(g.asked, "/p?labelSelector=a%3Db");
	assert_int_equal(g.aborted, 1);
	answer_list(LIST("\"resourceVersion\":\"8\"", POD("b", "7")));
	holds("b@7");
	send("");
	open_watch();
	send(EVENT("ERROR", GONE));
	asked("limit=500");
}

static void keeps_everything_when_a_new_list_fails(void **state)
{
	(void)state;
	synced();
	send(EVENT("ERROR", GONE));
	reflector_open(g.reflector);
	send("{\"metadata\":{\"resourceVersion\":\"9\"},\"items\":[" POD("a", "8"));
	end_broken();
	assert_int_equal(g.aborted, 1);
	holds("a@8 b@4");
	assert_int_equal(st()->failure, KUBE_FAILURE_UNREACHABLE);
	assert_string_equal(st()->verb, "list");
	assert_true(st()->synced);
}

static void asks_for_a_failed_page_again(void **state)
{
	(void)state;
	rig_open(&g, 0, false);
	answer_list(LIST("\"resourceVersion\":\"5\",\"continue\":\"t\"", POD("a", "3")));
	reflector_open(g.reflector);
	send("{\"metadata\":{\"resourceVersion\":\"5\"},\"items\":[" POD("b", "4") ",");
	assert_int_equal(st()->received, 2);
	end_broken();
	assert_int_equal(g.aborted, 0);
	rig_pass(&g, 800);
	asked("continue=t");
	assert_int_equal(st()->received, 1);
	answer_list(LIST("\"resourceVersion\":\"5\"", POD("b", "4")));
	assert_int_equal(st()->received, 2);
	assert_int_equal(g.begun, 1);
	holds("a@3 b@4");
}

static void starts_over_when_a_page_keeps_failing(void **state)
{
	(void)state;
	rig_open(&g, 0, false);
	answer_list(LIST("\"resourceVersion\":\"5\",\"continue\":\"t\"", POD("a", "3")));
	for (int i = 0; i < REFLECTOR_PAGE_TRIES; i++) {
		asked("continue=t");
		end_broken();
		rig_pass(&g, 60000);
	}
	not_asked("continue=t");
	assert_int_equal(g.aborted, 1);
}

static void gives_up_a_list_that_repeats_itself(void **state)
{
	(void)state;
	rig_open(&g, 0, false);
	answer_list(LIST("\"resourceVersion\":\"5\",\"continue\":\"t\"", ""));
	answer_list(LIST("\"resourceVersion\":\"5\",\"continue\":\"t\"", ""));
	idle();
	assert_int_equal(st()->failure, KUBE_FAILURE_SERVER);
}

static void waits_for_a_version_that_is_too_large_yet(void **state)
{
	(void)state;
	synced();
	rig_pass(&g, 2000);
	end_clean();
	refuse_for(504, TOO_LARGE, 1);
	rig_pass(&g, 999);
	idle();
	rig_pass(&g, 1);
	asked("resourceVersion=5&");
	open_watch();
	send(EVENT("ERROR", TOO_LARGE));
	rig_pass(&g, 60000);
	asked("watch=true");
}

static void lists_when_a_version_stays_too_large(void **state)
{
	(void)state;
	synced();
	rig_pass(&g, 2000);
	end_clean();
	for (int i = 1; i < REFLECTOR_TOO_LARGE_TRIES; i++) {
		refuse_for(504, TOO_LARGE, 1);
		rig_pass(&g, 60000);
		asked("resourceVersion=5&");
	}
	refuse_for(504, TOO_LARGE, 1);
	rig_pass(&g, 60000);
	asked("limit=500");
	not_asked("resourceVersion");
}

/* A restored etcd: what we know never happened there. */
static void lists_when_the_server_goes_back_in_time(void **state)
{
	(void)state;
	synced();
	send(EVENT("MODIFIED", POD("a", "10")));
	send(EVENT("MODIFIED", POD("b", "9")));
	asked("limit=500");
	holds("a@10 b@4");
	answer_list(LIST("\"resourceVersion\":\"9\"", POD("b", "9")));
	holds("b@9");
	open_watch();
	send(BOOKMARK("8"));
	assert_int_equal(st()->phase, KUBE_PHASE_WAITING);
}

/* A watch from a version it has not reached would wait for ever, and miss what comes first. */
static void lists_when_the_server_was_restored_while_it_was_away(void **state)
{
	(void)state;
	synced();
	rig_pass(&g, 2000);
	end_clean();
	end_broken();
	rig_pass(&g, 800);
	look("4");
	assert_string_equal(g.asked, "/p?limit=500&labelSelector=a%3Db");
	holds("a@3 b@4");
	answer_list(LIST("\"resourceVersion\":\"4\"", POD("b", "4")));
	holds("b@4");
	asked("resourceVersion=4&");
}

static void lists_when_a_silent_server_has_gone_back(void **state)
{
	(void)state;
	synced();
	send(EVENT("MODIFIED", POD("a", "10")));
	rig_pass(&g, REFLECTOR_WATCH_SILENCE_MS);
	look("9");
	asked("limit=500");
}

static void looks_again_when_the_look_fails(void **state)
{
	(void)state;
	synced();
	rig_pass(&g, REFLECTOR_WATCH_SILENCE_MS);
	asked("limit=1&");
	end_broken();
	rig_pass(&g, 800);
	asked("limit=1&");
	answer_list("{\"metadata\":{\"resourceVersion\":\"5\"},\"items\":[");
	assert_int_equal(st()->failure, KUBE_FAILURE_SERVER);
	rig_pass(&g, 60000);
	asked("limit=1&");
	rig_pass(&g, REFLECTOR_ANSWER_SILENCE_MS);
	assert_int_equal(st()->failure, KUBE_FAILURE_UNREACHABLE);
	rig_pass(&g, 60000);
	refuse(403, "no");
	rig_pass(&g, 60000);
	asked("limit=500");
}

static void retries_the_watch_after_a_429_event(void **state)
{
	(void)state;
	synced();
	send(EVENT("ERROR", "{\"kind\":\"Status\",\"code\":429,\"message\":\"slow down\","
			    "\"details\":{\"retryAfterSeconds\":3}}"));
	assert_string_equal(st()->message, "slow down");
	rig_pass(&g, 2999);
	idle();
	rig_pass(&g, 1);
	asked("resourceVersion=5&");
}

static void lists_after_another_error_event(void **state)
{
	(void)state;
	synced();
	send(EVENT("ERROR", "{\"kind\":\"Status\",\"code\":500,\"message\":\"boom\"}"));
	idle();
	assert_int_equal(st()->failure, KUBE_FAILURE_SERVER);
	assert_int_equal(st()->http_status, 500);
	rig_pass(&g, 800);
	asked("limit=500");
}

struct bad_event {
	const char *text;
	uint64_t refused;
};

static void lists_after_an_event_it_cannot_decode(void **state)
{
	static const struct bad_event bad[] = {
	    {"garbage", 0},
	    {EVENT("ADDED", "{}"), 1},
	    {EVENT("RENAMED", POD("a", "6")), 1},
	    {EVENT("BOOKMARK", "{}"), 1},
	    {EVENT("ADDED", "{\"metadata\":{\"resourceVersion\":\"\"}}"), 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		synced();
		send(bad[i].text);
		idle();
		assert_int_equal(st()->counters.refused, bad[i].refused);
		assert_int_equal(st()->failure, KUBE_FAILURE_SERVER);
		rig_pass(&g, 800);
		asked("limit=500");
		if (i + 1 < ARRAY_SIZE(bad))
			rig_close(&g);
	}
}

static void lists_after_an_event_the_sink_refuses(void **state)
{
	(void)state;
	synced();
	g.sink_error = -EINVAL;
	send(EVENT("ADDED", POD("c", "6")));
	idle();
	assert_int_equal(st()->counters.refused, 1);
	rig_pass(&g, 800);
	asked("limit=500");
}

static void leaves_out_an_item_the_sink_refuses(void **state)
{
	(void)state;
	rig_open(&g, 0, false);
	g.sink_error = -EINVAL;
	answer_list(LIST("\"resourceVersion\":\"5\"", POD("a", "3") "," POD("b", "4")));
	holds("b@4");
	assert_true(st()->synced);
	assert_int_equal(st()->counters.refused, 1);
}

static void lists_again_when_memory_was_short(void **state)
{
	(void)state;
	rig_open(&g, 0, false);
	g.sink_error = -ENOMEM;
	reflector_open(g.reflector);
	send(LIST("\"resourceVersion\":\"5\"", POD("a", "3")));
	idle();
	assert_int_equal(st()->failure, KUBE_FAILURE_LOCAL);
	rig_pass(&g, 800);
	answer_list(LIST("\"resourceVersion\":\"5\"", POD("a", "3")));
	holds("a@3");
}

static void refuses_a_list_that_ends_in_the_middle(void **state)
{
	(void)state;
	rig_open(&g, 0, false);
	answer_list("{\"metadata\":{\"resourceVersion\":\"5\"},\"items\":[");
	assert_false(st()->synced);
	assert_int_equal(st()->failure, KUBE_FAILURE_SERVER);
	rig_pass(&g, 800);
	answer_list(LIST("", ""));
	assert_false(st()->synced);
}

static void backs_off_twice_as_long_each_time_up_to_thirty_seconds(void **state)
{
	static const int64_t delays[] = {800, 1600, 3200, 6400, 12800, 25600, 30000, 30000};

	(void)state;
	rig_open(&g, 0, false);
	for (size_t i = 0; i < ARRAY_SIZE(delays); i++) {
		end_broken();
		assert_int_equal(st()->retry_at_ms - g.now, delays[i]);
		rig_pass(&g, delays[i] - 1);
		idle();
		rig_pass(&g, 1);
		asked("limit=500");
	}
	assert_int_equal(st()->counters.failures, ARRAY_SIZE(delays));
	answer_list(LIST("\"resourceVersion\":\"5\"", ""));
	open_watch();
	for (int i = 0; i < 3; i++) {
		send(BOOKMARK("6"));
		rig_pass(&g, 60000);
	}
	end_broken();
	end_broken();
	assert_int_equal(st()->retry_at_ms - g.now, 800);
}

static void stretches_each_pause_by_up_to_twice(void **state)
{
	int64_t low = INT64_MAX;
	int64_t high = 0;

	(void)state;
	rig_open(&g, 99, false);
	for (int i = 0; i < 500; i++) {
		end_broken();
		int64_t pause = st()->retry_at_ms - g.now;
		if (i > 6) {
			low = pause < low ? pause : low;
			high = pause > high ? pause : high;
		}
		rig_pass(&g, pause);
	}
	assert_in_range(low, 30000, 32000);
	assert_in_range(high, 58000, 60000);
}

static void waits_as_long_as_the_server_says(void **state)
{
	static const int statuses[] = {429, 500, 503};

	(void)state;
	rig_open(&g, 0, false);
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		refuse_for(statuses[i], "", 100);
		assert_int_equal(st()->retry_at_ms - g.now, 100000);
		rig_pass(&g, 100000);
		asked("limit=500");
	}
	refuse_for(503, "busy\nreally", 86400);
	assert_string_equal(st()->message, "busy");
	assert_int_equal(st()->retry_at_ms - g.now, REFLECTOR_RETRY_AFTER_MAX_S * 1000);
}

static void retries_a_watch_rather_than_listing(void **state)
{
	static const int statuses[] = {401, 500, 503};

	(void)state;
	synced();
	rig_pass(&g, 2000);
	end_clean();
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		refuse(statuses[i], "");
		rig_pass(&g, 60000);
		look("5");
		asked("resourceVersion=5&");
	}
	refuse(429, "");
	rig_pass(&g, 60000);
	asked("resourceVersion=5&");
	end_broken();
	rig_pass(&g, 60000);
	look("9");
	asked("resourceVersion=5&");
	assert_int_equal(g.begun, 1);
}

static void reports_what_is_forbidden_and_asks_seldom(void **state)
{
	(void)state;
	rig_open(&g, 0, false);
	refuse(403, "{\"kind\":\"Status\",\"message\":\"pods is forbidden\",\"code\":403}");
	assert_int_equal(st()->failure, KUBE_FAILURE_FORBIDDEN);
	assert_int_equal(st()->http_status, 403);
	assert_string_equal(st()->verb, "list");
	assert_string_equal(st()->message, "pods is forbidden");
	rig_pass(&g, REFLECTOR_FORBIDDEN_MS - 1);
	idle();
	rig_pass(&g, 1);
	answer_list(LIST("\"resourceVersion\":\"5\"", ""));
	refuse(403, "no");
	assert_string_equal(st()->verb, "watch");
	rig_pass(&g, 60000);
	asked("limit=500");
}

static void tells_a_rejection_from_a_bad_login(void **state)
{
	(void)state;
	rig_open(&g, 0, false);
	refuse(401, "Unauthorized");
	assert_int_equal(st()->failure, KUBE_FAILURE_UNAUTHORIZED);
	rig_pass(&g, 60000);
	refuse(400, "{\"kind\":\"Status\",\"message\":\"unable to parse\",\"code\":400}");
	assert_int_equal(st()->failure, KUBE_FAILURE_REJECTED);
	assert_string_equal(st()->message, "unable to parse");
	rig_pass(&g, 60000);
	refuse(503, "");
	assert_int_equal(st()->failure, KUBE_FAILURE_SERVER);
	assert_string_equal(st()->message, "HTTP status 503");
}

static void reopens_a_silent_watch(void **state)
{
	(void)state;
	synced();
	rig_pass(&g, 149000);
	send("\n");
	rig_pass(&g, 149999);
	assert_int_equal(g.requests, 2);
	rig_pass(&g, 1);
	assert_int_equal(g.requests, 3);
	look("5");
	asked("resourceVersion=5&");
	assert_int_equal(st()->counters.silent, 1);
	rig_pass(&g, REFLECTOR_ANSWER_SILENCE_MS);
	idle();
	assert_int_equal(st()->failure, KUBE_FAILURE_UNREACHABLE);
}

static void gives_up_a_silent_list(void **state)
{
	(void)state;
	rig_open(&g, 0, false);
	rig_pass(&g, REFLECTOR_ANSWER_SILENCE_MS - 1);
	reflector_open(g.reflector);
	rig_pass(&g, REFLECTOR_ANSWER_SILENCE_MS - 1);
	send("{\"metadata\"");
	rig_pass(&g, REFLECTOR_ANSWER_SILENCE_MS - 1);
	asked("limit=500");
	rig_pass(&g, 1);
	idle();
	assert_int_equal(st()->failure, KUBE_FAILURE_UNREACHABLE);
}

static void counts_as_working_when_the_watch_lasts_or_speaks(void **state)
{
	(void)state;
	synced();
	rig_pass(&g, 2000);
	end_clean();
	end_broken();
	rig_pass(&g, 800);
	look("5");
	open_watch();
	assert_int_equal(st()->failure, KUBE_FAILURE_UNREACHABLE);
	rig_pass(&g, REFLECTOR_WATCH_SHORT_MS);
	assert_int_equal(st()->failure, KUBE_FAILURE_UNSET);
	rig_pass(&g, 2000);
	end_clean();
	end_broken();
	rig_pass(&g, 60000);
	look("5");
	open_watch();
	send(BOOKMARK("6"));
	assert_int_equal(st()->failure, KUBE_FAILURE_UNSET);
}

static void streams_the_first_list_where_it_may(void **state)
{
	(void)state;
	rig_open(&g, 0, true);
	asked("watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&"
	      "allowWatchBookmarks=true");
	not_asked("resourceVersion=");
	reflector_open(g.reflector);
	send(EVENT("ADDED", POD("b", "4")) EVENT("ADDED", POD("a", "3")));
	assert_false(st()->synced);
	assert_string_equal(st()->resource_version, "");
	send(BOOKMARK("4"));
	assert_false(st()->synced);
	send(EVENT("BOOKMARK", "{\"kind\":\"Pod\",\"metadata\":{\"resourceVersion\":\"7\","
			       "\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}"));
	assert_true(st()->synced);
	assert_int_equal(st()->phase, KUBE_PHASE_WATCHING);
	send(EVENT("MODIFIED", POD("a", "8")));
	holds("b@4 a@8");
	assert_int_equal(g.requests, 1);
	rig_pass(&g, 2000);
	end_clean();
	asked("resourceVersion=8&");
}

static void lists_in_pages_where_streams_are_refused(void **state)
{
	(void)state;
	rig_open(&g, 0, true);
	refuse(422, "{\"kind\":\"Status\",\"code\":422,\"message\":\"forbidden field\"}");
	asked("limit=500");
	rig_close(&g);
	rig_open(&g, 0, true);
	reflector_open(g.reflector);
	send(EVENT("ADDED", POD("a", "3")));
	send(EVENT("ERROR", "{\"kind\":\"Status\",\"code\":500}"));
	asked("limit=500");
	rig_close(&g);
	rig_open(&g, 0, true);
	reflector_open(g.reflector);
	end_clean();
	asked("limit=500");
	rig_close(&g);
	rig_open(&g, 0, true);
	end_broken();
	rig_pass(&g, 800);
	asked("sendInitialEvents");
}

static void forgets_what_it_knew_when_redirected(void **state)
{
	(void)state;
	synced();
	reflector_stop(g.reflector);
	assert_int_equal(reflector_redirect(g.reflector, "/q", NULL), 0);
	reflector_start(g.reflector);
	assert_string_equal(g.asked, "/q?limit=500");
	assert_false(st()->synced);
	answer_list(LIST("\"resourceVersion\":\"2\"", ""));
	holds("");
}

#define TEST(name) cmocka_unit_test_teardown(name, close_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(lists_consistently_in_pages),
	    TEST(watches_from_the_lists_version),
	    TEST(asks_for_a_watch_of_five_to_ten_minutes),
	    TEST(applies_events_in_order),
	    TEST(takes_a_known_object_added_again_as_a_change),
	    TEST(ignores_the_removal_of_an_unknown_object),
	    TEST(keeps_the_version_of_a_bookmark),
	    TEST(resumes_a_clean_end_at_once),
	    TEST(resumes_a_broken_connection_at_once),
	    TEST(pauses_when_a_watch_ends_as_soon_as_it_is_open),
	    TEST(pauses_when_watches_stay_short_in_spite_of_bookmarks),
	    TEST(lists_again_after_status_410_on_a_watch),
	    TEST(lists_again_after_a_410_event),
	    TEST(pauses_when_410_follows_410),
	    TEST(lists_whole_when_a_continue_token_expired),
	    TEST(keeps_everything_when_a_new_list_fails),
	    TEST(asks_for_a_failed_page_again),
	    TEST(starts_over_when_a_page_keeps_failing),
	    TEST(gives_up_a_list_that_repeats_itself),
	    TEST(waits_for_a_version_that_is_too_large_yet),
	    TEST(lists_when_a_version_stays_too_large),
	    TEST(lists_when_the_server_goes_back_in_time),
	    TEST(lists_when_the_server_was_restored_while_it_was_away),
	    TEST(lists_when_a_silent_server_has_gone_back),
	    TEST(looks_again_when_the_look_fails),
	    TEST(retries_the_watch_after_a_429_event),
	    TEST(lists_after_another_error_event),
	    TEST(lists_after_an_event_it_cannot_decode),
	    TEST(lists_after_an_event_the_sink_refuses),
	    TEST(leaves_out_an_item_the_sink_refuses),
	    TEST(lists_again_when_memory_was_short),
	    TEST(refuses_a_list_that_ends_in_the_middle),
	    TEST(backs_off_twice_as_long_each_time_up_to_thirty_seconds),
	    TEST(stretches_each_pause_by_up_to_twice),
	    TEST(waits_as_long_as_the_server_says),
	    TEST(retries_a_watch_rather_than_listing),
	    TEST(reports_what_is_forbidden_and_asks_seldom),
	    TEST(tells_a_rejection_from_a_bad_login),
	    TEST(reopens_a_silent_watch),
	    TEST(gives_up_a_silent_list),
	    TEST(counts_as_working_when_the_watch_lasts_or_speaks),
	    TEST(streams_the_first_list_where_it_may),
	    TEST(lists_in_pages_where_streams_are_refused),
	    TEST(forgets_what_it_knew_when_redirected),
	};

	return cmocka_run_group_tests_name("kube_reflector", tests, NULL, NULL);
}
