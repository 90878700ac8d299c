#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes: create, replace, patch, delete, and what is refused."""

import json

import sim
from sim import Sim, a_pod, equal, generated, label, revision, test


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


if __name__ == "__main__":
    sim.run()
