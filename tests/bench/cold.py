# SPDX-License-Identifier: Apache-2.0
"""cold: a first look at what nobody has looked at, each time through a new mount."""
import collections
import os
import time

from lib import metrics
from lib.apisim import Apisim
from lib.mount import Mount, slurp

from beside import empty_server, make, shape, tmpfs
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


def _find(path):
    return timed(lambda: tool('find', path))


def _an_inode(mount):
    """
    Bytes that an inode costs podfs. Half of the pods are looked at first: what podfs keeps of opened pods, whose
    size has a limit, is there before anything is counted.
    """
    tool('find', *(mount.at('namespaces', name) for name in sorted(os.listdir(mount.at('namespaces')))[::2]))
    own, inodes = memory(mount.pid)[0], metrics.read(mount)['podfs_inodes']
    tool('find', mount.path)
    return (memory(mount.pid)[0] - own) * 2**20 / (metrics.read(mount)['podfs_inodes'] - inodes)


def _requests(bench, mount, lines, folders):
    """One cold find, counted."""
    what = f'cold: find of {bench.sizes.find_pods} pods'
    asked = metrics.cost(mount, lambda: _find(mount.path))
    listings = asked.get('READDIR', 0) + asked.get('READDIRPLUS', 0)
    often = ', '.join(f'{n / folders:.2g} {op}' for op, n in asked.items() if n >= folders / 100)
    # More than two only where a reply is too short for a folder.
    bench.add(f'{what}: listings a folder', round(listings / folders, 2), '', reach=at_most(2, 'requests'),
              portable=True, times=1, note=f'{often}; {len(lines)} entries in {folders} folders')
    bench.add(f'{what}: LOOKUPs', asked.get('LOOKUP', 0), '', reach=at_most(_late(lines), 'requests'), portable=True,
              times=1, note='as many folders are in folders that take more than one reply')


def everything(bench):
    with Apisim('--pods', bench.sizes.find_pods, '--namespaces', 10, '--nodes', 100, '--seed', 1) as server, \
            tmpfs() as copy:
        with Mount(server) as mount:
            size = _an_inode(mount)
            lines, folders = shape(mount.path)
        make(lines, copy)
        with Mount(server) as mount:
            _requests(bench, mount, lines, folders)
            warm, beside = bench.in_turn(lambda: _find(mount.path), lambda: _find(copy))
            bench.add(f'warm: find of {bench.sizes.find_pods} pods', warm, 's', beside, 'the same on tmpfs',
                      at_most(1.5))

        def podfs():
            with Mount(server) as mount:
                return _find(mount.path)

        def empty():
            with empty_server(lines) as path:
                return _find(path)
        # A find on tmpfs before each: what is left to do of the mount before is not its business.
        never_cold, mine, _, theirs = bench.in_turn(lambda: _find(copy), podfs, lambda: _find(copy), empty)
    what = f'cold: find of {bench.sizes.find_pods} pods'
    bench.add(what, mine, 's', theirs, 'an empty FUSE server', at_most(1.3))
    bench.add(what + ', tmpfs', mine, 's', never_cold, 'tmpfs, which is never cold')
    bench.add('cold: memory an inode that the kernel holds', size, 'B', reach=at_most(64, 'B'), portable=True, times=1)


def measure(bench):
    values(bench)
    everything(bench)
