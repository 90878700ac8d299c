#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""apisim answers as the real server did: ../recordings, to the byte where time and chance allow."""

import json
import re

import sim
from sim import Recording, Sim, equal, temporary, test


def items(name):
    return json.loads(Recording(name).body)["items"]


def compact(o):
    """JSON as Go writes it."""
    text = json.dumps(o, separators=(",", ":"), ensure_ascii=False)
    return re.sub("[<>&\u2028\u2029]", lambda m: "\\u%04x" % ord(m[0]), text)


def filler(template, **names):
    """An object like one that was recorded, under another name: for counts that must be right."""
    o = json.loads(json.dumps(template))
    o["metadata"].update(names)
    return o


def recorded_cluster(rv):
    """The arguments that load what was recorded, with the lists' revision at `rv`."""
    pods = items("pods-all-namespace") + items("pods-by-label")
    # of 40 pods, 16 are in no recording
    pods += [filler(pods[0], namespace="team-002", name=f"filler-{i:02d}") for i in range(16)]
    nodes = items("nodes-list")
    nodes.append(filler(nodes[0], name="node-003"))
    args = []
    for kind, objects in (("Namespace", items("namespaces-list")), ("Node", nodes), ("Pod", pods)):
        head = {"kind": kind + "List", "apiVersion": "v1", "metadata": {"resourceVersion": str(rv)}}
        args += ["--load-json", temporary(compact({**head, "items": objects}))]
    return args


def check_head(r, recording):
    equal(r.status, recording.status, "status")
    # the HTTP library has the newer name of 422
    if r.status != 422:
        equal(r.reason, recording.reason, "reason")
    equal(r.version, 11, "HTTP version")
    for name in ("Cache-Control", "Content-Type", "Content-Length", "Transfer-Encoding",
                 "X-Content-Type-Options", "Retry-After"):
        equal(r.getheader(name), recording.headers.get(name), name)
    for name in ("Audit-Id", "Date", "X-Kubernetes-Pf-Flowschema-Uid"):
        equal(r.getheader(name) is None, name not in recording.headers, name)


def check(name, rv=293, args=(), **ask):
    recording = Recording(name)
    with Sim(*recorded_cluster(rv), *args) as s:
        r, body = s.ask(recording.method, recording.path, **ask)
    check_head(r, recording)
    equal(body, recording.body, name)


def same_as(name, **kw):
    def f():
        check(name, **kw)
    return f


def answers(sentence, name, **kw):
    f = same_as(name, **kw)
    f.__name__ = sentence
    test(f)


answers("the root lists its paths", "root")
answers("version says what the recorded server is", "version")
answers("api names its versions", "api")
answers("api v1 names its resources", "api-v1")
answers("apis names its groups", "apis")
answers("one group names its versions", "apis-batch")
answers("one group version names its resources", "apis-batch-v1")
answers("readyz says ok", "readyz")
answers("namespaces are listed", "namespaces-list")
answers("three nodes of four leave a token and one remaining", "nodes-list")
answers("pods of one namespace are listed", "pods-all-namespace")
answers("pods are listed by label", "pods-by-label")
answers("a first page says how many remain", "pods-page1")
answers("a second page goes on where the token says", "pods-page2")
answers("one pod is got with kind and version", "pod-get")
answers("a pod that is not there is 404", "pod-get-404")
answers("an unknown field in a selector is 400", "pods-bad-selector")
answers("a malformed label selector is 400", "pods-bad-label-selector")
answers("a revision from the future is 504", "list-504-too-large", rv=294)
answers("a token from before history is 410 with a new token", "list-410-continue", rv=310)
answers("metadata alone is got with Accept", "pod-metadata-only",
        headers={"Accept": "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"})
answers("a wrong token is 401", "pods-401", args=("--token", "right=somebody"),
        headers={"Authorization": "Bearer wrong"})
answers("a missing right is 403 and says which", "pods-403",
        args=("--token", "t=system:serviceaccount:team-002:reader",
              "--grant", "system:serviceaccount:team-002:reader=get,list:pods:team-002"),
        headers={"Authorization": "Bearer t"})
answers("a watch from before history is 410 in an event", "watch-410-event", rv=310)


@test
def pods_are_listed_by_node_without_a_count_of_the_rest():
    recording = Recording("pods-by-node")
    with Sim(*recorded_cluster(293)) as s:
        r, body = s.ask("GET", recording.path)
    check_head(r, recording)
    equal(body, recording.body, "body")


POD = "/api/v1/namespaces/team-001/pods/checkout-api-tdjtq8wz9d-bfzjh"


def patched(name, rv):
    """The recorded patch, done again; the body is JSON at the end of the comment."""
    recording = Recording(name)
    body = recording.comment.split(") ", 1)[1]
    with Sim(*recorded_cluster(rv)) as s:
        return recording, s.ask("PATCH", POD, body, {"Content-Type": "application/merge-patch+json",
                                                    "User-Agent": "podfs-recorder"})


@test
def a_label_patch_answers_with_the_new_object_and_its_author():
    recording, (r, body) = patched("patch-label-ok", 301)
    check_head(r, recording)
    when = re.compile(rb'("manager":"podfs-recorder".{0,60}?"time":)"[^"]*"')
    equal(when.sub(rb"\1T", body), when.sub(rb"\1T", recording.body), "body")


@test
def a_patch_for_an_old_version_is_409():
    recording, (r, body) = patched("patch-conflict-409", 301)
    check_head(r, recording)
    equal(body, recording.body, "body")


@test
def an_invalid_label_is_422_and_says_why():
    recording, (r, body) = patched("patch-label-422", 301)
    check_head(r, recording)
    equal(body, recording.body, "body")


@test
def initial_events_end_with_the_recorded_bookmark():
    recording = Recording("watchlist")
    wanted = recording.body.splitlines(keepends=True)
    with Sim(*recorded_cluster(300)) as s, \
            s.watch(recording.path.replace("timeoutSeconds=10", "timeoutSeconds=1")) as w:
        check_head(w.response, recording)
        got = w.response.read().splitlines(keepends=True)
    # the order of the first eight is nobody's promise
    equal(sorted(got[:8]), sorted(wanted[:8]), "added")
    equal(got[8], wanted[8], "initial events end")
    equal(got[9], wanted[9].replace(b"301", b"300"), "bookmark at the end")
    equal(len(got), 10, "events")


@test
def a_live_watch_has_the_recorded_form():
    """The recorded states of the pod are put one after the other, and come out as they were."""
    recording = Recording("watch-live")
    lines = recording.body.splitlines(keepends=True)
    name = json.loads(lines[0])["object"]["metadata"]["name"]
    path = f"/api/v1/namespaces/team-000/pods/{name}"
    with Sim(*recorded_cluster(293)) as s, s.watch(recording.path) as w:
        check_head(w.response, recording)
        for change in ({"metadata": {"labels": {"tier": "x"}}}, {"metadata": {"annotations": {"a": "<b>"}}}):
            r, body = s.patch(path, change)
            equal(r.status, 200, "patch")
            equal(w.line(), b'{"type":"MODIFIED","object":' + body.rstrip(b"\n") + b"}\n", "event")
        r, body = s.ask("DELETE", path)
        equal(r.status, 200, "delete")
        last = w.line()
        equal(last, b'{"type":"DELETED","object":' + body.rstrip(b"\n") + b"}\n", "event")
        recorded = json.loads(lines[-2])["object"]["metadata"]
        equal(list(json.loads(last)["object"]["metadata"]), list(recorded), "fields of a deleted pod")


if __name__ == "__main__":
    sim.run()
