#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
The faults of faults.py on mounts over HTTP/2: a front before the stand-in speaks it, inside TLS.

All of them make sense there, though some look different from podfs: where the stand-in drops a connection, the
front resets the stream or says 502. Another certificate is the front's.
"""
import os
import shutil
import socket
import subprocess
import tempfile
import traceback

import faults
from lib import certs, fork, metrics, procs, tap
from lib.procs import until
from lib.tap import check, skip, test

H2FRONT = os.path.join(procs.ROOT, 'tests/apisim/h2front')
PATH = os.environ['PATH'] + ':/usr/sbin'
MATRIX = tap.take_tests()
QUICK = (faults.cut_watch, faults.half_open, faults.gone, faults.token, faults.restored)


class Front(faults.Direct):
    """A server behind a front. It starts anew with the server, at the same place."""

    tls = None

    def __init__(self):
        super().__init__()
        self.child = None
        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))
            self.port = s.getsockname()[1]

    @property
    def url(self):
        return f'https://127.0.0.1:{self.port}'

    def start(self, args, tls=None):
        super().start(args)
        tls = tls or Front.tls
        self.child = procs.start([H2FRONT, self.server.url, str(self.port), tls.key, tls.cert],
                                 env=dict(os.environ, PATH=PATH), stderr=subprocess.DEVNULL)
        until(self._listens, 'the front listens')

    def _listens(self):
        with socket.socket() as s:
            return s.connect_ex(('127.0.0.1', self.port)) == 0

    def trust(self, tls):
        return super().trust(tls or Front.tls)

    def judge(self, mount):
        now = metrics.read(mount)
        total, over2 = now['podfs_http_requests_total'], now['podfs_http2_requests_total']
        check(over2 > total / 3, f'{over2:.0f} of {total:.0f} requests were answered over HTTP/2')

    def stop(self):
        if self.child:
            procs.end(self.child)
            self.child = None
        super().stop()


def run(functions, at_once):
    """Runs tests of faults.py, each in a process of its own; fails with all that failed."""
    if not shutil.which('nghttpx', path=PATH):
        skip('nghttpx is not installed')
    faults.Scene.reached = Front
    sentences = {function: sentence for sentence, function in MATRIX}
    failed = []

    def one(function):
        try:
            function()
        except Exception:  # pylint: disable=broad-except
            return f'{sentences[function]}:\n{traceback.format_exc()}'
        return None
    with tempfile.TemporaryDirectory(prefix='podfs-http2.') as directory:
        Front.tls = faults.Tls(certs.Authority(directory), 'front')
        for i in range(0, len(functions), at_once):
            some = functions[i:i + at_once]
            failed += filter(None, fork.each(len(some), lambda n, some=some: one(some[n])))
    check(not failed, '\n'.join(failed))


@test('over HTTP/2: cut watches, requests that are never answered, 410, 401 and a restored server, each on a mount')
def some_faults():
    run(QUICK, len(QUICK))


@test('over HTTP/2: every fault, each on a mount; in the end the tree equals the server')
def all_faults():
    if not tap.options.long:
        skip('only with --long')
    run([function for _, function in MATRIX if function not in QUICK], 3)


if __name__ == '__main__':
    tap.main()
