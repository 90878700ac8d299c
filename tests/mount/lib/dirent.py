# SPDX-License-Identifier: Apache-2.0
"""dirent: the C library's own opendir, readdir, telldir and seekdir, which python hides."""
import ctypes
import os

_libc = ctypes.CDLL(None, use_errno=True)

DT_DIR, DT_REG, DT_LNK = 4, 8, 10


class _Dirent(ctypes.Structure):
    _fields_ = [('d_ino', ctypes.c_uint64), ('d_off', ctypes.c_int64), ('d_reclen', ctypes.c_uint16),
                ('d_type', ctypes.c_uint8), ('d_name', ctypes.c_char * 256)]


_libc.opendir.restype = _libc.fdopendir.restype = ctypes.c_void_p
_libc.readdir.restype = ctypes.POINTER(_Dirent)
_libc.readdir.argtypes = _libc.closedir.argtypes = _libc.telldir.argtypes = [ctypes.c_void_p]
_libc.rewinddir.argtypes = [ctypes.c_void_p]
_libc.telldir.restype = ctypes.c_long
_libc.seekdir.argtypes = [ctypes.c_void_p, ctypes.c_long]


def _fail(path):
    error = ctypes.get_errno()
    raise OSError(error, os.strerror(error), path)


class Directory:
    """An open directory stream."""

    def __init__(self, path):
        self.path = path
        self.stream = _libc.opendir(os.fsencode(path))
        if not self.stream:
            _fail(path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        _libc.closedir(self.stream)

    def read(self):
        """The next entry as (name, type, offset), or None at the end."""
        ctypes.set_errno(0)
        entry = _libc.readdir(self.stream)
        if not entry:
            if ctypes.get_errno():
                _fail(self.path)
            return None
        e = entry.contents
        return os.fsdecode(e.d_name), e.d_type, e.d_off

    def rest(self):
        found = []
        while entry := self.read():
            found.append(entry)
        return found

    def tell(self):
        return _libc.telldir(self.stream)

    def seek(self, offset):
        _libc.seekdir(self.stream, offset)

    def rewind(self):
        _libc.rewinddir(self.stream)


def entries(path):
    """All entries of a directory, `.` and `..` among them."""
    with Directory(path) as directory:
        return directory.rest()
