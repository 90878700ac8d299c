#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Lists: pages, revisions, selectors, forms."""

import gzip
import json

import sim
from sim import PODS, a_pod, equal, generated, keys, label, post, revision, test


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


STREAM = "?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=1"


def stream(s):
    """The types of a streamed list's events, and the annotations of its last object."""
    with s.watch(PODS + STREAM) as w:
        events = list(iter(w.event, None))
        return [e["type"] for e in events], [e["object"]["metadata"].get("annotations") for e in events[5:]]


@test
def a_list_can_be_streamed_but_not_from_servers_that_cannot():
    with generated(pods=5) as s:
        types, notes = stream(s)
        equal(types, ["ADDED"] * 5 + ["BOOKMARK"] * 2, "events")
        equal(notes, [{"k8s.io/initial-events-end": "true"}, None], "annotations")
    with generated("--streaming-lists", "no", pods=5) as s:
        r, body = s.ask("GET", PODS + STREAM)
        equal(r.status, 422, body)
        equal(json.loads(body)["message"], 'ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: '
              "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled", "message")
    with generated("--streaming-lists", "ignored", pods=5) as s:
        equal(stream(s), (["ADDED"] * 5 + ["BOOKMARK"], [None]), "events")


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
def large_answers_are_compressed_when_asked():
    with generated() as s:
        r, plain = s.ask("GET", PODS)
        equal(r.getheader("Content-Encoding"), None, "not asked")
        r, packed = s.ask("GET", PODS, headers={"Accept-Encoding": "gzip"})
        equal((r.getheader("Content-Encoding"), r.getheader("Vary")), ("gzip", "Accept-Encoding"), "headers")
        equal(gzip.decompress(packed), plain, "content")
        equal(s.ask("GET", PODS + "?limit=2", headers={"Accept-Encoding": "gzip"})[0].getheader("Content-Encoding"),
              None, "small")


if __name__ == "__main__":
    sim.run()
