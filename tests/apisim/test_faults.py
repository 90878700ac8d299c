#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Faults: each does what its line in the table says, and nothing once it is off."""

import http.client
import json
import os
import re
import socket
import time

import sim
from sim import PODS, Sim, a_pod, equal, generated, keys, label, post, revision, test, until

NODES = "/api/v1/nodes"


def fault(s, name, **params):
    return post(s, f"/apisim/fault?name={name}" +
                "".join(f"&{key.replace('_', '-')}={value}" for key, value in params.items()))


def clear(s, name=None):
    r, body = s.ask("DELETE", "/apisim/fault" + (f"?name={name}" if name else ""))
    equal(r.status, 200, body)


def taken(s, name):
    return next(f["taken"] for f in s.get("/apisim/fault")["faults"] if f["name"] == name)


def watching(s, path=PODS, rv=None, more=""):
    return s.watch(f"{path}?watch=1&allowWatchBookmarks=true&resourceVersion={rv or revision(s)}{more}")


def broken(read):
    """Whether that ends as no answer may."""
    try:
        read()
    except (http.client.HTTPException, OSError):
        return True
    return False


def status_of(s, path=PODS, **headers):
    r, body = s.ask("GET", path, headers=headers)
    return r.status, r.getheader("Retry-After"), json.loads(body)


@test
def the_table_is_sorted_and_the_readme_has_it():
    with generated(pods=1) as s:
        faults = s.get("/apisim/fault")["faults"]
        names = [f["name"] for f in faults]
        equal(names, sorted(names), "order")
        equal([f["name"] for f in faults if f["on"]], [], "on")
        with open(os.path.join(sim.HERE, "README.md"), encoding="utf-8") as f:
            table = re.findall(r"^\| `([\w-]+)` \| (.*) \| (.*) \|$", f.read(), re.M)
        equal([(n, w, p.replace("`", "")) for n, w, p in table],
              [(f["name"], f["what"], f["parameters"]) for f in faults], "README")


@test
def what_is_no_fault_or_no_parameter_of_it_is_refused():
    with generated(pods=1) as s:
        for wrong in ("name=nonsense", "", "name=cut&code=5", "name=hold&verb=list"):
            equal(s.ask("POST", "/apisim/fault?" + wrong)[0].status, 400, wrong)
        equal(s.ask("DELETE", "/apisim/fault?name=nonsense")[0].status, 400, "DELETE")


@test
def a_fault_counts_its_times_and_takes_only_its_requests():
    with generated(pods=3) as s:
        fault(s, "500", resource="pods", verb="list", count=2)
        equal(status_of(s, NODES)[0], 200, "another resource")
        equal(status_of(s, "/api/v1/namespaces/team-000")[0], 200, "another verb")
        equal([status_of(s)[0] for _ in range(3)], [500, 500, 200], "pods")
        equal(taken(s, "500"), 2, "taken")
        fault(s, "500")
        equal(status_of(s)[0], 500, "on")
        post(s, "/apisim/fault?name=none")
        equal(status_of(s)[0], 200, "off")


@test
def statuses_401_410_429_500_503_and_too_large():
    with generated(pods=3) as s:
        for name, code, reason in (("401", 401, "Unauthorized"), ("410", 410, "Expired"),
                                   ("429", 429, "TooManyRequests"), ("500", 500, "InternalError"),
                                   ("503", 503, "ServiceUnavailable"), ("too-large", 504, "Timeout")):
            fault(s, name)
            status, after, body = status_of(s)
            equal((status, body["code"], body["reason"]), (code, code, reason), name)
            equal(after, "1" if name == "too-large" else None, name)
            equal(status_of(s, f"{PODS}?watch=1&resourceVersion=1")[0], code, name + ", watch")
            clear(s, name)
        for name in ("429", "500", "503"):
            fault(s, name, retry_after=7, count=1)
            status, after, body = status_of(s)
            equal((status, after, body["details"]["retryAfterSeconds"]), (int(name), "7", 7), name)


