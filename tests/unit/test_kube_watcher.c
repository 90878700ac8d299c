/* SPDX-License-Identifier: Apache-2.0 */
/* Watches, and when the reflector lists again: one rule of list and watch a test. */
#include "kube/backoff.h"
#include "kube/stream.h"

#include "reflector_server.h"

#define TOO_LARGE                                                                                  \
	"{\"kind\":\"Status\",\"message\":\"Timeout: Too large resource version: 9, current: 4\"," \
	"\"reason\":\"Timeout\",\"details\":{\"causes\":[{\"reason\":\"ResourceVersionTooLarge\"}" \
	"],"                                                                                       \
	"\"retryAfterSeconds\":1},\"code\":504}"

/* The look after a loss: the server has this version. */
static void look(const char *version)
{
	char text[128];

	uint64_t watches = st()->counters.watches;

	asked("/p?limit=1&");
	not_asked("resourceVersion");
	reflector_open(g.reflector);
	/* It is no watch, which would count as being up to date. */
	assert_int_equal(st()->phase, KUBE_PHASE_OPENING);
	assert_int_equal(st()->counters.watches, watches);
	snprintf(text, sizeof(text),
		 "{\"metadata\":{\"resourceVersion\":\"%s\",\"continue\":\"t\"},\"items\":[" POD(
		     "zz", "1") "]}",
		 version);
	answer_list(text);
}

static void watches_from_the_lists_version(void **state)
{
	(void)state;
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
	send(EVENT("ADDED", POD("a", "6")) EVENT("ADDED", POD("a", "6")));
	holds("a@6 b@4");
	assert_string_not_equal(g.asked, "");
}

static void ignores_the_removal_of_an_unknown_object(void **state)
{
	(void)state;
	send(EVENT("DELETED", POD("zz", "6")));
	holds("a@3 b@4");
	assert_int_equal(st()->phase, KUBE_PHASE_WATCHING);
}

static void keeps_the_version_of_a_bookmark(void **state)
{
	(void)state;
	send(BOOKMARK("41"));
	assert_int_equal(g.bookmarks, 1);
	rig_pass(&g, 2000);
	end_clean();
	asked("resourceVersion=41&");
}

static void resumes_a_clean_end_at_once(void **state)
{
	(void)state;
	send(EVENT("ADDED", POD("c", "6")));
	end_clean();
	asked("resourceVersion=6&");
	assert_int_equal(st()->failure, KUBE_FAILURE_UNSET);
	assert_int_equal(st()->counters.failures, 0);
}

static void resumes_a_broken_connection_at_once(void **state)
{
	(void)state;
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
	send(BOOKMARK("6"));
	end_clean();
	open_watch();
	send(BOOKMARK("7"));
	end_clean();
	assert_int_equal(st()->phase, KUBE_PHASE_WAITING);
}

static void forgives_short_watches_after_a_long_one(void **state)
{
	(void)state;
	send(BOOKMARK("6"));
	end_clean();
	open_watch();
	rig_pass(&g, 2000);
	end_clean();
	open_watch();
	send(BOOKMARK("7"));
	end_clean();
	asked("resourceVersion=7&");
}

static void lists_again_after_status_410_on_a_watch(void **state)
{
	(void)state;
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
	send(EVENT("ERROR", GONE));
	assert_string_equal(g.asked, "/p?limit=500&labelSelector=a%3Db");
	assert_int_equal(st()->failure, KUBE_FAILURE_UNSET);
	answer_list(LIST("\"resourceVersion\":\"9\"", ""));
	holds("");
	open_watch();
	send(BOOKMARK("10") EVENT("ERROR", "{\"kind\":\"Status\",\"reason\":\"Gone\"}"));
	asked("limit=500");
	answer_list(LIST("\"resourceVersion\":\"11\"", ""));
	open_watch();
	send(BOOKMARK("12") EVENT("ERROR", "{\"kind\":\"Status\",\"reason\":\"Expired\"}"));
	asked("limit=500");
}

