# SPDX-License-Identifier: Apache-2.0
"""mount: starts podfs on a mount point of its own and takes the mount away again."""
import os
import select
import shlex
import signal
import subprocess
import tempfile
import time

from . import procs

_TROUBLE = (b'ERROR: AddressSanitizer', b'ERROR: LeakSanitizer', b'WARNING: ThreadSanitizer',
            b'runtime error:', b'Assertion ')


def is_mounted(path):
    """The line of /proc/self/mountinfo of the topmost mount at the path, or None."""
    found = None
    with open('/proc/self/mountinfo', encoding='utf-8') as f:
        for line in f:
            if line.split()[4] == path:
                found = line
    return found


def wait_mounted(path, child, seconds):
    """Returns when the path is a mount point; fails when the child ends first or time is up."""
    deadline = time.monotonic() + seconds
    pidfd = os.pidfd_open(child.pid)
    try:
        with open('/proc/self/mountinfo', 'rb') as table:
            poller = select.poll()
            poller.register(table.fileno(), select.POLLPRI | select.POLLERR)
            poller.register(pidfd, select.POLLIN)
            while not is_mounted(path):
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError(f'not mounted after {seconds:g} s')
                for fd, _ in poller.poll(left * 1000):
                    if fd == pidfd:
                        raise AssertionError(f'podfs ended with {child.wait()} before it mounted')
                table.seek(0)
                table.read()
    finally:
        os.close(pidfd)


def clean_environment(home):
    """An environment in which no configuration of the user is found."""
    env = {k: v for k, v in os.environ.items() if not k.startswith('KUBE') and k not in ('POD_NAME', 'POD_NAMESPACE')}
    env['HOME'] = home
    return env


class Mount:
    """
    A mounted podfs in the foreground mode, as a context manager; `path` is the mount point, `pid` the
    process. `wrap` goes before the command; started() is called with the pid before anything is mounted. Leaving it unmounts and fails unless podfs ended with 0 and no sanitizer complained.
    """

    def __init__(self, server, *args, env=None, wrap=(), seconds=60, started=None):
        self.url = getattr(server, 'url', server)
        self.args = [str(a) for a in args]
        self.env, self.wrap, self.seconds = env, wrap, seconds * procs.patience()
        self.child, self.started = None, started

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix='podfs-test.')
        os.chmod(self.dir, 0o755)
        self.path = os.path.join(self.dir, 'mnt')
        os.mkdir(self.path)
        server = ['--server', self.url] if self.url else []
        wrap = shlex.split(os.environ.get('PODFS_WRAP', ''))
        with open(os.path.join(self.dir, 'stderr'), 'wb') as log:
            self.child = procs.start(
                [*self.wrap, *wrap, procs.program('PODFS', 'podfs'), '-f', *server, *self.args, self.path],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**clean_environment(self.dir), **(self.env or {})})
        self.pid = self.child.pid
        if self.started:
            self.started(self.pid)
        try:
            wait_mounted(self.path, self.child, self.seconds)
        except BaseException as e:
            text = self.stderr()
            self._leave()
            raise AssertionError(f'{e}\n{text}') if isinstance(e, Exception) else e
        return self

    def __exit__(self, kind, *_):
        text = self._leave()
        if kind is None or self.status != 0:
            self._judge(text)

    def _leave(self):
        """Ends the mount and the process whatever state they are in; returns what podfs printed."""
        self.status = None
        try:
            if is_mounted(self.path):
                done = subprocess.run(['fusermount3', '-u', self.path], capture_output=True, check=False)
                if done.returncode != 0:
                    subprocess.run(['fusermount3', '-uz', self.path], capture_output=True, check=False)
            try:
                self.status = self.child.wait(20 * procs.patience())
            except subprocess.TimeoutExpired:
                self.child.send_signal(signal.SIGKILL)
                self.child.wait()
                self.status = 'killed: it did not end after the unmount'
            return self.stderr()
        finally:
            for name in os.listdir(self.dir):
                if name != 'mnt':
                    os.unlink(os.path.join(self.dir, name))
            if not is_mounted(self.path):
                os.rmdir(self.path)
                os.rmdir(self.dir)

    def _judge(self, text):
        if self.status != 0:
            raise AssertionError(f'podfs ended with {self.status}\n{text[-6000:]}')
        for word in _TROUBLE:
            if word.decode() in text:
                raise AssertionError(f'podfs printed a complaint\n{text[-6000:]}')

    def stderr(self):
        with open(os.path.join(self.dir, 'stderr'), 'rb') as f:
            return f.read().decode(errors='replace')

    # Paths and their contents.

    def at(self, *names):
        return os.path.join(self.path, *names)

    def pod(self, namespace, name, *names):
        return self.at('namespaces', namespace, 'pods', name, *names)

    def node(self, name, *names):
        return self.at('nodes', name, *names)

    def read(self, *names):
        return slurp(self.at(*names))


def slurp(path, dir_fd=None):
    """The bytes of a file, without what python's open() asks besides."""
    fd = os.open(path, os.O_RDONLY, dir_fd=dir_fd)
    try:
        parts = []
        while part := os.read(fd, 1 << 20):
            parts.append(part)
        return b''.join(parts)
    finally:
        os.close(fd)
