# SPDX-License-Identifier: Apache-2.0
"""fork: the same work in several processes, by plain fork, so that nothing can hang between them."""
import os
import pickle
import signal
import tempfile
import traceback


def each(count, work):
    """Runs work(i) for i in 0..count-1, each in a child of its own; returns what they return."""
    with tempfile.TemporaryDirectory() as directory:
        children = {}
        try:
            for i in range(count):
                pid = os.fork()
                if pid == 0:
                    _child(i, work, os.path.join(directory, str(i)))
                children[pid] = i
            failed = []
            while children:
                pid, status = os.waitpid(next(iter(children)), 0)
                i = children.pop(pid)
                if status != 0:
                    failed.append(f'process {i} ended with status {status:#x}')
        finally:
            for pid in children:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        if failed:
            raise AssertionError('\n'.join(failed))
        return [_load(os.path.join(directory, str(i))) for i in range(count)]


def _load(path):
    with open(path, 'rb') as f:
        return pickle.load(f)


def _child(i, work, path):
    status = 1
    try:
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(signum, signal.SIG_DFL)
        result = work(i)
        with open(path, 'wb') as f:
            pickle.dump(result, f)
        status = 0
    except BaseException:  # pylint: disable=broad-except
        os.write(1, ('# ' + traceback.format_exc().replace('\n', '\n# ') + '\n').encode())
    finally:
        os._exit(status)
