# SPDX-License-Identifier: Apache-2.0
"""shared: what the subjects of the benchmark have in common: rows, sizes, measuring in turn, CPU and memory."""
import contextlib
import dataclasses
import os
import statistics
import subprocess
import sys
import threading
import time

# Behind this directory: there are files of the same names there.
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'mount'))
from lib import procs  # noqa: E402


# Operations of fsloop in a turn: a millisecond.
LOOPS = 300


@dataclasses.dataclass
class Reach:
    """What a row should come to: a ratio to what is compared or a figure of its own, at most or at least."""
    limit: float
    of: str = 'ratio'        # 'ratio': podfs / other; 'faster': other / podfs; 'figure'
    unit: str = ''

    def text(self):
        if self.of == 'faster':
            return 'faster' if self.limit == 1 else f'>= {self.limit:g}x faster'
        return f'<= {self.limit:g}' + ('x' if self.of == 'ratio' else f' {self.unit}'.rstrip())


@dataclasses.dataclass
class Row:
    """
    A figure of podfs, and what stands beside it. `portable` says that the figure itself can be compared with
    that of another machine: a size, a count. `times` is of how many it is the median.
    """
    what: str
    figure: float
    unit: str
    other: float = None
    other_is: str = ''
    reach: Reach = None
    note: str = ''
    portable: bool = False
    times: int = 0
    ratio: float = None

    def verdict(self):
        """'ok', 'short', or '' for a row of which nothing is asked."""
        if not self.reach:
            return ''
        if self.reach.of == 'figure':
            good = self.figure <= self.reach.limit
        elif self.reach.of == 'faster':
            good = 1 >= self.ratio * self.reach.limit
        else:
            good = self.ratio <= self.reach.limit
        return 'ok' if good else 'short'

    def score(self):
        """What a baseline keeps: less is better. None if it would say something of the machine."""
        return self.ratio if self.ratio is not None else self.figure if self.portable else None


def at_most(limit, unit=None):
    """A limit of the ratio or, with a unit, of the figure."""
    return Reach(limit) if unit is None else Reach(limit, 'figure', unit)


def faster(limit=1):
    return Reach(limit, 'faster')


@dataclasses.dataclass
class Sizes:
    """How much is measured."""
    times: int = 5
    pods: int = 10000
    find_pods: int = 1000
    held_pods: int = 500
    sync_pods: tuple = (1000, 10000, 50000, 150000)
    tool_turns: int = 9
    loop_turns: int = 500
    changes: int = 1000
    idle_seconds: float = 10

    @classmethod
    def quick(cls):
        return cls(times=1, pods=200, find_pods=20, held_pods=20, sync_pods=(100, 200), tool_turns=1, loop_turns=5,
                   changes=60, idle_seconds=2)


class Bench:
    """What a subject is given: how much to measure, and where its rows go."""

    def __init__(self, sizes):
        self.sizes, self.rows, self.series = sizes, [], []

    def add(self, what, figure, unit, other=None, other_is='', reach=None, note='', portable=False, times=None):
        """A row. Figures are numbers or what in_turn() gives; of two of those the ratio is the turns' median."""
        turns = [column if isinstance(column, list) else [column] for column in (figure, other)]
        mine, theirs = (statistics.median(column) if column != [None] else None for column in turns)
        ratio = None
        if theirs:
            ratio = statistics.median(a / b for a, b in zip(*turns)) if len(turns[0]) == len(turns[1]) \
                else mine / theirs
        row = Row(what, mine, unit, theirs, other_is, reach, note, portable,
                  times or max(len(column) for column in turns), ratio)
        self.rows.append(row)
        print('.', end='', file=sys.stderr, flush=True)
        return row

    def in_turn(self, *actions, times=None):
        """What several actions return each time, run in turn so that a slow moment hits them all: a list for each."""
        runs = [[action() for action in actions] for _ in range(times or self.sizes.times)]
        return [list(column) for column in zip(*runs)]


def timed(action):
    """Seconds that an action takes."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def tool(*argv, cwd=None, ok=(0,)):
    """Runs a tool whose output nobody reads."""
    done = subprocess.run(argv, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, check=False)
    if done.returncode not in ok:
        raise AssertionError(f'{argv[0]}: exit {done.returncode}: {done.stderr[-400:]!r}')


def fsloop(operation, turns, *paths):
    """Microseconds of an operation of tests/bench/fsloop, a list of turns for each path."""
    program = procs.program('FSLOOP', 'tests/bench/fsloop')
    out = procs.run(program, operation, str(turns), str(LOOPS), *paths).stdout
    return [[float(ns) / 1000 for ns in line.split()] for line in out.splitlines()]


def processes(pid):
    """A process and all below it."""
    found = [pid]
    for one in found:
        with contextlib.suppress(OSError):
            for task in os.listdir(f'/proc/{one}/task'):
                with open(f'/proc/{one}/task/{task}/children', encoding='ascii') as f:
                    found += map(int, f.read().split())
    return found


def memory(pid):
    """(RssAnon + RssShmem, VmRSS) of a process and all below it, in MB."""
    own = resident = 0
    for one in processes(pid):
        with open(f'/proc/{one}/status', encoding='ascii') as f:
            for line in f:
                key, _, rest = line.partition(':')
                if key in ('RssAnon', 'RssShmem'):
                    own += int(rest.split()[0])
                elif key == 'VmRSS':
                    resident += int(rest.split()[0])
    return own / 1024, resident / 1024


class Peak:
    """The most memory() of a process while a block runs, looked at every two milliseconds."""

    def __init__(self):
        self.pid, self.own, self.resident = None, 0, 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()

    def look_at(self, pid):
        """The process from now on; None for none."""
        self.pid = pid

    def _watch(self):
        while not self._end.wait(0.002):
            if self.pid:
                with contextlib.suppress(OSError):
                    own, resident = memory(self.pid)
                    self.own, self.resident = max(self.own, own), max(self.resident, resident)


def cpu_ticks(pid):
    """Seconds of CPU of a process and all below it, those of ended threads included; to 10 ms."""
    total = 0
    for one in processes(pid):
        with open(f'/proc/{one}/stat', encoding='utf-8') as f:
            fields = f.read().rsplit(')', 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf('SC_CLK_TCK')


def _tasks(pid):
    for one in processes(pid):
        for task in sorted(os.listdir(f'/proc/{one}/task')):
            yield f'/proc/{one}/task/{task}'


def cpu_exact(pid):
    """Seconds of CPU of each thread that lives, to the nanosecond: {path in /proc: seconds}."""
    found = {}
    for task in _tasks(pid):
        with open(task + '/schedstat', encoding='ascii') as f:
            found[task] = int(f.read().split()[0]) / 1e9
    return found


def wakeups(pid):
    """How often the threads of a process went to sleep, and so were woken."""
    total = 0
    for task in _tasks(pid):
        with open(task + '/status', encoding='ascii') as f:
            total += next(int(line.split()[1]) for line in f if line.startswith('voluntary_ctxt_switches'))
    return total
