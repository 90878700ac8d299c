#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a reader sees while the server is lost: --stale=serve and --stale=deny."""
import contextlib
import errno
import glob
import os

from lib import tap
from lib.apisim import Apisim
from lib.mount import Mount, slurp
from lib.procs import until
from lib.tap import check, equal, raises, test

PODS = ('--pods', '20', '--namespaces', '2', '--nodes', '2', '--seed', '7')


class Scene:
    """A server that can be lost and come back at the same address, with the same objects."""

    def __init__(self):
        self.server = Apisim(*PODS).__enter__()
        self.again = (*PODS, '--listen', self.server.url.split('//')[1])

    def lose(self):
        self.server.__exit__()
        self.server = None

    def come_back(self):
        self.server = Apisim(*self.again).__enter__()

    def close(self):
        if self.server:
            self.lose()


@contextlib.contextmanager
def scene(*args):
    s = Scene()
    try:
        with Mount(s.server, *args) as mount:
            s.mount = mount
            s.pod = sorted(glob.glob(mount.at('namespaces', '*', 'pods', '*')))[0]
            yield s
    finally:
        s.close()


def status(s):
    return dict(line.split(': ', 1) for line in s.mount.read('.podfs', 'status').decode().splitlines())


def fails(path):
    try:
        slurp(path)
    except OSError as e:
        return e.errno == errno.EIO
    return False


@test('what was last known stays readable, and its age is said')
def serve():
    with scene() as s:
        known = slurp(s.pod + '/object.json')
        equal(status(s)['connected'], 'yes')
        s.lose()
        until(lambda: status(s)['connected'] == 'no', 'the loss is noticed')
        check('not up to date for ' in status(s)['pods'], status(s)['pods'])
        equal(slurp(s.pod + '/object.json'), known)
        equal(slurp(s.pod + '/metadata/uid')[-1:], b'\n', 'a file that was never read before')
        s.come_back()
        until(lambda: status(s)['connected'] == 'yes', 'the server is back', seconds=90)
        until(lambda: 'the server is back' in s.mount.stderr(), 'the log says so')
        equal([s.mount.stderr().count(words) for words in ('lost the server', 'the server is back')], [1, 1])


@test('a dump of the process would hold secrets, so there is none')
def dumps():
    with scene() as s, open(f'/proc/{s.mount.child.pid}/limits', encoding='ascii') as f:
        limit = next(line for line in f if line.startswith('Max core file size'))
        # 0 would not keep the kernel from handing it to a program: core(5), "Piping core dumps".
        equal(limit.split()[4:6], ['1', '1'])


@test('deny: what is too old fails with EIO, also what was cached or open; .podfs does not')
def deny():
    with scene('--stale=deny=1s') as s:
        path = s.pod + '/metadata/uid'
        known, listed = slurp(path), os.listdir(s.pod + '/metadata')
        os.stat(s.pod)
        with open(path, 'rb', buffering=0) as f:
            equal(f.read(), known)
            s.lose()
            until(lambda: fails(path), 'reads fail')
            with raises(errno.EIO, 'an open file'):
                os.pread(f.fileno(), 100, 0)
        for what, call in (('stat', os.stat), ('listdir', os.listdir), ('never looked at', slurp)):
            with raises(errno.EIO, what):
                call(s.pod + {'stat': '', 'listdir': '/metadata', 'never looked at': '/status/phase'}[what])
        check('not up to date for ' in status(s)['pods'], status(s)['pods'])
        equal(sorted(os.listdir(s.mount.path)), ['.podfs', 'by-ip', 'by-uid', 'namespaces', 'nodes', 'select'])
        s.come_back()
        until(lambda: not fails(path), 'reads work again', seconds=90)
        equal(slurp(path), known)
        equal(os.listdir(s.pod + '/metadata'), listed)


@test('deny: a loss that is shorter than the limit is not noticed by readers')
def short():
    with scene('--stale=deny=1h') as s:
        known = slurp(s.pod + '/object.json')
        s.lose()
        until(lambda: status(s)['connected'] == 'no', 'the loss is noticed')
        equal(slurp(s.pod + '/object.json'), known)
        s.come_back()
        until(lambda: status(s)['connected'] == 'yes', 'the server is back', seconds=90)
        equal(slurp(s.pod + '/object.json'), known)


if __name__ == '__main__':
    tap.main()
