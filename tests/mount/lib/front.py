# SPDX-License-Identifier: Apache-2.0
"""front: HTTP/2 and TLS before the stand-in server (see tests/apisim/h2front)."""
import os
import shutil
import socket
import subprocess

from . import procs
from .tap import skip

_PATH = os.environ['PATH'] + ':/usr/sbin'


class Front:
    """What stands before a server. It can end and start again at the same place."""

    def __init__(self, host='127.0.0.1'):
        if not shutil.which('nghttpx', path=_PATH):
            skip('nghttpx is not installed')
        self.host, self.child = host, None
        with socket.socket() as s:
            s.bind((host, 0))
            self.port = s.getsockname()[1]

    @property
    def url(self):
        return f'https://{self.host}:{self.port}'

    def start(self, url, cert, key):
        """Returns when it accepts connections, to hand on what comes to the server at that URL."""
        self.child = procs.start([os.path.join(procs.ROOT, 'tests/apisim/h2front'), url, f'{self.host}:{self.port}',
                                  key, cert], env=dict(os.environ, PATH=_PATH), stderr=subprocess.DEVNULL)
        procs.until(self._listens, 'the front listens')

    def _listens(self):
        with socket.socket() as s:
            return s.connect_ex((self.host, self.port)) == 0

    def stop(self):
        if self.child:
            procs.end(self.child)
            self.child = None
