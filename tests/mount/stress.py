#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
Eight readers beside 200 changes a second: no read is wrong.

A watcher of the test's own records every version of every object. Each reader notes what it read where.
Afterwards every value must be one that some version had, in an order in which time goes forward, and at
rest the mount must equal the server.
"""
import collections
import contextlib
import http.client
import json
import os
import random
import threading
import time
import urllib.parse

from lib import fork, gojson, metrics, model, procs, tap
from lib.apisim import Apisim
from lib.compare import Walk
from lib.mount import Mount, slurp
from lib.procs import until
from lib.tap import check, equal, note, test

READERS, CHANGES = 8, 200


class Record(threading.Thread):
    """Every version of every pod, by a watch of our own from a list's resourceVersion on."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.url = urllib.parse.urlsplit(server.url)
        items, self.version = server.list('pods')
        self.versions = collections.defaultdict(list)
        self.now = {}
        self.error = None
        for obj in items:
            self._add(obj)

    @staticmethod
    def key(obj):
        return obj['metadata']['namespace'], obj['metadata']['name']

    def _add(self, obj):
        self.versions[self.key(obj)].append(obj)
        self.now[self.key(obj)] = obj

    def run(self):
        try:
            while True:
                connection = http.client.HTTPConnection(self.url.hostname, self.url.port)
                connection.request('GET', f'/api/v1/pods?watch=1&resourceVersion={self.version}')
                answer = connection.getresponse()
                while line := answer.readline():
                    event = gojson.loads(line)
                    obj = event['object']
                    self.version = obj['metadata']['resourceVersion']
                    if event['type'] == 'DELETED':
                        self.now.pop(self.key(obj), None)
                    elif event['type'] in ('ADDED', 'MODIFIED'):
                        self._add(obj)
                    else:
                        raise AssertionError(f'{line[:300]}')
        except (OSError, http.client.HTTPException, AssertionError, ValueError) as e:
            self.error = e


def reader(mount, names, seconds, seed):
    """Reads here and there until time is up; returns how often, and (namespace, pod, path, bytes) of each."""
    rng = random.Random(seed)
    seen = []
    end = time.monotonic() + seconds
    count = 0
    while time.monotonic() < end:
        ns, name = rng.choice(names)
        top = mount.pod(ns, name)
        try:
            kind = rng.random()
            if kind < 0.3:
                seen.append((ns, name, 'object.json', slurp(f'{top}/object.json')))
            elif kind < 0.5:
                path = rng.choice(('metadata/resourceVersion', 'metadata/name', 'metadata/uid', 'status/phase',
                                   'metadata/creationTimestamp'))
                seen.append((ns, name, path, slurp(f'{top}/{path}')))
            elif kind < 0.8:
                folder = rng.choice(('metadata/labels', 'metadata/annotations', 'metadata', 'status'))
                for entry in os.scandir(f'{top}/{folder}'):
                    if entry.is_file(follow_symlinks=False):
                        path = f'{folder}/{entry.name}'
                        with contextlib.suppress(FileNotFoundError):
                            seen.append((ns, name, path, slurp(f'{top}/{path}')))
            elif kind < 0.9:
                listed = os.listdir(mount.at('namespaces', ns, 'pods'))
                seen.append((ns, None, 'listing', tuple(listed)))
            else:
                for directory, _, files in os.walk(f'{top}/status'):
                    for file in files:
                        with contextlib.suppress(FileNotFoundError):
                            path = os.path.join(directory, file)
                            seen.append((ns, name, os.path.relpath(path, top), slurp(path)))
        except FileNotFoundError:
            pass
        count += 1
        if len(seen) > 400000:
            break
    return count, seen


def value_at(tree, path):
    for part in path.split('/'):
        if not isinstance(tree, dict) or part not in tree:
            return None
        tree = tree[part]
    return tree


class Judge:
    """Knows which bytes each path of each pod ever had."""

    def __init__(self, record):
        self.versions = record.versions
        self.trees = {}
        self.values = {}

    def _trees(self, key):
        if key not in self.trees:
            self.trees[key] = [model.fields(obj) for obj in self.versions[key]]
        return self.trees[key]

    def ever(self, key, path):
        if (key, path) not in self.values:
            if path == 'object.json':
                found = {gojson.dumps(obj) for obj in self.versions[key]}
            else:
                found = {value_at(tree, path) for tree in self._trees(key)
                         if not isinstance(value_at(tree, path), dict)}
            self.values[key, path] = found
        return self.values[key, path]

    def order(self, key, text):
        meta = json.loads(text)['metadata']
        return meta['creationTimestamp'], int(meta['resourceVersion'])


