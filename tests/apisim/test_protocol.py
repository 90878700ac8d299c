#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Lists, watches, writes, pace, churn and the generated cluster, beyond what the recordings show."""

import collections
import gzip
import json
import os
import socket
import time

import sim
from sim import Sim, equal, test

PODS = "/api/v1/pods"


def generated(*args, pods=120):
    return Sim("--pods", pods, "--namespaces", 4, "--nodes", 5, "--seed", 7, *args)


def a_pod(s, n=0):
    """The path of the n-th pod."""
    meta = s.get(PODS)["items"][n]["metadata"]
    return f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"


def label(s, path, **labels):
    r, body = s.patch(path, {"metadata": {"labels": labels}})
    equal(r.status, 200, body)
    return json.loads(body)


def revision(s):
    return int(s.get("/apisim/stats")["resourceVersion"])


def post(s, path):
    r, body = s.ask("POST", path)
    equal(r.status, 200, body)
    return json.loads(body)


def until(condition, what):
    """Asks again until the server says so: for what it does in its own time."""
    end = time.monotonic() + 15
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("never: " + what)
        time.sleep(0.01)


def keys(answer):
    return [(o["metadata"].get("namespace"), o["metadata"]["name"]) for o in answer["items"]]


@test
def pages_show_one_revision_whatever_happens_meanwhile():
    with generated() as s:
        whole = s.get(PODS)
        page = s.get(PODS + "?limit=50")
        items = page["items"]
        equal(page["metadata"]["remainingItemCount"], 70, "remaining")
        equal(s.ask("DELETE", a_pod(s, 60))[0].status, 200, "delete")
        label(s, a_pod(s, 100), changed="yes")
        while "continue" in page["metadata"]:
            page = s.get(PODS + "?limit=50&continue=" + page["metadata"]["continue"])
            equal(page["metadata"]["resourceVersion"], whole["metadata"]["resourceVersion"], "revision")
            items += page["items"]
        equal(items, whole["items"], "items")
        equal(len(s.get(PODS)["items"]), 119, "now")


@test
def a_list_can_be_asked_for_at_an_exact_revision():
    with generated() as s:
        before = s.get(PODS)
        label(s, a_pod(s), changed="yes")
        at = f"?resourceVersion={before['metadata']['resourceVersion']}&resourceVersionMatch=Exact"
        equal(s.get(PODS + at), before, "the old list")
        post(s, "/apisim/compact")
        equal(s.ask("GET", PODS + at)[0].status, 410, "after compaction")


@test
def a_page_limit_of_the_server_counts_too():
    with generated("--max-page", 30) as s:
        page = s.get(PODS)
        equal((len(page["items"]), page["metadata"]["remainingItemCount"]), (30, 90), "page")
        equal(len(s.get(PODS + "?limit=10")["items"]), 10, "smaller")
        equal(len(s.get(PODS + "?limit=500")["items"]), 30, "larger")


@test
def options_that_do_not_go_together_are_refused():
    with generated(pods=10) as s:
        for query, code in (("resourceVersionMatch=Exact", 422), ("resourceVersion=0&resourceVersionMatch=Exact", 422),
                            ("watch=1&resourceVersion=5&resourceVersionMatch=NotOlderThan", 422),
                            ("watch=1&sendInitialEvents=true", 422), ("resourceVersion=abc", 400),
                            ("continue=%21%21", 400), ("labelSelector=a%3D%3D%3Db", 400),
                            ("labelSelector=a,,b", 400), ("fieldSelector=metadata.name", 400)):
            equal(s.ask("GET", PODS + "?" + query)[0].status, code, query)


