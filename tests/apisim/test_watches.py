#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Watches: what they tell, when, and how they end."""

import json
import socket

import sim
from sim import PODS, a_pod, equal, generated, keys, label, post, revision, test, until


@test
def what_leaves_a_selection_is_deleted_for_its_watcher():
    with generated() as s:
        path = a_pod(s)
        label(s, path, color="red")
        with s.watch(f"{PODS}?watch=1&labelSelector=color%3Dred&resourceVersion={revision(s)}") as w:
            changed = label(s, path, color="blue")
            e = w.event()
            equal((e["type"], e["object"]["metadata"]["labels"]["color"], e["object"]["metadata"]["resourceVersion"]),
                  ("DELETED", "red", changed["metadata"]["resourceVersion"]), "leaves")
            label(s, path, color="red")
            equal(w.event()["type"], "ADDED", "comes back")
            label(s, path, other="x")
            equal(w.event()["type"], "MODIFIED", "stays")


@test
def a_watch_is_of_its_namespace_only():
    with generated() as s:
        mine, other = (next(p["metadata"] for p in s.get(PODS)["items"] if p["metadata"]["namespace"] == ns)
                       for ns in ("team-001", "team-002"))
        with s.watch(f"/api/v1/namespaces/team-001/pods?watch=1&resourceVersion={revision(s)}") as w:
            for m in (other, mine):
                label(s, f"/api/v1/namespaces/{m['namespace']}/pods/{m['name']}", x="y")
            equal(w.event()["object"]["metadata"]["name"], mine["name"], "event")


@test
def one_object_is_watched_by_its_path():
    with generated(pods=5) as s:
        path, other = a_pod(s, 1), a_pod(s, 0)
        with s.watch(f"/api/v1/watch{path[7:]}?resourceVersion={revision(s)}") as w:
            label(s, other, a="b")
            label(s, path, a="b")
            equal(w.event()["object"]["metadata"]["name"], path.rsplit("/", 1)[1], "event")


@test
def a_watch_without_a_revision_begins_with_all_there_is():
    with generated(pods=20) as s, s.watch(PODS + "?watch=1") as w:
        got = [w.event() for _ in range(20)]
        equal({e["type"] for e in got}, {"ADDED"}, "types")
        equal([e["object"]["metadata"]["name"] for e in got], [n for _, n in keys(s.get(PODS))], "names")
        equal({(e["object"]["kind"], e["object"]["apiVersion"]) for e in got}, {("Pod", "v1")}, "kind")


@test
def a_watch_ends_when_its_time_is_over_with_a_bookmark():
    with generated(pods=5) as s:
        rv = revision(s)
        with s.watch(f"{PODS}?watch=1&resourceVersion={rv}&allowWatchBookmarks=true&timeoutSeconds=1") as w:
            e = w.event()
            equal((e["type"], e["object"]["metadata"]["resourceVersion"]), ("BOOKMARK", str(rv)), "bookmark")
            equal(w.event(), None, "end")
        with s.watch(f"{PODS}?watch=1&resourceVersion={rv}&timeoutSeconds=1") as w:
            equal(w.event(), None, "without bookmarks")


@test
def bookmarks_come_at_their_interval_and_only_if_asked_for():
    with generated("--bookmark-interval", 1, pods=5) as s:
        rv = revision(s)
        with s.watch(f"{PODS}?watch=1&resourceVersion={rv}&allowWatchBookmarks=true") as w, \
                s.watch(f"{PODS}?watch=1&resourceVersion={rv}") as silent:
            label(s, "/api/v1/nodes/node-000", a="b")
            equal([w.event()["object"]["metadata"]["resourceVersion"] for _ in range(2)], [str(rv + 1)] * 2,
                  "a bookmark has the revision of everything, not of pods alone")
            label(s, a_pod(s), a="b")
            equal(silent.event()["type"], "MODIFIED", "first event of the other")


