#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
The figures of scripts/bench: each beside something to compare it with, from the same run.

Every line is the median of five; what is compared is measured in turn, so that a slow moment hits both.
"""
import glob
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import latency

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'mount'))
from lib import procs  # noqa: E402
from lib.apisim import Apisim  # noqa: E402
from lib.mount import Mount, clean_environment, slurp  # noqa: E402

TIMES = 5
FSLOOP = procs.program('FSLOOP', 'tests/bench/fsloop')


def fsloop(operation, count, *paths):
    """Microseconds per operation."""
    return float(procs.run(FSLOOP, operation, str(count), *paths).stdout) / 1000


def in_turn(*actions):
    """The medians of several actions, measured in turn."""
    runs = [[action() for action in actions] for _ in range(TIMES)]
    return [statistics.median(column) for column in zip(*runs)]


def drop_caches():
    with open('/proc/sys/vm/drop_caches', 'w', encoding='ascii') as f:
        f.write('3')


def twin(mount, pods_dir, tmpfs):
    """The same names, values and depth on tmpfs; returns the directory that is like pods_dir."""
    to = tmpfs + pods_dir
    os.makedirs(os.path.dirname(to))
    subprocess.run(['cp', '-r', pods_dir, to], check=True)
    return to


def warm(mount, rows):
    with tempfile.TemporaryDirectory(dir='/dev/shm') as tmpfs:
        pods_dir = min(d for d in glob.glob(mount.at('namespaces', '*', 'pods')) if os.listdir(d))
        other = twin(mount, pods_dir, tmpfs)
        pod = sorted(os.listdir(pods_dir))[0]
        # The paths must have as many components: /dev/shm and its directory are three more.
        names = [(f'{top}/{pod}/spec/containers') for top in (pods_dir, other)]
        container = sorted(os.listdir(names[0]))[0]
        files = [f'{n}/{container}/image' for n in names]
        shallow = tempfile.mkdtemp(dir='/dev/shm')
        try:
            deep = os.path.join(shallow, *(['d'] * (files[0].count('/') - shallow.count('/') - 1)))
            os.makedirs(deep)
            files[1] = shutil.copy(files[0], deep + '/image')
            assert files[0].count('/') == files[1].count('/')
            for operation, what in (('read', 'open, read, close a known value'), ('open', 'open, close'),
                                    ('stat', 'stat')):
                mine, theirs = in_turn(*(lambda f=f, o=operation: fsloop(o, 100000, f) for f in files))
                rows.append((f'warm: {what}', mine, 'us', theirs, 'the same on tmpfs'))
        finally:
            shutil.rmtree(shallow)
        count = len(os.listdir(pods_dir))
        mine, theirs = in_turn(*(lambda d=d: fsloop('list', max(3, 20000 // count), d)
                                 for d in (pods_dir, other)))
        rows.append((f'warm: list and stat {count} entries (ls -l)', mine, 'us', theirs, 'the same on tmpfs'))


def cold(mount, rows):
    """A first look at objects that nobody has looked at."""
    pods = [mount.pod(ns, name) for ns in sorted(os.listdir(mount.at('namespaces')))[1:]
            for name in sorted(os.listdir(mount.at('namespaces', ns, 'pods')))[:100]]
    pods = pods[:TIMES * 100 * 2]
    share = len(pods) // (2 * TIMES)

    def look(path, start):
        def action():
            nonlocal start
            some = pods[start:start + share]
            start += share
            begin = time.perf_counter()
            for pod in some:
                slurp(f'{pod}/{path}')
            return (time.perf_counter() - begin) / share * 1e6
        return action
    drop_caches()
    value, whole = in_turn(look('metadata/resourceVersion', 0), look('object.json', share * TIMES))
    rows.append(('cold: one value of a pod', value, 'us', None, ''))
    rows.append(('cold: object.json of a pod', whole, 'us', None, ''))


def curl_pages(server):
    """Seconds that curl needs for the same pages."""
    begin = time.perf_counter()
    token, size = '', 0
    while True:
        url = f'{server.url}/api/v1/pods?limit=500' + (f'&continue={token}' if token else '')
        text = subprocess.run(['curl', '-sSf', '--compressed', url], stdout=subprocess.PIPE, check=True).stdout
        size += len(text)
        head = json.loads(text[:text.index(b'"items":')].rstrip(b' ,\n') + b'}')
        token = head['metadata'].get('continue')
        if not token:
            return time.perf_counter() - begin, size


def sync(server, rows):
    sizes = []

    def curl():
        seconds, size = curl_pages(server)
        sizes.append(size)
        return seconds

    memory = []

    def podfs():
        with tempfile.TemporaryDirectory() as directory:
            begin = time.perf_counter()
            subprocess.run([procs.program('PODFS', 'podfs'), '--server', server.url, directory], check=True,
                           env=clean_environment(directory), stderr=subprocess.DEVNULL)
            seconds = time.perf_counter() - begin
            memory.append(_resident(directory))
            procs.run('fusermount3', '-u', directory)
        return seconds
    mine, theirs = in_turn(podfs, curl)
    rows.append((f'first sync of 10,000 pods ({sizes[0] / 1e6:.0f} MB)', mine, 's', theirs,
                 'curl drains the same pages'))
    rows.append(('memory after it', statistics.median(memory), 'MB', None, ''))


def _resident(path):
    """Resident memory, in MB, of the process that serves a mount point."""
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/cmdline', 'rb') as f:
                words = f.read().split(b'\0')
            if path.encode() in words and words[0].endswith(b'podfs'):
                with open(f'/proc/{pid}/status', encoding='ascii') as f:
                    return next(int(line.split()[1]) for line in f if line.startswith('VmRSS')) / 1024
        except OSError:
            continue
    raise AssertionError('podfs is not there')


def machine():
    with open('/proc/cpuinfo', encoding='utf-8') as f:
        model = next((line.split(':', 1)[1].strip() for line in f if line.startswith('model name')), '?')
    return {'machine': platform.node(), 'cpu': model, 'cores': os.cpu_count(), 'kernel': platform.release(),
            'date': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}


def main():
    rows = []
    about = machine()
    print(f'{about["machine"]}: {about["cores"]} cores, {about["cpu"]}, Linux {about["kernel"]}\n', flush=True)
    with Apisim('--pods', 10000, '--namespaces', 10, '--nodes', 100, '--seed', 1) as server:
        sync(server, rows)
        with Mount(server) as mount:
            cold(mount, rows)
            warm(mount, rows)
    latency.live(rows)
    print(f'{"":52} {"podfs":>10} {"":2} {"other":>10} {"ratio":>6}')
    for what, mine, unit, theirs, _ in rows:
        beside = f'{theirs:10.2f} {mine / theirs:5.2f}x' if theirs else ''
        print(f'{what:52} {mine:10.2f} {unit:2} {beside}')
    if len(sys.argv) > 1:
        with open(sys.argv[1], 'w', encoding='ascii') as f:
            json.dump({**about, 'times': TIMES, 'figures': [
                {'what': w, 'podfs': m, 'unit': u, **({'other': t, 'otherIs': o, 'ratio': m / t} if t else {})}
                for w, m, u, t, o in rows]}, f, indent=1)
            f.write('\n')


if __name__ == '__main__':
    main()
