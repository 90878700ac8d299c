#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
A change on the server is in the mount: through names already known, listings already cached, names looked
up before they existed. What is open stays what it was.
"""
import contextlib
import errno
import json
import os
import stat
import tempfile
import threading
import time

from lib import dirent, gojson, procs, tap
from lib.apisim import Apisim, path_of, pod
from lib.compare import Walk, seconds
from lib.model import Cluster
from lib.model import pod as pod_tree
from lib.mount import Mount, slurp
from lib.procs import until
from lib.tap import check, equal, note, raises, test

NS = 'shop'
BORN = '2026-01-02T03:04:05Z'


class Scene:
    def __init__(self, server, mount):
        self.server, self.mount = server, mount
        self.kubectl = server.kubectl

    def create(self, name, namespace=NS, **kwargs):
        """Creates a pod and waits until it is in the mount; returns its directory."""
        self.server.create(path_of(namespace), pod(name, namespace, **kwargs))
        path = self.mount.pod(namespace, name)
        until(lambda: os.path.isdir(path), f'{name} appears')
        return path

    def patch(self, name, body, namespace=NS):
        return self.server.patch(path_of(namespace, name), body)

    def label(self, name, **labels):
        return self.patch(name, {'metadata': {'labels': labels}})

    def delete(self, name, namespace=NS):
        self.server.delete(path_of(namespace, name))


def _past(file):
    """A pod that has been there for a while, in a file to load."""
    json.dump({'kind': 'PodList', 'apiVersion': 'v1', 'metadata': {'resourceVersion': '5'}, 'items': [{
        'metadata': {'name': 'old', 'namespace': 'past', 'uid': '12345678-0000-4000-8000-000000000000',
                     'resourceVersion': '5', 'creationTimestamp': BORN, 'labels': {'a': 'b'},
                     'ownerReferences': [{'apiVersion': 'apps/v1', 'kind': 'ReplicaSet', 'name': 'x', 'uid': 'y'}]},
        'spec': {'containers': [{'name': 'main', 'image': 'registry.example/main:1'}]},
        'status': {'phase': 'Running'}}]}, file)
    file.flush()
    return file.name


@contextlib.contextmanager
def surroundings():
    with tempfile.NamedTemporaryFile('w', suffix='.json') as past, \
            Apisim('--pods', 60, '--namespaces', 4, '--nodes', 6, '--seed', 3, '--load-json', _past(past)) as server:
        for name in (NS, 'other'):
            server.create('/api/v1/namespaces', {'apiVersion': 'v1', 'kind': 'Namespace',
                                                 'metadata': {'name': name}})
        for zone in 'ab':
            server.create('/api/v1/nodes', {
                'apiVersion': 'v1', 'kind': 'Node', 'metadata': {
                    'name': f'worker-{zone}', 'labels': {'topology.kubernetes.io/zone': f'eu-1{zone}'}}})
        with Mount(server) as mount:
            yield Scene(server, mount)


def reads(path, want):
    """A condition: the file at the path holds this."""
    def condition():
        equal(slurp(path), want, path)
        return True
    return condition


def becomes(want, look, what):
    """Waits until look() gives the wanted value: each name and each folder is told of a change by itself."""
    def condition():
        equal(look(), want, what)
        return True
    until(condition, what)


def gone(path):
    until(lambda: not os.path.lexists(path), f'{path} is gone')


def links(path):
    return lambda: os.stat(path).st_nlink


def ino(path):
    return os.lstat(path).st_ino


# Changes of a value.

@test('kubectl label, then cat: the new value')
def label(s):
    here = s.create('label-me', labels={'app': 'web'})
    path = f'{here}/labels/app'
    equal(slurp(path), b'web\n')
    slowest = 0
    for n in range(10):
        s.kubectl('label', 'pod', 'label-me', '-n', NS, f'app=web-{n}', '--overwrite')
        begin = time.monotonic()
        until(reads(path, b'web-%d\n' % n), 'the new label')
        slowest = max(slowest, time.monotonic() - begin)
    note(f'at most {slowest * 1000:.1f} ms after kubectl had returned')
    until(lambda: slurp(f'{here}/labels/app') == slurp(f'{here}/metadata/labels/app'), 'both paths agree')


@test('one change is seen everywhere: value, resourceVersion, object.json, object.yaml')
def everywhere(s):
    here = s.create('everywhere', labels={'app': 'a'})
    for name in ('object.json', 'object.yaml', 'metadata/resourceVersion', 'labels/app'):
        slurp(f'{here}/{name}')
    for n in range(20):
        obj = s.label('everywhere', app=f'v{n}')
        until(reads(f'{here}/metadata/resourceVersion', obj['metadata']['resourceVersion'].encode() + b'\n'),
              'the new resourceVersion')
        until(reads(f'{here}/labels/app', b'v%d\n' % n), 'the new label')
        until(reads(f'{here}/object.json', gojson.dumps(obj)), 'object.json')
        until(lambda n=n: b'app: v%d\n' % n in slurp(f'{here}/object.yaml'), 'object.yaml')


@test('values come, go and become empty; sizes and listings follow')
def come_and_go(s):
    here = s.create('values', labels={'keep': 'x'}, annotations={'note': 'one\ntwo'})
    labels = f'{here}/labels'
    with raises(errno.ENOENT, 'a label that is not there yet'):
        os.stat(f'{labels}/new')
    equal(os.listdir(labels), ['keep'])
    s.label('values', new='value')
    until(reads(f'{labels}/new', b'value\n'), 'a label that was looked up before it existed')
    until(lambda: sorted(os.listdir(labels)) == ['keep', 'new'], 'the cached listing has it')
    equal(os.stat(f'{labels}/new').st_size, 6)
    s.label('values', new='longer-value')
    until(lambda: os.stat(f'{labels}/new').st_size == 13, 'the new size')
    s.label('values', new='')
    until(reads(f'{labels}/new', b'\n'), 'an empty value')
    equal(os.stat(f'{labels}/new').st_size, 1)
    s.label('values', new=None)
    until(lambda: not os.path.lexists(f'{labels}/new'), 'the label is gone')
    until(lambda: os.listdir(labels) == ['keep'], 'the listing has lost it')
    s.label('values', keep=None)
    until(lambda: not os.path.exists(labels) or os.listdir(labels) == [], 'no labels')
    s.patch('values', {'metadata': {'annotations': {'note': 'x' * 100000}}})
    until(lambda: os.stat(f'{here}/annotations/note').st_size == 100001, 'a value that grew')
    equal(slurp(f'{here}/annotations/note'), b'x' * 100000 + b'\n')


@test('a link to labels exists exactly while there are labels')
def link(s):
    here = s.create('links', labels=None)
    s.patch('links', {'metadata': {'labels': None}})
    until(lambda: not os.path.lexists(f'{here}/labels'), 'no labels, no link')
    until(lambda: 'labels' not in os.listdir(here), 'the link is not listed')
    s.label('links', a='b')
    until(lambda: os.path.islink(f'{here}/labels'), 'the link is there')
    until(lambda: 'labels' in os.listdir(here), 'the link is listed')
    equal(slurp(f'{here}/labels/a'), b'b\n')


@test('a key becomes a directory when another key begins with it, and a file again')
def collide(s):
    here = s.create('collide', labels={'a': 'plain'})
    path = f'{here}/metadata/labels/a'
    equal(slurp(path), b'plain\n')
    with raises(errno.ENOTDIR, 'below a file'):
        os.stat(f'{path}/b')
    s.label('collide', **{'a/b': 'below'})
    until(lambda: os.path.isdir(path), 'a directory')
    until(reads(f'{path}/.value', b'plain\n'), 'the value moved')
    until(reads(f'{path}/b', b'below\n'), 'the new key')
    becomes(['.value', 'b'], lambda: sorted(os.listdir(path)), 'the listing')
    becomes(3, links(f'{here}/metadata/labels'), 'links')
    s.label('collide', **{'a/b': None})
    until(reads(path, b'plain\n'), 'a file again')
    becomes(2, links(f'{here}/metadata/labels'), 'links')
    s.label('collide', **{'x.example/one': '1'})
    until(reads(f'{here}/labels/x.example/one', b'1\n'), 'a prefix appears')
    s.label('collide', **{'x.example/one': None})
    until(lambda: not os.path.lexists(f'{here}/labels/x.example'), 'a prefix disappears')


@test('lists grow and shrink')
def lists(s):
    here = s.create('lists')
    path = f'{here}/metadata/finalizers'

    def have(words):
        s.patch('lists', {'metadata': {'finalizers': [f'example.com/{w}' for w in words]}})
        until(lambda: len(os.listdir(path)) == len(words), f'{len(words)} elements')
    with raises(errno.ENOENT, 'a list that is not there yet'):
        os.listdir(path)
    have('abcdefgh')
    equal(slurp(f'{path}/7'), b'example.com/h\n')
    have('zx')
    equal(sorted(os.listdir(path)), ['0', '1'])
    until(reads(f'{path}/0', b'example.com/z\n'), 'the first element')
    gone(f'{path}/7')
    s.patch('lists', {'metadata': {'finalizers': None}})
    until(lambda: not os.path.lexists(path), 'no list')


@test('the status is followed: phase, conditions, a container that restarts')
def status(s):
    here = s.create('restarts', node='worker-a')
    s.server.patch(path_of(NS, 'restarts') + '/status', {'status': {
        'phase': 'Running', 'containerStatuses': [
            {'name': 'main', 'ready': True, 'restartCount': 0, 'image': 'i', 'imageID': '', 'state': {}}]}})
    path = f'{here}/containers/main/status/restartCount'
    until(reads(path, b'0\n'), 'the container has not restarted')
    for n in (1, 2, 3):
        s.server.patch(path_of(NS, 'restarts') + '/status', {'status': {'containerStatuses': [
            {'name': 'main', 'ready': n == 3, 'restartCount': n, 'image': 'i', 'imageID': '', 'state': {}}]}})
        until(reads(path, b'%d\n' % n), f'restart {n}')
    until(reads(f'{here}/status/containerStatuses/main/ready', b'true\n'), 'ready again')


# What is open stays.

@test('a file held open keeps the old bytes, its path has the new ones')
def held_open(s):
    here = s.create('held', labels={'v': 'old-value'})
    path = f'{here}/labels/v'
    with contextlib.ExitStack() as stack:
        fds = []
        for n in range(30):
            fd = os.open(path, os.O_RDONLY)
            stack.callback(os.close, fd)
            fds.append((fd, slurp(path), os.fstat(fd)))
            s.label('held', v=f'new-value-{"x" * n}y')
            until(reads(path, b'new-value-' + b'x' * n + b'y\n'), 'the path has the new value')
        with open('/proc/sys/vm/drop_caches', 'w', encoding='ascii') as f:
            f.write('1')
        for fd, value, status in fds:
            equal(os.pread(fd, 4096, 0), value, 'a file held open')
            now = os.fstat(fd)
            equal((now.st_ino, now.st_size, now.st_mtime), (status.st_ino, len(value), status.st_mtime))
        equal(len({status.st_ino for _, _, status in fds}), 30, 'each version has an inode of its own')


@test('a file held open reads on after its pod is gone, page cache or not')
def held_deleted(s):
    here = s.create('held-gone', annotations={'big': 'x' * 200000})
    fd = os.open(f'{here}/annotations/big', os.O_RDONLY)
    try:
        equal(os.pread(fd, 10, 0), b'x' * 10)
        s.delete('held-gone')
        until(lambda: not os.path.lexists(here), 'the pod is gone')
        with open('/proc/sys/vm/drop_caches', 'w', encoding='ascii') as f:
            f.write('3')
        equal(os.pread(fd, 300000, 0), b'x' * 200000 + b'\n')
    finally:
        os.close(fd)


@test('a value that did not change keeps its inode while the pod changes around it')
def same_inode(s):
    here = s.create('stable', labels={'a': '1', 'b': '1'})
    names = ('labels/a', 'metadata/name', 'spec/containers/main/image', 'metadata', 'spec', 'metadata/labels')
    before = [os.stat(f'{here}/{n}').st_ino for n in names]
    fd = os.open(f'{here}/labels/a', os.O_RDONLY)
    try:
        for n in range(5):
            obj = s.label('stable', b=str(n + 2))
            until(reads(f'{here}/metadata/resourceVersion',
                        obj['metadata']['resourceVersion'].encode() + b'\n'), 'the change')
        equal([os.stat(f'{here}/{n}').st_ino for n in names], before, 'inodes')
        equal(os.fstat(fd).st_ino, before[0])
    finally:
        os.close(fd)


@test('a pod deleted and created again is new inodes; folders held of the old one are empty')
def recreate(s):
    here = s.create('again', labels={'v': 'first'})
    names = ('', '/metadata', '/spec', '/metadata/labels', '/metadata/labels/v', '/object.json', '/metadata/name')
    before = [ino(here + n) for n in names]
    held = os.open(here + '/metadata', os.O_RDONLY | os.O_DIRECTORY)
    file = os.open(here + '/metadata/labels/v', os.O_RDONLY)
    try:
        s.delete('again')
        s.server.create(path_of(NS), pod('again', NS, labels={'v': 'second'}))
        until(reads(here + '/labels/v', b'second\n'), 'the new pod')
        after = [ino(here + n) for n in names]
        check(not set(before) & set(after), f'inodes used twice: {set(before) & set(after)}')
        until(lambda: os.listdir(held) == [], 'the old folder lists empty')
        with raises(errno.ENOENT, 'a name in the old folder'):
            os.stat('name', dir_fd=held)
        equal(os.pread(file, 100, 0), b'first\n')
    finally:
        os.close(held)
        os.close(file)


@test('a working directory in a deleted pod lists empty and finds nothing')
def held_cwd(s):
    here = s.create('cwd', labels={'v': 'x'})
    shell = procs.start(['bash', '-c', 'cd "$1" && cat labels/v && read -r _ && ls -A && echo end of list '
                                       '&& ! cat metadata/name && ! cd metadata', 'bash', here],
                        stdin=-1, stdout=-1, stderr=-2, env=dict(os.environ, LC_ALL='C'))
    try:
        equal(shell.stdout.readline(), b'x\n')
        s.delete('cwd')
        until(lambda: not os.path.lexists(here), 'the pod is gone')
        out = shell.communicate(b'\n', timeout=30)[0].decode()
        equal(shell.returncode, 0, out)
        equal(out.splitlines()[0], 'end of list', out)
        equal(out.count('No such file or directory'), 2, out)
    finally:
        procs.end(shell)


# Objects come and go.

@test('pods come and go: listings, names looked up before, link counts')
def pods(s):
    pods_dir = s.mount.at('namespaces', NS, 'pods')
    names = [f'come-{n}' for n in range(5)]
    for name in names:
        with raises(errno.ENOENT, 'before'):
            os.stat(f'{pods_dir}/{name}')
        with raises(errno.ENOENT, 'a file of a pod that is not there'):
            os.stat(f'{pods_dir}/{name}/metadata/name')
    before = set(os.listdir(pods_dir))
    count = 2 + len(before)
    becomes(count, links(pods_dir), 'links')
    for name in names:
        s.kubectl('create', '-f', '-', input=json.dumps(pod(name, NS)))
        until(lambda name=name: name in os.listdir(pods_dir), f'{name} is listed')
        until(reads(f'{pods_dir}/{name}/metadata/name', name.encode() + b'\n'), 'its name')
    becomes(count + 5, links(pods_dir), 'links')
    equal(set(os.listdir(pods_dir)), before | set(names))
    for name in names:
        s.kubectl('delete', 'pod', name, '-n', NS, '--grace-period=0', '--force', '--wait=false')
        until(lambda name=name: name not in os.listdir(pods_dir), f'{name} is not listed')
        gone(f'{pods_dir}/{name}/metadata/name')
    becomes(count, links(pods_dir), 'links')


@test('namespaces come and go')
def namespaces(s):
    top = s.mount.at('namespaces')
    with raises(errno.ENOENT, 'before'):
        os.stat(f'{top}/fresh/pods')
    count = os.stat(top).st_nlink
    check('fresh' not in os.listdir(top), 'already there')
    s.kubectl('create', 'namespace', 'fresh')
    until(lambda: 'fresh' in os.listdir(top), 'the namespace is listed')
    becomes([], lambda: os.listdir(f'{top}/fresh/pods'), 'its pods')
    becomes(count + 1, links(top), 'links')
    until(reads(f'{top}/fresh/metadata/name', b'fresh\n'), 'its name')
    s.kubectl('label', 'namespace', 'fresh', 'team=a')
    until(reads(f'{top}/fresh/metadata/labels/team', b'a\n'), 'its label')
    s.create('one', namespace='fresh')
    becomes(['one'], lambda: os.listdir(f'{top}/fresh/pods'), 'its pods')
    s.delete('one', namespace='fresh')
    until(lambda: os.listdir(f'{top}/fresh/pods') == [], 'the pod is gone')
    s.kubectl('delete', 'namespace', 'fresh', '--wait=false')
    until(lambda: 'fresh' not in os.listdir(top), 'the namespace is gone')
    gone(f'{top}/fresh/pods')
    becomes(count, links(top), 'links')


@test('nodes come and go, and the folders and links that depend on them')
def nodes(s):
    here = s.create('waits', node='late')
    check(not os.path.lexists(f'{here}/node'), 'a node that does not exist')
    with raises(errno.ENOENT, 'before'):
        os.stat(s.mount.node('late', 'metadata'))
    check('late' not in os.listdir(s.mount.at('nodes')) and 'node' not in os.listdir(here), 'listed')
    s.kubectl('create', '-f', '-', input=json.dumps({
        'apiVersion': 'v1', 'kind': 'Node', 'metadata': {
            'name': 'late', 'labels': {'topology.kubernetes.io/zone': 'eu-1c'}}}))
    until(lambda: 'late' in os.listdir(s.mount.at('nodes')), 'the node is listed')
    zone = f'{here}/node/metadata/labels/topology.kubernetes.io/zone'
    until(reads(zone, b'eu-1c\n'), 'the node folder of the pod')
    until(lambda: 'node' in os.listdir(here), 'it is listed')
    becomes(f'../../../../namespaces/{NS}/pods/waits', lambda: os.readlink(s.mount.node('late', 'pods', NS, 'waits')),
            'its link')
    equal(slurp(s.mount.node('late', 'pods', NS, 'waits', 'metadata', 'name')), b'waits\n')
    s.kubectl('label', 'node', 'late', 'topology.kubernetes.io/zone=eu-1d', '--overwrite')
    until(reads(zone, b'eu-1d\n'), 'a change of the node, below the pod')
    until(reads(s.mount.node('late', 'metadata', 'labels', 'topology.kubernetes.io', 'zone'), b'eu-1d\n'), 'itself')
    s.delete('waits')
    until(lambda: os.listdir(s.mount.node('late', 'pods')) == [], 'no pods on it')
    s.create('waits', node='late')
    s.kubectl('delete', 'node', 'late', '--wait=false')
    until(lambda: not os.path.lexists(s.mount.node('late')), 'the node is gone')
    until(lambda: 'late' not in os.listdir(s.mount.at('nodes')), 'it is not listed')
    until(lambda: not os.path.lexists(zone), 'nor below its pod')
    until(lambda: 'node' not in os.listdir(here), 'whose listing has lost it')


@test('a pod that gets its node appears among the pods of the node')
def bind(s):
    here = s.create('pending', nodeSelector={'no': 'node-has-this'})
    check(not os.path.lexists(f'{here}/node'), 'no node yet')
    link_path = s.mount.node('worker-b', 'pods', NS, 'pending')
    with raises(errno.ENOENT, 'before'):
        os.lstat(link_path)
    s.patch('pending', {'spec': {'nodeName': 'worker-b'}})
    until(lambda: os.path.islink(link_path), 'the link')
    until(lambda: 'pending' in os.listdir(os.path.dirname(link_path)), 'its listing')
    until(reads(f'{here}/node/metadata/labels/topology.kubernetes.io/zone', b'eu-1b\n'), 'the zone')


@test('a namespace without its object is there while a pod of it is')
def orphan(s):
    top = s.mount.at('namespaces')
    s.create('last', namespace='other')
    s.server.request('DELETE', '/api/v1/namespaces/other')
    if any(o['metadata']['name'] == 'last' for o in s.server.list('pods', 'other')[0]):
        until(lambda: not os.path.lexists(f'{top}/other/metadata'), 'its own fields are gone')
        becomes(['pods'], lambda: os.listdir(f'{top}/other'), 'what is left')
        equal(os.listdir(f'{top}/other/pods'), ['last'])
        s.delete('last', namespace='other')
    until(lambda: 'other' not in os.listdir(top), 'the folder is gone with its last pod')
    gone(f'{top}/other')


# Times.

@test('times: creation at first, then when this mount saw the change; a folder has the latest below it')
def times(s):
    ns, name = 'past', 'old'
    here, born = s.mount.pod(ns, name), seconds(BORN)

    def at(path):
        return os.stat(f'{here}/{path}').st_mtime
    for path in ('metadata', 'metadata/name', 'spec', 'status', 'metadata/labels', 'object.json', 'object.yaml',
                 'spec/containers'):
        equal(at(path), born, path)
    # The first change lets the server fill in what this pod lacks; it is not one of the label alone.
    s.server.patch(path_of(ns, name), {'metadata': {'labels': {'first': 'change'}}})
    until(reads(f'{here}/labels/first', b'change\n'), 'the first change')
    until(lambda: at('spec') > born, 'what the server filled in')
    old = {path: at(path) for path in ('metadata/name', 'metadata/uid', 'metadata/ownerReferences', 'spec', 'status',
                                       'spec/containers', 'spec/containers/main/image', 'metadata/labels/first')}
    before = time.time()
    changed = s.server.patch(path_of(ns, name), {'metadata': {'labels': {'new': 'label'}}})
    until(reads(f'{here}/metadata/resourceVersion', changed['metadata']['resourceVersion'].encode() + b'\n'),
          'the change')
    for path in ('.', 'metadata', 'metadata/labels', 'metadata/labels/new', 'metadata/resourceVersion',
                 'object.json', 'object.yaml'):
        until(lambda path=path: before - 0.02 <= at(path) <= time.time() + 0.02, f'the time of {path}')
    equal({path: at(path) for path in old}, old, 'times of what did not change')
    equal(at('metadata/name'), born, 'the name')
    first = at('metadata/labels/new')
    changed = s.server.patch(path_of(ns, name), {'metadata': {'annotations': {'x': 'y'}}})
    until(reads(f'{here}/annotations/x', b'y\n'), 'the annotation')
    equal(at('metadata/labels/new'), first, 'the label did not change again')
    check(at('metadata/annotations/x') > first, 'the annotation is younger')
    becomes(at('metadata/annotations/x'), lambda: at('metadata'), 'metadata is as young as its youngest')
    becomes(at('metadata'), lambda: at('.'), 'so is the pod')


@test('times: the folder of the pods is as young as the last that came or went')
def collection_times(s):
    pods_dir = s.mount.at('namespaces', NS, 'pods')
    here = None
    for change in (lambda: s.create('timely'), lambda: s.delete('timely'), lambda: s.create('timely')):
        before, was = time.time(), os.stat(pods_dir).st_mtime
        here = change()
        until(lambda: was != os.stat(pods_dir).st_mtime >= before - 0.02, 'the time moved')
        check(os.stat(pods_dir).st_mtime <= time.time() + 0.02, 'a time to come')
    still = os.stat(pods_dir).st_mtime
    s.label('timely', a='b')
    until(reads(f'{here}/labels/a', b'b\n'), 'a label')
    equal(os.stat(pods_dir).st_mtime, still, 'a change inside a pod is not one of the collection')
    s.delete('timely')


@test('the 64 latest changes of an object keep their own times')
def many_times(s):
    here = s.create('many-times', annotations={f'a{n}': '0' for n in range(60)})
    for n in range(60):
        s.patch('many-times', {'metadata': {'annotations': {f'a{n}': '1'}}})
    until(reads(f'{here}/annotations/a59', b'1\n'), 'the last change')
    stamps = [os.stat(f'{here}/annotations/a{n}').st_mtime_ns for n in range(60)]
    equal(stamps, sorted(stamps), 'in the order of the changes')
    check(len(set(stamps)) > 50, f'only {len(set(stamps))} different times')


# Readers beside writers.

@contextlib.contextmanager
def meanwhile(action):
    """Runs action(n) over and over in a thread while the block runs; its error is ours."""
    stop, errors, count = threading.Event(), [], [0]

    def loop():
        try:
            while not stop.is_set():
                action(count[0])
                count[0] += 1
        except Exception as e:  # pylint: disable=broad-except
            errors.append(e)
    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield count
    finally:
        stop.set()
        thread.join()
        if errors:
            raise errors[0]


@test('a reader of a 300 kB object.json under constant change never sees two versions mixed')
def never_mixed(s):
    here = s.create('big', annotations={'blob': '<00000000>' * 17000, 'stamp': '00000000'})
    check(os.stat(f'{here}/object.json').st_size > 300000, 'not big enough')
    other = s.server.clone()

    def change(n):
        # The server sends what it is told however far behind the mount is: nobody else is to wait for that.
        until(lambda: int(slurp(f'{here}/annotations/stamp')) >= n - 9, 'all but the last eight changes')
        other.patch(path_of(NS, 'big'), {'metadata': {'annotations': {
            'blob': f'<{n:08d}>' * (17000 + n % 50), 'stamp': f'{n:08d}'}}})

    def whole(text, stamp, n):
        blob = json.loads(text)['metadata']['annotations']
        equal(blob['stamp'], stamp, 'stamp')
        return blob['blob'] == f'<{stamp}>' * (17000 + n % 50)

    runs, seen, last = 0, set(), -1
    deadline = time.monotonic() + (30 if tap.options.long else 5) * min(procs.patience(), 3)
    with meanwhile(change) as changes:
        while time.monotonic() < deadline:
            fd = os.open(f'{here}/object.json', os.O_RDONLY)
            try:
                size = os.fstat(fd).st_size
                parts = []
                while part := os.read(fd, 4096 if runs % 3 else 70000):
                    parts.append(part)
                text = b''.join(parts)
                equal(len(text), size, 'bytes read')
                stamp = json.loads(text)['metadata']['annotations']['stamp']
                check(whole(text, stamp, int(stamp)), f'mixed versions at {stamp}')
                check(int(stamp) >= last, f'{stamp} after {last}')
                last = int(stamp)
                equal(os.pread(fd, 1000, 200000), text[200000:201000], 'read again')
                seen.add(stamp)
            finally:
                os.close(fd)
            runs += 1
    note(f'{runs} reads of {len(seen)} versions during {changes[0]} changes')
    check(len(seen) > 5, 'hardly anything changed')


LONG_NAME = 'l' * 180


def _crowd(s, namespace, count):
    s.server.create('/api/v1/namespaces', {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': namespace}})
    names = {f'stays-{n:04d}-{LONG_NAME}' for n in range(count)}
    for name in names:
        s.server.create(path_of(namespace), pod(name, namespace))
    pods_dir = s.mount.at('namespaces', namespace, 'pods')
    until(lambda: set(os.listdir(pods_dir)) >= names, 'all pods')
    return pods_dir, names


@test('a listing beside coming and going pods has each that was there throughout exactly once')
def listing(s):
    pods_dir, names = _crowd(s, 'crowd', 200 if procs.sanitized() else 400)
    other = s.server.clone()

    def change(n):
        name = f'moves-{n // 2 % 40:04d}-{LONG_NAME}'
        if n % 2 == 0:
            other.create(path_of('crowd'), pod(name, 'crowd'))
        else:
            other.delete(path_of('crowd', name))

    runs, deadline = 0, time.monotonic() + (30 if tap.options.long else 4)
    with meanwhile(change) as changes:
        while time.monotonic() < deadline:
            with dirent.Directory(pods_dir) as directory:
                for turn in range(2):
                    found = [name for name, _, _ in directory.rest()]
                    equal(len(found), len(set(found)), 'names listed, and different ones')
                    missing = names - set(found)
                    check(not missing, f'turn {turn}: {len(missing)} missing, such as {sorted(missing)[:1]}')
                    check({'.', '..'} <= set(found), 'dots')
                    directory.rewind()
            runs += 2
    note(f'{runs} listings during {changes[0]} changes')
    check(changes[0] > 20 and runs > 10, 'hardly anything happened')


@test('a listing that is interrupted by changes goes on where it was')
def interrupted(s):
    pods_dir, names = _crowd(s, 'slow-reader', 300)
    with dirent.Directory(pods_dir) as directory:
        found = [directory.read()[0] for _ in range(40)]
        gone = found[10:20] + sorted(names - set(found))[:20]
        gone = {n for n in gone if n in names}
        for name in gone:
            s.delete(name, namespace='slow-reader')
        for n in range(30):
            s.server.create(path_of('slow-reader'), pod(f'late-{n:04d}-{LONG_NAME}', 'slow-reader'))
        until(lambda: f'late-0029-{LONG_NAME}' in os.listdir(pods_dir), 'the last change')
        found += [e[0] for e in directory.rest()]
    equal(len(found), len(set(found)), 'names listed, and different ones')
    missing = names - gone - set(found)
    check(not missing, f'{len(missing)} missing')


@test('telldir and seekdir lead back to the same place; offsets hold across a new mount')
def cookies(s):
    path = ('namespaces', 'slow-reader', 'pods')
    with dirent.Directory(s.mount.at(*path)) as directory:
        places, order = [], []
        while True:
            places.append(directory.tell())
            entry = directory.read()
            if not entry:
                break
            order.append(entry[0])
        for at in (0, 1, 2, 3, 50, 150, len(order) - 1):
            directory.seek(places[at])
            equal([e[0] for e in directory.rest()], order[at:], f'after seekdir to {at}')
    offsets = {n: o for n, _, o in dirent.entries(s.mount.at(*path)) if n not in ('.', '..')}
    check(all(0 < o < 2**63 for o in offsets.values()), 'offsets are positive')
    equal(len(set(offsets.values())), len(offsets), 'different offsets')
    with Mount(s.server) as other:
        last = dirent.entries(other.at(*path))
        again = {n: o for n, _, o in last if n not in ('.', '..')}
    # The last entry's offset may be that of the end; all others must be the entry's own.
    differ = [n for n in offsets if offsets[n] != again.get(n)]
    check(len(differ) <= 1, f'{len(differ)} offsets differ in another mount of the same server')


# The connection.

@test('changes are followed after the server closed its watches')
def closed(s):
    here = s.create('watched', labels={'v': '0'})
    for n in range(1, 4):
        s.server.control('close-watches')
        s.label('watched', v=str(n))
        begin = time.monotonic()
        until(reads(f'{here}/labels/v', b'%d\n' % n), f'change {n} after the watches were closed', 60)
        note(f'after {time.monotonic() - begin:.2f} s')


@test('changes are followed after the server forgot its history; what did not change keeps its inode')
def compacted(s):
    s.create('relisted', labels={'v': '0', 'same': 'x'})
    with Mount(s.server) as mount:
        here = mount.pod(NS, 'relisted')
        same = os.stat(f'{here}/labels/same').st_ino
        for n in (1, 2):
            s.server.control('close-watches')
            s.label('relisted', v=str(n))
            s.server.create(path_of(NS), pod(f'new-{n}', NS))
            if n > 1:
                s.delete(f'new-{n - 1}')
            s.server.control('compact')
            until(reads(f'{here}/labels/v', b'%d\n' % n), 'a change nobody told us of', 60)
            until(lambda n=n: os.path.isdir(mount.pod(NS, f'new-{n}')), 'a pod that came')
            until(lambda n=n: not os.path.lexists(mount.pod(NS, f'new-{n - 1}')), 'a pod that went')
        equal(os.stat(f'{here}/labels/same').st_ino, same, 'inode')
    until(reads(s.mount.pod(NS, 'relisted', 'labels', 'v'), b'2\n'), 'the other mount has relisted, too', 60)


@test('after all this the mount still equals the server, file by file')
def at_rest(s):
    cluster = Cluster.of(s.server)
    until(lambda: set(os.listdir(s.mount.at('namespaces'))) == cluster.namespace_names(), 'namespaces')
    walk = Walk(raw_every=10)
    for ns, pods_of in cluster.pods.items():
        until(lambda ns=ns, p=pods_of: set(os.listdir(s.mount.at('namespaces', ns, 'pods'))) == set(p), ns)
        if len(pods_of) < 200:
            for name, obj in pods_of.items():
                walk.directory(s.mount.pod(ns, name), pod_tree(obj, cluster.node_of(obj)))
    for name in cluster.nodes:
        walk.directory(s.mount.node(name), cluster.node(name))
    walk.done()
    check(stat.S_ISDIR(os.stat(s.mount.path).st_mode) and walk.files > 5000, 'the walk met hardly anything')


if __name__ == '__main__':
    tap.main(surroundings)
