# SPDX-License-Identifier: Apache-2.0
"""
warm: what the kernel has kept, against the same names and values on a tmpfs, and in an empty FUSE server: that is
what any FUSE filesystem costs here, which no program behind it can change (docs/adr/0008-what-a-warm-read-costs.md).
"""
import os
import shutil

from lib import metrics
from lib.apisim import Apisim
from lib.mount import Mount, slurp

from beside import empty_server, shape, tmpfs
from shared import at_most, fsloop, timed, tool

A_COPY, EMPTY = 'the same on tmpfs', 'an empty FUSE server'


def label_dirs(server):
    """The folders with the labels of all pods that have any, as paths below namespaces/; the mount is not asked."""
    return [f'{meta["namespace"]}/pods/{meta["name"]}/metadata/labels'
            for meta in (pod['metadata'] for pod in server.list('pods')[0]) if meta.get('labels')]


def _said(asked):
    return ', '.join(f'{n} {op}' for op, n in asked.items()) or 'no request'


def _asked(mount, run):
    """The requests of a run that all is known of. STATFS is never answered by the kernel: a tool can ask for it."""
    asked = metrics.best_cost(mount, run, times=3)
    before = metrics.requests(mount)['STATFS']
    run()
    statfs = int(metrics.requests(mount)['STATFS'] - before)
    return _said(asked) + (f' but {statfs} STATFS' if statfs else '')


def one_value(bench, server, mount, copy):
    """One file, at the same path on all."""
    pod = next(p for p in server.list('pods')[0] if p['spec'].get('containers'))
    path = (f'namespaces/{pod["metadata"]["namespace"]}/pods/{pod["metadata"]["name"]}/spec/containers/'
            f'{pod["spec"]["containers"][0]["name"]}/image')
    os.makedirs(os.path.dirname(f'{copy}/{path}'))
    shutil.copy(mount.at(path), f'{copy}/{path}')
    with empty_server(shape(copy)[0]) as empty:
        for operation, what, reach in (('read', 'open, read, close of a value', at_most(1.3)),
                                       ('open', 'open, close', None), ('stat', 'stat', None)):
            mine, on_tmpfs, nobody = fsloop(operation, bench.sizes.loop_turns,
                                            *(f'{top}/{path}' for top in (mount.path, copy, empty)))
            bench.add(f'warm: {what}', mine, 'us', on_tmpfs, A_COPY, reach)
            bench.add(f'warm: {what}, and an empty server', mine, 'us', nobody, EMPTY)
    asked = metrics.best_cost(mount, lambda: slurp(mount.at(path)))
    bench.add('warm: requests for open, read, close', sum(asked.values()), '', reach=at_most(0, 'requests'),
              note=_said(asked), portable=True, times=1)


def all_labels(bench, server, mount, copy):
    source, dirs = mount.at('namespaces'), label_dirs(server)
    tool('cp', '-r', '--parents', *dirs, copy, cwd=source)
    with empty_server(shape(copy)[0]) as empty:
        for what, argv, ok in (('ls -l', ('ls', '-l'), (0,)), ('find', ('find',), (0,)),
                               ('grep -r', ('grep', '-r', 'no-such-value-anywhere'), (1,))):
            def run(cwd, argv=argv, ok=ok):
                return timed(lambda: tool(*argv, *dirs, cwd=cwd, ok=ok))
            for cwd in (copy, empty):
                run(cwd)
            asked = _asked(mount, lambda run=run: run(source))
            mine, on_tmpfs, nobody = bench.in_turn(*(lambda c=cwd, run=run: run(c) for cwd in (source, copy, empty)),
                                                   times=bench.sizes.tool_turns)
            name = f"warm: {what} of {bench.sizes.pods} pods' labels"
            bench.add(name, mine, 's', on_tmpfs, A_COPY, at_most(1.5), note=asked)
            bench.add(f'{name}, and an empty server', mine, 's', nobody, EMPTY)


def measure(bench):
    with Apisim('--pods', bench.sizes.pods, '--namespaces', 10, '--nodes', 100, '--seed', 1) as server, \
            Mount(server) as mount:
        for part in (one_value, all_labels):
            with tmpfs() as copy:
                part(bench, server, mount, copy)
