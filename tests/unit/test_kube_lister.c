/* SPDX-License-Identifier: Apache-2.0 */
/* Lists, and what the reflector does about failures of any request: one rule a test. */
#include "kube/stream.h"

#include "reflector_server.h"

static void lists_consistently_in_pages(void **state)
{
	(void)state;
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

static void lists_whole_when_a_continue_token_expired(void **state)
{
	(void)state;
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
	answer_list(LIST("\"resourceVersion\":\"5\",\"continue\":\"t\"", POD("a", "3")));
	for (int i = 0; i < REFLECTOR_PAGE_TRIES; i++) {
		asked("continue=t");
		end_broken();
		rig_pass(&g, 60000);
	}
	not_asked("continue=t");
	assert_int_equal(g.aborted, 1);
}

static void gives_each_page_its_own_tries(void **state)
{
	static const char *const pages[] = {
	    LIST("\"resourceVersion\":\"5\",\"continue\":\"t\"", ""),
	    LIST("\"resourceVersion\":\"5\",\"continue\":\"u\"", ""),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		answer_list(pages[i]);
		for (int j = 1; j < REFLECTOR_PAGE_TRIES; j++) {
			end_broken();
			rig_pass(&g, 60000);
		}
	}
	asked("continue=u");
	assert_int_equal(g.aborted, 0);
}

/* No server has so many: it is no number to count with. */
static void does_not_believe_in_any_number_of_items(void **state)
{
	(void)state;
	answer_list(LIST("\"resourceVersion\":\"5\",\"continue\":\"t\","
			 "\"remainingItemCount\":9223372036854775807",
			 POD("a", "3")));
	assert_int_equal(st()->total, -1);
	asked("continue=t");
}

static void gives_up_a_list_that_repeats_itself(void **state)
{
	(void)state;
	answer_list(LIST("\"resourceVersion\":\"5\",\"continue\":\"t\"", ""));
	answer_list(LIST("\"resourceVersion\":\"5\",\"continue\":\"t\"", ""));
	idle();
	assert_int_equal(st()->failure, KUBE_FAILURE_SERVER);
}

static void leaves_out_an_item_the_sink_refuses(void **state)
{
	(void)state;
	g.sink_error = -EINVAL;
	answer_list(LIST("\"resourceVersion\":\"5\"", POD("a", "3") "," POD("b", "4")));
	holds("b@4");
	assert_true(st()->synced);
	assert_int_equal(st()->counters.refused, 1);
}

static void lists_again_when_memory_was_short(void **state)
{
	(void)state;
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

static void reports_what_is_forbidden_and_asks_seldom(void **state)
{
	(void)state;
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

static void gives_up_a_silent_list(void **state)
{
	(void)state;
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

/* A program may have to ask a person for a credential first: no server is silent then. */
static void has_patience_while_nothing_was_sent(void **state)
{
	(void)state;
	g.unsent = true;
	rig_pass(&g, 10 * REFLECTOR_ANSWER_SILENCE_MS);
	asked("limit=500");
	assert_int_equal(st()->phase, KUBE_PHASE_LISTING);
	assert_int_equal(st()->counters.failures, 0);
	g.unsent = false;
	rig_pass(&g, REFLECTOR_ANSWER_SILENCE_MS);
	idle();
	assert_int_equal(st()->failure, KUBE_FAILURE_UNREACHABLE);
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
	send(END("7"));
	assert_true(st()->synced);
	assert_int_equal(st()->phase, KUBE_PHASE_WATCHING);
	send(EVENT("MODIFIED", POD("a", "8")));
	holds("b@4 a@8");
	assert_int_equal(g.requests, 1);
	rig_pass(&g, 2000);
	end_clean();
	asked("resourceVersion=8&");
}

/* What a server without them, or one that was switched off or away for a moment, does. */
static void remembers_who_refuses_streams_until_the_next_start(void **state)
{
	static const int refusals[] = {400, 403, 404, 405, 410, 415, 422};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		rig_open(&g, 0, true);
		refuse(refusals[i], "{\"kind\":\"Status\"}");
		answer_list(LIST("\"resourceVersion\":\"5\"", POD("a", "3")));
		assert_int_equal(st()->counters.failures, 0);
		open_watch();
		send(EVENT("ERROR", GONE));
		asked("limit=500");
		reflector_stop(g.reflector);
		assert_int_equal(reflector_redirect(g.reflector, "/q", NULL), 0);
		reflector_start(g.reflector);
		asked("sendInitialEvents");
		rig_close(&g);
	}
	rig_open(&g, 0, true);
}

static void asks_for_a_stream_again_when_the_server_is_busy(void **state)
{
	static const int statuses[] = {401, 429, 503};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		rig_open(&g, 0, true);
		refuse(statuses[i], "");
		assert_int_equal(st()->phase, KUBE_PHASE_WAITING);
		rig_pass(&g, 800);
		asked("sendInitialEvents");
		rig_close(&g);
	}
	rig_open(&g, 0, true);
	reflector_open(g.reflector);
	send(EVENT("ERROR", "{\"kind\":\"Status\",\"code\":429}"));
	idle();
	rig_pass(&g, 800);
	asked("sendInitialEvents");
}

/* Who cannot get it in one piece may get it in pages; the next list is another matter. */
static void lists_in_pages_when_streams_keep_breaking(void **state)
{
	(void)state;
	rig_open(&g, 0, true);
	for (int i = 0; i < REFLECTOR_STREAM_TRIES; i++) {
		asked("sendInitialEvents");
		reflector_open(g.reflector);
		send(EVENT("ADDED", POD("a", "3")));
		end_broken();
		idle();
		rig_pass(&g, 60000);
	}
	answer_list(LIST("\"resourceVersion\":\"5\"", POD("b", "4")));
	holds("b@4");
	open_watch();
	send(EVENT("ERROR", GONE));
	asked("sendInitialEvents");
	for (int i = 0; i < REFLECTOR_STREAM_TRIES; i++) {
		asked("sendInitialEvents");
		refuse(503, "");
		rig_pass(&g, 60000);
	}
	asked("limit=500");
}

/* An old server takes it for a watch: all there is, then changes, and never the end. */
static void lists_in_pages_where_a_stream_does_not_say_its_end(void **state)
{
	(void)state;
	rig_open(&g, 0, true);
	reflector_open(g.reflector);
	rig_pass(&g, REFLECTOR_ANSWER_SILENCE_MS - 1);
	send(EVENT("ADDED", POD("a", "3")));
	rig_pass(&g, REFLECTOR_ANSWER_SILENCE_MS - 1);
	send(EVENT("MODIFIED", POD("a", "4")) EVENT("DELETED", POD("a", "5")));
	asked("sendInitialEvents");
	rig_pass(&g, 1);
	answer_list(LIST("\"resourceVersion\":\"5\"", POD("b", "4")));
	holds("b@4");
	open_watch();
	send(EVENT("ERROR", GONE));
	asked("limit=500");
	rig_close(&g);
	rig_open(&g, 0, true);
	reflector_open(g.reflector);
	send(EVENT("ADDED", POD("a", "3")) BOOKMARK("4"));
	asked("limit=500");
	assert_int_equal(st()->counters.failures, 0);
	answer_list(LIST("\"resourceVersion\":\"5\"", ""));
	open_watch();
	send(EVENT("ERROR", GONE));
	asked("limit=500");
}

/* Nobody has answered yet: that says nothing about streams. */
static void gives_up_a_stream_without_an_answer(void **state)
{
	(void)state;
	rig_open(&g, 0, true);
	rig_pass(&g, REFLECTOR_ANSWER_SILENCE_MS);
	idle();
	assert_int_equal(st()->failure, KUBE_FAILURE_UNREACHABLE);
	rig_pass(&g, 800);
	asked("sendInitialEvents");
}

/* The events of the list itself are no sign that the watch behind it works. */
static void pauses_when_410_follows_a_streamed_list(void **state)
{
	static const char list[] = EVENT("ADDED", POD("a", "3")) END("7") EVENT("ERROR", GONE);

	(void)state;
	rig_open(&g, 0, true);
	reflector_open(g.reflector);
	send(list);
	asked("sendInitialEvents");
	reflector_open(g.reflector);
	send(list);
	idle();
	rig_pass(&g, 800);
	asked("sendInitialEvents");
	reflector_open(g.reflector);
	send(list);
	idle();
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
	/* It may have been about to end: the next list is another matter. */
	answer_list(LIST("\"resourceVersion\":\"5\"", ""));
	open_watch();
	send(EVENT("ERROR", GONE));
	asked("sendInitialEvents");
	rig_close(&g);
	rig_open(&g, 0, true);
	end_broken();
	rig_pass(&g, 800);
	asked("sendInitialEvents");
}

/* As in pages: whoever it is, it is absent, and the list goes on. */
static void leaves_out_what_is_too_large_in_a_stream(void **state)
{
	struct buf big = {0};

	(void)state;
	rig_open(&g, 0, true);
	reflector_open(g.reflector);
	buf_addfill(&big, 'x', STREAM_OBJECT_MAX);
	send("{\"type\":\"ADDED\",\"object\":{\"spec\":\"");
	send(big.data);
	send("\"}}\n" EVENT("ADDED", POD("a", "3")) END("7"));
	buf_release(&big);
	holds("a@3");
	assert_int_equal(st()->counters.refused, 1);
	assert_int_equal(st()->phase, KUBE_PHASE_WATCHING);
	assert_int_equal(st()->failure, KUBE_FAILURE_UNSET);
}

static void forgets_what_it_knew_when_redirected(void **state)
{
	(void)state;
	reflector_stop(g.reflector);
	assert_int_equal(reflector_redirect(g.reflector, "/q", NULL), 0);
	reflector_start(g.reflector);
	assert_string_equal(g.asked, "/q?limit=500");
	assert_false(st()->synced);
	answer_list(LIST("\"resourceVersion\":\"2\"", ""));
	holds("");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    fresh_test(lists_consistently_in_pages),
	    fresh_test(lists_whole_when_a_continue_token_expired),
	    synced_test(keeps_everything_when_a_new_list_fails),
	    fresh_test(asks_for_a_failed_page_again),
	    fresh_test(starts_over_when_a_page_keeps_failing),
	    fresh_test(gives_each_page_its_own_tries),
	    fresh_test(does_not_believe_in_any_number_of_items),
	    fresh_test(gives_up_a_list_that_repeats_itself),
	    fresh_test(leaves_out_an_item_the_sink_refuses),
	    fresh_test(lists_again_when_memory_was_short),
	    fresh_test(refuses_a_list_that_ends_in_the_middle),
	    fresh_test(backs_off_twice_as_long_each_time_up_to_thirty_seconds),
	    opening_test(stretches_each_pause_by_up_to_twice),
	    fresh_test(waits_as_long_as_the_server_says),
	    fresh_test(reports_what_is_forbidden_and_asks_seldom),
	    fresh_test(tells_a_rejection_from_a_bad_login),
	    fresh_test(gives_up_a_silent_list),
	    fresh_test(has_patience_while_nothing_was_sent),
	    opening_test(streams_the_first_list_where_it_may),
	    opening_test(pauses_when_410_follows_a_streamed_list),
	    opening_test(lists_in_pages_where_streams_are_refused),
	    opening_test(remembers_who_refuses_streams_until_the_next_start),
	    opening_test(asks_for_a_stream_again_when_the_server_is_busy),
	    opening_test(lists_in_pages_when_streams_keep_breaking),
	    opening_test(lists_in_pages_where_a_stream_does_not_say_its_end),
	    opening_test(gives_up_a_stream_without_an_answer),
	    opening_test(leaves_out_what_is_too_large_in_a_stream),
	    synced_test(forgets_what_it_knew_when_redirected),
	};

	return cmocka_run_group_tests_name("kube_lister", tests, NULL, NULL);
}