@test
def label_selectors_know_the_whole_grammar():
    with generated() as s:
        pods = s.get(PODS)["items"]
        for selector, wanted in (
                ("tier", lambda x: "tier" in x), ("!tier", lambda x: "tier" not in x),
                ("tier=data", lambda x: x.get("tier") == "data"), ("tier==data", lambda x: x.get("tier") == "data"),
                ("tier!=data", lambda x: x.get("tier") != "data"),
                ("tier in (data, backend),app", lambda x: x.get("tier") in ("data", "backend") and "app" in x),
                ("tier notin (data)", lambda x: x.get("tier") != "data"),
                ("app.kubernetes.io/name=web", lambda x: x.get("app.kubernetes.io/name") == "web"),
                ("canary=", lambda x: x.get("canary") == ""), ("", lambda x: True),
                ("tier in (data),tier notin (data)", lambda x: False), ("team>3", lambda x: False)):
            got = s.get(PODS + "?labelSelector=" + selector.replace(" ", "%20").replace("!", "%21")
                        .replace("=", "%3D").replace(">", "%3E"))
            equal(keys(got), keys({"items": [p for p in pods if wanted(p["metadata"].get("labels", {}))]}), selector)


@test
def field_selectors_know_the_fields_of_pods():
    with generated() as s:
        pods = s.get(PODS)["items"]
        first = next(p for p in pods if len(p["status"].get("podIPs", [])) == 2)
        second_ip = first["status"]["podIPs"][1]["ip"]
        for selector, wanted in (
                ("metadata.namespace=team-001", lambda p: p["metadata"]["namespace"] == "team-001"),
                ("spec.nodeName=node-003", lambda p: p["spec"].get("nodeName") == "node-003"),
                ("spec.nodeName=", lambda p: "nodeName" not in p["spec"]),
                ("status.phase!=Running", lambda p: p["status"]["phase"] != "Running"),
                ("spec.restartPolicy=Never", lambda p: p["spec"]["restartPolicy"] == "Never"),
                ("spec.hostNetwork=true", lambda p: p["spec"].get("hostNetwork", False)),
                (f"spec.serviceAccountName={first['spec']['serviceAccountName']},spec.schedulerName=default-scheduler",
                 lambda p: p["spec"]["serviceAccountName"] == first["spec"]["serviceAccountName"]),
                (f"status.podIP={first['status']['podIP']}", lambda p: p["status"].get("podIP") == first["status"]["podIP"]),
                (f"status.podIPs={second_ip}", lambda p: any(i["ip"] == second_ip for i in p["status"].get("podIPs", [])))):
            got = s.get(PODS + "?fieldSelector=" + selector.replace("!", "%21").replace("=", "%3D"))
            equal(keys(got), keys({"items": [p for p in pods if wanted(p)]}), selector)


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
                post(s, "/apisim/churn?rate=2000")
                for _ in range(2000):
                    e = w.event()
                    if e["type"] == "ERROR":
                        raise AssertionError(e)
                post(s, "/apisim/churn?rate=0")
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


@test
def each_write_takes_one_revision_and_a_write_that_changes_nothing_takes_none():
    with generated(pods=5) as s:
        path, rv = a_pod(s), revision(s)
        label(s, path, a="b")
        equal(revision(s), rv + 1, "a change")
        label(s, path, a="b")
        equal(revision(s), rv + 1, "no change")
        o = s.get(path)
        r, _ = s.ask("PUT", path, json.dumps(o), {"Content-Type": "application/json"})
        equal((r.status, revision(s)), (200, rv + 1), "put what is there")
        s.ask("DELETE", path)
        equal(revision(s), rv + 2, "delete")


@test
def a_replacement_of_an_old_version_is_a_conflict():
    with generated(pods=5) as s:
        path = a_pod(s)
        o = s.get(path)
        label(s, path, a="b")
        o["metadata"]["labels"] = {"mine": "yes"}
        r, body = s.ask("PUT", path, json.dumps(o), {"Content-Type": "application/json"})
        equal((r.status, json.loads(body)["reason"]), (409, "Conflict"), "old")
        o["metadata"]["resourceVersion"] = s.get(path)["metadata"]["resourceVersion"]
        r, body = s.ask("PUT", path, json.dumps(o), {"Content-Type": "application/json"})
        equal((r.status, json.loads(body)["metadata"]["labels"]), (200, {"mine": "yes"}), "new")


