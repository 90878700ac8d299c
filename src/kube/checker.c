/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The look before a watch is taken up after a loss.
 *
 * A server that was restored from a backup while nobody was connected counts
 * on from a lower resourceVersion. A watch from ours is then no error to it: it
 * sends what comes after that version, which is nothing, not even bookmarks,
 * until it has counted past it, and what happened meanwhile is never told. So
 * after the server could not be reached, or a watch was silent, one object is
 * listed: its list's resourceVersion says how far the server is. If that is
 * less than what we know, everything is listed again.
 *
 * A server that has counted past our version by then cannot be told from one
 * that was not restored; `etcdutl snapshot restore --bump-revision` is for that.
 */
#include <string.h>

#include "reflector_internal.h"
#include "resource_version.h"

static int on_metadata(void *ctx, const char *text, size_t len)
{
	struct reflector *r = ctx;

	list_metadata_release(&r->page);
	return list_metadata_parse(text, len, &r->page);
}

static int on_item(void *ctx, const struct kube_object *obj)
{
	(void)ctx;
	(void)obj;
	return 0;
}

static int on_oversize(void *ctx, enum stream_event type, const char *head, size_t len, int err)
{
	(void)ctx;
	(void)type;
	(void)head;
	(void)len;
	(void)err;
	return 0;
}

void checker_start(struct reflector *r)
{
	struct stream_handler handler = {r, on_metadata, on_item, NULL, on_oversize};
	cleanup_buf struct buf query = {0};

	stream_start(&r->stream, STREAM_LIST, &handler);
	list_metadata_release(&r->page);
	query_add(&query, "limit", "1");
	reflector_ask(r, KUBE_PHASE_OPENING, &query);
	r->checking = r->state.phase == KUBE_PHASE_OPENING;
}

void checker_done(struct reflector *r, const struct reflector_answer *a)
{
	struct api_status status;
	struct trouble t = trouble_of_answer(a, &status);
	int order = 0;

	if (a->failure || a->status != 200) {
		watcher_failed(r, &t);
		return;
	}
	if (stream_end(&r->stream) < 0 || !*r->page.resource_version) {
		t = trouble_make(KUBE_FAILURE_SERVER, "the answer ends in the middle of the list");
		reflector_wait(r, STEP_CHECK, "watch", &t);
		return;
	}
	resource_version_compare(r->page.resource_version, r->state.resource_version, &order);
	list_metadata_release(&r->page);
	if (order < 0)
		lister_start(r);
	else
		watcher_start(r);
}
