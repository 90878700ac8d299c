#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
The faults of faults.py on mounts over HTTP/2: a front before the stand-in speaks it, inside TLS.

All of them make sense there, though some look different from podfs: where the stand-in drops a connection, the
front resets the stream or says 502. Another certificate is the front's.
"""
import tempfile
import traceback

import faults
from lib import certs, fork, metrics, tap
from lib.front import Front
from lib.tap import Skip, check, skip, test

MATRIX = tap.take_tests()
QUICK = (faults.cut_watch, faults.half_open, faults.gone, faults.token, faults.restored)


class Fronted(faults.Direct):
    """A server behind a front. It starts anew with the server, at the same place."""

    tls = None

    def __init__(self):
        super().__init__()
        self.front = Front()

    @property
    def url(self):
        return self.front.url

    def start(self, args, tls=None):
        super().start(args)
        tls = tls or Fronted.tls
        self.front.start(self.server.url, tls.cert, tls.key)

    def trust(self, tls):
        return super().trust(tls or Fronted.tls)

    def judge(self, mount):
        now = metrics.read(mount)
        total, over2 = now['podfs_http_requests_total'], now['podfs_http2_requests_total']
        check(over2 > total / 3, f'{over2:.0f} of {total:.0f} requests were answered over HTTP/2')

    def stop(self):
        self.front.stop()
        super().stop()


def run(functions, at_once):
    """Runs tests of faults.py, each in a process of its own; fails with all that failed."""
    faults.Scene.reached = Fronted
    sentences = {function: sentence for sentence, function in MATRIX}
    failed = []

    def one(function):
        try:
            function()
        except Skip as e:
            return e
        except Exception:  # pylint: disable=broad-except
            return f'{sentences[function]}:\n{traceback.format_exc()}'
        return None
    with tempfile.TemporaryDirectory(prefix='podfs-http2.') as directory:
        Fronted.tls = faults.Tls(certs.Authority(directory), 'front')
        for i in range(0, len(functions), at_once):
            some = functions[i:i + at_once]
            failed += filter(None, fork.each(len(some), lambda n, some=some: one(some[n])))
    for why in failed:
        if isinstance(why, Skip):
            raise why
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
