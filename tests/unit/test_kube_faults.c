/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reflector against a small server that does everything wrong, at random.
 *
 * A seed is a schedule: changes, and faults of every kind a server, a proxy or
 * a network has. Then the faults stop, and after a while of quiet the sink must
 * equal the server. A seed that fails is printed, and replays as the program's
 * argument; a second argument is how many to run. PODFS_TEST_SEEDS says so, too.
 */
#include <errno.h>
#include <stdlib.h>

#include <podfs/base/log.h>

#include "kube/stream.h"

#include "rig.h"

#define NAMES 12
#define HISTORY 40
#define STEPS 250
#define QUIET_MS INT64_C(1800000)

struct change {
	const char *type;
	unsigned name;
	unsigned long version;
	bool deep;
};

struct server {
	uint64_t random;
	unsigned long version;
	unsigned long objects[NAMES]; /* their versions, 0: not there */
	bool deep[NAMES];             /* nested over the limit: nobody is to see it */

	struct change history[HISTORY];
	size_t n_history;
	unsigned long oldest; /* watches from before it get 410 */

	/* The snapshot a continue token stands for. */
	unsigned long page_objects[NAMES];
	bool page_deep[NAMES];
	unsigned long page_version;
	bool token_expired;

	/* The watch under way. */
	bool open;
	bool stalled; /* says nothing any more */
	unsigned long sent;
	bool forgetful; /* once restored it says nothing to watches from its future */
	bool restored;  /* and not listed since: a change now could not be told from the old ones */
	bool faults;
	enum {
		STREAMS_DONE,
		STREAMS_REFUSED,
		STREAMS_IGNORED, /* they are watches */
	} streams;
};

static struct rig g;
static struct server sv;

static uint64_t dice(uint64_t n)
{
	sv.random ^= sv.random << 13;
	sv.random ^= sv.random >> 7;
	sv.random ^= sv.random << 17;
	return (sv.random >> 11) % n;
}

/* One time in @n, while there are faults. */
static bool fault(uint64_t n)
{
	return sv.faults && dice(n) == 0;
}

static void remember(const char *type, unsigned name)
{
	if (sv.n_history == HISTORY) {
		memmove(sv.history, sv.history + 1, sizeof(sv.history) - sizeof(sv.history[0]));
		sv.n_history--;
		sv.oldest = sv.history[0].version - 1;
	}
	sv.history[sv.n_history++] = (struct change){type, name, sv.version, sv.deep[name]};
}

static void change(void)
{
	unsigned name = (unsigned)dice(NAMES);

	if (sv.restored)
		return;
	sv.version += 1 + dice(3);
	if (sv.objects[name] && dice(3) == 0) {
		sv.objects[name] = 0;
		sv.deep[name] = false;
		remember("DELETED", name);
	} else {
		bool known = sv.objects[name];

		sv.objects[name] = sv.version;
		sv.deep[name] = dice(10) == 0;
		remember(known ? "MODIFIED" : "ADDED", name);
	}
}

static void add_object(struct buf *out, unsigned name, unsigned long version, bool deep)
{
	buf_addf(out, "{\"metadata\":{\"name\":\"n%u\",\"resourceVersion\":\"%lu\"}", name,
		 version);
	if (deep) {
		buf_addstr(out, ",\"x\":");
		buf_addfill(out, '[', STREAM_DEPTH_MAX);
		buf_addfill(out, ']', STREAM_DEPTH_MAX);
	}
	buf_addch(out, '}');
}

static void compact(void)
{
	sv.n_history = 0;
	sv.oldest = sv.version;
	sv.token_expired = true;
}

static void done(enum kube_failure failure, int status, const char *body, int64_t retry_after_s)
{
	struct reflector_answer a = {
	    .failure = failure,
	    .message = "broken",
	    .status = status,
	    .retry_after_s = retry_after_s,
	    .body = body,
	    .body_len = strlen(body),
	};

	sv.open = false;
	sv.stalled = false;
	rig_done(&g, &a);
}

/*
 * Back to some earlier state, with a lower version and nobody told. Earlier
 * than what the reflector knows: else it could not be told from a true past.
 */
