#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
The worker dies and the mount does not: what was read, held open, or bound elsewhere means the same to the
worker that takes its place.
"""
import contextlib
import errno
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import stress
from lib import fork, metrics, procs, tap
from lib.apisim import Apisim, path_of, pod
from lib.mount import Mount, is_mounted, slurp
from lib.procs import run, until
from lib.tap import check, equal, note, test

tap.take_tests()

NS = 'shop'


def worker_of(mount):
    """The process that serves now; None: there is none at this moment."""
    with open(f'/proc/{mount.pid}/task/{mount.pid}/children', encoding='ascii') as f:
        children = f.read().split()
    return int(children[0]) if children else None


def status(mount):
    return dict(line.split(': ', 1) for line in mount.read('.podfs', 'status').decode().splitlines())


def kill_worker(mount, signum=signal.SIGKILL):
    """Ends the worker and waits until another one serves."""
    before = int(status(mount)['worker'])
    os.kill(until(lambda: worker_of(mount), 'a worker'), signum)
    until(lambda: int(status(mount)['worker']) > before, 'another worker')


class Scene:
    def __init__(self, server, mount):
        self.server, self.mount = server, mount

    def create(self, name, **kwargs):
        self.server.create(path_of(NS), pod(name, NS, **kwargs))
        path = self.mount.pod(NS, name)
        until(lambda: os.path.isdir(path), f'{name} appears')
        return path

    def label(self, name, **labels):
        return self.server.patch(path_of(NS, name), {'metadata': {'labels': labels}})


@contextlib.contextmanager
def surroundings():
    with Apisim('--pods', 200, '--namespaces', 4, '--nodes', 5, '--seed', 5) as server:
        server.create('/api/v1/namespaces', {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': NS}})
        with Mount(server) as mount:
            yield Scene(server, mount)


@test('a worker that is killed is replaced; nobody who reads notices')
def replaced(s):
    here = s.create('plain', labels={'app': 'web'})
    before = slurp(f'{here}/object.json'), os.listdir(here), os.stat(f'{here}/labels').st_ino
    kill_worker(s.mount)
    equal((slurp(f'{here}/object.json'), os.listdir(here), os.stat(f'{here}/labels').st_ino), before)
    equal(status(s.mount)['connected'], 'yes')


@test('times and inode numbers stay, of files and of folders')
def times(s):
    here = s.create('times', labels={'app': 'web', 'still': 'here'})
    s.label('times', app='other')
    until(lambda: slurp(f'{here}/labels/app') == b'other\n', 'the change')
    paths = [f'{here}/labels/app', f'{here}/labels/still', f'{here}/labels', here, f'{here}/object.json',
             s.mount.at('namespaces', NS, 'pods'), s.mount.at('namespaces'), s.mount.at('nodes')]

    def seen():
        return [(p, os.stat(p).st_mtime_ns, os.stat(p).st_ino) for p in paths]
    # Folders hear of the change as late as names do.
    until(lambda: len({os.stat(p).st_mtime_ns for p in (*paths[2:5], paths[0])}) == 1, 'the times of the change')
    before = seen()
    kill_worker(s.mount)
    equal(seen(), before)


@test('an open file keeps its bytes, and its path leads to the newest, across workers')
def held_open(s):
    here = s.create('held', labels={'app': 'one'}, annotations={'large': 'x' * 200000})
    fds = [os.open(f'{here}/{name}', os.O_RDONLY) for name in ('labels/app', 'object.json')]
    try:
        want = [slurp(f'/proc/self/fd/{fd}') for fd in fds]
        s.label('held', app='two')
        until(lambda: slurp(f'{here}/labels/app') == b'two\n', 'the change')
        for _ in range(3):
            kill_worker(s.mount)
            # What the kernel has in its cache says nothing.
            for fd in fds:
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            equal([os.pread(fd, 1 << 20, 0) for fd in fds], want)
            equal(slurp(f'{here}/labels/app'), b'two\n')
    finally:
        for fd in fds:
            os.close(fd)


@test('what changed while nobody served is there when somebody does')
def changed_meanwhile(s):
    here = s.create('meanwhile', labels={'app': 'one'})
    equal(slurp(f'{here}/labels/app'), b'one\n')
    os.kill(worker_of(s.mount), signal.SIGKILL)
    s.label('meanwhile', app='two')
    s.server.create(path_of(NS), pod('came-meanwhile', NS))
    until(lambda: slurp(f'{here}/labels/app') == b'two\n', 'the change')
    until(lambda: 'came-meanwhile' in os.listdir(s.mount.at('namespaces', NS, 'pods')), 'the pod')


@test('a pod that is gone stays gone, and a folder of it stays empty')
def gone(s):
    here = s.create('goes', labels={'app': 'one'})
    fd = os.open(here, os.O_RDONLY | os.O_DIRECTORY)
    try:
        check(os.listdir(fd), 'its files')
        s.server.delete(path_of(NS, 'goes'))
        until(lambda: not os.path.exists(here), 'it is gone')
        kill_worker(s.mount)
        equal(os.listdir(fd), [])
        check(not os.path.exists(here), 'it is back')
    finally:
        os.close(fd)


@test('a working directory and a selection that is listed from within follow on')
def within(s):
    s.create('picked', labels={'team': 'blue'})
    shell = procs.start(['bash', '-c', 'cd "$1" && ls -A && read -r _ && ls -A && read -r _ && ls -A', 'bash',
                         s.mount.at('select', 'team=blue', NS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        equal(shell.stdout.readline(), b'picked\n')
        kill_worker(s.mount)
        shell.stdin.write(b'\n')
        shell.stdin.flush()
        equal(shell.stdout.readline(), b'picked\n')
        s.create('picked-too', labels={'team': 'blue'})
        until(lambda: 'picked-too' in os.listdir(s.mount.at('select', 'team=blue', NS)), 'the other pod')
        out, _ = shell.communicate(b'\n', timeout=20 * procs.patience())
        equal(sorted(out.split()), [b'picked', b'picked-too'])
    finally:
        procs.end(shell)


@test('a folder that is bound elsewhere works on, in another mount namespace too')
def bound(s):
    here = s.create('bound', labels={'app': 'one'})
    script = '''set -eu
target=$(mktemp -d) && mount --bind "$1" "$target"
cat "$target/labels/app" && read -r _ && cat "$target/labels/app" "$target/metadata/name"
umount "$target" && rmdir "$target"
'''
    shell = procs.start(['unshare', '-m', '--propagation', 'private', 'sh', '-c', script, 'sh', here],
                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        equal(shell.stdout.readline(), b'one\n')
        kill_worker(s.mount)
        s.label('bound', app='two')
        until(lambda: slurp(f'{here}/labels/app') == b'two\n', 'the change')
        out, _ = shell.communicate(b'\n', timeout=20 * procs.patience())
        equal(out, b'two\nbound\n')
    finally:
        procs.end(shell)


@test('what it says of itself can be read by who looked for it before the worker died')
def about_itself(s):
    fd = os.open(s.mount.at('.podfs', 'metrics'), os.O_RDONLY)
    try:
        kill_worker(s.mount)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        check(b'podfs_workers_total' in os.pread(fd, 1 << 20, 0), 'the metrics')
    finally:
        os.close(fd)


@test('readers beside changes read nothing wrong and get no error while workers are killed')
def under_load(s):
    seconds = 300 if tap.options.long else 12
    kills = 100 if tap.options.long else 6
    record = stress.Record(s.server)
    names = list(record.now)
    record.start()
    s.server.control('churn?rate=200')
    inodes = []

    def killer():
        for _ in range(kills):
            time.sleep(seconds / kills * 0.8)
            os.kill(until(lambda: worker_of(s.mount), 'a worker'), signal.SIGKILL)
            inodes.append(metrics.read(s.mount)['podfs_inodes'])

    thread = threading.Thread(target=killer)
    thread.start()
    try:
        results = fork.each(8, lambda n: stress.reader(s.mount, names, seconds, n))
    finally:
        thread.join()
        s.server.control('churn?rate=0')
    until(lambda: record.error or int(record.version) >= stress._latest(s.server), 'our own watch', 30)
    check(not record.error, f'our own watch: {record.error}')
    judge = stress.Judge(record)
    wrong = [w for _, seen in results for w in stress.judge_reader(judge, seen, {ns: set() for ns, _ in names})]
    reads = sum(len(seen) for _, seen in results)
    note(f'{reads} reads beside {kills} killed workers; inodes {inodes[:3]} ... {inodes[-3:]}')
    check(not wrong, f'{len(wrong)} wrong:\n' + '\n'.join(wrong[:20]))
    equal(len(inodes), kills, 'killed workers')
    for ns, name in names:
        want = record.now.get((ns, name))
        if want:
            version = want['metadata']['resourceVersion'].encode() + b'\n'
            until(lambda ns=ns, name=name, v=version: slurp(s.mount.pod(ns, name, 'metadata/resourceVersion')) == v,
                  f'{ns}/{name} at rest')


@test('another program takes over without a failed read, and a broken one does not')
def upgrade(s):
    program = procs.program('PODFS', 'podfs')
    with tempfile.TemporaryDirectory(prefix='podfs-upgrade.') as tmp:
        copy = os.path.join(tmp, 'podfs')
        shutil.copy2(program, copy)
        with custom_mount(s.server, copy) as (path, child):
            names = os.listdir(f'{path}/namespaces')
            stop = threading.Event()
            failed = []

            def read():
                while not stop.is_set():
                    try:
                        slurp(f'{path}/.podfs/version')
                        os.listdir(f'{path}/namespaces')
                    except OSError as e:
                        failed.append(e)
            reader = threading.Thread(target=read)
            reader.start()
            try:
                fresh = os.path.join(tmp, 'fresh')
                shutil.copy2(program, fresh)
                os.rename(fresh, copy)
                done = run(program, '--upgrade', path)
                check('is served by the new program' in done.stdout, done.stdout)
                worker = int(open(f'/proc/{child.pid}/task/{child.pid}/children', encoding='ascii').read().split()[0])
                equal(os.stat(f'/proc/{worker}/exe').st_ino, os.stat(copy).st_ino, 'the program that serves')
                shutil.copy2('/bin/false', fresh)
                os.rename(fresh, copy)
                done = run(program, '--upgrade', path, check=False)
                equal(done.returncode, 1)
                check('the old one goes on' in done.stderr, done.stderr)
                equal(os.listdir(f'{path}/namespaces'), names)
            finally:
                stop.set()
                reader.join()
            equal(failed, [])


@contextlib.contextmanager
def custom_mount(server, program, *args):
    """A mount by a program of that path: its directory, and the supervisor."""
    before = os.environ.get('PODFS')
    os.environ['PODFS'] = program
    try:
        mount = Mount(server, *args)
        mount.__enter__()
    finally:
        if before is None:
            del os.environ['PODFS']
        else:
            os.environ['PODFS'] = before
    try:
        yield mount.path, mount.child
    finally:
        mount.__exit__(None, None, None)


@test('when no worker can serve, reads fail after --restart-wait, until one can')
def nobody(s):
    with tempfile.NamedTemporaryFile('w', suffix='.kubeconfig') as config:
        good = ('apiVersion: v1\nkind: Config\ncurrent-context: c\n'
                f'clusters: [{{name: c, cluster: {{server: "{s.server.url}"}}}}]\n'
                'contexts: [{name: c, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {}}]\n')
        config.write(good)
        config.flush()
        with Mount(None, '--kubeconfig', config.name, '--restart-wait', '200ms') as mount:
            names = os.listdir(mount.at('namespaces'))
            with open(config.name, 'w', encoding='ascii') as f:
                f.write('no: [configuration')
            os.kill(worker_of(mount), signal.SIGKILL)

            def fails():
                try:
                    slurp(mount.at('.podfs', 'version'))
                except OSError as e:
                    return e.errno == errno.EIO
                return False
            until(fails, 'reads fail')
            check(is_mounted(mount.path), 'the mount')
            with open(config.name, 'w', encoding='ascii') as f:
                f.write(good)
            until(lambda: os.listdir(mount.at('namespaces')) == names, 'it serves again', 40)


@test('it is taken away from outside although nobody serves it')
def unmounted_alone(s):
    mount = Mount(s.server)
    with mount:
        os.kill(worker_of(mount), signal.SIGSTOP)
        worker = worker_of(mount)
        os.kill(worker, signal.SIGKILL)
    equal(mount.status, 0)


@test('without its supervisor the worker serves on, and ends with the mount')
def supervisor_killed(s):
    mount = Mount(s.server)
    mount.__enter__()
    worker = os.pidfd_open(worker_of(mount))
    try:
        names = os.listdir(mount.at('namespaces'))
        mount.child.kill()
        mount.child.wait()
        equal(os.listdir(mount.at('namespaces')), names)
        run('fusermount3', '-u', mount.path)
        check(select.select([worker], [], [], 20 * procs.patience())[0], 'the worker does not end')
    finally:
        os.close(worker)
        mount._leave()


class Systemd:
    """Hears what a service says, and keeps what it is asked to keep."""

    def __init__(self, folder):
        self.path = os.path.join(folder, 'notify')
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(20 * procs.patience())
        self.kept = {}

    def wait_for(self, what):
        while True:
            data, fds, _, _ = socket.recv_fds(self.socket, 4096, 1)
            words = dict(line.split('=', 1) for line in data.decode().splitlines())
            if 'FDSTORE' in words:
                self.kept[words['FDNAME']] = fds[0]
            if what in data.decode():
                return

    def close(self):
        for fd in self.kept.values():
            os.close(fd)
        self.socket.close()


@test('systemd hears when it is ready, and after the death of both processes goes on with the mount')
def under_systemd(s):
    with tempfile.TemporaryDirectory(prefix='podfs-systemd.') as tmp, contextlib.closing(Systemd(tmp)) as systemd:
        mount = Mount(s.server, env={'NOTIFY_SOCKET': systemd.path})
        mount.__enter__()
        try:
            systemd.wait_for('READY=1')
            equal(sorted(systemd.kept), ['podfs-memory', 'podfs-mount'])
            fd = os.open(mount.at('namespaces'), os.O_RDONLY | os.O_DIRECTORY)
            names = os.listdir(fd)
            worker = worker_of(mount)
            mount.child.kill()
            mount.child.wait()
            os.kill(worker, signal.SIGKILL)
            order = sorted(systemd.kept)
            for to, name in enumerate(order):
                os.dup2(systemd.kept[name], 100 + to)
                os.set_inheritable(100 + to, True)
            script = 'exec 3<&100 4<&101; LISTEN_PID=$$ exec "$@"'
            mount.child = procs.start(
                ['bash', '-c', script, 'bash',
                 procs.program('PODFS', 'podfs'), '-f', '--server', s.server.url, mount.path],
                stdin=subprocess.DEVNULL, pass_fds=(100, 101),
                env={**os.environ, 'NOTIFY_SOCKET': systemd.path, 'LISTEN_FDS': '2',
                     'LISTEN_FDNAMES': ':'.join(order)})
            for to in range(len(order)):
                os.close(100 + to)
            mount.pid = mount.child.pid
            systemd.wait_for('READY=1')
            equal(os.listdir(fd), names, 'a folder that was open all the time')
            equal(os.listdir(mount.at('namespaces')), names)
            os.close(fd)
        finally:
            mount._leave()
        equal(mount.status, 0)
        check(not is_mounted(mount.path), 'still mounted')


@test('--no-supervise is one process, with which the mount ends')
def alone(s):
    with Mount(s.server, '--no-supervise') as mount:
        equal(worker_of(mount), None)
        check(b'supervisor' not in mount.read('.podfs', 'status'), 'a supervisor')
        done = run(procs.program('PODFS', 'podfs'), '--upgrade', mount.path, check=False)
        equal(done.returncode, 8)
        check('cannot be upgraded' in done.stderr, done.stderr)


if __name__ == '__main__':
    tap.main(surroundings)
