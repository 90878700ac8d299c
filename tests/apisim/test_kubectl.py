#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The real kubectl works on apisim: over HTTP, over HTTPS with a token and with a certificate,
and curl over HTTP/2 through h2front."""

import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

import sim
from sim import Sim, equal, temporary, test

CACHE = tempfile.mkdtemp(prefix="apisim-kubectl-")

MANIFESTS = """
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Node
metadata:
  name: node-a
  labels: {topology.kubernetes.io/zone: a, node-role.kubernetes.io/worker: ""}
---
apiVersion: v1
kind: Node
metadata: {name: node-b}
---
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
  labels: {app: web, tier: front}
  annotations:
    note: "two\\nlines, a \\"quote\\", <tag> & \\u00fc"
spec:
  nodeSelector: {topology.kubernetes.io/zone: a}
  initContainers:
  - {name: setup, image: "busybox:1.36"}
  containers:
  - name: web
    image: nginx:1.25
    ports: [{containerPort: 80}]
    resources: {limits: {cpu: "0.5", memory: 1024Mi}}
  - {name: log, image: busybox}
---
apiVersion: v1
kind: Pod
metadata: {name: cart-0, namespace: shop, labels: {app: cart}}
spec:
  containers: [{name: cart, image: "cart:2"}]
"""

POD = """
apiVersion: v1
kind: Pod
metadata: {name: made, namespace: shop, labels: {app: made}}
spec:
  containers: [{name: c, image: "busybox:1"}]
