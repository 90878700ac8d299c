/* SPDX-License-Identifier: Apache-2.0 */
/*
 * List and watch (src/kube: reflector.c, lister.c, watcher.c, checker.c): whatever a server answers
 * in whatever order, the sink is called as its contract says (tests/unit/rig.h checks that), one
 * request is under way at a time, and a timer or a request is always pending; and when a good
 * server answers from then on, the sink has what that server has.
 *
 * Input: a byte of flags (1: lists as streams), then operations, a byte each, with their arguments
 * behind them.
 */
#include "rig.h"

#include "fuzz.h"

#define OPERATIONS_MAX 64
#define INPUT_MAX 3000 /* so that there are not more names than the rig has room for */
#define ROUNDS_MAX 200

static struct rig g;
static unsigned int answered; /* the request whose 200 is in */

static const char *const pieces[] = {
    "{\"metadata\":{\"resourceVersion\":\"10\"},\"items\":[",
    "{\"metadata\":{\"resourceVersion\":\"10\",\"continue\":\"x\"},\"items\":[",
    "{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"9\"}}",
    "{\"metadata\":{\"name\":\"b\",\"resourceVersion\":\"8\"}}",
    ",",
    "]}",
    "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"11\"}}}\n",
    "{\"type\":\"MODIFIED\",\"object\":{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"12\"}}}"
    "\n",
    "{\"type\":\"DELETED\",\"object\":{\"metadata\":{\"name\":\"b\",\"resourceVersion\":\"13\"}}}"
    "\n",
    "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"14\"}}}\n",
    "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"15\",\"annotations\":{"
    "\"k8s.io/initial-events-end\":\"true\"}}}}\n",
    "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410}}\n",
    "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":429,\"details\":{"
    "\"retryAfterSeconds\":7}}}\n",
    "{\"code\":504,\"message\":\"Too large resource version\"}",
};

/* Bytes for the request under way, which a 200 has begun. */
static void send(const char *text, size_t len)
{
	if (!*g.asked)
		return;
	if (answered != g.requests)
		reflector_open(g.reflector);
	answered = g.requests;
	if (!*g.asked)
		return;
	char *piece = fuzz_copy((struct fuzz_input){text, len}, false);
	reflector_data(g.reflector, piece, len);
	free(piece);
}

static void done(enum kube_failure failure, int status, int64_t retry_after_s,
		 struct fuzz_input body)
{
	char *copy = fuzz_copy(body, false);
	const struct reflector_answer answer = {
	    .failure = failure,
	    .message = "broken",
	    .status = status,
	    .retry_after_s = retry_after_s,
	    .body = status == 200 ? NULL : copy,
	    .body_len = status == 200 ? 0 : body.len,
	};

	if (*g.asked)
		rig_done(&g, &answer);
	free(copy);
}

static void refuse(struct fuzz_input *in)
{
	static const int statuses[] = {400, 401, 403, 404, 410, 422, 429, 500, 503, 504};
	uint8_t how = fuzz_byte(in);
	int64_t retry = how & 0x80 ? (how & 0x70) >> 2 : -1;
	struct fuzz_input body = fuzz_take(in, how & 0x40 ? fuzz_byte(in) : 0);

	if ((how & 0xf) < ARRAY_SIZE(statuses))
		done(KUBE_FAILURE_UNSET, statuses[how & 0xf], retry, body);
	else
		done((how & 0xf) == 15 ? KUBE_FAILURE_TLS : KUBE_FAILURE_UNREACHABLE, 0, -1, body);
}

static void do_operation(struct fuzz_input *in)
{
	unsigned int op = fuzz_below(in, 16);
	struct fuzz_input none = {0};
	const char *piece;

	switch (op) {
	case 0:
	case 1:
		none = fuzz_take(in, fuzz_byte(in));
		send(none.p, none.len);
		break;
	case 2:
	case 3:
		refuse(in);
		break;
	case 4:
	case 5:
		if (answered == g.requests)
			done(fuzz_byte(in) & 1 ? KUBE_FAILURE_UNREACHABLE : KUBE_FAILURE_UNSET, 200,
			     -1, none);
		break;
	case 6:
		rig_pass(&g, fuzz_byte(in));
		break;
	case 7:
		rig_pass(&g, fuzz_byte(in) * INT64_C(1000));
		break;
	case 8:
		g.sink_error = fuzz_byte(in) & 1 ? -EINVAL : -ENOMEM;
		break;
	default:
		piece = pieces[fuzz_below(in, ARRAY_SIZE(pieces))];
		send(piece, strlen(piece));
	}
	/* It waits for something. */
	fuzz_check(*g.asked || g.timer >= 0);
}

/* One object, at a version beyond all that was said. */
static void serve_well(void)
{
	static const char list[] =
	    "{\"metadata\":{\"resourceVersion\":\"99999\"},\"items\":[{\"metadata\":{"
	    "\"name\":\"last\",\"resourceVersion\":\"99998\"}}]}";
	static const char gone[] = "{\"kind\":\"Status\",\"code\":410}";
	unsigned int ended = g.ended;

	g.sink_error = 0;
	done(KUBE_FAILURE_UNREACHABLE, 0, -1, (struct fuzz_input){0});
	for (int i = 0; i < ROUNDS_MAX && g.ended == ended; i++) {
		if (!*g.asked)
			rig_pass(&g, 60000);
		else if (strstr(g.asked, "sendInitialEvents="))
			done(KUBE_FAILURE_UNSET, 422, -1, (struct fuzz_input){0});
		else if (strstr(g.asked, "watch=true") || strstr(g.asked, "continue="))
			done(KUBE_FAILURE_UNSET, 410, -1,
			     (struct fuzz_input){gone, sizeof(gone) - 1});
		else {
			send(list, sizeof(list) - 1);
			done(KUBE_FAILURE_UNSET, 200, -1, (struct fuzz_input){0});
		}
	}
	fuzz_check(g.ended == ended + 1 && !g.listing);
	fuzz_check(g.n_objects == 1 && !strcmp(g.objects[0].name, "last"));
	fuzz_check(!strcmp(g.list_version, "99999"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_begin(data, size < INPUT_MAX ? size : INPUT_MAX);
	uint8_t flags = fuzz_byte(&in);

	rig_open(&g, 1 + (flags >> 1), flags & 1);
	g.lenient = true;
	answered = 0;
	for (int i = 0; i < OPERATIONS_MAX && in.len; i++)
		do_operation(&in);
	serve_well();
	rig_close(&g);
	return 0;
}
