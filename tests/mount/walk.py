#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
Everything a server has, and nothing else, is in the mount: each directory, file, link, byte and attribute
is compared with an independent model of the tree, and object.json with the real kubectl.
"""
import contextlib
import os
import subprocess
import tempfile
import time

import yaml

from lib import fork, gojson, model, nasty, procs, tap
from lib.apisim import Apisim
from lib.compare import Walk, seconds
from lib.mount import Mount, slurp
from lib.tap import check, equal, note, test

DATA = os.path.join(procs.ROOT, 'tests', 'data')
JOBS = 2


class Scene:
    """A server with a mount on it, and the model of what it has."""

    def __init__(self, server, mount, cluster):
        self.server, self.mount, self.cluster = server, mount, cluster


@contextlib.contextmanager
def scene(*args):
    with Apisim(*args) as server, Mount(server, seconds=300) as mount:
        yield Scene(server, mount, model.Cluster.of(server))


def born(obj):
    return seconds(obj['metadata']['creationTimestamp'])


def walk_pod(s, namespace, name, walk):
    obj = s.cluster.pods[namespace][name]
    want = model.pod(obj, s.cluster.node_of(obj))
    walk.directory(s.mount.pod(namespace, name), want, born(obj))


def walk_upper(s, **kwargs):
    """Everything above the pods: the root, namespaces, nodes and their links."""
    walk = Walk(**kwargs)
    mnt, cluster = s.mount.path, s.cluster
    views = cluster.views()
    equal(sorted(os.listdir(mnt)), sorted(['.podfs', 'namespaces', 'nodes', *views]), 'the top level')
    equal(os.lstat(mnt).st_nlink, 5 + len(views), 'links of the top level')
    for name, want in views.items():
        walk.directory(f'{mnt}/{name}', want)
    equal(sorted(os.listdir(f'{mnt}/.podfs')), ['metrics', 'status', 'version'], '.podfs')
    for top, names in (('namespaces', cluster.namespace_names()), ('nodes', set(cluster.nodes))):
        equal(set(os.listdir(f'{mnt}/{top}')), names, top)
        equal(os.lstat(f'{mnt}/{top}').st_nlink, 2 + len(names), f'links of {top}')
    for name in cluster.namespace_names():
        path = f'{mnt}/namespaces/{name}'
        if name in cluster.namespaces:
            obj = cluster.namespaces[name]
            walk.directory(path, {**model.whole(obj), 'select': {}}, skip=('pods',))
            for part in ('metadata', 'spec', 'status'):
                if part in model.fields(obj):
                    walk.directory(f'{path}/{part}', model.fields(obj)[part], born(obj))
        else:
            walk.directory(path, {'select': {}}, skip=('pods',))
        pods = cluster.pods.get(name, {})
        walk.directory(f'{path}/pods', {}, skip=tuple(pods))
    for name in cluster.nodes:
        walk.directory(f'{mnt}/nodes/{name}', cluster.node(name))
    return walk


def walk_pods(s, **kwargs):
    """All pods, several processes at a time."""
    names = [(ns, name) for ns, pods in s.cluster.pods.items() for name in pods]
    begin = time.monotonic()

    def share(i):
        walk = Walk(**kwargs)
        for ns, name in names[i::JOBS]:
            walk_pod(s, ns, name, walk)
            if len(walk.errors) > 20:
                break
        return walk.errors, walk.dirs, walk.files, walk.links
    results = fork.each(JOBS, share)
    errors = [e for r in results for e in r[0]]
    dirs, files, links = (sum(r[k] for r in results) for k in (1, 2, 3))
    note(f'{len(names)} pods: {dirs} directories, {files} files and {links} links '
         f'in {time.monotonic() - begin:.1f} s')
    check(not errors, '\n'.join(errors[:40]))
    check(dirs > 10 * len(names), 'the walk met hardly anything')


def kubectl_and_mount_agree(s, namespaces=None):
    """object.json of every pod and node is what kubectl prints; the model of it is, too."""
    count = 0

    def compare(text, path, obj):
        printed = gojson.dumps(gojson.loads(text))
        equal(printed, text.encode(), f'the model of what kubectl prints, {path}')
        equal(slurp(path + '/object.json'), printed, path)
        equal(slurp(path + '/object.json'), gojson.dumps(obj), f'{path}, of the list')

    for ns in sorted(namespaces or s.cluster.pods):
        out = s.server.kubectl('get', 'pods', '-n', ns, '-o', 'json', seconds=300).stdout
        texts = list(gojson.items_of_list(out))
        equal(len(texts), len(s.cluster.pods[ns]), f'pods of {ns} in the output of kubectl')
        for text in texts:
            name = gojson.loads(text)['metadata']['name']
            compare(text, s.mount.pod(ns, name), s.cluster.pods[ns][name])
            count += 1
    for resource, objects, path in (('nodes', s.cluster.nodes, s.mount.at('nodes')),
                                    ('namespaces', s.cluster.namespaces, s.mount.at('namespaces'))):
        if len(objects) > 1:
            out = s.server.kubectl('get', resource, '-o', 'json', seconds=300).stdout
            for text in gojson.items_of_list(out):
                name = gojson.loads(text)['metadata']['name']
                compare(text, f'{path}/{name}', objects[name])
                count += 1
    note(f'{count} objects printed by kubectl')


def find_twice(s):
    """Two runs of find print the same names, types, sizes, times and inode numbers of directories."""
    def find():
        out = subprocess.run(
            ['find', s.mount.path, '-path', '*/.podfs/*', '-prune', '-o', '-printf', '%P %y %s %T@ %n %l\\0'],
            stdout=subprocess.PIPE, check=True).stdout
        return sorted(out.split(b'\0'))
    first, second = find(), find()
    equal(len(set(first)), len(first), 'different lines')
    check(first == second, f'{len(set(first) ^ set(second))} lines differ')
    return len(first)


# Hand-written objects.

@contextlib.contextmanager
def surroundings():
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as stack:
        yield stack.enter_context(scene(*nasty.files(directory)))


@test('kubectl prints hand-written hard objects as object.json has them')
def nasty_kubectl(s):
    # Items in the mount that kubectl's own list conversion would drop do not exist: all are there.
    kubectl_and_mount_agree(s)


@test('kubectl get of a single pod prints its object.json')
def single(s):
    for name in ('strings', 'lists', 'managed', 'unscheduled'):
        out = s.server.kubectl('get', 'pod', name, '-n', 'nasty', '-o', 'json', text=False).stdout
        equal(s.mount.read('namespaces', 'nasty', 'pods', name, 'object.json'), out, name)


@test('above the pods there is exactly what hand-written objects ask for')
def nasty_upper(s):
    walk_upper(s, raw_every=1, loader=yaml.SafeLoader).done()


@test('hand-written hard pods are shown to the byte, no file more and none less')
def nasty_pods(s):
    walk = Walk(raw_every=1, loader=yaml.SafeLoader)
    for ns, pods in s.cluster.pods.items():
        for name in pods:
            walk_pod(s, ns, name, walk)
    walk.done()
    check(walk.links > 30 and walk.files > 700, f'met only {walk.files} files and {walk.links} links')


@test('find over hard objects prints the same twice')
def nasty_find(s):
    find_twice(s)


@test('names that are too long to be file names are counted in .podfs/status')
def too_long(s):
    status = s.mount.read('.podfs', 'status').decode()
    check(any(line.partition(':')[2].strip() == '3' for line in status.splitlines()
              if 'name' in line.split(':')[0]), f'no count of 3 long names in\n{status}')


@test('a name longer than 255 bytes cannot be looked up and asks nothing of anyone')
def name_max(s):
    import errno
    with tap.raises(errno.ENAMETOOLONG, 'stat'):
        os.stat(s.mount.at('namespaces', 'x' * 256))


@test('names that no object can have do not exist')
def odd_lookups(s):
    here = s.mount.pod('nasty', 'collisions')
    for name in ('x', 'Metadata', 'metadata/', 'apiVersion', 'kind', '.value', 'metadata/.value', 'object.yml',
                 'metadata/managedFields', 'metadata/labels/none', 'metadata/labels/gone',
                 'metadata/labels/half/.value', 'metadata/labels/a%2Fb', 'metadata/labels/one/.value',
                 'spec/containers/0', 'spec/containers/main/', 'spec/containers/main/env', 'node',
                 'metadata/name/x', 'object.json/x', '%2E', '\x01', 'é', 'downward/x', '...'):
        path = f'{here}/{name}'
        if name.endswith('/'):
            check(os.path.isdir(path), name)
        else:
            check(not os.path.lexists(path), f'{name} is there')
    for top in ('selects', 'by-ip/x', 'by-ip/10.0.0', 'by-uid/x', 'self', '.podfs/x', 'pods'):
        check(not os.path.lexists(s.mount.at(top)), f'{top} is there')


# Objects as a real server had them.

@test('1,000 real pods on 100 real nodes: kubectl, the model and the mount agree')
def real(_):
    with scene('--load-json', f'{DATA}/pods-1000.json.gz', '--load-json', f'{DATA}/nodes-100.json.gz') as s:
        equal(sum(map(len, s.cluster.pods.values())), 1000, 'pods')
        equal(len(s.cluster.nodes), 100, 'nodes')
        kubectl_and_mount_agree(s, None if not procs.sanitized() else list(s.cluster.pods)[:1])
        walk_upper(s).done()
        if procs.sanitized():
            for pods in s.cluster.pods.values():
                for name in list(pods)[20:]:
                    del pods[name]
        walk_pods(s)


@test('generated pods: the model and the mount agree')
def generated(_):
    pods = 10000 if tap.options.long else 100 if procs.sanitized() else 1000
    with scene('--pods', pods, '--namespaces', 12, '--nodes', max(20, pods // 100), '--seed', 7) as s:
        equal(sum(map(len, s.cluster.pods.values())), pods, 'pods')
        walk_upper(s).done()
        kubectl_and_mount_agree(s, None if tap.options.long else list(s.cluster.pods)[:2])
        walk_pods(s)
        if not tap.options.long:
            note(f'find printed {find_twice(s)} lines twice')


if __name__ == '__main__':
    tap.main(surroundings)