@test
def status_401_until_a_new_token():
    with generated(pods=3) as s:
        fault(s, "401", token="new")
        equal(status_of(s, Authorization="Bearer old")[0], 401, "old")
        equal(status_of(s, Authorization="Bearer new")[0], 200, "new")


@test
def cut_after_some_bytes():
    with generated() as s:
        fault(s, "cut", n=5000, count=1)
        c = s.connect()
        c.request("GET", PODS)
        r = c.getresponse()
        try:
            r.read()
            raise AssertionError("it was complete")
        except http.client.IncompleteRead as e:
            equal(len(e.partial), 5000, "bytes")
        c.close()
        s.get(PODS)
        with watching(s) as w:
            fault(s, "cut", verb="watch")
            equal(broken(w.response.read), True, "a watch under way")


@test
def cut_line_ends_inside_a_line():
    with generated(pods=5) as s, watching(s) as w:
        fault(s, "cut-line", verb="watch", n=300)
        label(s, a_pod(s), a="b")
        line = w.line()
        equal((len(line), line[-1:] == b"\n", w.line()), (300, False, b""), "line")


@test
def trickle_sends_byte_by_byte():
    with generated(pods=5) as s, socket.create_connection((s.address.hostname, s.address.port)) as raw:
        fault(s, "trickle", verb="watch", n=50, count=1)
        raw.sendall(f"GET {PODS}?watch=1&resourceVersion={revision(s)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        until(lambda: s.get("/apisim/stats")["watches"] == 1, "it watches")
        label(s, a_pod(s), a="b")
        raw.settimeout(20)
        data = b""
        while b'"a":"b"' not in data:
            data += raw.recv(100000)
        chunks = data.split(b"\r\n\r\n", 1)[1]
        equal(re.match(rb"(?:0*1\r\n.\r\n){50}0*([2-9a-f]|1[0-9a-f])", chunks, re.S) is not None, True, chunks[:400])


@test
def stall_for_a_while_and_for_ever():
    with generated(pods=5) as s:
        whole = s.get(PODS)
        fault(s, "stall", n=2000, ms=150, count=1)
        begin = time.monotonic()
        equal(s.get(PODS), whole, "list")
        equal(time.monotonic() - begin > 0.14, True, "it took a while")
        with watching(s) as w, watching(s) as other:
            fault(s, "stall", verb="watch", count=1)
            until(lambda: taken(s, "stall") == 1, "one has it")
            label(s, a_pod(s), a="b")
            first = next_of(w, other)
            clear(s)
            equal(broken((other if first is w else w).response.read), True, "cut at the end")


def next_of(*watches):
    """The watch of them that has an event."""
    import select
    ready, _, _ = select.select([w.connection.sock for w in watches], [], [], 15)
    equal(len(ready), 1, "watches with an event")
    w = next(w for w in watches if w.connection.sock is ready[0])
    equal(w.event()["type"], "MODIFIED", "event")
    return w


@test
def a_streamed_list_is_a_watch_and_a_kind_of_its_own():
    stream = f"{PODS}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
    with generated(pods=5) as s:
        fault(s, "500", verb="stream", count=1)
        with watching(s) as w:
            equal(w.response.status, 200, "a watch")
        equal((status_of(s, stream)[0], taken(s, "500")), (500, 1), "a streamed list")
        fault(s, "500", verb="watch", count=1)
        equal(status_of(s, stream)[0], 500, "of watches")


@test
def half_open_and_reset():
    with generated(pods=5) as s:
        fault(s, "half-open", count=1)
        c = s.connect()
        c.request("GET", PODS)
        until(lambda: taken(s, "half-open") == 1, "it is read")
        c.sock.settimeout(0.2)
        try:
            c.sock.recv(1)
            raise AssertionError("it answers")
        except TimeoutError:
            pass
        s.get(PODS)
        clear(s)
        c.sock.settimeout(15)
        equal(c.sock.recv(1), b"", "closed at the end")
        c.close()
        fault(s, "half-open", count=1, ms=50)
        s.get(PODS)
        fault(s, "reset", count=1)
        equal(broken(lambda: s.get(PODS)), True, "reset")
        s.get(PODS)


@test
def garbage_in_a_list_and_in_a_watch():
    with generated(pods=5) as s:
        fault(s, "garbage", n=3000, count=1)
        _, body = s.ask("GET", PODS)
        equal(b"\x01\xff]}" in body[2990:3010], True, "list")
        with watching(s) as w:
            fault(s, "garbage", verb="watch", count=1)
            label(s, a_pod(s), a="b")
            equal(w.line()[:2], b"\x01\xff", "watch")


@test
def a_huge_object_and_a_nested_one_are_there_until_they_are_not():
    with generated(pods=5) as s:
        names = [name for _, name in keys(s.get(PODS))]
        rv = revision(s)
        fault(s, "huge")
        fault(s, "nested")
        equal(sorted(set(re.findall(rb'"name":"(apisim-[a-z]+)"', s.ask("GET", PODS)[1]))),
              [b"apisim-huge", b"apisim-nested"], "list")
        with watching(s, rv=rv) as w:
            e = w.event()
            equal((e["type"], len(e["object"]["metadata"]["annotations"]["apisim.example.com/huge"])),
                  ("ADDED", 2000000), "huge")
            line = w.line()
            equal((b"[" * 10000 + b"]" * 10000 in line, line[:15]), (True, b'{"type":"ADDED"'), "nested")
            post(s, "/apisim/churn?rate=1000")
            equal(w.event()["type"], "MODIFIED", "churn")
            post(s, "/apisim/churn?rate=0")
        clear(s)
        equal([name for _, name in keys(s.get(PODS)) if name.startswith("apisim-")], [], "gone")
        equal(len(keys(s.get(PODS))), len(names), "the others are there")


@test
def new_uid_is_modified_and_another_pod():
    with generated(pods=5) as s, watching(s) as w:
        old = {(o["metadata"]["name"], o["metadata"]["uid"]) for o in s.get(PODS)["items"]}
        fault(s, "new-uid", n=2)
        for _ in range(2):
            e = w.event()
            meta = e["object"]["metadata"]
            equal((e["type"], meta["name"] in dict(old), (meta["name"], meta["uid"]) in old),
                  ("MODIFIED", True, False), "event")


@test
def events_of_410_and_of_other_errors():
    with generated(pods=5) as s:
        for name, params, code, reason in (("410-event", {}, 410, "Expired"),
                                           ("error-event", {}, 500, "InternalError"),
                                           ("error-event", {"code": 429}, 429, "InternalError")):
            with watching(s) as w:
                fault(s, name, count=1, **params)
                e = w.event()
                equal((e["type"], e["object"]["code"], e["object"]["reason"]), ("ERROR", code, reason), name)
                equal(w.event(), None, "end")


@test
def events_twice_and_of_what_never_was():
    with generated(pods=5) as s, watching(s) as w:
        fault(s, "twice", resource="pods", count=1)
        label(s, a_pod(s), a="1")
        equal(w.line(), w.line(), "twice")
        fault(s, "deleted-unknown", count=1)
        changed = label(s, a_pod(s), a="2")
        equal(w.event()["type"], "MODIFIED", "the event")
        e = w.event()
        equal((e["type"], e["object"]["metadata"]["name"], e["object"]["metadata"]["resourceVersion"]),
              ("DELETED", "never-was", changed["metadata"]["resourceVersion"]), "unknown")
        label(s, a_pod(s), a="3")
        equal(w.event()["object"]["metadata"]["labels"]["a"], "3", "no more")


@test
def bookmarks_by_the_thousand_and_none_at_all():
    with generated("--bookmark-interval", 1, pods=5) as s, watching(s) as w:
        fault(s, "bookmark-storm", count=1)
        rv = label(s, a_pod(s), a="1")["metadata"]["resourceVersion"]
        equal(w.event()["type"], "MODIFIED", "event")
        equal({(e["type"], e["object"]["metadata"]["resourceVersion"]) for e in (w.event() for _ in range(1000))},
              {("BOOKMARK", rv)}, "storm")
        fault(s, "no-bookmarks")
        until(lambda: taken(s, "no-bookmarks") > 0, "one is left out")
        label(s, a_pod(s), a="2")
        equal(w.event()["type"], "MODIFIED", "no bookmark before it")
        with s.watch(f"{PODS}?watch=1&allowWatchBookmarks=true&sendInitialEvents=true"
                     "&resourceVersionMatch=NotOlderThan") as initial:
            equal([initial.event()["type"] for _ in range(6)], ["ADDED"] * 5 + ["BOOKMARK"], "initial events")


@test
def hold_lets_other_events_overtake():
    with generated(pods=5) as s, watching(s) as pods, watching(s, NODES) as nodes:
        fault(s, "hold", resource="pods")
        until(lambda: taken(s, "hold") == 1, "held")
        label(s, a_pod(s), a="b")
        label(s, NODES + "/node-000", a="b")
        equal(nodes.event()["type"], "MODIFIED", "the later one")
        clear(s, "hold")
        equal(pods.event()["type"], "MODIFIED", "the earlier one")
        label(s, a_pod(s), a="c")
        equal(pods.event()["object"]["metadata"]["labels"]["a"], "c", "and on")


@test
def compact_and_continue_expired():
    with generated(pods=30) as s:
        rv = revision(s)
        label(s, a_pod(s), a="b")
        fault(s, "compact")
        with watching(s, rv=rv) as w:
            equal(w.event()["object"]["code"], 410, "compacted")
        token = s.get(f"{PODS}?limit=10")["metadata"]["continue"]
        fault(s, "continue-expired", count=1)
        status, _, body = status_of(s, f"{PODS}?limit=10&continue={token}")
        equal((status, body["reason"]), (410, "Expired"), "status")
        rest = s.get(f"{PODS}?continue=" + body["metadata"]["continue"])
        equal(len(rest["items"]), 20, "the rest, inconsistent")
        equal(len(s.get(f"{PODS}?continue={token}")["items"]), 20, "once only")


@test
def old_list_is_what_was():
    with generated(pods=5) as s:
        before = s.get(PODS)
        for i in range(5):
            label(s, a_pod(s), n=str(i))
        fault(s, "old-list", n=5, count=1)
        equal(s.get(PODS), before, "list")
        equal(s.get(PODS)["metadata"]["resourceVersion"], str(revision(s)), "the next one")
        fault(s, "old-list", n=1000)
        equal(s.get(PODS), before, "no older than history")


@test
def a_restart_with_lower_or_higher_revisions():
    with Sim("--pods", 5, "--first-revision", 1000000) as s:
        versions = [int(o["metadata"]["resourceVersion"]) for o in s.get(PODS)["items"]]
        equal(min(versions) >= 1000000 and revision(s) >= max(versions), True, versions)
        where = s.url.split("//")[1]
    with Sim("--pods", 5, "--seed", 3, "--listen", where) as s:
        equal(revision(s) < 1000, True, "lower")


@test
def faults_end_in_the_middle_of_lines():
    """Switched on and off while events flow, no line is torn."""
    with generated() as s, watching(s) as w:
        post(s, "/apisim/churn?rate=1000")
        seen = 0
        for i in range(40):
            if i % 2:
                clear(s)
            else:
                fault(s, "twice", resource="nodes")
            for _ in range(20):
                seen += w.event()["type"] in ("ADDED", "MODIFIED", "DELETED")
        post(s, "/apisim/churn?rate=0")
        equal(seen, 800, "events")


if __name__ == "__main__":
    sim.run()
