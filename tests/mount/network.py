#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
A network that drops everything: podfs in a network namespace of its own, a veth pair between it and the server.

Nothing tells either side. Packets go to a hardware address that nobody has, both ways, so that no interface is
down and no route is gone.
"""
import contextlib
import os
import tempfile
import time

from lib import metrics, procs, tap
from lib.apisim import Apisim, path_of, pod
from lib.certs import Authority
from lib.front import Front
from lib.mount import Mount
from lib.procs import run, until
from lib.tap import check, equal, note, skip, test

# TCP's own probes need 45 s, and so do ours over HTTP/2; then a connection is tried, for 15 s.
NOTICED = 45 + 15 + 10
# The longest pause between two tries, jitter included, and again 15 s.
BACK = 60 + 15 + 10
SERVER, CLIENT = '198.51.100.1', '198.51.100.2'
HARDWARE = {SERVER: '02:00:00:00:00:01', CLIENT: '02:00:00:00:00:02'}
NOBODY = {SERVER: '02:00:00:00:00:99', CLIENT: '02:00:00:00:00:99'}


class Link:
    """A namespace with one interface, which leads to us. All of it goes when its only process does."""

    def __enter__(self):
        self.ours, self.theirs = f'pf{os.getpid()}a', f'pf{os.getpid()}b'
        self.holder = procs.start(['unshare', '--net', 'sh', '-c', 'ip link set lo up && echo up && exec cat'],
                                  stdin=-1, stdout=-1)
        equal(self.holder.stdout.readline(), b'up\n', 'the namespace')
        run('ip', 'link', 'add', self.ours, 'address', HARDWARE[SERVER], 'type', 'veth',
            'peer', 'name', self.theirs, 'address', HARDWARE[CLIENT], 'netns', str(self.holder.pid))
        for where, name, address in ((run, self.ours, SERVER), (self.there, self.theirs, CLIENT)):
            where('ip', 'address', 'add', f'{address}/30', 'dev', name)
            where('ip', 'link', 'set', name, 'up')
        return self

    def __exit__(self, *_):
        with contextlib.suppress(AssertionError):
            run('ip', 'link', 'del', self.ours)
        self.holder.stdin.close()
        self.holder.wait()
        self.holder.stdout.close()

    @property
    def enter(self):
        return f'nsenter --net=/proc/{self.holder.pid}/ns/net'

    def there(self, *argv):
        run(*self.enter.split(), *argv)

    def _lead(self, to):
        neighbour = ('ip', 'neighbour', 'replace', 'nud', 'permanent')
        run(*neighbour, CLIENT, 'lladdr', to[CLIENT], 'dev', self.ours)
        self.there(*neighbour, SERVER, 'lladdr', to[SERVER], 'dev', self.theirs)

    def drop(self):
        self._lead(NOBODY)

    def carry(self):
        self._lead(HARDWARE)


@contextlib.contextmanager
def wrapped(command):
    """podfs is started through a command, for as long as this lasts."""
    before = os.environ.get('PODFS_WRAP')
    os.environ['PODFS_WRAP'] = f'{command} {before or ""}'
    try:
        yield
    finally:
        if before is None:
            del os.environ['PODFS_WRAP']
        else:
            os.environ['PODFS_WRAP'] = before


def lines_of(mount, words):
    return [line for line in mount.stderr().splitlines() if words in line]


@test('a network that drops everything is noticed, and said once with a reason; when it is back, so is the tree')
def dropped():
    if not tap.options.long:
        skip('only with --long')
    if os.geteuid() != 0:
        skip('needs root')
    with contextlib.ExitStack() as stack:
        tmp = stack.enter_context(tempfile.TemporaryDirectory(prefix='podfs-network.'))
        link = stack.enter_context(Link())
        server = stack.enter_context(Apisim('--listen', '0.0.0.0:0', '--pods', '20', '--namespaces', '2',
                                            '--nodes', '2'))
        port = server.url.rsplit(':', 1)[1]
        server.url = f'http://127.0.0.1:{port}'
        ca = Authority(tmp)
        front = Front(SERVER)
        front.start(server.url, *ca.issue('front', '/CN=front', f'IP:{SERVER}'))
        stack.callback(front.stop)
        stack.enter_context(wrapped(link.enter))
        lose_and_find(link, server, {
            'HTTP/1.1': stack.enter_context(Mount(f'http://{SERVER}:{port}')),
            'HTTP/2': stack.enter_context(Mount(front.url, '--certificate-authority', ca.cert))})


def lose_and_find(link, server, mounts):
    server.create(path_of('team-000'), pod('before', 'team-000', node='node-000'))
    for mount in mounts.values():
        until(lambda mount=mount: os.path.exists(mount.pod('team-000', 'before')), 'a change before')
    over2 = metrics.read(mounts['HTTP/2'])
    check(over2['podfs_http2_requests_total'] > 0, 'the front is not asked over HTTP/2')
    link.drop()
    begin = time.monotonic()
    server.create(path_of('team-000'), pod('meanwhile', 'team-000', node='node-000'))
    for name, mount in mounts.items():
        lost = until(lambda mount=mount: lines_of(mount, 'lost the server'), 'the loss is noticed',
                     begin + NOTICED - time.monotonic())
        note(f'{name}: noticed after {time.monotonic() - begin:.0f} s: {lost[0]}')
        check('connected: no\n' in mount.read('.podfs', 'status').decode(), mount.read('.podfs', 'status'))
        check(not os.path.exists(mount.pod('team-000', 'meanwhile')), 'a packet went through')
        equal(mount.read('namespaces', 'team-000', 'pods', 'before', 'metadata', 'name'), b'before\n')
    server.delete(path_of('team-000', 'before'))
    link.carry()
    begin = time.monotonic()
    for name, mount in mounts.items():
        until(lambda mount=mount: lines_of(mount, 'the server is back'), 'the return', BACK)
        note(f'{name}: back after {time.monotonic() - begin:.0f} s')
        until(lambda mount=mount: 'connected: yes\n' in mount.read('.podfs', 'status').decode(), 'the status')
        for namespace in ('team-000', 'team-001'):
            want = {o['metadata']['name'] for o in server.list('pods', namespace)[0]}
            until(lambda mount=mount, namespace=namespace, want=want:
                  set(os.listdir(mount.at('namespaces', namespace, 'pods'))) == want, f'the pods of {namespace}')
        check(os.path.exists(mount.pod('team-000', 'meanwhile')), 'what came meanwhile')
        equal([len(lines_of(mount, words)) for words in ('lost the server', 'the server is back')], [1, 1], 'lines')


if __name__ == '__main__':
    tap.main()
