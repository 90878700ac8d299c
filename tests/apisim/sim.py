# SPDX-License-Identifier: Apache-2.0
"""What the tests of apisim share: starting it, asking it, TAP."""

import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
RECORDINGS = os.path.join(os.path.dirname(HERE), "recordings")
DATA = os.path.join(os.path.dirname(HERE), "data")
APISIM = os.path.abspath(os.environ.get("APISIM", os.path.join(ROOT, "build/tests/apisim/apisim")))


class Sim:
    """A running apisim; use it with `with`, so that it always ends."""

    def __init__(self, *args):
        self.process = subprocess.Popen([APISIM, *map(str, args)], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            self.process.wait()
            raise RuntimeError(f"apisim did not start: {line!r}")
        self.url = line.split()[-1]
        self.address = urllib.parse.urlsplit(self.url)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()
        return self.process.returncode

    def connect(self, context=None, timeout=20):
        where = (self.address.hostname, self.address.port)
        if self.address.scheme == "https":
            return http.client.HTTPSConnection(*where, context=context, timeout=timeout)
        return http.client.HTTPConnection(*where, timeout=timeout)

    def ask(self, method, path, body=None, headers=None, context=None):
        """(response, body as bytes)"""
        c = self.connect(context)
        c.request(method, path, body, headers or {})
        r = c.getresponse()
        data = r.read()
        c.close()
        return r, data

    def get(self, path, **headers):
        r, data = self.ask("GET", path, headers=headers)
        if r.status != 200:
            raise AssertionError(f"GET {path}: {r.status} {data[:300]!r}")
        return json.loads(data)

    def patch(self, path, change, kind="merge-patch", **headers):
        headers["Content-Type"] = f"application/{kind}+json"
        return self.ask("PATCH", path, json.dumps(change), headers)

    def watch(self, path, **headers):
        return Watch(self, path, headers)


class Watch:
    """An open watch; event() waits for the next one, and gives None at the end."""

    def __init__(self, sim, path, headers):
        self.connection = sim.connect()
        self.connection.request("GET", path, headers=headers)
        self.response = self.connection.getresponse()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def line(self):
        return self.response.readline()

    def event(self):
        line = self.line()
        return json.loads(line) if line else None


class Recording:
    """One file of recordings/: the request in its comment, the raw answer behind it."""

    def __init__(self, name):
        with open(os.path.join(RECORDINGS, name + ".http"), "rb") as f:
            comment, answer = f.read().split(b"\n", 1)
        head, self.body = answer.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        self.comment = comment.decode()
        self.method, self.path = self.comment[2:].split(" ")[:2]
        self.status = int(lines[0].split(" ")[1])
        self.reason = lines[0].split(" ", 2)[2]
        self.headers = dict(line.split(": ", 1) for line in lines[1:])


def temporary(text, suffix=".json"):
    """A file with that text, for as long as the process lives."""
    f = tempfile.NamedTemporaryFile("w", suffix=suffix, prefix="apisim-test-")
    f.write(text if isinstance(text, str) else json.dumps(text))
    f.flush()
    KEEP.append(f)
    return f.name


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


KEEP = []
TESTS = []


def test(f):
    """A test: its name, read as a sentence, is what TAP shows."""
    TESTS.append(f)
    return f


def equal(got, wanted, what=""):
    if got != wanted:
        raise AssertionError(f"{what}: {difference(got, wanted)}")


def difference(got, wanted):
    if isinstance(got, (bytes, str)) and isinstance(wanted, type(got)):
        at = next((i for i, (a, b) in enumerate(zip(got, wanted)) if a != b), min(len(got), len(wanted)))
        lo = max(0, at - 60)
        return f"at {at} of {len(got)}/{len(wanted)}: got ...{got[lo:at + 80]!r}, wanted ...{wanted[lo:at + 80]!r}"
    return f"got {got!r}, wanted {wanted!r}"


def run():
    """Runs the tests, or those whose number is on the command line, and exits."""
    failed = 0
    chosen = [int(a) for a in sys.argv[1:]]
    print(f"1..{len(TESTS)}", flush=True)
    for number, f in enumerate(TESTS, 1):
        name = f.__name__.replace("_", " ")
        if chosen and number not in chosen:
            print(f"ok {number} - {name} # SKIP not asked for", flush=True)
            continue
        try:
            f()
            print(f"ok {number} - {name}", flush=True)
        except Exception:
            failed += 1
            print(f"not ok {number} - {name}", flush=True)
            for line in traceback.format_exc().splitlines():
                print("# " + line, flush=True)
    sys.exit(1 if failed else 0)