/* A server that forgets everything at once must not be listed in a loop. */
static void pauses_when_410_follows_410(void **state)
{
	(void)state;
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

static void waits_for_a_version_that_is_too_large_yet(void **state)
{
	(void)state;
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

/* By its cause, or by its words, which is all that old servers have. */
static void knows_a_version_that_is_too_large_whenever_it_comes(void **state)
{
	static const char *const texts[] = {
	    "{\"kind\":\"Status\",\"message\":\"later\",\"code\":504,\"details\":{\"causes\":["
	    "{\"reason\":\"Other\"},{\"reason\":\"ResourceVersionTooLarge\"}]}}",
	    "{\"kind\":\"Status\",\"message\":\"Too large resource version\",\"code\":504}",
	};

	(void)state;
	for (int i = 0; i < 4 * REFLECTOR_TOO_LARGE_TRIES; i++) {
		char bookmark[128];

		/* What works in between makes it another time. */
		snprintf(bookmark, sizeof(bookmark), BOOKMARK("%d"), 10 + i);
		send(bookmark);
		rig_pass(&g, 2000);
		end_clean();
		refuse(504, texts[i % 2]);
		rig_pass(&g, 60000);
		open_watch();
	}
	assert_int_equal(g.begun, 1);
}

/* A restored etcd: what we know never happened there. */
static void lists_when_the_server_goes_back_in_time(void **state)
{
	(void)state;
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
	send(EVENT("MODIFIED", POD("a", "10")));
	rig_pass(&g, REFLECTOR_WATCH_SILENCE_MS);
	look("9");
	asked("limit=500");
}

static void looks_again_when_the_look_fails(void **state)
{
	(void)state;
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

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		send(bad[i].text);
		idle();
		assert_int_equal(st()->counters.refused, bad[i].refused);
		assert_int_equal(st()->failure, KUBE_FAILURE_SERVER);
		rig_pass(&g, 800);
		asked("limit=500");
		tear_down(state);
		set_up_synced(state);
	}
}

/* Its state before is not its state any more; listing would not change that. */
static void forgets_an_object_that_grows_over_a_limit(void **state)
{
	struct buf text = {0};

	(void)state;
	buf_addstr(&text, "{\"type\":\"MODIFIED\",\"object\":{\"metadata\":{\"name\":\"a\","
			  "\"resourceVersion\":\"6\",\"annotations\":{\"k\":\"");
	buf_addfill(&text, 'x', STREAM_OBJECT_MAX);
	buf_addstr(&text, "\"}}}}\n" EVENT("ADDED", POD("c", "7")));
	assert_int_equal(text.err, 0);
	send(text.data);
	buf_release(&text);
	holds("b@4 c@7");
	assert_string_equal(st()->resource_version, "7");
	assert_int_equal(st()->counters.refused, 1);
	assert_int_equal(st()->counters.modified, 1);
	assert_int_equal(st()->failure, KUBE_FAILURE_UNSET);
	assert_int_equal(g.begun, 1);
}

static void lists_when_it_cannot_tell_what_is_over_a_limit(void **state)
{
	static const char *const events[] = {
	    "{\"type\":\"MODIFIED\",\"object\":{\"spec\":\"%s\",\"metadata\":{\"name\":\"a\","
	    "\"resourceVersion\":\"6\"}}}\n",
	    "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"name\":\"a\","
	    "\"resourceVersion\":\"6\",\"x\":\"%s\"}}}\n",
	};
	struct buf big = {0};

	(void)state;
	buf_addfill(&big, 'x', STREAM_OBJECT_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		struct buf text = {0};

		buf_addstr(&text, events[i]);
		char *hole = strstr(text.data, "%s");
		*hole = '\0';
		send(text.data);
		send(big.data);
		send(hole + 2);
		buf_release(&text);
		idle();
		assert_int_equal(st()->counters.refused, i + 1);
		assert_int_equal(st()->failure, KUBE_FAILURE_SERVER);
		rig_pass(&g, 60000);
		asked("limit=500");
		answer_list(LIST("\"resourceVersion\":\"5\"", POD("a", "3") "," POD("b", "4")));
		open_watch();
	}
	buf_release(&big);
}

static void lists_after_an_event_the_sink_refuses(void **state)
{
	(void)state;
	g.sink_error = -EINVAL;
	send(EVENT("ADDED", POD("c", "6")));
	idle();
	assert_int_equal(st()->counters.refused, 1);
	rig_pass(&g, 800);
	asked("limit=500");
}

static void retries_a_watch_rather_than_listing(void **state)
{
	static const int statuses[] = {401, 500, 503};

	(void)state;
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

/* Who may not watch, or asks for what cannot be watched, gets news by listing, not much later. */
static void lists_when_the_watch_is_refused(void **state)
{
	static const int statuses[] = {400, 403, 422};

	(void)state;
	rig_pass(&g, 2000);
	end_clean();
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		refuse(statuses[i], "{\"kind\":\"Status\",\"message\":\"no\"}");
		assert_true(st()->retry_at_ms - g.now <= BACKOFF_MAX_MS);
		rig_pass(&g, 60000);
		answer_list(LIST("\"resourceVersion\":\"5\"", POD("a", "3") "," POD("b", "4")));
	}
}

/* --stale=deny counts from there. */
static void knows_since_when_it_fails(void **state)
{
	(void)state;
	rig_pass(&g, 2000);
	end_clean();
	end_broken();
	int64_t since = g.now;
	for (int i = 0; i < 5; i++) {
		rig_pass(&g, 60000);
		end_broken();
		assert_int_equal(st()->failing_since_ms, since);
	}
	rig_pass(&g, 60000);
	look("5");
	open_watch();
	send(BOOKMARK("6"));
	assert_int_equal(st()->failure, KUBE_FAILURE_UNSET);
	rig_pass(&g, 2000);
	end_clean();
	end_broken();
	assert_int_equal(st()->failing_since_ms, g.now);
}

static void reopens_a_silent_watch(void **state)
{
	(void)state;
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

static void counts_as_working_when_the_watch_lasts_or_speaks(void **state)
{
	(void)state;
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

/* Nothing is shown before it, so nothing was lost; what fails later is another matter. */
static void forgets_the_failures_before_the_first_list(void **state)
{
	(void)state;
	refuse(503, "busy");
	rig_pass(&g, 800);
	assert_int_equal(st()->failure, KUBE_FAILURE_SERVER);
	answer_list(LIST("\"resourceVersion\":\"5\"", POD("a", "3")));
	assert_true(st()->synced);
	assert_int_equal(st()->failure, KUBE_FAILURE_UNSET);
	refuse(503, "busy again");
	assert_int_equal(st()->failure, KUBE_FAILURE_SERVER);
	rig_pass(&g, 60000);
	look("4");
	answer_list(LIST("\"resourceVersion\":\"4\"", ""));
	assert_int_equal(st()->failure, KUBE_FAILURE_SERVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    fresh_test(watches_from_the_lists_version),
	    opening_test(asks_for_a_watch_of_five_to_ten_minutes),
	    synced_test(applies_events_in_order),
	    synced_test(takes_a_known_object_added_again_as_a_change),
	    synced_test(ignores_the_removal_of_an_unknown_object),
	    synced_test(keeps_the_version_of_a_bookmark),
	    synced_test(resumes_a_clean_end_at_once),
	    synced_test(resumes_a_broken_connection_at_once),
	    synced_test(pauses_when_a_watch_ends_as_soon_as_it_is_open),
	    synced_test(pauses_when_watches_stay_short_in_spite_of_bookmarks),
	    synced_test(forgives_short_watches_after_a_long_one),
	    synced_test(lists_again_after_status_410_on_a_watch),
	    synced_test(lists_again_after_a_410_event),
	    synced_test(pauses_when_410_follows_410),
	    synced_test(waits_for_a_version_that_is_too_large_yet),
	    synced_test(lists_when_a_version_stays_too_large),
	    synced_test(knows_a_version_that_is_too_large_whenever_it_comes),
	    synced_test(lists_when_the_server_goes_back_in_time),
	    synced_test(lists_when_the_server_was_restored_while_it_was_away),
	    synced_test(lists_when_a_silent_server_has_gone_back),
	    synced_test(looks_again_when_the_look_fails),
	    synced_test(retries_the_watch_after_a_429_event),
	    synced_test(lists_after_another_error_event),
	    synced_test(lists_after_an_event_it_cannot_decode),
	    synced_test(forgets_an_object_that_grows_over_a_limit),
	    synced_test(lists_when_it_cannot_tell_what_is_over_a_limit),
	    synced_test(lists_after_an_event_the_sink_refuses),
	    synced_test(retries_a_watch_rather_than_listing),
	    synced_test(lists_when_the_watch_is_refused),
	    synced_test(knows_since_when_it_fails),
	    synced_test(reopens_a_silent_watch),
	    synced_test(counts_as_working_when_the_watch_lasts_or_speaks),
	    fresh_test(forgets_the_failures_before_the_first_list),
	};

	return cmocka_run_group_tests_name("kube_watcher", tests, NULL, NULL);
}
