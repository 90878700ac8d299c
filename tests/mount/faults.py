#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
Everything that can go wrong with a server, on a real mount beside 200 changes a second and two readers; then
quiet: the tree equals the server, nothing hung, no reader saw an error.

Each test has a server and a mount of its own, for who failed just now waits longer the next time.
"""
import contextlib
import os
import tempfile

from lib import certs, gojson, metrics, model, tap
from lib.apisim import Apisim, path_of, pod
from lib.compare import Walk
from lib.mount import Mount, slurp
from lib.procs import until
from lib.readers import Readers
from lib.tap import check, equal, skip, test

# A server whose lists come in pages.
PAGED = ('--streaming-lists', 'no')
SIZE = ('--pods', '100', '--namespaces', '4', '--nodes', '4')
RATE = 200
RESOURCES = ('namespaces', 'nodes', 'pods')


class Direct:
    """How a server is reached: here it is what listens. With a certificate it does so inside TLS."""

    def __init__(self):
        self.server = self.where = None

    def start(self, args, tls=None):
        pair = ('--tls-cert', tls.cert, '--tls-key', tls.key) if tls else ()
        again = ('--listen', self.where) if self.where else ()
        self.server = Apisim(*args, *pair, *again, ca=tls and tls.ca).__enter__()
        self.where = self.server.url.split('//')[1]

    @property
    def url(self):
        return self.server.url

    def trust(self, tls):
        """What tells podfs whom to trust."""
        return ('--certificate-authority', tls.ca) if tls else ()

    def judge(self, mount):
        """What must be true of every mount of it in the end."""

    def stop(self):
        if self.server:
            server, self.server = self.server, None
            server.__exit__()


class Tls:
    """A certificate of the server, and who signed it."""

    def __init__(self, authority, name):
        self.ca = authority.cert
        self.cert, self.key = authority.issue(name, f'/CN={name}', 'IP:127.0.0.1')


class Scene:
    """A server that changes all the time, a mount of it, readers, and what can be done to them."""

    reached = Direct

    def __init__(self, stack, mount_args, server_args, tls=None):
        self.way = self.reached()
        stack.callback(self.way.stop)
        self.start(*SIZE, '--seed', '7', *server_args, tls=tls)
        self.mount = stack.enter_context(Mount(self.way.url, *self.way.trust(tls), *mount_args))
        self.readers = stack.enter_context(Readers(self.mount))

    @property
    def server(self):
        return self.way.server

    def start(self, *args, tls=None):
        self.way.start(args, tls)
        self.server.control(f'churn?rate={RATE}')

    def restart(self, *args, tls=None):
        """Another server at the same place."""
        self.way.stop()
        self.start(*args, tls=tls)

    def fault(self, name, **params):
        self.server.control(f'fault?name={name}' + ''.join(f'&{k.replace("_", "-")}={v}' for k, v in params.items()))

    def off(self):
        self.fault('none')

    def struck(self, name, times=1):
        """Waits until a fault has struck so many times."""
        def enough():
            faults = self.server.get('/apisim/fault')['faults']
            return next(int(f['taken']) for f in faults if f['name'] == name) >= times
        until(enough, f'{name} strikes {times} times', 60)

    def relist(self):
        """Has everything listed anew."""
        for resource in RESOURCES:
            self.fault('410-event', resource=resource, count=1)
            self.struck('410-event')

    def rewatch(self):
        self.server.control('close-watches')

    def watches(self):
        """How many were opened of each resource."""
        return [metrics.read(self.mount)[f'podfs_watches_total{{resource="{r}"}}'] for r in RESOURCES]

    def leave_streams(self):
        """Has watches in place of the streamed lists that went on as watches."""
        before = self.watches()
        self.rewatch()
        until(lambda: all(now > then for now, then in zip(self.watches(), before)), 'watches')

    def go_dead(self):
        """All watches go dead, and the server changes without anybody being told."""
        self.fault('stall', verb='watch', count=3)
        self.struck('stall', 3)
        name = f'missed-{self.server.list("nodes")[1]}'
        self.server.create(path_of('team-000'), pod(name, 'team-000', node='node-000'))
        self.server.patch('/api/v1/nodes/node-000', {'metadata': {'labels': {'missed': 'yes'}}})
        self.readers.progress()
        check(not os.path.exists(self.mount.pod('team-000', name)), 'a dead watch tells something')

    def status(self):
        return dict(line.split(': ', 1) for line in self.mount.read('.podfs', 'status').decode().splitlines())

    def is_connected(self):
        now = self.status()
        return now['connected'] == 'yes' and all(now[r] == 'watching' for r in RESOURCES)

    def is_equal(self):
        """Raises unless every object and every listing is as the server has it."""
        cluster = model.Cluster.of(self.server)
        at = self.mount.at
        equal(set(os.listdir(at('namespaces'))), cluster.namespace_names(), 'namespaces')
        equal(set(os.listdir(at('nodes'))), set(cluster.nodes), 'nodes')
        for kind, objects in (('namespaces', cluster.namespaces), ('nodes', cluster.nodes)):
            for name, obj in objects.items():
                equal(slurp(at(kind, name, 'object.json')), gojson.dumps(obj), name)
        for ns in cluster.namespaces:
            pods = cluster.pods.get(ns, {})
            equal(set(os.listdir(at('namespaces', ns, 'pods'))), set(pods), f'pods of {ns}')
            for name, obj in pods.items():
                equal(slurp(self.mount.pod(ns, name, 'object.json')), gojson.dumps(obj), f'{ns}/{name}')
        return cluster

    def settle(self):
        """Quiet: in the end everything is as the server has it, to the last file."""
        self.readers.progress()
        self.server.control('churn?rate=0')
        self.off()
        until(self.is_connected, 'connected', 90)
        cluster = until(self.is_equal, 'the tree equals the server', 30)
        walk = Walk(raw_every=20)
        for ns, pods in cluster.pods.items():
            for name in sorted(pods)[:2]:
                walk.directory(self.mount.pod(ns, name), model.pod(pods[name], cluster.node_of(pods[name])))
        for name in cluster.nodes:
            walk.directory(self.mount.node(name), cluster.node(name))
        walk.done()
        self.way.judge(self.mount)
        self.readers.progress()


@contextlib.contextmanager
def scene(*mount_args, server=(), tls=None):
    """A scene, which settles at the end."""
    with contextlib.ExitStack() as stack:
        s = Scene(stack, mount_args, server, tls)
        yield s
        s.settle()


def long():
    if not tap.options.long:
        skip('only with --long')


@test('watches are cut, and end inside a line')
def cut_watch():
    with scene() as s:
        s.fault('cut', verb='watch', n=5000, count=3)
        s.struck('cut', 3)
        s.fault('cut-line', verb='watch', n=3000, count=3)
        s.struck('cut-line', 3)


@test('lists are cut, and end inside a line')
def cut_list():
    with scene(server=PAGED) as s:
        s.fault('cut', verb='list', n=2000, count=3)
        s.fault('cut-line', verb='list', n=3000, count=3)
        s.relist()
        s.struck('cut', 3)
        s.struck('cut-line', 3)


@test('answers come byte by byte')
def trickle():
    with scene() as s:
        s.fault('trickle', n=40000)
        s.relist()
        s.struck('trickle', 6)


@test('watches go dead, and lists: those that are cut in the end go on, and those that come to life again')
def stall():
    with scene(server=PAGED) as s:
        s.go_dead()
        s.off()
        s.fault('stall', verb='list', n=1000, ms=500, count=3)
        s.relist()
        s.struck('stall', 3)


@test('requests are read and never answered, or the connection is closed instead')
def half_open():
    with scene() as s:
        s.fault('half-open', count=3)
        s.rewatch()
        s.struck('half-open', 3)
        s.readers.progress()
        s.fault('none')
        s.fault('reset', count=3)
        s.rewatch()
        s.struck('reset', 3)


@test('a server that reads and never answers is given up after a minute')
def half_open_long():
    long()
    with scene() as s:
        s.fault('half-open', count=3)
        s.rewatch()
        s.struck('half-open', 3)
        until(lambda: s.status()['connected'] == 'no', 'it is noticed', 90)
        until(s.is_connected, 'connected without help', 90)


@test('a watch that goes dead without a word is opened anew after 150 s')
def dead_long():
    long()
    with scene() as s:
        s.go_dead()
        s.server.control('churn?rate=0')
        until(s.is_equal, 'equal without help', 240)


@test('noise in watches and in lists')
def garbage():
    with scene(server=PAGED) as s:
        s.fault('garbage', verb='watch', n=2500, count=3)
        s.struck('garbage', 3)
        s.fault('garbage', verb='list', n=3000, count=3)
        s.relist()
        s.struck('garbage', 3)


@test('an object of 2 MB is there like any other')
def huge():
    with scene() as s:
        s.fault('huge')
        where = until(lambda: [d for d, names, _ in os.walk(s.mount.at('namespaces')) if 'apisim-huge' in names],
                      'it appears')[0]
        value = slurp(f'{where}/apisim-huge/metadata/annotations/apisim.example.com/huge')
        equal((len(value), set(value)), (2000001, {ord('x'), ord('\n')}), 'value')
        s.relist()
        s.server.control('churn?rate=0')
        until(s.is_equal, 'equal with it', 30)
        s.server.control(f'churn?rate={RATE}')


@test('an object nested 10,000 deep is left out and counted, the others go on')
def nested():
    with scene() as s:
        s.fault('nested')
        until(lambda: int(s.status()['limits.objectsRefused']) == 1, 'the watch leaves it out', 60)
        check('lost the server' not in s.mount.stderr(), s.mount.stderr())
        s.relist()
        until(lambda: int(s.status()['limits.objectsRefused']) > 1, 'and so does a list', 60)
        s.readers.progress()


@test('410: as the status of a watch and of a list, as an event')
def gone():
    with scene(server=PAGED) as s:
        s.fault('410', verb='watch', count=3)
        s.rewatch()
        s.struck('410', 3)
        s.fault('410', verb='list', count=3)
        s.relist()
        s.struck('410', 3)


@test('history is compacted while watches are dead')
def compacted():
    with scene() as s:
        s.go_dead()
        s.fault('compact')
        s.off()
        until(lambda: sum(n for k, n in metrics.read(s.mount).items() if 'podfs_lists_total' in k) > 3, 'it lists again')


@test('continue tokens expire while listing')
def expired():
    with scene(server=(*PAGED, '--max-page', '30')) as s:
        s.fault('continue-expired', resource='pods', count=1)
        s.relist()
        s.struck('continue-expired')


def refused(name, watch=None, **params):
    """A status to watches, with other parameters perhaps, and then to lists."""
    with scene(server=PAGED) as s:
        s.fault(name, verb='watch', count=3, **(watch or params))
        s.rewatch()
        s.struck(name, 3)
        s.fault(name, verb='list', count=3, **params)
        s.relist()
        s.struck(name, 3)


def streamed(name, **params):
    """A fault of the streamed lists alone."""
    with scene() as s:
        s.leave_streams()
        s.fault(name, verb='stream', count=3, **params)
        s.relist()
        s.struck(name, 3)


@test('streamed lists are cut, end inside a line, are noise, and go dead for a moment')
def streamed_bytes():
    streamed('cut', n=2000)
    streamed('cut-line', n=3000)
    streamed('garbage', n=2500)
    streamed('stall', n=1000, ms=500)


@test('streamed lists are refused: 410, 429 and 503, and the connection is closed in place of an answer')
def streamed_refused():
    streamed('410')
    streamed('429', retry_after=1)
    streamed('503')
    streamed('reset')


@test('a server that has never heard of streamed lists sends a watch that never says the end')
def streams_ignored():
    with scene(server=('--streaming-lists', 'ignored', '--bookmark-interval', '1')) as s:
        s.relist()


@test('429: watches with Retry-After, lists without')
def too_many():
    refused('429', watch={'retry_after': 1})


@test('503: watches without Retry-After, lists with it')
def unavailable():
    refused('503', watch={'resource': ''}, retry_after=1)


@test('500')
def internal():
    refused('500')


@test('504, for the server is behind')
def too_large():
    refused('too-large')


@test('ERROR events of other codes')
def error_event():
    with scene() as s:
        for code in (500, 429):
            s.fault('error-event', code=code, count=3)
            s.struck('error-event', 3)


@test('bookmarks by the thousand, and none at all')
def bookmarks():
    with scene(server=('--bookmark-interval', '1')) as s:
        s.fault('bookmark-storm', count=50)
        s.struck('bookmark-storm', 50)
        s.fault('no-bookmarks')
        s.struck('no-bookmarks', 3)


@test('events come twice, and of objects that never were')
def twice():
    with scene() as s:
        s.fault('twice', count=200)
        s.fault('deleted-unknown', count=200)
        s.struck('twice', 200)
        s.struck('deleted-unknown', 200)


@test('pods are MODIFIED to be other pods of the same name')
def new_uid():
    with scene() as s:
        s.fault('new-uid', n=30)
        s.relist()
        s.fault('new-uid', n=30)


@test('a pod is known before its namespace, and gone after it')
def order():
    with scene() as s:
        s.fault('hold', resource='namespaces')
        s.struck('hold')
        s.server.create('/api/v1/namespaces', {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': 'late'}})
        s.server.create(path_of('late'), pod('early', 'late', node='node-000'))
        until(lambda: slurp(s.mount.pod('late', 'early', 'metadata/name')) == b'early\n', 'the pod')
        check(not os.path.exists(s.mount.at('namespaces', 'late', 'metadata')), 'the namespace is known')
        s.fault('none')
        until(lambda: slurp(s.mount.at('namespaces', 'late', 'metadata/name')) == b'late\n', 'the namespace')
        s.fault('hold', resource='pods')
        s.struck('hold')
        s.server.delete(path_of('late', 'early'))
        s.server.delete('/api/v1/namespaces/late')
        until(lambda: not os.path.exists(s.mount.at('namespaces', 'late', 'metadata')), 'the namespace goes')
        slurp(s.mount.pod('late', 'early', 'object.json'))
        s.fault('none')
        until(lambda: not os.path.exists(s.mount.at('namespaces', 'late')), 'all is gone')


@test('a list is older than the watch before it')
def old_list():
    with scene(server=PAGED) as s:
        s.fault('old-list', n=150, count=3)
        s.relist()
        s.struck('old-list', 3)


@test('401 until there is a new token')
def token():
    with tempfile.TemporaryDirectory(prefix='podfs-faults.') as directory:
        tls = Tls(certs.Authority(directory), 'server')
        path = os.path.join(directory, 'token')
        write(path, 'old')
        with scene('--token-file', path, tls=tls) as s:
            s.fault('401', token='new')
            s.rewatch()
            until(lambda: all('nauthorized' in s.status()[r] for r in RESOURCES), 'the status says it')
            s.readers.progress()
            write(path, 'new')
            until(s.is_connected, 'connected with the new one', 60)
            s.server.token = 'new'


def write(path, text):
    with open(path + '.new', 'w', encoding='ascii') as f:
        f.write(text)
    os.rename(path + '.new', path)


@test('the certificate changes: to another of the same CA, to one of nobody we know, and back')
def certificate():
    with tempfile.TemporaryDirectory(prefix='podfs-faults.') as directory:
        ca, other = certs.Authority(directory), certs.Authority(directory, 'other')
        with scene(tls=Tls(ca, 'one')) as s:
            s.restart(*SIZE, tls=Tls(ca, 'two'))
            until(s.is_connected, 'the same CA is as good', 60)
            s.restart(*SIZE, tls=Tls(other, 'three'))
            until(lambda: 'certificate' in s.status()['pods'], 'the status says it', 60)
            s.readers.progress()
            s.restart(*SIZE, tls=Tls(ca, 'one'))


@test('the server comes back with other data')
def other_data():
    with scene() as s:
        s.restart(*SIZE, '--seed', '8', '--first-revision', '1000000')


@test('the server comes back with lower resourceVersions, as from a backup')
def restored():
    with scene(server=('--first-revision', '1000000')) as s:
        s.restart(*SIZE, '--seed', '9', '--first-revision', '5000')


if __name__ == '__main__':
    tap.main()