"""


def cluster(*args):
    return Sim("--load", temporary(MANIFESTS, ".yaml"), *args)


class Kubectl:
    def __init__(self, server, *options):
        self.base = ["kubectl", "--server", server, *options]
        self.env = dict(os.environ, KUBECONFIG="/dev/null", KUBECACHEDIR=CACHE, HOME=CACHE)

    def run(self, *args, stdin=None):
        return subprocess.run([*self.base, *args], input=stdin, env=self.env, text=True,
                              capture_output=True, timeout=60)

    def __call__(self, *args, stdin=None):
        r = self.run(*args, stdin=stdin)
        if r.returncode:
            raise AssertionError(f"kubectl {' '.join(args)}: {r.returncode}\n{r.stdout}{r.stderr}")
        return r.stdout

    def start(self, *args):
        return subprocess.Popen([*self.base, *args], env=self.env, text=True, stdout=subprocess.PIPE)


def words(line):
    return line.split()


@test
def kubectl_gets_pods_nodes_and_namespaces_as_tables():
    with cluster() as s:
        k = Kubectl(s.url)
        rows = k("get", "pods", "-A").splitlines()
        equal(words(rows[0]), ["NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "AGE"], "columns")
        equal([words(r)[:5] for r in rows[1:]], [["shop", "cart-0", "1/1", "Running", "0"],
                                                 ["shop", "web", "2/2", "Running", "0"]], "rows")
        rows = k("get", "nodes").splitlines()
        equal([words(r)[:3] for r in rows[1:]], [["node-a", "Ready", "worker"],
                                                 ["node-b", "Ready", "<none>"]], "nodes")
        names = [words(r)[0] for r in k("get", "ns").splitlines()[1:]]
        equal(names, ["default", "kube-node-lease", "kube-public", "kube-system", "shop"], "ns")


@test
def kubectl_gets_wide_and_with_labels():
    with cluster() as s:
        k = Kubectl(s.url)
        head, row = k("get", "pod", "web", "-n", "shop", "-o", "wide", "--show-labels").splitlines()
        equal(head.split()[5:], "IP NODE NOMINATED NODE READINESS GATES LABELS".split(), "columns")
        equal(words(row)[6:], ["node-a", "<none>", "<none>", "app=web,tier=front"], "row")
        head, row = k("get", "node", "node-a", "-o", "wide").splitlines()
        if "containerd://" not in row or "192.168." not in row:
            raise AssertionError(row)


@test
def kubectl_gets_json_with_the_defaults_and_the_status_of_a_running_pod():
    with cluster() as s:
        o = json.loads(Kubectl(s.url)("get", "pod", "web", "-n", "shop", "-o", "json"))
    spec, status = o["spec"], o["status"]
    equal(o["metadata"]["annotations"]["note"], "two\nlines, a \"quote\", <tag> & ü", "annotation")
    equal([spec[k] for k in ("restartPolicy", "dnsPolicy", "terminationGracePeriodSeconds",
                             "serviceAccountName", "schedulerName", "nodeName")],
          ["Always", "ClusterFirst", 30, "default", "default-scheduler", "node-a"], "defaults")
    equal(spec["containers"][0]["resources"],
          {"limits": {"cpu": "500m", "memory": "1Gi"}, "requests": {"cpu": "500m", "memory": "1Gi"}},
          "requests are the limits, in canonical form")
    equal([c["imagePullPolicy"] for c in spec["containers"]], ["IfNotPresent", "Always"], "pull")
    equal(len(spec["tolerations"]), 2, "tolerations")
    equal((status["phase"], status["qosClass"]), ("Running", "Burstable"), "status")
    equal({c["type"]: c["status"] for c in status["conditions"]},
          dict.fromkeys(["Initialized", "Ready", "ContainersReady", "PodScheduled"], "True"),
          "conditions")
    equal(status["podIPs"], [{"ip": status["podIP"]}], "addresses")
    equal(status["hostIPs"], [{"ip": status["hostIP"]}], "addresses of the node")
    for c in status["containerStatuses"]:
        equal((c["ready"], c["started"], c["restartCount"]), (True, True, 0), c["name"])
        if not re.fullmatch("containerd://[0-9a-f]{64}", c["containerID"]) or "@sha256:" not in c["imageID"]:
            raise AssertionError(c)
    equal(status["initContainerStatuses"][0]["state"]["terminated"]["reason"], "Completed", "init")


@test
def kubectl_gets_yaml():
    with cluster() as s:
        text = Kubectl(s.url)("get", "pod", "cart-0", "-n", "shop", "-o", "yaml")
    for line in ("kind: Pod", "  name: cart-0", "  phase: Running"):
        if line not in text.splitlines():
            raise AssertionError(f"no '{line}' in\n{text}")


@test
def kubectl_describes_a_pod_a_node_and_a_namespace():
    with cluster() as s:
        k = Kubectl(s.url)
        pod = k("describe", "pod", "web", "-n", "shop")
        node = k("describe", "node", "node-a")
        ns = k("describe", "ns", "shop")
    for text, wanted in ((pod, "Node: node-a/"), (pod, "Restart Count: 0"), (pod, "Events: <none>"),
                         (node, "Non-terminated Pods:"), (node, "KubeletReady"), (ns, "Status: Active")):
        if wanted not in " ".join(text.split()):
            raise AssertionError(f"no '{wanted}' in\n{text}")


@test
def kubectl_labels_annotates_and_takes_both_away():
    with cluster() as s:
        k = Kubectl(s.url, "-n", "shop")
        equal(k("label", "pod", "web", "release=canary"), "pod/web labeled\n", "label")
        r = k.run("label", "pod", "web", "release=stable")
        equal(r.returncode, 1, "a label that is there is refused without --overwrite")
        k("label", "pod", "web", "release=stable", "--overwrite")
        k("annotate", "pod", "web", "example.com/text=a \"b\"\n<c>")
        meta = json.loads(k("get", "pod", "web", "-o", "json"))["metadata"]
        equal(meta["labels"]["release"], "stable", "label")
        equal(meta["annotations"]["example.com/text"], "a \"b\"\n<c>", "annotation")
        k("label", "pod", "web", "release-")
        k("annotate", "pod", "web", "example.com/text-")
        meta = json.loads(k("get", "pod", "web", "-o", "json"))["metadata"]
        equal(("release" in meta["labels"], "example.com/text" in meta["annotations"]), (False, False), "gone")
        equal(k("label", "node", "node-b", "disk=ssd"), "node/node-b labeled\n", "node")
        equal(k("label", "ns", "shop", "a=b"), "namespace/shop labeled\n", "namespace")


@test
def kubectl_patches_in_all_three_ways():
    with cluster() as s:
        k = Kubectl(s.url, "-n", "shop")
        k("patch", "pod", "web", "-p", '{"spec":{"containers":[{"name":"log","image":"busybox:2"}]}}')
        k("patch", "pod", "web", "--type=merge", "-p", '{"metadata":{"labels":{"tier":null,"m":"1"}}}')
        k("patch", "pod", "web", "--type=json", "-p",
          '[{"op":"test","path":"/metadata/labels/m","value":"1"},'
          '{"op":"replace","path":"/metadata/labels/m","value":"2"},'
          '{"op":"add","path":"/metadata/annotations/a~1b","value":"c"}]')
        o = json.loads(k("get", "pod", "web", "-o", "json"))
        equal([c["image"] for c in o["spec"]["containers"]], ["nginx:1.25", "busybox:2"],
              "a strategic patch merges containers by name")
        equal(o["metadata"]["labels"], {"app": "web", "m": "2"}, "labels")
        equal(o["metadata"]["annotations"]["a/b"], "c", "a key with a slash")
        k("patch", "pod", "web", "--subresource=status", "--type=merge", "-p", '{"status":{"phase":"Failed"}}')
        equal(k("get", "pod", "web", "-o", "jsonpath={.status.phase}"), "Failed", "status")


@test
def kubectl_creates_applies_and_deletes():
    with cluster() as s:
        k = Kubectl(s.url)
        equal(k("create", "-f", "-", stdin=POD), "pod/made created\n", "create")
        r = k.run("create", "-f", "-", stdin=POD)
        equal((r.returncode, "AlreadyExists" in r.stderr), (1, True), "twice")
        equal(k("apply", "-f", "-", stdin=POD), "pod/made configured\n", "apply")
        equal(k("apply", "-f", "-", stdin=POD), "pod/made unchanged\n", "the same again")
        equal(k("apply", "-f", "-", stdin=POD.replace("busybox:1", "busybox:2")), "pod/made configured\n", "change")
        get = ("get", "pod", "made", "-n", "shop", "-o", "jsonpath={.spec.containers[0].image} {.status.phase}")
        equal(k(*get), "busybox:2 Running", "image")
        equal(k("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=POD), "pod/made serverside-applied\n", "SSA")
        equal(k(*get), "busybox:1 Running", "image")
        equal(k("delete", "pod", "made", "-n", "shop"), 'pod "made" deleted\n', "delete")
        equal(k.run("get", "pod", "made", "-n", "shop").returncode, 1, "gone")


@test
def kubectl_is_told_of_unknown_fields():
    with cluster() as s:
        r = Kubectl(s.url).run("create", "-f", "-", stdin=POD.replace("spec:", "spec:\n  conatiners: []"))
    equal((r.returncode, 'unknown field "spec.conatiners"' in r.stderr), (1, True), r.stderr)


@test
def kubectl_deletes_a_namespace_with_its_pods():
    with cluster() as s:
        k = Kubectl(s.url)
        equal(k("delete", "ns", "shop"), 'namespace "shop" deleted\n', "delete")
        equal(json.loads(k("get", "pods", "-A", "-o", "json"))["items"], [], "pods")


@test
def kubectl_selects_by_labels_and_fields():
    with cluster() as s:
        k = Kubectl(s.url, "-n", "shop", "get", "pods", "-o", "name")
        for args, wanted in ((("-l", "app in (web,x),tier!=back"), ["web"]), (("-l", "!tier"), ["cart-0"]),
                             (("--field-selector", "spec.nodeName!=,metadata.name!=cart-0"), ["web"]),
                             (("--field-selector", "metadata.name=cart-0"), ["cart-0"])):
            got = [line.split("/")[1] for line in k(*args).splitlines() if line]
            equal(got, wanted, str(args))
        r = k.run("--field-selector", "spec.bogus=1")
        equal((r.returncode, "field label not supported: spec.bogus" in r.stderr), (1, True), r.stderr)


@test
def kubectl_watches():
    with cluster() as s:
        k = Kubectl(s.url, "-n", "shop")
        p = k.start("get", "pods", "-w", "--output-watch-events")
        try:
            for _ in range(3):
                p.stdout.readline()  # the columns, and two that are there
            k("label", "pod", "web", "seen=yes")
            k("delete", "pod", "cart-0")
            equal(words(p.stdout.readline())[:2], ["MODIFIED", "web"], "label")
            equal(words(p.stdout.readline())[:2], ["DELETED", "cart-0"], "delete")
            k("create", "-f", "-", stdin=POD)
            equal(words(p.stdout.readline())[:2], ["ADDED", "made"], "create")
        finally:
            p.kill()
            p.wait()
            p.stdout.close()


def openssl(directory, *args):
    subprocess.run(["openssl", *args], cwd=directory, check=True, capture_output=True)


class Certificates:
    """A CA, a server's and a client's certificate, in a directory of their own."""

    def __init__(self):
        self.directory = d = tempfile.mkdtemp(prefix="apisim-tls-")
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        openssl(d, "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj", "/CN=test-ca")
        for name, subject, extension in (("server", "/CN=apisim", "subjectAltName=IP:127.0.0.1,DNS:localhost"),
                                         ("client", "/O=developers/CN=alice", "extendedKeyUsage=clientAuth")):
            with open(os.path.join(d, name + ".ext"), "w") as f:
                f.write(extension)
            openssl(d, "req", *key, "-keyout", name + ".key", "-out", name + ".csr", "-subj", subject)
            openssl(d, "x509", "-req", "-in", name + ".csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                    "-CAcreateserial", "-out", name + ".crt", "-days", "2", "-extfile", name + ".ext")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.directory)

    def __getitem__(self, name):
        return os.path.join(self.directory, name)


@test
def kubectl_works_over_https_with_a_token():
    with Certificates() as c, cluster("--tls-cert", c["server.crt"], "--tls-key", c["server.key"],
                                      "--token", "secret=bob", "--grant", "bob=get,list,watch:pods:shop") as s:
        k = Kubectl(s.url, "--certificate-authority", c["ca.crt"], "--token", "secret")
        equal(k("get", "pod", "web", "-n", "shop", "-o", "name"), "pod/web\n", "allowed")
        r = k.run("get", "pods", "-A")
        wanted = 'User "bob" cannot list resource "pods" in API group "" at the cluster scope'
        equal((r.returncode, wanted in r.stderr), (1, True), r.stderr)
        r = k.run("label", "pod", "web", "-n", "shop", "a=b")
        equal((r.returncode, 'cannot patch resource "pods"' in r.stderr), (1, True), r.stderr)
        equal(k.run("auth", "can-i", "list", "nodes").stdout, "no\n", "can-i")
        r = Kubectl(s.url, "--certificate-authority", c["ca.crt"], "--token", "wrong").run("get", "pods", "-n", "shop")
        equal((r.returncode, "Unauthorized" in r.stderr or "must be logged in" in r.stderr), (1, True), r.stderr)
        r = Kubectl(s.url, "--token", "secret").run("get", "pods", "-n", "shop")
        equal((r.returncode, "certificate" in r.stderr), (1, True), "an unknown CA: " + r.stderr)


@test
def kubectl_works_over_https_with_a_client_certificate():
    with Certificates() as c, cluster("--tls-cert", c["server.crt"], "--tls-key", c["server.key"],
                                      "--client-ca", c["ca.crt"], "--grant", "alice=get:pods") as s:
        k = Kubectl(s.url, "--certificate-authority", c["ca.crt"], "--client-certificate", c["client.crt"],
                    "--client-key", c["client.key"])
        equal(k("get", "pod", "web", "-n", "shop", "-o", "name"), "pod/web\n", "allowed")
        r = k.run("get", "nodes")
        equal((r.returncode, 'User "alice" cannot list resource "nodes"' in r.stderr), (1, True), r.stderr)
        r = Kubectl(s.url, "--certificate-authority", c["ca.crt"]).run("get", "pod", "web", "-n", "shop")
        equal(r.returncode, 1, "without a certificate")


def wait_for_port(port, process):
    for _ in range(200):
        if process.poll() is not None:
            raise AssertionError("h2front ended: " + process.stderr.read())
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError("h2front does not listen")


@test
def curl_lists_and_watches_over_http2_through_the_front():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"https://127.0.0.1:{port}/api/v1/pods"
    with Certificates() as c, cluster() as s:
        front = subprocess.Popen([os.path.join(sim.HERE, "h2front"), s.url, str(port), c["server.key"], c["server.crt"]],
                                 stderr=subprocess.PIPE, text=True)
        curl = ["curl", "-sN", "--max-time", "30", "--http2", "--cacert", c["ca.crt"]]
        watch = None
        try:
            wait_for_port(port, front)
            out = subprocess.run([*curl, "-w", "\n%{http_version} %{http_code}", url],
                                 capture_output=True, text=True, check=True).stdout
            body, version = out.rsplit("\n", 1)
            equal(version, "2 200", "version and code")
            equal(body.encode(), s.ask("GET", "/api/v1/pods")[1], "the same list as over HTTP/1.1")
            rv = json.loads(body)["metadata"]["resourceVersion"]
            watch = subprocess.Popen([*curl, f"{url}?watch=1&resourceVersion={rv}"], stdout=subprocess.PIPE)
            s.patch("/api/v1/namespaces/shop/pods/web", {"metadata": {"labels": {"h2": "yes"}}})
            event = json.loads(watch.stdout.readline())
            equal((event["type"], event["object"]["metadata"]["labels"]["h2"]), ("MODIFIED", "yes"), "event")
        finally:
            for p in (watch, front):
                if p:
                    p.terminate()
                    p.wait()
            front.stderr.close()
            if watch:
                watch.stdout.close()


if __name__ == "__main__":
    try:
        sim.run()
    finally:
        shutil.rmtree(CACHE, ignore_errors=True)
