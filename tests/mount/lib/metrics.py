# SPDX-License-Identifier: Apache-2.0
"""metrics: reads .podfs/metrics and counts the FUSE requests of an action."""
import re

from .mount import slurp

# The kernel caches neither of these, and FORGET says that it let go of something, not that it asked.
_NOT_COUNTED = {'STATFS', 'IOCTL', 'FORGET', 'BATCH_FORGET', 'INTERRUPT'}


def read(mount):
    """Every sample of .podfs/metrics: {'name{label="x"}': number}."""
    samples = {}
    for line in slurp(mount.at('.podfs', 'metrics')).decode().splitlines():
        if line and not line.startswith('#'):
            name, value = line.rsplit(' ', 1)
            samples[name] = float(value)
    return samples


def requests(mount):
    """The FUSE requests so far, by opcode."""
    found = {}
    for name, value in read(mount).items():
        if match := re.fullmatch(r'podfs_fuse_requests_total\{opcode="([A-Z_0-9]+)"\}', name):
            found[match[1]] = value
    return found


def _less(after, before):
    return {op: n - before.get(op, 0) for op, n in after.items()}


def cost(mount, action):
    """
    The requests that one run of the action made, by opcode, and nothing else: what reading the
    counters costs is measured just before and taken off.
    """
    first = requests(mount)
    second = requests(mount)
    action()
    third = requests(mount)
    own, both = _less(second, first), _less(third, second)
    return {op: int(n - own.get(op, 0)) for op, n in both.items()
            if op not in _NOT_COUNTED and n > own.get(op, 0)}


def best_cost(mount, action, times=5):
    """The least of several immediate repeats, the action having run once before."""
    action()
    return min((cost(mount, action) for _ in range(times)), key=lambda c: sum(c.values()))
