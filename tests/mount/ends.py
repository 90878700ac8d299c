#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Signals: what ends podfs when, how quickly, and what is left."""
import contextlib
import os
import signal
import tempfile

from lib import procs, tap
from lib.apisim import Apisim
from lib.mount import Mount, clean_environment, is_mounted
from lib.procs import until
from lib.tap import check, equal, test

PODFS = procs.program('PODFS', 'podfs')
SIZE = ('--pods', '20', '--namespaces', '2', '--nodes', '2')
AT_ONCE = 5
# What lists do when they hang: after the first bytes, before the first, before the connection says anything;
# the last one is streamed.
HANGING = ('stall&verb=list&n=2000', 'stall&verb=list&n=0', 'half-open&verb=list', 'stall&verb=watch&n=2000')


class Child:
    """A podfs that is not mounted yet, a process group of its own; it is gone when this is left."""

    def __init__(self, server, path, *args):
        self.path = path
        self.child = procs.start([PODFS, *args, '--server', server.url, path], stdout=-1, stderr=-2,
                                 start_new_session=True, env=clean_environment(path))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if not self.child.stdout.closed:
            os.killpg(self.child.pid, signal.SIGKILL)
            self.child.communicate()
        if is_mounted(self.path):
            procs.run('fusermount3', '-uz', self.path)

    def ends(self, code):
        """It ends at once, with that code and without a mount; and so does all that it started."""
        # Whoever holds its output is one of its processes: when that is over none is left.
        said = self.child.communicate(timeout=AT_ONCE * procs.patience())[0].decode()
        equal(self.child.returncode, code, f'exit code; it said:\n{said}')
        check(not is_mounted(self.path), 'it is mounted')
        equal(os.listdir(self.path), [], 'the mount point')
        check('error: ' not in said, said)


def hangs(server, fault):
    """Three requests hang, of all that there are."""
    name = fault.split('&', maxsplit=1)[0]

    def asked():
        return any(f['name'] == name and int(f['taken']) >= 3 for f in server.get('/apisim/fault')['faults'])
    until(asked, f'three requests hang: {fault}')


@contextlib.contextmanager
def hanging(fault):
    """A server whose lists hang, and a mount point."""
    paged = ('--streaming-lists', 'no') if 'verb=list' in fault else ()
    with tempfile.TemporaryDirectory(prefix='podfs-ends.') as path, Apisim(*SIZE, *paged) as server:
        server.control('fault?name=' + fault)
        yield server, path


def in_the_foreground(signum):
    for fault in HANGING:
        with hanging(fault) as (server, path), Child(server, path, '-f') as podfs:
            hangs(server, fault)
            podfs.child.send_signal(signum)
            podfs.ends(1)


@test('Ctrl-C ends a first sync that hangs, at once, with 1 and without a mount')
def interrupt_sync():
    in_the_foreground(signal.SIGINT)


@test('SIGTERM ends a first sync that hangs, at once, with 1 and without a mount')
def terminate_sync():
    in_the_foreground(signal.SIGTERM)


@test('SIGHUP ends a first sync that hangs, at once, with 1 and without a mount')
def hang_up_sync():
    in_the_foreground(signal.SIGHUP)


@test('Ctrl-C while podfs is on its way to the background leaves no process')
def interrupt_background():
    with hanging(HANGING[0]) as (server, path), Child(server, path) as podfs:
        hangs(server, HANGING[0])
        os.killpg(podfs.child.pid, signal.SIGINT)
        podfs.ends(-signal.SIGINT)


@test('when the one that waits in the terminal is killed, the one that syncs ends')
def kill_waiter():
    for signum in (signal.SIGTERM, signal.SIGKILL):
        with hanging(HANGING[0]) as (server, path), Child(server, path) as podfs:
            hangs(server, HANGING[0])
            podfs.child.send_signal(signum)
            podfs.ends(-signum)


@test('SIGHUP, SIGINT and SIGTERM end a mount in the foreground with 0')
def mounted():
    with Apisim(*SIZE) as server:
        for signum in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            with Mount(server) as mount:
                mount.child.send_signal(signum)
                equal(mount.child.wait(AT_ONCE * procs.patience()), 0, f'exit code after {signum.name}')
                check(not is_mounted(mount.path), f'mounted after {signum.name}')


@test('a mount whose server hangs ends at once')
def mounted_and_hanging():
    for fault in ('stall&verb=watch&n=0', 'half-open&verb=watch'):
        with Apisim(*SIZE) as server, Mount(server) as mount:
            server.control('fault?name=' + fault)
            server.control('close-watches')
            hangs(server, fault)
            mount.child.send_signal(signal.SIGTERM)
            equal(mount.child.wait(AT_ONCE * procs.patience()), 0, f'exit code: {fault}')
            check(not is_mounted(mount.path), f'mounted: {fault}')


if __name__ == '__main__':
    tap.main()
