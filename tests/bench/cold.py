# SPDX-License-Identifier: Apache-2.0
"""cold: a first look at what nobody has looked at, each time through a new mount."""
import collections
import contextlib
import os
import subprocess
import tempfile
import time

from lib import metrics, procs
from lib.apisim import Apisim
from lib.mount import Mount, slurp

from shared import at_most, faster, memory, timed, tool

# The C library asks for 32 kB; an entry takes 152 bytes and its name, in eights.
ONE_REPLY = 150


def values(bench):
    """One value of each pod: what is in the way are three folders and a file."""
    with Apisim('--pods', bench.sizes.pods, '--namespaces', 10, '--nodes', 100, '--seed', 1) as server:
        pods = [(p['metadata']['namespace'], p['metadata']['name']) for p in server.list('pods')[0]]

        def each(path):
            with Mount(server) as mount:
                files = [mount.pod(*pod, path) for pod in pods]
                begin = time.perf_counter()
                for file in files:
                    slurp(file)
                return (time.perf_counter() - begin) / len(pods) * 1e6
        turn = iter(pods)

        def kubectl():
            namespace, name = next(turn)
            return timed(lambda: server.kubectl('-n', namespace, 'get', 'pod', name,
                                                '-o', 'jsonpath={.metadata.resourceVersion}')) * 1e6
        kubectl()
        one, whole, beside = bench.in_turn(lambda: each('metadata/resourceVersion'), lambda: each('object.json'),
                                           kubectl)
    what = f'cold: a value in each of {len(pods)} untouched pods'
    bench.add(what, one, 'us', reach=at_most(120, 'us'))
    bench.add(what + ', and kubectl', one, 'us', beside, 'one kubectl get -o jsonpath', faster(500))
    bench.add('cold: object.json of each of them', whole, 'us', beside, 'one kubectl get -o jsonpath')


def shape(top):
    """All that is below a mount, a line each, as emptyfs reads it; and how many folders that is."""
    lines, found = [], ['']
    for number, directory in enumerate(found):
        with os.scandir(f'{top}/{directory}') as entries:
            for e in entries:
                path = f'{directory}/{e.name}'
                if e.is_symlink():
                    lines.append(f'{number} l 0 {e.name}')
                elif e.is_dir():
                    found.append(path)
                    lines.append(f'{number} d 0 {e.name}')
                elif e.name in ('object.json', 'object.yaml') or directory == '/.podfs':
                    lines.append(f'{number} n 0 {e.name}')
                else:
                    lines.append(f'{number} f {e.stat().st_size} {e.name}')
    return lines, len(found)


@contextlib.contextmanager
def empty_server(lines):
    """A mount of emptyfs."""
    with tempfile.TemporaryDirectory() as top:
        with open(top + '/shape', 'w', encoding='utf-8') as f:
            f.write('\n'.join(lines) + '\n')
        os.mkdir(top + '/mnt')
        with open(top + '/shape', encoding='utf-8') as f:
            child = procs.start([procs.program('EMPTYFS', 'tests/bench/emptyfs'), top + '/mnt'], stdin=f,
                                stdout=subprocess.PIPE)
        try:
            assert child.stdout.readline() == b'ready\n', 'emptyfs does not start'
            yield top + '/mnt'
        finally:
            subprocess.run(['fusermount3', '-u', top + '/mnt'], check=False)
            child.stdout.close()
            procs.end(child)


def _late(lines):
    """
    How many folders are in folders too long for one reply: the kernel asks for the rest of those by name alone
    (READDIRPLUS_AUTO), so that find looks up what it enters. That is never a file.
    """
    count, folders = collections.Counter(), collections.Counter()
    for line in lines:
        number, kind = line.split(' ', 2)[:2]
        count[number] += 1
        folders[number] += kind == 'd'
    return sum(folders[number] for number, n in count.items() if n > ONE_REPLY)


def _on_tmpfs(lines, top):
    """The same names, with nothing in the files."""
    found = [top]
    for line in lines:
        number, kind, _, name = line.split(' ', 3)
        path = f'{found[int(number)]}/{name}'
        if kind == 'd':
            found.append(path)
            os.mkdir(path)
        elif kind == 'l':
            os.symlink('x', path)
        else:
            os.mknod(path)


def _find(path):
    return timed(lambda: tool('find', path))


def _requests(bench, mount, folders):
    """One cold find, counted; then what an inode costs podfs."""
    before, inodes = memory(mount.pid)[0], metrics.read(mount)['podfs_inodes']
    asked = metrics.cost(mount, lambda: _find(mount.path))
    more = memory(mount.pid)[0] - before
    count = metrics.read(mount)['podfs_inodes'] - inodes
    listings = asked.get('READDIR', 0) + asked.get('READDIRPLUS', 0)
    often = {op: round(n / folders, 2) for op, n in asked.items() if n >= folders / 100}
    return often, listings / folders, asked.get('LOOKUP', 0), more * 2**20 / count


def everything(bench):
    with Apisim('--pods', bench.sizes.find_pods, '--namespaces', 10, '--nodes', 100, '--seed', 1) as server, \
            tempfile.TemporaryDirectory(dir='/dev/shm') as shm:
        with Mount(server) as mount:
            tool('find', mount.path)
            lines, folders = shape(mount.path)
        with Mount(server) as mount:
            asked, listings, lookups, size = _requests(bench, mount, folders)
        _on_tmpfs(lines, shm)

        def podfs():
            with Mount(server) as mount:
                return _find(mount.path)

        def empty():
            with empty_server(lines) as path:
                return _find(path)
        # A find on tmpfs before each: what is left to do of the mount before is not its business.
        tmpfs, mine, _, theirs = bench.in_turn(lambda: _find(shm), podfs, lambda: _find(shm), empty)
    what = f'cold: find of {len(lines)} entries'
    # More than two only where a reply is too short for a folder.
    bench.add(f'{what}: listings a folder', round(listings, 2), '', reach=at_most(2, 'requests'), portable=True,
              times=1, note=', '.join(f'{n:g} {op}' for op, n in asked.items()))
    bench.add(f'{what}: LOOKUPs', lookups, '', reach=at_most(_late(lines), 'requests'), portable=True, times=1,
              note='as many folders are in folders that take more than one reply')
    bench.add(what, mine, 's', theirs, 'an empty FUSE server', at_most(1.3))
    bench.add(what + ', tmpfs', mine, 's', tmpfs, 'tmpfs, which is never cold')
    bench.add('cold: memory an inode that the kernel holds', size, 'B', reach=at_most(64, 'B'), portable=True, times=1)


def measure(bench):
    values(bench)
    everything(bench)
