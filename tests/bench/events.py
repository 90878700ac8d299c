# SPDX-License-Identifier: Apache-2.0
"""events: what a change costs, how long it takes to a reader, and what happens when nothing does."""
import http.client
import os
import random
import statistics
import time
import urllib.parse

import latency
from lib import metrics
from lib.apisim import Apisim, path_of
from lib.mount import Mount, slurp
from lib.procs import until

from shared import at_most, cpu_exact, tool, wakeups

RATE = 1000
MODIFIED = 'podfs_events_total{resource="pods",type="MODIFIED"}'
NOTIFIED = 'podfs_fuse_notifications_total'


def _hold(pods):
    """Lets the kernel look up all that is in these pods, and read the two files that a listing does not size."""
    tool('find', *pods)
    for pod in pods:
        for name in ('object.json', 'object.yaml', 'metadata/resourceVersion'):
            slurp(f'{pod}/{name}')


def cpu(bench):
    """A label of each of many pods is changed, all of whose files the kernel has."""
    count = bench.sizes.held_pods
    with Apisim('--pods', count, '--namespaces', 5, '--nodes', 20, '--seed', 1) as server, Mount(server) as mount:
        pods = [(p['metadata']['namespace'], p['metadata']['name']) for p in server.list('pods')[0]]
        turn = notified = 0

        def changed():
            nonlocal turn, notified
            turn += 1
            _hold([mount.pod(*pod) for pod in pods])
            first = metrics.read(mount)
            before = cpu_exact(mount.pid)
            for namespace, name in pods:
                server.patch(path_of(namespace, name), {'metadata': {'labels': {'bench': f'turn-{turn}'}}})

            def done():
                now = metrics.read(mount)
                return now if now[MODIFIED] >= first[MODIFIED] + count and \
                    not now['podfs_fuse_notifications_waiting'] else None
            last = until(done, 'the changes are there')
            after = cpu_exact(mount.pid)
            notified = sum(n - first[k] for k, n in last.items() if k.startswith(NOTIFIED)) / count
            return sum(n - before.get(task, 0) for task, n in after.items()) / count * 1e6
        changed()
        mine, = bench.in_turn(changed)
        bench.add('events: CPU of one, a label changed', mine, 'us', reach=at_most(150, 'us'),
                  note=f"{count} a turn, the kernel has all the pods' files; {notified:.1f} notifications each")


def reader(bench):
    """
    A label goes from off to on and back, while others change. Counted from the kernel's time stamp on the event
    in a watch of our own (latency.py) to when a read that is tried again and again gives the new value.
    """
    times, random_ = [], random.Random(1)
    with Apisim('--pods', bench.sizes.pods // 10 or 1, '--namespaces', 10, '--nodes', 20, '--seed', 1,
                '--churn', RATE) as server, Mount(server) as mount:
        namespace = statistics.mode(p['metadata']['namespace'] for p in server.list('pods')[0])
        where = urllib.parse.urlsplit(server.url)
        over = http.client.HTTPConnection(where.hostname, where.port)
        watch = latency.Watch(server.url, namespace, latency.KEY + '%3Don')
        tries = 0
        while len(times) < bench.sizes.changes:
            for name in sorted(os.listdir(mount.at('namespaces', namespace, 'pods'))):
                for value in ('off', 'on', 'off'):
                    tries += 1
                    assert tries < 10 * bench.sizes.changes, f'only {len(times)} of {tries} could be timed'
                    if (took := _one(mount, watch, over, (namespace, name), value)) is not None:
                        times.append(took)
                    time.sleep(random_.uniform(0, 0.005))
                if len(times) >= bench.sizes.changes:
                    break
    cuts = statistics.quantiles(times, n=100)
    for percent, most in ((50, 1), (99, 5)):
        bench.add(f"events: from the server's write to a reader, p{percent}", cuts[percent - 1] / 1e6, 'ms',
                  reach=at_most(most, 'ms'), note=f'at {RATE} events a second', times=len(times))


def _one(mount, watch, over, pod, value):
    """Nanoseconds from the event to the value; None if there is no such event or the pod went."""
    namespace, name = pod
    event = (b'ADDED ' if value == 'on' else b'DELETED ') + name.encode()
    file = mount.pod(namespace, name, 'metadata', 'labels', latency.KEY)
    latency.label(namespace, name, value, over)
    arrived = seen = None
    deadline = time.monotonic() + 2
    while (not arrived or not seen) and time.monotonic() < deadline:
        try:
            if not seen and slurp(file) == value.encode() + b'\n':
                seen = time.time_ns()
        except FileNotFoundError:
            if not os.path.exists(mount.pod(namespace, name)):
                break
        if not arrived:
            arrived = watch.arrived(event)
        if seen and value == 'off':
            # The first of three has no event: the label was not on.
            arrived = arrived or watch.arrived(event)
            if not arrived and time.time_ns() - seen > 5_000_000:
                break
        time.sleep(0.00005)
    over.getresponse().read()
    # Before the event is: it came over podfs's watch first.
    return max(0, seen - arrived) if seen and arrived else None


def idle(bench):
    with Apisim('--pods', bench.sizes.pods, '--namespaces', 10, '--nodes', 20, '--seed', 1) as server, \
            Mount(server) as mount:
        def bookmarks():
            return sum(n for k, n in metrics.read(mount).items() if k.endswith('type="BOOKMARK"}'))
        tool('find', mount.at('nodes'))
        time.sleep(bench.sizes.idle_seconds / 5)
        marks = bookmarks()
        time.sleep(0.2)
        before = wakeups(mount.pid)
        time.sleep(bench.sizes.idle_seconds)
        woken = wakeups(mount.pid) - before
        marks = bookmarks() - marks
    # A bookmark is one packet: it wakes the loop once.
    bench.add(f'events: wake-ups in {bench.sizes.idle_seconds:g} s of an idle mount', max(0, woken - marks), '',
              reach=at_most(0, 'wake-ups'), note=f'and {marks:.0f} for bookmarks', portable=True, times=1)


def measure(bench):
    cpu(bench)
    reader(bench)
    idle(bench)
