# SPDX-License-Identifier: Apache-2.0
"""
beside: what podfs is measured beside: the same names on a tmpfs, and in a FUSE server that does nothing (emptyfs),
which is as fast as any FUSE server can be here. Each is a mount of its own, as far from the root as podfs's.
"""
import contextlib
import os
import subprocess
import tempfile

from lib import procs


def shape(top):
    """All that is below a folder, a line each, as emptyfs reads it; and how many folders that is."""
    lines, found = [], ['']
    for number, directory in enumerate(found):
        with os.scandir(f'{top}/{directory}') as entries:
            for e in entries:
                path = f'{directory}/{e.name}'
                if e.is_symlink():
                    lines.append(f'{number} l 0 {e.name}')
                elif e.is_dir():
                    found.append(path)
                    lines.append(f'{number} d 0 {e.name}')
                elif e.name in ('object.json', 'object.yaml') or directory == '/.podfs':
                    lines.append(f'{number} n 0 {e.name}')
                else:
                    lines.append(f'{number} f {e.stat().st_size} {e.name}')
    return lines, len(found)


@contextlib.contextmanager
def empty_server(lines):
    """A mount of emptyfs."""
    with tempfile.TemporaryDirectory() as top:
        with open(top + '/shape', 'w', encoding='utf-8') as f:
            f.write('\n'.join(lines) + '\n')
        os.mkdir(top + '/mnt')
        with open(top + '/shape', encoding='utf-8') as f:
            child = procs.start([procs.program('EMPTYFS', 'tests/bench/emptyfs'), top + '/mnt'], stdin=f,
                                stdout=subprocess.PIPE)
        try:
            assert child.stdout.readline() == b'ready\n', 'emptyfs does not start'
            yield top + '/mnt'
        finally:
            subprocess.run(['fusermount3', '-u', top + '/mnt'], check=False)
            child.stdout.close()
            procs.end(child)


@contextlib.contextmanager
def tmpfs():
    """An empty tmpfs."""
    with tempfile.TemporaryDirectory() as top:
        path = top + '/mnt'
        os.mkdir(path)
        subprocess.run(['mount', '-t', 'tmpfs', '-o', 'nosuid,nodev,noexec', 'bench', path], check=True)
        try:
            yield path
        finally:
            subprocess.run(['umount', path], check=False)


def make(lines, top):
    """The names of a shape below a folder, with nothing in the files."""
    found = [top]
    for line in lines:
        number, kind, _, name = line.split(' ', 3)
        path = f'{found[int(number)]}/{name}'
        if kind == 'd':
            found.append(path)
            os.mkdir(path)
        elif kind == 'l':
            os.symlink('x', path)
        else:
            os.mknod(path)