static void restore(void)
{
	unsigned long known = strtoul(reflector_state(g.reflector)->resource_version, NULL, 10);

	if (known < 20)
		return;
	sv.version = known - 1 - dice(10);
	for (unsigned i = 0; i < NAMES; i++)
		if (sv.objects[i] > sv.version)
			sv.objects[i] = dice(2) ? sv.version : 0;
	compact();
	sv.restored = true;
	/* No server starts a list anew in the middle of its answer. */
	if (sv.open && strstr(g.asked, "sendInitialEvents="))
		done(KUBE_FAILURE_UNREACHABLE, 200, "", -1);
	sv.open = false;
}

/* In pieces of random size; false: the reflector hung up. */
static bool send(const char *text, size_t len)
{
	char request[sizeof(g.asked)];

	strcpy(request, g.asked);
	while (len) {
		size_t n = 1 + dice(len < 200 ? len : 200);
		char *piece = malloc(n);
		unsigned requests = g.requests;

		assert_non_null(piece);
		memcpy(piece, text, n);
		reflector_data(g.reflector, piece, n);
		free(piece);
		if (g.requests != requests || !*g.asked)
			return false;
		text += n;
		len -= n;
	}
	return true;
}

static bool refuse_at_random(void)
{
	static const int statuses[] = {401, 403, 404, 429, 500, 502, 503, 504};

	if (fault(8)) {
		done(KUBE_FAILURE_UNREACHABLE, 0, "", -1);
		return true;
	}
	if (fault(8)) {
		int status = statuses[dice(ARRAY_SIZE(statuses))];

		done(KUBE_FAILURE_UNSET, status, dice(2) ? "{\"kind\":\"Status\"}" : "no",
		     dice(2) ? -1 : (int64_t)dice(20));
		return true;
	}
	if (fault(20)) {
		sv.stalled = true;
		return true;
	}
	return false;
}

/* What is wrong with a 200's body, if anything. Frees it. */
static void answer_body(struct buf *body)
{
	assert_int_equal(body->err, 0);
	reflector_open(g.reflector);
	if (fault(10)) {
		size_t cut = dice(body->len);

		if (!send(body->data, cut))
			goto out;
		if (dice(3))
			done(dice(2) ? KUBE_FAILURE_UNREACHABLE : KUBE_FAILURE_UNSET, 200, "", -1);
		else
			sv.stalled = true;
		goto out;
	}
	/* Damage that leaves good JSON is for TLS to find; a lost quote is for us. */
	char *quote = strchr(body->data + dice(body->len), '"');
	if (fault(20) && quote)
		*quote = 'x';
	if (send(body->data, body->len))
		done(KUBE_FAILURE_UNSET, 200, "", -1);
out:
	buf_release(body);
}

static void serve_list(void)
{
	const char *token = strstr(g.asked, "continue=");
	bool paged = strstr(g.asked, "limit=");
	bool look = strstr(g.asked, "limit=1&");
	unsigned from = 0;
	struct buf body = {0};

	if (refuse_at_random())
		return;
	if (look) {
		buf_addf(&body, "{\"metadata\":{\"resourceVersion\":\"%lu\"},\"items\":[]}",
			 sv.version);
		answer_body(&body);
		return;
	}
	if (token) {
		from = (unsigned)strtoul(token + 9, NULL, 10);
		if (sv.token_expired || fault(10)) {
			done(KUBE_FAILURE_UNSET, 410, "{\"kind\":\"Status\",\"code\":410}", -1);
			return;
		}
	} else {
		memcpy(sv.page_objects, sv.objects, sizeof(sv.objects));
		memcpy(sv.page_deep, sv.deep, sizeof(sv.deep));
		sv.page_version = sv.version;
		sv.token_expired = false;
		sv.restored = false;
	}
	unsigned to = paged ? from + 5 : NAMES;
	if (to > NAMES)
		to = NAMES;
	buf_addf(&body, "{\"kind\":\"List\",\"metadata\":{\"resourceVersion\":\"%lu\"",
		 sv.page_version);
	if (to < NAMES)
		buf_addf(&body, ",\"continue\":\"%u\",\"remainingItemCount\":%u", to, NAMES - to);
	buf_addstr(&body, "},\"items\":[");
	const char *comma = "";
	for (unsigned i = from; i < to; i++) {
		if (!sv.page_objects[i])
			continue;
		buf_addstr(&body, comma);
		add_object(&body, i, sv.page_objects[i], sv.page_deep[i]);
		comma = ",";
	}
	buf_addstr(&body, "]}");
	answer_body(&body);
}