@contextlib.contextmanager
def surroundings():
    with Apisim('--pods', 300, '--namespaces', 4, '--nodes', 10, '--seed', 11) as server, Mount(server) as mount:
        yield server, mount


@test(f'{READERS} readers beside {CHANGES} changes a second: every value read was one of the server')
def stress(scene):
    server, mount = scene
    seconds = 60 if tap.options.long else 10
    record = Record(server)
    names = list(record.now)
    constant = {ns: {n for s, n in names if s == ns} for ns, _ in names}
    record.start()
    before = metrics.read(mount)
    server.control(f'churn?rate={CHANGES}')
    results = fork.each(READERS, lambda n: reader(mount, names, seconds, n))
    server.control('churn?rate=0')
    until(lambda: record.error or int(record.version) >= _latest(server), 'our own watch has everything', 30)
    check(not record.error, f'our own watch: {record.error}')
    after = metrics.read(mount)
    runs, reads, wrong = 0, 0, []
    judge = Judge(record)
    for ns, gone in constant.items():
        constant[ns] = {n for n in gone if (ns, n) in record.now
                        and len({o['metadata']['uid'] for o in record.versions[ns, n]}) == 1}
    for count, seen in results:
        runs, reads = runs + count, reads + len(seen)
        wrong += judge_reader(judge, seen, constant)
    changes = sum(map(len, record.versions.values())) - len(names)
    events = sum(after[k] - before.get(k, 0) for k in after if k.startswith('podfs_events_total')
                 and 'BOOKMARK' not in k)
    note(f'{reads} reads in {runs} runs beside {changes} new versions; podfs took {events:.0f} events')
    check(not wrong, f'{len(wrong)} wrong:\n' + '\n'.join(wrong[:20]))
    check(reads > 200 * seconds / procs.patience(), 'hardly anything was read')
    check(changes > CHANGES * seconds / 2 / procs.patience(), 'hardly anything changed')


def _latest(server):
    return max(int(o['metadata']['resourceVersion']) for o in server.list('pods')[0])


def judge_reader(judge, seen, constant):
    """What one reader saw that cannot be."""
    wrong, newest = [], {}
    for ns, name, path, got in seen:
        key = (ns, name)
        if path == 'listing':
            missing = constant[ns] - set(got)
            if missing or len(got) != len(set(got)):
                wrong.append(f'listing of {ns}: {sorted(missing)[:3]} missing, {len(got) - len(set(got))} twice')
        elif got not in judge.ever(key, path):
            wrong.append(f'{ns}/{name}/{path}: {got[:120]!r} never was')
        elif path == 'object.json':
            now = judge.order(key, got)
            if now < newest.get(key, now):
                wrong.append(f'{ns}/{name}: version {now} after {newest[key]}')
            newest[key] = max(now, newest.get(key, now))
    return wrong


@test('at rest everything equals the server again')
def at_rest(scene):
    server, mount = scene
    cluster = model.Cluster.of(server)
    walk = Walk(raw_every=50)
    for kind, objects in (('nodes', cluster.nodes), ('namespaces', cluster.namespaces)):
        for name, obj in objects.items():
            want = gojson.dumps(obj)
            until(lambda path=mount.at(kind, name, 'object.json'), want=want: slurp(path) == want, name)
    for ns, pods in cluster.pods.items():
        until(lambda ns=ns, pods=pods: set(os.listdir(mount.at('namespaces', ns, 'pods'))) == set(pods), ns)
        for name, obj in list(pods.items())[:25 if procs.sanitized() else None]:
            want = gojson.dumps(obj)
            until(lambda ns=ns, name=name, want=want: slurp(mount.pod(ns, name, 'object.json')) == want, name)
            walk.directory(mount.pod(ns, name), model.pod(obj, cluster.node_of(obj)))
    for name in cluster.nodes:
        walk.directory(mount.node(name), cluster.node(name))
    walk.done()
    note(f'{walk.files} files compared')


if __name__ == '__main__':
    tap.main(surroundings)