@test
def status_and_the_rest_are_written_apart():
    with generated(pods=5) as s:
        path = a_pod(s)
        before = s.get(path)
        change = {"metadata": {"labels": {"x": "y"}}, "status": {"phase": "Failed"}}
        equal(json.loads(s.patch(path, change)[1])["status"], before["status"], "status stays")
        after = json.loads(s.patch(path + "/status", {**change, "metadata": {"labels": {"z": "z"}}})[1])
        equal((after["status"]["phase"], "z" in after["metadata"]["labels"]), ("Failed", False), "only status changes")
        equal(after["metadata"]["managedFields"][-1]["subresource"], "status", "who did it")


@test
def created_objects_come_as_the_go_structs_would_print_them():
    manifest = {"metadata": {"labels": {"b": "1", "a": "<&>"}, "name": "p"}, "kind": "Pod", "apiVersion": "v1",
                "spec": {"hostNetwork": False, "nodeSelector": {}, "volumes": [],
                         "containers": [{"image": "i:1", "resources": {"limits": {"memory": "2048Mi", "cpu": "1000m"}},
                                         "name": "c", "stdin": False, "env": [{"value": "", "name": "E"}],
                                         "securityContext": {"privileged": False}}]}}
    with Sim() as s:
        r, body = s.ask("POST", "/api/v1/namespaces/default/pods", json.dumps(manifest), {"Content-Type": "application/json"})
        equal(r.status, 400, "a label with a < is no label") if r.status == 400 else equal(r.status, 422, "a label")
        manifest["metadata"]["labels"]["a"] = "2"
        manifest["metadata"]["annotations"] = {"t": "<&>\u2028\x01\x7f"}
        r, body = s.ask("POST", "/api/v1/namespaces/default/pods", json.dumps(manifest), {"Content-Type": "application/json"})
        equal(r.status, 201, body)
    o = json.loads(body)
    equal(list(o), ["kind", "apiVersion", "metadata", "spec", "status"], "order")
    equal(list(o["metadata"]), ["name", "namespace", "uid", "resourceVersion", "creationTimestamp", "labels",
                                "annotations", "managedFields"], "metadata")
    equal(list(o["metadata"]["labels"]), ["a", "b"], "maps are sorted")
    equal(b'"t":"\\u003c\\u0026\\u003e\\u2028\\u0001\x7f"' in body, True, "escapes")
    c = o["spec"]["containers"][0]
    equal(list(c), ["name", "image", "env", "resources", "terminationMessagePath", "terminationMessagePolicy",
                    "imagePullPolicy", "securityContext"], "container")
    equal(c["resources"]["limits"], {"cpu": "1", "memory": "2Gi"}, "quantities")
    equal((c["env"], c["securityContext"]), ([{"name": "E"}], {"privileged": False}), "empty, and false behind a pointer")
    equal("hostNetwork" in o["spec"] or "volumes" in o["spec"], False, "empty values are left out")


@test
def names_are_generated_and_yaml_is_taken():
    text = "apiVersion: v1\nkind: Pod\nmetadata: {generateName: job-}\nspec: {containers: [{name: c, image: i}]}\n"
    with Sim() as s:
        r, body = s.ask("POST", "/api/v1/namespaces/default/pods", text, {"Content-Type": "application/yaml"})
        equal(r.status, 201, body)
        name = json.loads(body)["metadata"]["name"]
        equal((name[:4], len(name)), ("job-", 9), name)
        equal(json.loads(body)["status"]["phase"], "Pending", "there is no node to run it")


