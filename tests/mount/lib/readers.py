# SPDX-License-Identifier: Apache-2.0
"""readers: processes that read a mount all the time, and what went wrong for them."""
import errno
import json
import mmap
import os
import pickle
import random
import select
import signal
import struct
import time
import traceback

from .mount import slurp
from .procs import patience, until

_SLOT = struct.Struct('Qd')


class Readers:
    """
    Readers of a mount, as a context manager. Each notes every error but ENOENT of a pod, every object.json
    that is no object or another's, and how long its slowest read took; leaving fails with what they noted.
    """

    def __init__(self, mount, count=2, slowest=10):
        self.mount, self.count, self.slowest = mount, count, slowest * patience()
        self.shared = mmap.mmap(-1, _SLOT.size * count)
        self.children = []

    def __enter__(self):
        self.stop_read, self.stop_write = os.pipe()
        for i in range(self.count):
            read, write = os.pipe()
            pid = os.fork()
            if pid == 0:
                self._child(i, write)
            os.close(write)
            self.children.append((pid, read))
        self.progress()
        return self

    def progress(self):
        """Waits until each has read everything it was at and something more."""
        before = self._counts()
        until(lambda: all(now > was + 1 for now, was in zip(self._counts(), before)), 'all readers go on', 30)

    def _counts(self):
        return [_SLOT.unpack_from(self.shared, i * _SLOT.size)[0] for i in range(self.count)]

    def __exit__(self, kind, *_):
        os.close(self.stop_write)
        os.close(self.stop_read)
        wrong = []
        for i, (pid, read) in enumerate(self.children):
            if select.select([read], [], [], 30)[0]:
                with os.fdopen(read, 'rb') as f:
                    data = f.read()
                wrong += pickle.loads(data) if data else [f'reader {i} died']
            else:
                wrong.append(f'reader {i} hangs')
                os.kill(pid, signal.SIGKILL)
                os.close(read)
            os.waitpid(pid, 0)
            longest = _SLOT.unpack_from(self.shared, i * _SLOT.size)[1]
            if longest > self.slowest:
                wrong.append(f'reader {i}: the slowest read took {longest:.1f} s')
        self.shared.close()
        if wrong and kind is None:
            raise AssertionError(f'{len(wrong)} wrong for the readers:\n' + '\n'.join(wrong[:20]))

    def _child(self, i, write):
        wrong = []
        try:
            os.close(self.stop_write)
            for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(signum, signal.SIG_DFL)
            count, longest, rng = 0, 0.0, random.Random(i)
            while not select.select([self.stop_read], [], [], 0)[0]:
                begin = time.monotonic()
                self._read(rng, wrong)
                longest = max(longest, time.monotonic() - begin)
                count += 1
                _SLOT.pack_into(self.shared, i * _SLOT.size, count, longest)
        except BaseException:  # pylint: disable=broad-except
            wrong.append(traceback.format_exc())
        finally:
            with os.fdopen(write, 'wb') as f:
                f.write(pickle.dumps(wrong[:100]))
            os._exit(0)

    def _read(self, rng, wrong):
        """Something of a pod or of a node; what may be gone is a pod and nothing else."""
        path = self.mount.at('namespaces')
        try:
            kind = rng.random()
            if kind < 0.1:
                path = self.mount.at('nodes')
                path = self.mount.node(rng.choice(os.listdir(path)), 'object.json')
                json.loads(slurp(path))
                return
            spaces = [n for n in os.listdir(path) if n.startswith('team-')]
            namespace = rng.choice(spaces)
            path = self.mount.at('namespaces', namespace, 'pods')
            pods = os.listdir(path)
            if not pods:
                return
            name = rng.choice(pods)
            path = self.mount.pod(namespace, name)
            self._read_pod(rng, path, name, wrong)
        except OSError as e:
            if e.errno != errno.ENOENT or '/pods/' not in path:
                wrong.append(f'{path}: {e}')

    @staticmethod
    def _read_pod(rng, path, name, wrong):
        if rng.random() < 0.6:
            text = slurp(path + '/object.json')
            try:
                meta = json.loads(text)['metadata']
                if meta['name'] != name or not meta['resourceVersion']:
                    wrong.append(f'{path}: it is {meta["name"]}')
            except (ValueError, KeyError, RecursionError) as e:
                wrong.append(f'{path}/object.json: {e!r}: {text[:200]!r}')
            return
        for part in ('metadata/labels', 'metadata', 'status'):
            for entry in os.scandir(f'{path}/{part}'):
                if entry.is_file(follow_symlinks=False):
                    slurp(entry.path)
