#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
A network that drops everything: podfs in a network namespace of its own, a veth pair between it and the server.

Nothing tells either side. Packets go to a hardware address that nobody has, both ways, so that no interface is
down and no route is gone.
"""
import contextlib
import os
import time

from lib import procs, tap
from lib.apisim import Apisim, path_of, pod
from lib.mount import Mount
from lib.procs import run, until
from lib.tap import check, equal, note, skip, test

# TCP's own probes need 45 s, and so has what is sent; then a connection is tried, for 15 s.
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
    with Link() as link, Apisim('--listen', '0.0.0.0:0', '--pods', '20', '--namespaces', '2', '--nodes', '2') as server:
        port = server.url.rsplit(':', 1)[1]
        server.url = f'http://127.0.0.1:{port}'
        with wrapped(link.enter), Mount(f'http://{SERVER}:{port}') as mount:
            lose_and_find(link, server, mount)


def lose_and_find(link, server, mount):
    server.create(path_of('team-000'), pod('before', 'team-000', node='node-000'))
    until(lambda: os.path.exists(mount.pod('team-000', 'before')), 'a change before')
    link.drop()
    begin = time.monotonic()
    server.create(path_of('team-000'), pod('meanwhile', 'team-000', node='node-000'))
    lost = until(lambda: lines_of(mount, 'lost the server'), 'the loss is noticed', NOTICED)
    note(f'noticed after {time.monotonic() - begin:.0f} s: {lost[0]}')
    check('connected: no\n' in mount.read('.podfs', 'status').decode(), mount.read('.podfs', 'status'))
    check(not os.path.exists(mount.pod('team-000', 'meanwhile')), 'a packet went through')
    equal(mount.read('namespaces', 'team-000', 'pods', 'before', 'metadata', 'name'), b'before\n')
    server.delete(path_of('team-000', 'before'))
    link.carry()
    begin = time.monotonic()
    until(lambda: lines_of(mount, 'the server is back'), 'the return', BACK)
    note(f'back after {time.monotonic() - begin:.0f} s')
    until(lambda: 'connected: yes\n' in mount.read('.podfs', 'status').decode(), 'the status')
    for namespace in ('team-000', 'team-001'):
        want = {o['metadata']['name'] for o in server.list('pods', namespace)[0]}
        until(lambda namespace=namespace, want=want: set(os.listdir(mount.at('namespaces', namespace, 'pods'))) == want,
              f'the pods of {namespace}')
    check(os.path.exists(mount.pod('team-000', 'meanwhile')), 'what came meanwhile')
    equal([len(lines_of(mount, words)) for words in ('lost the server', 'the server is back')], [1, 1], 'lines')


if __name__ == '__main__':
    tap.main()