@test
def errors_say_what_is_wrong():
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    with Sim() as s:
        base = "/api/v1/namespaces/default/pods"
        for method, path, body, kind, code, reason in (
                ("POST", base, "{", "json", 400, "BadRequest"),
                ("POST", base, json.dumps({**pod, "kind": "Node", "apiVersion": "v1"}), "json", 400, "BadRequest"),
                ("POST", base, json.dumps({**pod, "metadata": {"name": "Not Valid"}}), "json", 422, "Invalid"),
                ("POST", base, json.dumps({**pod, "metadata": {}}), "json", 422, "Invalid"),
                ("POST", base, json.dumps({**pod, "spec": {}}), "json", 422, "Invalid"),
                ("POST", base, json.dumps({**pod, "metadata": {"name": "p", "labels": {"a": 1}}}), "json", 400, "BadRequest"),
                ("POST", "/api/v1/namespaces/absent/pods", json.dumps(pod), "json", 404, "NotFound"),
                ("POST", "/api/v1/pods", json.dumps(pod), "json", 405, "MethodNotAllowed"),
                ("PATCH", "/api/v1/namespaces/default", "x", "x-unknown", 415, "UnsupportedMediaType"),
                ("PATCH", "/api/v1/namespaces/default", "[", "merge-patch+json", 400, "BadRequest"),
                ("PATCH", "/api/v1/namespaces/default", '[{"op":"remove","path":"/metadata/nothing"}]', "json-patch+json", 422, "Invalid"),
                ("PATCH", "/api/v1/namespaces/default", '{"metadata":{"name":"other"}}', "merge-patch+json", 400, "BadRequest"),
                ("DELETE", base + "/absent", None, "json", 404, "NotFound"),
                ("DELETE", "/api/v1/namespaces/default", '{"preconditions":{"uid":"x"}}', "json", 409, "Conflict"),
                ("GET", "/api/v1/bogus", None, "json", 404, "NotFound"),
                ("GET", "/api/v1/namespaces/default/services/absent", None, "json", 404, "NotFound"),
                ("GET", "/apis/bogus/v1", None, "json", 404, "NotFound")):
            r, answer = s.ask(method, path, body, {"Content-Type": f"application/{kind}"})
            status = json.loads(answer)
            equal((r.status, status["kind"], status.get("code"), status.get("reason")),
                  (code, "Status", code, reason), f"{method} {path} {body}: {answer}")
        equal(s.ask("GET", base, headers={"Accept": "application/xml"})[0].status, 406, "Accept")
        equal(s.get("/api/v1/namespaces/default/events")["items"], [], "no events")
        equal(s.get("/apis/coordination.k8s.io/v1/leases")["kind"], "LeaseList", "no leases")


@test
def a_dry_run_changes_nothing():
    with generated(pods=5) as s:
        path, rv = a_pod(s), revision(s)
        r, body = s.patch(path + "?dryRun=All", {"metadata": {"labels": {"dry": "run"}}})
        equal((r.status, json.loads(body)["metadata"]["labels"]["dry"]), (200, "run"), "answer")
        equal(s.ask("DELETE", path + "?dryRun=All")[0].status, 200, "delete")
        equal((revision(s), "dry" in s.get(path)["metadata"]["labels"]), (rv, False), "nothing happened")


@test
def tables_and_partial_objects_are_listed_and_watched():
    table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
    partial = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json"
    with generated() as s:
        full = s.get(PODS)
        got = s.get(PODS, Accept=table)
        equal([c["name"] for c in got["columnDefinitions"]], ["Name", "Ready", "Status", "Restarts", "Age", "IP", "Node",
                                                              "Nominated Node", "Readiness Gates"], "columns")
        equal([(r["cells"][0], r["object"]["metadata"]["namespace"]) for r in got["rows"]],
              [(n, ns) for ns, n in keys(full)], "rows")
        states = {r["cells"][2] for r in got["rows"]}
        equal(states >= {"Running", "Completed"}, True, states)
        equal({len(r["cells"]) for r in got["rows"]}, {9}, "cells")
        got = s.get(PODS, Accept=partial)
        equal((got["kind"], got["items"][0]["kind"]), ("PartialObjectMetadataList", "PartialObjectMetadata"), "kind")
        equal([i["metadata"] for i in got["items"]], [i["metadata"] for i in full["items"]], "metadata")
        with s.watch(f"{PODS}?watch=1&resourceVersion={revision(s)}", Accept=table) as w:
            label(s, a_pod(s), a="b")
            e = w.event()
            equal((e["type"], e["object"]["kind"], len(e["object"]["rows"])), ("MODIFIED", "Table", 1), "event")


