# SPDX-License-Identifier: Apache-2.0
"""
compare: walks a mounted directory beside what the model expects there.

Every difference becomes a line: a name too many or missing, another type, other bytes, a wrong size,
block count, mode, owner, link count or link target.
"""
import datetime
import os
import stat

import yaml

from . import dirent
from .downward import File
from .gojson import data, loads
from .model import Link, Yaml
from .mount import slurp

_TYPES = {dict: dirent.DT_DIR, bytes: dirent.DT_REG, Yaml: dirent.DT_REG, Link: dirent.DT_LNK, File: dirent.DT_REG}
_MODES = {dict: stat.S_IFDIR | 0o555, bytes: stat.S_IFREG | 0o444, Yaml: stat.S_IFREG | 0o444,
          Link: stat.S_IFLNK | 0o777}
_MOST = 25


def seconds(timestamp):
    """An API timestamp in seconds since the epoch."""
    return int(datetime.datetime.fromisoformat(timestamp.replace('Z', '+00:00')).timestamp())


class SameData(Exception):
    """Raised by same() at the first place where two values differ."""


def same(got, want, where=''):
    """Compares two values with their types: true is not 1, and '1' is not 1."""
    if type(got) is not type(want):
        raise SameData(f'{where or "/"}: {got!r} ({type(got).__name__}), want {want!r}')
    if isinstance(want, dict):
        if got.keys() != want.keys():
            raise SameData(f'{where or "/"}: keys {sorted(map(str, got.keys() ^ want.keys()))}')
        for key in want:
            same(got[key], want[key], f'{where}/{key}')
    elif isinstance(want, list):
        if len(got) != len(want):
            raise SameData(f'{where or "/"}: {len(got)} elements, want {len(want)}')
        for i, (g, w) in enumerate(zip(got, want)):
            same(g, w, f'{where}/{i}')
    elif got != want:
        raise SameData(f'{where or "/"}: {got!r}, want {want!r}')


