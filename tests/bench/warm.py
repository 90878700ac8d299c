# SPDX-License-Identifier: Apache-2.0
"""warm: what the kernel has kept, against the same names and values on tmpfs."""
import os
import shutil
import tempfile

from lib import metrics
from lib.apisim import Apisim
from lib.mount import Mount, slurp

from shared import at_most, fsloop, timed, tool


def label_dirs(server):
    """The folders with the labels of all pods that have any, as paths below namespaces/; the mount is not asked."""
    return [f'{meta["namespace"]}/pods/{meta["name"]}/metadata/labels'
            for meta in (pod['metadata'] for pod in server.list('pods')[0]) if meta.get('labels')]


def one_value(bench, _, mount, shm):
    """One file, at a path with as many components on tmpfs."""
    namespace = next(n for n in sorted(os.listdir(mount.at('namespaces')))
                     if os.listdir(mount.at('namespaces', n, 'pods')))
    pod = sorted(os.listdir(mount.at('namespaces', namespace, 'pods')))[0]
    containers = mount.pod(namespace, pod, 'spec', 'containers')
    file = f'{containers}/{sorted(os.listdir(containers))[0]}/image'
    deep = os.path.join(shm, *(['d'] * (file.count('/') - shm.count('/') - 1)))
    os.makedirs(deep)
    twin = shutil.copy(file, deep + '/image')
    assert file.count('/') == twin.count('/')
    loops = bench.sizes.loops
    for operation, what, reach in (('read', 'open, read, close of a value', at_most(1.3)),
                                   ('open', 'open, close', None), ('stat', 'stat', None)):
        mine, theirs = bench.in_turn(lambda o=operation: fsloop(o, loops, file),
                                     lambda o=operation: fsloop(o, loops, twin))
        bench.add(f'warm: {what}', mine, 'us', theirs, 'the same on tmpfs', reach)
    asked = metrics.best_cost(mount, lambda: slurp(file))
    bench.add('warm: requests for open, read, close', sum(asked.values()), '', reach=at_most(0, 'requests'),
              note=' '.join(f'{n} {op}' for op, n in asked.items()), portable=True)


def all_labels(bench, server, mount, shm):
    source, dirs = mount.at('namespaces'), label_dirs(server)
    tool('cp', '-r', '--parents', *dirs, shm, cwd=source)
    for what, argv, ok in (('ls -l', ('ls', '-l'), (0,)), ('find', ('find',), (0,)),
                           ('grep -r', ('grep', '-r', 'no-such-value-anywhere'), (1,))):
        places = [source, shm]
        for cwd in places:
            tool(*argv, *dirs, cwd=cwd, ok=ok)
        mine, theirs = bench.in_turn(*(lambda c=cwd: timed(lambda: tool(*argv, *dirs, cwd=c, ok=ok))
                                       for cwd in places))
        bench.add(f"warm: {what} of {len(dirs)} pods' labels", mine, 's', theirs, 'a copy on tmpfs', at_most(1.5))


def measure(bench):
    with Apisim('--pods', bench.sizes.pods, '--namespaces', 10, '--nodes', 100, '--seed', 1) as server, \
            Mount(server) as mount:
        for part in (one_value, all_labels):
            with tempfile.TemporaryDirectory(dir='/dev/shm') as shm:
                part(bench, server, mount, shm)