@test
def what_was_loaded_raw_is_served_as_it_was():
    path = os.path.join(sim.DATA, "pods-1000.json.gz")
    with gzip.open(path) as f:
        raw = f.read()
    with Sim("--load-json", path, "--load-json", os.path.join(sim.DATA, "nodes-100.json.gz")) as s:
        _, got = s.ask("GET", PODS)
        equal(got.split(b'"items":')[1], raw.split(b'"items":')[1], "items")
        equal(len(s.get("/api/v1/nodes")["items"]), 100, "nodes")
        spaces = [n for _, n in keys(s.get("/api/v1/namespaces"))]
        equal([n for n in spaces if n.startswith("team-")], [f"team-{i:03d}" for i in range(5)], "namespaces")


@test
def large_answers_are_compressed_when_asked():
    with generated() as s:
        r, plain = s.ask("GET", PODS)
        equal(r.getheader("Content-Encoding"), None, "not asked")
        r, packed = s.ask("GET", PODS, headers={"Accept-Encoding": "gzip"})
        equal((r.getheader("Content-Encoding"), r.getheader("Vary")), ("gzip", "Accept-Encoding"), "headers")
        equal(gzip.decompress(packed), plain, "content")
        equal(s.ask("GET", PODS + "?limit=2", headers={"Accept-Encoding": "gzip"})[0].getheader("Content-Encoding"),
              None, "small")


@test
def the_same_seed_gives_the_same_cluster_and_another_gives_another():
    lists = []
    for seed in (7, 7, 8):
        with Sim("--pods", 200, "--namespaces", 3, "--nodes", 4, "--seed", seed) as s:
            lists.append([s.ask("GET", "/api/v1/" + kind)[1] for kind in ("namespaces", "nodes", "pods")])
    equal(lists[0] == lists[1], True, "same seed")
    equal(lists[0] == lists[2], False, "other seed")


@test
def generated_pods_are_as_large_and_as_varied_as_real_ones():
    with Sim("--pods", 3000, "--namespaces", 20, "--nodes", 50) as s:
        _, text = s.ask("GET", PODS)
        pods = json.loads(text)["items"]
        namespaces = keys(s.get("/api/v1/namespaces"))
    mean = len(text) / len(pods)
    equal(14500 < mean < 16500, True, f"mean size {mean:.0f}")
    equal(len(namespaces), 24, "namespaces")
    equal(len({p["metadata"]["namespace"] for p in pods}), 20, "every namespace has pods")
    equal(len({p["metadata"]["uid"] for p in pods}), 3000, "uids")
    notes = [p["metadata"]["annotations"] for p in pods]
    sizes = [sum(map(len, a.values())) for a in notes]
    phases = collections.Counter(p["status"]["phase"] for p in pods)
    for what, found in {
            "a large annotation": max(sizes) > 50000 and max(sizes) <= 256 * 1024,
            "no labels at all": any("labels" not in p["metadata"] for p in pods),
            "labels a and a/b": any({"app.kubernetes.io", "app.kubernetes.io/name"} <= set(p["metadata"].get("labels", ()))
                                    for p in pods),
            "annotations a and a/b": any({"example.com", "example.com/lines"} <= set(a) for a in notes),
            "a prefix in capitals": any("EXAMPLE.com/Owner" in a for a in notes),
            "an empty value": any("" in a.values() for a in notes),
            "odd characters": all(any(c in v for a in notes for v in a.values()) for c in '"\n\t<>&\\\x01\u2028😀ü'),
            "several containers": {len(p["spec"]["containers"]) for p in pods} == {1, 2, 3, 4},
            "init containers": any("initContainers" in p["spec"] for p in pods),
            "a sidecar": any(c.get("restartPolicy") for p in pods for c in p["spec"].get("initContainers", ())),
            "a gate with a slash": any("/" in c["type"] for p in pods for c in p["status"].get("conditions", ())),
            "two addresses": any(len(p["status"].get("podIPs", ())) == 2 for p in pods),
            "the host's network": any(p["spec"].get("hostNetwork") for p in pods),
            "pending, without node and addresses": any(p["status"]["phase"] == "Pending" and "nodeName" not in p["spec"]
                                                       and "podIP" not in p["status"] for p in pods),
            "all phases": set(phases) == {"Running", "Pending", "Succeeded", "Failed"},
            "all classes": {p["status"]["qosClass"] for p in pods} == {"Guaranteed", "Burstable", "BestEffort"},
            "managedFields": all(p["metadata"]["managedFields"] for p in pods),
            "sorted maps": all(list(m) == sorted(m, key=str.encode) for p in pods
                               for m in (p["metadata"].get("labels", {}), p["metadata"]["annotations"]))}.items():
        equal(found, True, what)


