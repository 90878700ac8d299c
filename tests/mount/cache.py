#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
What the kernel knows it does not ask again: by the program's own counters, reading a known file and
listing a known directory cost no FUSE request.
"""
import contextlib
import errno
import os
import subprocess

from lib import metrics, tap
from lib.apisim import Apisim, path_of, pod
from lib.mount import Mount, slurp
from lib.procs import until
from lib.tap import check, equal, note, raises, test


class Scene:
    def __init__(self, server, mount):
        self.server, self.mount = server, mount
        self.pod = mount.pod('here', 'web')


@contextlib.contextmanager
def surroundings():
    with Apisim('--pods', 100, '--namespaces', 2, '--nodes', 4) as server:
        server.create('/api/v1/namespaces', {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': 'here'}})
        for n in range(30):
            server.create(path_of('here'), pod(f'pod-{n}', 'here'))
        server.create(path_of('here'), pod('web', 'here', labels={'app': 'web', 'x.example/tier': 'front'},
                                           annotations={'big': 'x' * 200000}))
        with Mount(server) as mount:
            yield Scene(server, mount)


def free(s, action, what):
    cost = metrics.best_cost(s.mount, action)
    check(not cost, f'{what}: {cost} in the best of five')


@test('the counters count: a cold look at a pod costs requests')
def counters(s):
    def cold():
        slurp(s.mount.pod('here', 'pod-29', 'metadata', 'name'))
    cost = metrics.cost(s.mount, cold)
    note(cost)
    check(cost.get('LOOKUP', 0) >= 3 and cost.get('READ', 0) >= 1, f'{cost}')


@test('reading a known file costs nothing')
def read(s):
    for name in ('labels/app', 'metadata/labels/x.example/tier', 'object.json', 'object.yaml', 'annotations/big',
                 'status/phase', 'spec/containers/main/image'):
        free(s, lambda name=name: slurp(f'{s.pod}/{name}'), name)


@test('opening and closing a known file costs nothing')
def opening(s):
    free(s, lambda: os.close(os.open(f'{s.pod}/labels/app', os.O_RDONLY)), 'open, close')


@test('stat and readlink of known names cost nothing')
def stat(s):
    for name in ('', '/metadata', '/metadata/name', '/object.json', '/object.yaml', '/labels', '/labels/app'):
        free(s, lambda name=name: os.stat(s.pod + name), f'stat {name}')
        free(s, lambda name=name: os.lstat(s.pod + name), f'lstat {name}')
    free(s, lambda: os.readlink(s.pod + '/labels'), 'readlink')
    free(s, lambda: os.access(s.pod + '/labels/app', os.R_OK), 'access')


@test('listing a known directory costs nothing')
def listing(s):
    for path in (s.mount.path, s.mount.at('namespaces'), s.mount.at('namespaces', 'here', 'pods'), s.pod,
                 s.pod + '/metadata', s.pod + '/labels', s.mount.at('nodes')):
        def scan(path=path):
            with os.scandir(path) as entries:
                for e in entries:
                    e.is_dir(follow_symlinks=False)
        free(s, scan, f'scandir {path}')
        free(s, lambda path=path: os.listdir(path), f'listdir {path}')


@test('a name that is known to be absent costs nothing')
def absent(s):
    def look():
        with raises(errno.ENOENT, 'absent'):
            os.stat(s.pod + '/labels/absent')
    free(s, look, 'an absent name')


@test('ls -l of a known directory costs nothing')
def ls(s):
    path = s.mount.at('namespaces', 'here', 'pods')
    free(s, lambda: subprocess.run(['ls', '-ln', path], check=True, stdout=subprocess.DEVNULL), 'ls -ln')
    free(s, lambda: subprocess.run(['find', s.pod + '/metadata', '-type', 'f'], check=True,
                                   stdout=subprocess.DEVNULL), 'find')
    free(s, lambda: subprocess.run(['cat', s.pod + '/labels/app'], check=True, stdout=subprocess.DEVNULL), 'cat')


@test('a change costs only what was changed')
def change(s):
    here = s.mount.pod('here', 'pod-1')
    s.server.patch(path_of('here', 'pod-1'), {'metadata': {'labels': {'a': '1', 'b': '1'}}})
    until(lambda: slurp(here + '/labels/b') == b'1\n', 'the labels')
    for name in ('labels/a', 'labels/b', 'metadata/name', 'spec/containers/main/image'):
        slurp(f'{here}/{name}')
    s.server.patch(path_of('here', 'pod-1'), {'metadata': {'labels': {'a': '2'}}})
    until(lambda: slurp(here + '/labels/a') == b'2\n', 'the new label')
    for name in ('labels/b', 'metadata/name', 'spec/containers/main/image'):
        cost = metrics.cost(s.mount, lambda name=name: slurp(f'{here}/{name}'))
        check(cost.get('READ', 0) == 0, f'{name} did not change: {cost}')


@test('notifications, objects, events and inodes are counted')
def counted(s):
    before = metrics.read(s.mount)
    slurp(s.mount.pod('here', 'pod-2', 'metadata', 'resourceVersion'))
    s.server.patch(path_of('here', 'pod-2'), {'metadata': {'labels': {'n': '1'}}})
    until(lambda: slurp(s.mount.pod('here', 'pod-2', 'labels', 'n')) == b'1\n', 'the label')
    sent = 'podfs_fuse_notifications_total{kind="inval_entry"}'
    # Who looks for a new name finds it, whether the kernel has been told by then or not.
    until(lambda: metrics.read(s.mount)[sent] > before.get(sent, 0), 'a notification')
    after = metrics.read(s.mount)
    equal(after['podfs_objects{resource="pods"}'], 131, 'pods')
    equal(after['podfs_objects{resource="nodes"}'], 4, 'nodes')
    event = 'podfs_events_total{resource="pods",type="MODIFIED"}'
    check(after[event] > before.get(event, 0), 'events')
    check(after['podfs_inodes'] > 10, 'inodes')


@test('the metrics are in the Prometheus text format')
def format_(s):
    import re
    text = s.mount.read('.podfs', 'metrics').decode()
    kinds = {}
    for line in text.splitlines():
        if match := re.fullmatch(r'# TYPE ([a-z0-9_]+) (counter|gauge|histogram)', line):
            kinds[match[1]] = match[2]
        elif not line.startswith('# HELP '):
            match = re.fullmatch(r'([a-z0-9_]+)(\{([a-z_]+="[^"]*",?)+\})? (\d+(\.\d+)?([eE][+-]?\d+)?)', line)
            check(match, f'not a sample: {line!r}')
            check(match[1] in kinds, f'no TYPE before {line!r}')
            equal(match[1].endswith('_total'), kinds[match[1]] == 'counter', f'the name of {match[1]}')
    check(len(kinds) >= 5 and text.endswith('\n'), 'hardly anything there')
    names = [line.rsplit(' ', 1)[0] for line in text.splitlines() if not line.startswith('#')]
    equal(len(names), len(set(names)), 'different samples')


@test('status and metrics are new at every look, and an open one does not change')
def volatile(s):
    fd = os.open(s.mount.at('.podfs', 'metrics'), os.O_RDONLY)
    try:
        size = os.fstat(fd).st_size
        os.stat(s.mount.pod('here', 'pod-3', 'spec'))
        first = os.pread(fd, 1 << 20, 0)
        equal(len(first), size, 'size')
        os.stat(s.mount.pod('here', 'pod-4', 'spec'))
        check(s.mount.read('.podfs', 'metrics') != first, 'a new look gives old counters')
        equal(os.pread(fd, 1 << 20, 0), first, 'an open file')
    finally:
        os.close(fd)
    for name in ('status', 'metrics', 'version'):
        equal(os.stat(s.mount.at('.podfs', name)).st_mode, 0o100444, name)


@test('.podfs/status says what the mount is connected to')
def status(s):
    lines = s.mount.read('.podfs', 'status').decode().splitlines()
    pairs = dict(line.split(': ', 1) for line in lines)
    equal(pairs['server'].rstrip('/'), s.server.url, 'server')
    equal(pairs['synced'], 'yes' if pairs['synced'] in ('yes', 'no') else 'true', 'synced')
    equal(pairs['connected'], pairs['synced'], 'connected')
    check(s.mount.read('.podfs', 'version').decode().strip(), 'version')


@test('what nobody looks at any more is forgotten')
def forgotten(s):
    subprocess.run(['find', s.mount.at('namespaces'), '-ls'], check=True, stdout=subprocess.DEVNULL)
    full = metrics.read(s.mount)['podfs_inodes']

    def dropped():
        with open('/proc/sys/vm/drop_caches', 'w', encoding='ascii') as f:
            f.write('2')
        return metrics.read(s.mount)['podfs_inodes'] < full / 10
    until(dropped, 'the inodes are given back')
    note(f'{full:.0f} inodes, then {metrics.read(s.mount)["podfs_inodes"]:.0f}')


if __name__ == '__main__':
    tap.main(surroundings)