@test
def compaction_is_410_as_an_event_or_as_a_status():
    with generated(pods=5) as s:
        rv = revision(s)
        label(s, a_pod(s), a="b")
        post(s, "/apisim/compact")
        with s.watch(f"{PODS}?watch=1&resourceVersion={rv}") as w:
            equal(w.response.status, 200, "status")
            e = w.event()
            equal((e["type"], e["object"]["code"], e["object"]["reason"]), ("ERROR", 410, "Expired"), "event")
            equal(w.event(), None, "end")
        post(s, "/apisim/compact?form=status")
        r, body = s.ask("GET", f"{PODS}?watch=1&resourceVersion={rv}")
        equal((r.status, json.loads(body)["reason"]), (410, "Expired"), "status")
        with s.watch(f"{PODS}?watch=1&resourceVersion={rv + 1}") as w:
            label(s, a_pod(s), a="c")
            equal(w.event()["type"], "MODIFIED", "from now on")


@test
def history_holds_so_many_events_of_each_kind():
    with generated("--history", 10, pods=5) as s:
        rv = revision(s)
        path = a_pod(s)
        for i in range(11):
            label(s, path, n=str(i))
        with s.watch(f"/api/v1/nodes?watch=1&resourceVersion={rv}&timeoutSeconds=1") as w:
            equal(w.event(), None, "nodes did not change")
        with s.watch(f"{PODS}?watch=1&resourceVersion={rv}") as w:
            equal(w.event()["object"]["code"], 410, "the first is forgotten")
        with s.watch(f"{PODS}?watch=1&resourceVersion={rv + 1}") as w:
            equal([w.event()["object"]["metadata"]["labels"]["n"] for _ in range(10)], [str(i) for i in range(1, 11)],
                  "the rest is there")


@test
def watches_are_closed_on_command():
    with generated(pods=5) as s:
        rv = revision(s)
        with s.watch(f"{PODS}?watch=1&resourceVersion={rv}") as a, s.watch(f"/api/v1/nodes?watch=1&resourceVersion={rv}") as b:
            equal(post(s, "/apisim/close-watches")["closed"], 2, "closed")
            equal((a.event(), b.event()), (None, None), "both end")


@test
def a_watcher_that_left_is_forgotten():
    with generated(pods=5) as s:
        rv = revision(s)
        watches = [s.watch(f"{PODS}?watch=1&resourceVersion={rv}") for _ in range(20)]
        equal(s.get("/apisim/stats")["watches"], 20, "watches")
        for w in watches:
            # not only the connection object: the response holds the socket too
            w.response.close()
            w.connection.close()
        until(lambda: s.get("/apisim/stats")["watches"] == 0, "no watches")


@test
def a_watcher_that_does_not_read_holds_up_nobody():
    with generated("--history", 500, pods=20) as s:
        rv = revision(s)
        with socket.create_connection((s.address.hostname, s.address.port)) as deaf:
            deaf.sendall(f"GET {PODS}?watch=1&resourceVersion={rv} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            until(lambda: s.get("/apisim/stats")["watches"] == 1, "it watches")
            with s.watch(f"{PODS}?watch=1&resourceVersion={rv}") as w:
                path = a_pod(s)
                for n in range(1200):
                    changed = label(s, path, n=str(n))
                    equal(w.event()["object"]["metadata"]["resourceVersion"], changed["metadata"]["resourceVersion"],
                          "a change")
            # what the deaf one still gets ends with 410: its place in history is gone
            deaf.settimeout(20)
            data = b""
            while chunk := deaf.recv(1 << 20):
                data = (data + chunk)[-4000:]
                if b'"type":"ERROR"' in data and b'"code":410' in data:
                    break
            equal(b'"code":410' in data, True, "410 at the end")


@test
def five_hundred_watchers_see_the_same_change():
    with generated(pods=10) as s:
        rv = revision(s)
        watches = [s.watch(f"{PODS}?watch=1&resourceVersion={rv}") for _ in range(500)]
        try:
            label(s, a_pod(s), all="see")
            equal({w.event()["object"]["metadata"]["labels"]["all"] for w in watches}, {"see"}, "events")
        finally:
            for w in watches:
                w.response.close()
                w.connection.close()


if __name__ == "__main__":
    sim.run()