@test
def churn_changes_all_kinds_of_things_at_its_rate_and_stops():
    with generated(pods=50) as s:
        rv = revision(s)
        with s.watch(f"{PODS}?watch=1&resourceVersion={rv}") as pods, s.watch(f"/api/v1/nodes?watch=1&resourceVersion={rv}") as nodes:
            start = time.monotonic()
            post(s, "/apisim/churn?rate=500")
            types = collections.Counter(pods.event()["type"] for _ in range(400))
            took = time.monotonic() - start
            end = int(post(s, "/apisim/churn?rate=0")["resourceVersion"])
            equal(nodes.event()["type"], "MODIFIED", "nodes")
        equal(set(types), {"ADDED", "MODIFIED", "DELETED"}, types)
        # 400 events of pods are about 440 changes
        equal(0.5 < took < 5, True, f"took {took:.2f} s")
        equal(revision(s), end, "after the answer nothing changes")
        equal(len(s.get(PODS)["items"]), 50, "as many pods as before")
        for o in s.get(PODS)["items"] + s.get("/api/v1/nodes")["items"]:
            for m in (o["metadata"].get("labels", {}), o["metadata"].get("annotations", {})):
                equal(list(m), sorted(m, key=str.encode), "maps stay sorted")


@test
def the_rate_paces_lists_and_watches():
    with generated("--rate", 600000, pods=40) as s:
        start = time.monotonic()
        pods = s.ask("GET", PODS)[1]
        took = time.monotonic() - start
        equal(0.8 * len(pods) / 600000 < took < 2 * len(pods) / 600000 + 1, True, f"{len(pods)} bytes in {took:.2f} s")
        meta = json.loads(pods)["items"][0]["metadata"]
        with s.watch(f"{PODS}?watch=1&resourceVersion={revision(s)}") as w:
            label(s, f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}", a="b")
            equal(w.event()["type"], "MODIFIED", "event")


@test
def stats_count():
    with generated(pods=5) as s:
        first = s.get("/apisim/stats")
        equal(first["objects"], {"namespaces": 8, "nodes": 5, "pods": 5}, "objects")
        equal(s.get("/apisim/stats")["requests"] > first["requests"], True, "requests")


@test
def it_ends_on_sigterm_and_refuses_a_wrong_command_line():
    s = generated(pods=5)
    equal(s.stop(), 0, "SIGTERM")
    for args in (["--bogus"], ["--pods", "x"], ["extra"], ["--tls-cert", "only"]):
        try:
            Sim(*args).stop()
        except RuntimeError:
            continue
        raise AssertionError(f"{args} was taken")


if __name__ == "__main__":
    sim.run()
