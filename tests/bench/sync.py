# SPDX-License-Identifier: Apache-2.0
"""
sync: from the start to the complete mount: seconds beside curl that drains the same objects in pages, CPU, memory.

podfs gets its lists as a stream (docs/adr/0006-lists-are-streamed.md), which no server compresses, so curl asks for
plain pages: as many bytes. With gzip it has a row of its own where the server is paced: the pace counts what is sent.
"""
import json
import re
import statistics
import time
import urllib.parse

from lib.apisim import Apisim
from lib.mount import Mount

from shared import Peak, at_most, cpu_ticks, memory, timed, tool

PAGE = 500
RATE = 100_000_000
BESIDE = 'curl drains the same objects'
HEAD = re.compile(rb'"metadata":(\{[^}]*\})')


def pages(server):
    """The addresses of all pages of the list of pods, good until something changes, and how many bytes they are."""
    urls, size, token = [], 0, ''
    while True:
        path = f'/api/v1/pods?limit={PAGE}' + (f'&continue={urllib.parse.quote(token)}' if token else '')
        text = server.request('GET', path)[1]
        urls.append(server.url + path)
        size += len(text)
        token = json.loads(HEAD.search(text[:4096])[1]).get('continue')
        if not token:
            return urls, size


def curl(urls, *options):
    """Seconds of one curl that gets all of them over one connection."""
    argv = [word for url in urls for word in ('-o', '/dev/null', url)]
    return timed(lambda: tool('curl', '-sSf', *options, *argv))


class Start:
    """One start of podfs: seconds until the mount is there and complete, CPU until then, memory in MB."""

    def __init__(self, server):
        with Peak() as peak:
            begin = time.perf_counter()
            with Mount(server, seconds=600, started=peak.look_at) as mount:
                self.seconds = time.perf_counter() - begin
                self.cpu = cpu_ticks(mount.pid)
                # What is given back is given back soon, or it does not count.
                time.sleep(1)
                peak.look_at(None)
                self.own, self.resident = memory(mount.pid)
        self.peak, self.peak_resident = max(peak.own, self.own), max(peak.resident, self.resident)


def _cluster(pods, *args):
    return Apisim('--pods', pods, '--namespaces', 40, '--nodes', 100, '--seed', 1, *args)


def _columns(starts):
    """What Start has, a list for each."""
    return {name: [getattr(start, name) for start in starts] for name in vars(starts[0])}


def paced(bench, pods):
    with _cluster(pods, '--rate', RATE) as server:
        urls, size = pages(server)
        starts, plain, small = bench.in_turn(lambda: Start(server), lambda: curl(urls),
                                             lambda: curl(urls, '--compressed'))
    seconds = _columns(starts)['seconds']
    what = f'sync: {pods} pods, paced at {RATE // 10**6} MB/s'
    bench.add(what, seconds, 's', plain, BESIDE, at_most(1.2), note=f'{size / pods / 1000:.1f} kB each')
    bench.add(what + ', and gzip', seconds, 's', small, 'curl drains them compressed')


def scale(bench, pods):
    """One size of the plot. Of the sizes that something is asked of, the rows."""
    with _cluster(pods) as server:
        urls, size = pages(server)
        starts, beside = bench.in_turn(lambda: Start(server), lambda: curl(urls))
    found = _columns(starts)
    middle = {name: statistics.median(column) for name, column in found.items()}
    bench.series.append({'pods': pods, 'bytes': size, 'curl': statistics.median(beside), **middle})
    limits = {10000: (0.7, 's', 35, 20), 150000: (50, 'us', 260, 200)}.get(pods, (None, 's', None, None))
    most_cpu, unit, most_peak, most = limits

    def limit(n, of):
        return at_most(n, of) if n else None
    bench.add(f'sync: {pods} pods, unpaced', found['seconds'], 's', beside, BESIDE)
    bench.add(f'sync: {pods} pods, CPU of podfs' + (' a pod' if unit == 'us' else ''),
              [cpu * (1e6 / pods if unit == 'us' else 1) for cpu in found['cpu']], unit, reach=limit(most_cpu, unit))
    for what, name, resident, reach in (('peak', 'peak', 'peak_resident', limit(most_peak, 'MB')),
                                        ('after it', 'own', 'resident', limit(most, 'MB'))):
        bench.add(f'sync: {pods} pods, memory, {what}', found[name], 'MB', reach=reach,
                  note=f'RSS {middle[resident]:.1f}', portable=True)


def measure(bench):
    paced(bench, bench.sizes.pods)
    for pods in bench.sizes.sync_pods:
        scale(bench, pods)
