# SPDX-License-Identifier: Apache-2.0
"""
cgroups: real cgroups made for a test, in hierarchies that limit nothing: v2, or v1's that systemd names.
"""
import contextlib
import os


def hierarchies():
    """Where cgroups can be made: [('v2', '/sys/fs/cgroup'), ('v1', '/sys/fs/cgroup/systemd')], or less."""
    found = {}
    with open('/proc/self/mountinfo', encoding='utf-8') as f:
        for line in f:
            fields, kind = (part.split() for part in line.split(' - '))
            options = kind[2].split(',')
            if fields[3] != '/' or 'rw' not in fields[5].split(','):
                continue
            if kind[0] == 'cgroup2':
                found.setdefault('v2', fields[4])
            elif kind[0] == 'cgroup' and any(o.startswith('name=') for o in options):
                found.setdefault('v1', fields[4])
    return [(version, path) for version, path in sorted(found.items()) if _works(path)]


def _works(path):
    """Whether a child can be put into a new cgroup here."""
    try:
        with Cgroups(path) as cgroups:
            cgroup = cgroups.make('try')
            pid = os.fork()
            if pid == 0:
                try:
                    cgroup.enter()
                    os._exit(0)
                finally:
                    os._exit(1)
            return os.waitpid(pid, 0)[1] == 0
    except OSError:
        return False


class Cgroup:
    """One directory of a hierarchy."""

    def __init__(self, path):
        self.path = path

    def enter(self):
        """Moves the calling process here."""
        with open(self.path + '/cgroup.procs', 'w', encoding='ascii') as f:
            f.write('0')

    def enter_thread(self):
        """Moves the calling thread alone; v1 can."""
        with open(self.path + '/tasks', 'w', encoding='ascii') as f:
            f.write('0')


class Cgroups:
    """A cgroup of our own at the top of a hierarchy, as a context manager; all below goes with it."""

    def __init__(self, hierarchy):
        self.top = os.path.join(hierarchy, f'podfs-test-{os.getpid()}')

    def __enter__(self):
        os.mkdir(self.top)
        return self

    def make(self, path):
        """The cgroup of a path below ours, with all above it."""
        os.makedirs(os.path.join(self.top, path), exist_ok=True)
        return Cgroup(os.path.join(self.top, path))

    def __exit__(self, *_):
        for directory, _dirs, _files in os.walk(self.top, topdown=False):
            os.rmdir(directory)
        with contextlib.suppress(FileNotFoundError):
            os.rmdir(self.top)