/* Every object there is, the end of them, and then it goes on as a watch. */
static void serve_stream(void)
{
	static const int refusals[] = {400, 403, 422};
	struct buf body = {0};

	if (refuse_at_random())
		return;
	if (sv.streams == STREAMS_REFUSED) {
		done(KUBE_FAILURE_UNSET, refusals[dice(ARRAY_SIZE(refusals))], "", -1);
		return;
	}
	for (unsigned i = 0; i < NAMES; i++) {
		if (!sv.objects[i])
			continue;
		buf_addstr(&body, "{\"type\":\"ADDED\",\"object\":");
		add_object(&body, i, sv.objects[i], sv.deep[i]);
		buf_addstr(&body, "}\n");
	}
	if (sv.streams == STREAMS_IGNORED || fault(20)) {
		buf_addstr(&body, "");
	} else {
		buf_addf(&body,
			 "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":"
			 "\"%lu\",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}\n",
			 sv.version);
		sv.restored = false;
	}
	sv.sent = sv.version;
	reflector_open(g.reflector);
	sv.open = send(body.data, fault(10) ? dice(body.len + 1) : body.len);
	buf_release(&body);
}

static void open_watch(void)
{
	unsigned long from = strtoul(strstr(g.asked, "resourceVersion=") + 16, NULL, 10);

	if (refuse_at_random())
		return;
	if (from > sv.version && !sv.forgetful && dice(2)) {
		done(KUBE_FAILURE_UNSET, 504,
		     "{\"code\":504,\"message\":\"Too large resource version\"}", 1);
		return;
	}
	bool gone = from < sv.oldest;
	if (gone && dice(2)) {
		done(KUBE_FAILURE_UNSET, 410, "{\"kind\":\"Status\",\"code\":410}", -1);
		return;
	}
	sv.sent = from;
	sv.open = true;
	reflector_open(g.reflector);
	if (gone) {
		static const char event[] =
		    "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410}}\n";

		assert_false(send(event, sizeof(event) - 1));
		sv.open = false;
	}
}

/* 0: all sent; the watch may be over afterwards. */
static void send_events(void)
{
	for (size_t i = 0; i < sv.n_history && sv.open; i++) {
		const struct change *c = &sv.history[i];
		cleanup_buf struct buf text = {0};

		if (c->version <= sv.sent)
			continue;
		buf_addf(&text, "{\"type\":\"%s\",\"object\":", c->type);
		add_object(&text, c->name, c->version, c->deep);
		buf_addstr(&text, "}\n");
		if (fault(40)) {
			send(text.data, dice(text.len));
			if (*g.asked)
				done(KUBE_FAILURE_UNREACHABLE, 200, "", -1);
			sv.open = false;
			return;
		}
		for (int times = fault(20) ? 2 : 1; times && sv.open; times--)
			sv.open = send(text.data, text.len);
		sv.sent = c->version;
	}
}

static void disturb_watch(void)
{
	static const char *const errors[] = {
	    "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410}}\n",
	    "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":500}}\n",
	    "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":429}}\n",
	    "{\"type\":\"ERROR\",\"object\":{}}\n",
	    "{\"type\":\"WHAT\",\"object\":{}}\n",
	    "HTTP/1.1 502 Bad Gateway\r\n",
	};

	if (fault(15)) {
		const char *error = errors[dice(ARRAY_SIZE(errors))];

		sv.open = send(error, strlen(error));
		return;
	}
	if (fault(15))
		done(dice(2) ? KUBE_FAILURE_UNREACHABLE : KUBE_FAILURE_UNSET, 200, "", -1);
	else if (fault(25))
		sv.stalled = true;
}

