# SPDX-License-Identifier: Apache-2.0
"""
procs: children that never outlive the test.

Each child is ended by its own id. The kernel ends it, too, should the test itself be killed.
"""
import ctypes
import os
import signal
import subprocess
import time

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))


def _end_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def program(variable, name):
    """The program under test: from the environment, else from build/."""
    path = os.environ.get(variable) or os.path.join(ROOT, 'build', name)
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f'{path}: not there (build first, or set {variable})')
    return os.path.abspath(path)


def start(argv, **kwargs):
    """Starts a child that gets a SIGTERM when we die."""
    return subprocess.Popen(argv, preexec_fn=_end_with_parent, **kwargs)


def end(child, seconds=20, signum=signal.SIGTERM):
    """Asks a child to end, insists after a while; returns its exit status."""
    if child.poll() is None:
        child.send_signal(signum)
    try:
        return child.wait(seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
        raise AssertionError(f'{child.args[0]} (pid {child.pid}) did not end within {seconds} s')


def run(*argv, seconds=120, check=True, **kwargs):
    """Runs a command to its end; stdout and stderr come back as text unless said otherwise."""
    kwargs.setdefault('text', True)
    if 'input' not in kwargs:
        kwargs.setdefault('stdin', subprocess.DEVNULL)
    done = subprocess.run(argv, capture_output=True, timeout=seconds, check=False, **kwargs)
    if check and done.returncode != 0:
        raise AssertionError(f'{" ".join(map(str, argv))}: exit {done.returncode}\n'
                             f'{done.stdout}\n{done.stderr}')
    return done


def until(condition, what, seconds=20):
    """
    Waits for a condition and returns its value. An AssertionError, FileNotFoundError or similar from
    it means "not yet"; what is still wrong when time is up is in the failure's text.
    """
    deadline = time.monotonic() + seconds * patience()
    pause = 0.0005
    while True:
        why = None
        try:
            value = condition()
            if value:
                return value
        except (AssertionError, OSError) as e:
            why = e
        if time.monotonic() > deadline:
            raise AssertionError(f'never came true within {seconds * patience():g} s: {what}'
                                 + (f' ({why})' if why else ''))
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


def patience():
    """How much slower than usual everything may be: sanitizers and valgrind say so."""
    return float(os.environ.get('PODFS_TEST_PATIENCE', '1'))


def sanitized():
    """Whether the program under test carries a sanitizer or runs under valgrind."""
    return patience() > 1