class Walk:
    """
    One comparison. `errors` are the differences found, `files`, `dirs` and `links` what was met.
    With raw_every=N each N-th directory is also read through readdir itself, for d_type, `.` and `..`.
    """

    def __init__(self, uid=None, gid=None, loader=yaml.CSafeLoader, raw_every=40):
        self.uid = os.geteuid() if uid is None else uid
        self.gid = os.getegid() if gid is None else gid
        self.loader, self.raw_every = loader, raw_every
        self.errors, self.files, self.dirs, self.links = [], 0, 0, 0

    def wrong(self, path, text):
        if len(self.errors) < _MOST:
            self.errors.append(f'{path}: {text}')
        elif len(self.errors) == _MOST:
            self.errors.append('... and more')

    def directory(self, path, want, mtime=None, skip=()):
        """Compares the directory at a path with the expected dict. mtime, if given, is what everything
        below must carry. Names in skip are neither expected nor looked into."""
        self._directory(path, os.lstat(path), os.open(path, os.O_RDONLY | os.O_DIRECTORY), want, mtime,
                        skip)
        return self

    def _directory(self, path, status, fd, want, mtime, skip=()):
        self.dirs += 1
        try:
            self._status(path, status, want, mtime)
            subdirs = sum(isinstance(w, dict) for w in want.values()) + len(skip)
            if status.st_nlink != 2 + subdirs:
                self.wrong(path, f'{status.st_nlink} links, want {2 + subdirs}')
            seen = self._listing(path, fd)
            for name in seen.keys() - want.keys() - set(skip):
                self.wrong(f'{path}/{name}', 'should not be there')
            for name, expected in want.items():
                if name not in seen:
                    self.wrong(f'{path}/{name}', 'is missing in the listing')
                elif seen[name] != _TYPES[type(expected)]:
                    self.wrong(f'{path}/{name}', f'd_type {seen[name]}')
                self._entry(f'{path}/{name}', name, fd, expected, mtime)
            if self.dirs % self.raw_every == 1:
                self._raw(path, want.keys() | set(skip))
        finally:
            os.close(fd)

    def _listing(self, path, fd):
        seen = {}
        with os.scandir(fd) as entries:
            for e in entries:
                if e.name in seen:
                    self.wrong(f'{path}/{e.name}', 'is listed twice')
                seen[e.name] = (dirent.DT_LNK if e.is_symlink() else
                                dirent.DT_DIR if e.is_dir(follow_symlinks=False) else
                                dirent.DT_REG if e.is_file(follow_symlinks=False) else -1)
        return seen

    def _raw(self, path, names):
        raw = dirent.entries(path)
        types = {name: kind for name, kind, _ in raw}
        if len(raw) != len(names) + 2 or types.keys() != names | {'.', '..'}:
            self.wrong(path, f'readdir gives {len(raw)} entries, want {len(names) + 2}')
        for name, kind in types.items():
            if kind not in (dirent.DT_DIR, dirent.DT_REG, dirent.DT_LNK):
                self.wrong(f'{path}/{name}', f'readdir says type {kind}')
        for dots in ('.', '..'):
            if types.get(dots) != dirent.DT_DIR:
                self.wrong(f'{path}/{dots}', f'readdir says type {types.get(dots)}')

    def _entry(self, path, name, fd, want, mtime):
        try:
            status = os.stat(name, dir_fd=fd, follow_symlinks=False)
            if isinstance(want, dict):
                if not stat.S_ISDIR(status.st_mode):
                    self.wrong(path, f'mode {status.st_mode:o}, want a directory')
                    return
                inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=fd)
                # A pod's node/ is another object, with times of its own.
                self._directory(path, status, inner, want, None if name == 'node' else mtime)
                return
            self._status(path, status, want, mtime)
            if isinstance(want, Link):
                self.links += 1
                target = os.readlink(name, dir_fd=fd)
                if target != want:
                    self.wrong(path, f'leads to {target}, want {want}')
                elif not self._leads(name, fd):
                    self.wrong(path, f'leads to {target}, which is not there')
                if status.st_size != len(os.fsencode(target)):
                    self.wrong(path, f'size {status.st_size}, want {len(target)}')
            else:
                self._file(path, name, fd, status, want)
        except OSError as e:
            self.wrong(path, e.strerror)

    @staticmethod
    def _leads(name, fd):
        try:
            os.stat(name, dir_fd=fd)
        except OSError:
            return False
        return True

    def _file(self, path, name, fd, status, want):
        self.files += 1
        got = slurp(name, dir_fd=fd)
        if isinstance(want, Yaml):
            try:
                same(yaml.load(got, self.loader), data(loads(bytes(want))))
            except (SameData, yaml.YAMLError) as e:
                self.wrong(path, f'other data: {e}')
        elif got != want:
            self.wrong(path, f'{got[:200]!r}, want {want[:200]!r}')
        if status.st_size != len(got):
            self.wrong(path, f'size {status.st_size}, read {len(got)} bytes')
        if status.st_blocks != (len(got) + 511) // 512:
            self.wrong(path, f'{status.st_blocks} blocks for {len(got)} bytes')
        if status.st_nlink != 1:
            self.wrong(path, f'{status.st_nlink} links, want 1')

    def _status(self, path, status, want, mtime):
        mode = stat.S_IFREG | want.mode if isinstance(want, File) else _MODES[type(want)]
        if status.st_mode != mode:
            self.wrong(path, f'mode {status.st_mode:o}, want {mode:o}')
        if (status.st_uid, status.st_gid) != (self.uid, self.gid):
            self.wrong(path, f'owner {status.st_uid}:{status.st_gid}, want {self.uid}:{self.gid}')
        if mtime is not None and int(status.st_mtime) != mtime:
            self.wrong(path, f'mtime {status.st_mtime}, want {mtime}')

    def done(self):
        """Fails with the differences, if any."""
        if self.errors:
            raise AssertionError('\n'.join(self.errors))
