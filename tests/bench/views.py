# SPDX-License-Identifier: Apache-2.0
"""views: what people do with kubectl today."""
import collections

from lib.apisim import Apisim
from lib.mount import Mount

from shared import faster, timed, tool
from warm import label_dirs


def _selectors(server, count):
    """As many selectors that some pods match, none of which was looked at before: the most frequent labels."""
    seen = collections.Counter()
    for pod in server.get('/api/v1/pods?limit=500')['items']:
        seen.update(f'{key}={value}' for key, value in (pod['metadata'].get('labels') or {}).items())
    return [label for label, _ in seen.most_common(count)]


def selections(bench, server, mount):
    chosen = _selectors(server, bench.sizes.times)
    mine, theirs = iter(chosen), iter(chosen)

    def ls():
        return timed(lambda: tool('sh', '-c', 'ls "$0"/*', mount.at('select', next(mine).replace('/', '%2F'))))

    def kubectl():
        return timed(lambda: server.kubectl('get', 'pods', '-A', '-l', next(theirs)))
    a, b = bench.in_turn(ls, kubectl, times=len(chosen))
    bench.add('views: ls select/SELECTOR/*', a, 's', b, 'kubectl get pods -A -l SELECTOR', faster(),
              times=len(chosen))


def grep(bench, server):
    """Each time through a new mount, of which nothing is known."""
    dirs = label_dirs(server)

    def podfs():
        with Mount(server) as mount:
            return timed(lambda: tool('grep', '-r', 'no-such-value-anywhere', *dirs,
                                      cwd=mount.at('namespaces'), ok=(1,)))

    def kubectl():
        # Only a file is as cheap for it as what grep writes to.
        return timed(lambda: tool('sh', '-c', 'exec kubectl "$@" >/dev/null', 'sh', '--server', server.url,
                                  '--kubeconfig', '/dev/null', '--cache-dir', server.dir + '/cache',
                                  'get', 'pods', '-A', '-o', 'json'))
    a, b = bench.in_turn(podfs, kubectl)
    bench.add(f"views: cold grep -r over {bench.sizes.pods} pods' labels", a, 's', b,
              'kubectl get pods -A -o json', faster())


def measure(bench):
    with Apisim('--pods', bench.sizes.pods, '--namespaces', 10, '--nodes', 100, '--seed', 1) as server:
        with Mount(server) as mount:
            selections(bench, server, mount)
        grep(bench, server)
