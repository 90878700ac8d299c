#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The cluster behind it: loaded, generated, changing; and the server itself."""

import collections
import gzip
import json
import os
import time

import sim
from sim import PODS, Sim, equal, generated, keys, label, post, revision, test


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


def each_key_once(pairs):
    equal(len({k for k, _ in pairs}), len(pairs), [k for k, _ in pairs])
    return dict(pairs)


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
        for path in (PODS, "/api/v1/nodes"):
            for o in json.loads(s.ask("GET", path)[1], object_pairs_hook=each_key_once)["items"]:
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
def rights_can_be_granted_while_it_runs():
    with Sim("--token", "secret=bob", "--grant", "bob=list:pods:shop", "--nodes", 1) as s:
        def may(path, token="secret"):
            return s.ask("GET", path, headers={"Authorization": "Bearer " + token})[0].status
        nodes, shop, bank = "/api/v1/nodes", "/api/v1/namespaces/shop/pods", "/api/v1/namespaces/bank/pods"
        equal([may(nodes), may(shop), may(bank)], [403, 200, 403], "before")
        for grant in ("bob=list,watch:nodes", "bob=*:pods:bank", "bobby=*:*"):
            equal(s.ask("POST", "/apisim/grant?grant=" + grant)[0].status, 200, grant)
        equal([may(nodes), may(shop), may(bank), may("/api/v1/pods")], [200, 200, 200, 403], "afterwards")
        for wrong in ("", "?grant=bob", "?grant=bob:list=pods"):
            equal(s.ask("POST", "/apisim/grant" + wrong)[0].status, 400, wrong)
        equal(may("/api/v1/namespaces"), 403, "what was never granted")


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