static void send_bookmark(void)
{
	char text[200];

	if (sv.forgetful && sv.version < sv.sent)
		return;
	int n = snprintf(text, sizeof(text),
			 "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":"
			 "\"%lu\"}}}\n",
			 sv.version);

	sv.open = send(text, (size_t)n);
}

/* The server does what there is to do now, until the reflector waits. */
static void serve(void)
{
	for (int i = 0; i < 100 && *g.asked && !sv.stalled && !sv.open; i++) {
		if (strstr(g.asked, "sendInitialEvents="))
			serve_stream();
		else if (strstr(g.asked, "watch=true"))
			open_watch();
		else
			serve_list();
		/* A watch that was answered may have been hung up at once. */
		if (!*g.asked)
			sv.open = false;
	}
	if (sv.open && !sv.stalled)
		send_events();
	if (sv.open && !sv.stalled)
		disturb_watch();
}

/* A request that was cancelled leaves nothing open behind it. */
static void pass(int64_t ms)
{
	unsigned requests = g.requests;

	rig_pass(&g, ms);
	if (g.requests != requests || !*g.asked) {
		sv.open = false;
		sv.stalled = false;
	}
}

static void assert_equal_to_server(uint64_t seed)
{
	size_t there = 0;

	for (unsigned i = 0; i < NAMES; i++) {
		char name[16];
		char version[32];

		if (!sv.objects[i] || sv.deep[i])
			continue;
		there++;
		snprintf(name, sizeof(name), "n%u", i);
		snprintf(version, sizeof(version), "%lu", sv.objects[i]);
		const struct rig_object *o = rig_find(&g, name);
		if (!o || strcmp(o->version, version))
			fail_msg("seed %llu: %s is %s, not %s", (unsigned long long)seed, name,
				 o ? o->version : "absent", version);
	}
	if (there != g.n_objects)
		fail_msg("seed %llu: %zu objects, not %zu", (unsigned long long)seed, g.n_objects,
			 there);
}

static void play(uint64_t seed)
{
	sv = (struct server){.random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1,
			     .version = 100,
			     .oldest = 100,
			     .faults = true};
	sv.forgetful = dice(2);
	sv.streams = dice(3);
	for (int i = 0; i < 8; i++)
		change();
	rig_open(&g, seed, dice(2));
	g.lenient = true;
	for (int step = 0; step < STEPS; step++) {
		serve();
		pass((int64_t)dice(dice(4) ? 1000 : 100000));
		for (uint64_t n = dice(4); n; n--)
			change();
		/* An open watch has its events already, whatever history forgets. */
		if (sv.open && !sv.stalled)
			send_events();
		if (fault(40))
			compact();
		if (fault(100))
			restore();
	}
	sv.faults = false;
	for (int64_t t = 0; t < QUIET_MS; t += 20000) {
		serve();
		pass(20000);
		serve();
		if (sv.open && !sv.stalled && t % 60000 == 0)
			send_bookmark();
	}
	const struct kube_resource_state *s = reflector_state(g.reflector);
	if (s->phase != KUBE_PHASE_WATCHING || s->failure)
		fail_msg("seed %llu: in phase %d, failure %d", (unsigned long long)seed, s->phase,
			 s->failure);
	assert_equal_to_server(seed);
	rig_close(&g);
}

static uint64_t first_seed = 1;
static uint64_t n_seeds = 1000;

static void ends_equal_to_the_server_after_any_faults(void **state)
{
	(void)state;
	print_message("# %llu seeds from %llu\n", (unsigned long long)n_seeds,
		      (unsigned long long)first_seed);
	for (uint64_t i = 0; i < n_seeds; i++)
		play(first_seed + i);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ends_equal_to_the_server_after_any_faults),
	};

	/* Each object that is left out is a warning. */
	log_open(LOG_TO_STDERR, LOG_LEVEL_ERROR, NULL);
	const char *wanted = getenv("PODFS_TEST_SEEDS");
	if (wanted)
		n_seeds = strtoull(wanted, NULL, 10);
	if (argc > 1) {
		first_seed = strtoull(argv[1], NULL, 10);
		n_seeds = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	}
	return cmocka_run_group_tests_name("kube_faults", tests, NULL, NULL);
}
