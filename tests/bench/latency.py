#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
How long a change of a label takes into the mount: into downward/metadata.labels, into the file of a downwardAPI
volume and into a listing below select/, while other changes go on.

One thread asks for a change, then looks at the three paths in turn until each shows it. Between the rounds it
pauses: a thread that only looked would hold one of two cores, and podfs would wait for the kernel to take it away,
which on a busy machine is what is measured then. It counts from when the event had arrived, by the kernel's clock,
in the socket of a watch of its own: not from when the thread got to read it. So it errs upwards by a pause and what
the looks at the other paths take (some 200 us together); and either way by how far apart the server serves the two
watches.

Beside it is the least that anybody could do, measured in the same turns: a process that reads the same watch and
notes in shared memory what came. What is late there, too, was the machine.
"""
import http.client
import json
import mmap
import os
import random
import re
import signal
import socket
import statistics
import struct
import sys
import time
import urllib.parse

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'mount'))
from lib.apisim import MERGE, Apisim, path_of  # noqa: E402
from lib.mount import Mount, slurp  # noqa: E402

CHANGES, CHURN = 1000, 200
KEY = 'latency'
PAUSE = 1e-4  # seconds; the kernel adds some 50 us
ALWAYS = 20  # pods that are in the selection anyway
FOLLOWER = 'a process that reads the watch and nothing else'
SO_TIMESTAMPNS = 35
EVENT = re.compile(rb'\{"type":"(ADDED|DELETED)".*?"metadata":\{"name":"([^"]*)"')


class Watch:
    """The events of the pods of a namespace that have the label, with the time at which each arrived."""

    def __init__(self, url, namespace, selector=KEY):
        where = urllib.parse.urlsplit(url)
        self.socket = socket.create_connection((where.hostname, where.port))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.sendall(f'GET {path_of(namespace)}?watch=1&labelSelector={selector} HTTP/1.1\r\n'
                            f'Host: {where.netloc}\r\n\r\n'.encode())
        self.rest = b''

    def events(self, flags=0):
        """
        What came: (events as "TYPE name", when they arrived in ns). The time is 0 at first: the kernel takes a
        while to start its clock. Fails when nothing can be read.
        """
        data, extra, _, _ = self.socket.recvmsg(1 << 20, 64, flags)
        if not data:
            raise AssertionError('the watch ended')
        *lines, self.rest = (self.rest + data).split(b'\n')
        seconds, ns = struct.unpack('qq', extra[0][2][:16]) if extra else (0, 0)
        return [b'%s %s' % found.groups() for found in map(EVENT.match, lines) if found], seconds * 10**9 + ns

    def arrived(self, event):
        """When this event was there, in ns; None while it is not."""
        try:
            events, when = self.events(socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        return when if event in events else None


class Follower:
    """A process that notes the events of a watch of its own in memory that it shares."""

    def __init__(self, url, namespace):
        self.notes, self.end = mmap.mmap(-1, 1 << 20), 0
        watch = Watch(url, namespace)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                while True:
                    for event in watch.events()[0]:
                        self.notes.write(event + b'\n')
            finally:
                os._exit(1)

    def noted(self, event):
        """Whether this event has been noted since the last that was found."""
        at = self.notes.find(event + b'\n', self.end, self.end + 4096)
        if at >= 0:
            self.end = at + len(event) + 1
        return at >= 0

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def label(namespace, name, value, over):
    over.request('PATCH', path_of(namespace, name), json.dumps({'metadata': {'labels': {KEY: value}}}),
                 {'Content-Type': MERGE})


class Scene:
    def __init__(self, server, mount):
        self.mount = mount
        pods = [pod['metadata'] for pod in server.list('pods')[0]]
        self.namespace = statistics.mode(pod['namespace'] for pod in pods)
        where = urllib.parse.urlsplit(server.url)
        self.http = http.client.HTTPConnection(where.hostname, where.port)
        for name in self.names()[:ALWAYS]:
            label(self.namespace, name, 'always', self.http)
            self.http.getresponse().read()
        self.watch = Watch(server.url, self.namespace)
        self.follower = Follower(server.url, self.namespace)

    def names(self):
        return sorted(os.listdir(self.mount.at('namespaces', self.namespace, 'pods')))

    def looks(self, name, to):
        """Functions that tell whether the label of a pod is seen to be there, or gone."""
        downward = self.mount.pod(self.namespace, name, 'downward')
        listing = self.mount.at('select', KEY, self.namespace)
        line = f'{KEY}="on"'.encode()
        return {
            'downward/metadata.labels': lambda: (line in slurp(f'{downward}/metadata.labels')) == to,
            "the volume's file": lambda: (line in slurp(f'{downward}/volumes/podinfo/labels')) == to,
            'a listing of select/': lambda: (name in os.listdir(listing)) == to,
        }

    def change(self, name, to):
        """
        Sets or takes away the label; returns when the event was there and when each look saw it. None if the
        pod went meanwhile, as pods do, or nobody knows when the event came.
        """
        event = (b'ADDED ' if to else b'DELETED ') + name.encode()
        looks, times = self.looks(name, to), {}
        try:
            if any(look() for look in looks.values()):
                return None
        except FileNotFoundError:
            return None
        looks[FOLLOWER] = lambda: self.follower.noted(event)
        deadline = time.monotonic() + 5
        label(self.namespace, name, 'on' if to else None, self.http)
        while len(times) < len(looks) + 1 and time.monotonic() < deadline:
            if 'event' not in times and (arrived := self.watch.arrived(event)) is not None:
                times['event'] = arrived
            for what, look in looks.items():
                try:
                    if what not in times and look():
                        times[what] = time.time_ns()
                except FileNotFoundError:
                    continue
            time.sleep(PAUSE)
        answer = self.http.getresponse()
        answer.read()
        if len(times) == len(looks) + 1:
            return times if times['event'] else None
        if answer.status == 200 and os.path.exists(self.mount.pod(self.namespace, name)):
            raise AssertionError(f'never shown: {event}, only {times}')
        return None


def measure(scene):
    """The times of all changes."""
    chance, all_times, tried = random.Random(1), [], 0
    while len(all_times) < CHANGES:
        if tried > 2 * CHANGES:
            raise AssertionError(f'of {tried} changes only {len(all_times)} could be timed')
        for name in scene.names():
            for to in (True, False):
                times, tried = scene.change(name, to), tried + 1
                if times:
                    all_times.append(times)
                # At any moment between the others' changes.
                time.sleep(chance.uniform(0, 0.01))
    return all_times[:CHANGES]


def live(rows):
    with Apisim('--pods', 1000, '--namespaces', 10, '--nodes', 20, '--seed', 1, '--churn', CHURN) as server:
        with Mount(server) as mount:
            scene = Scene(server, mount)
            try:
                all_times = measure(scene)
            finally:
                scene.follower.close()
            names = list(scene.looks('', True))

    def ms(what, percent):
        return statistics.quantiles([t[what] - t['event'] for t in all_times], n=100)[percent - 1] / 1e6
    for name in names:
        for percent in (50, 99):
            rows.append((f'live: a label in {name}, p{percent}', ms(name, percent), 'ms', ms(FOLLOWER, percent),
                         FOLLOWER))


if __name__ == '__main__':
    figures = []
    live(figures)
    print(f'{CHANGES} changes, {CHURN} others a second, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores')
    for label_of, mine, unit, theirs, beside in figures:
        print(f'{label_of:52} {mine:8.2f} {unit}   {beside}: {theirs:.2f}')
