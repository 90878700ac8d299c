#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Old tools work as on any filesystem; whatever writes is told EROFS."""
import contextlib
import ctypes
import errno
import fcntl
import filecmp
import mmap
import os
import select
import shutil
import signal
import stat
import tempfile

from lib import tap
from lib.apisim import Apisim
from lib.mount import Mount, slurp
from lib.procs import end, run, start
from lib.tap import check, equal, raises, test

_libc = ctypes.CDLL(None, use_errno=True)
ENV = dict(os.environ, LC_ALL='C', TERM='xterm', HOME='/nonexistent')


class Scene:
    """A mount of a small cluster; pod is the directory of one pod, tmp a directory that can be written."""

    def __init__(self, server, mount, tmp):
        self.server, self.mount, self.tmp = server, mount, tmp
        self.object = server.list('pods')[0][0]
        meta = self.object['metadata']
        self.namespace, self.name = meta['namespace'], meta['name']
        self.pods = mount.at('namespaces', self.namespace, 'pods')
        self.pod = f'{self.pods}/{self.name}'
        self.image = self.object['spec']['containers'][0]['image']
        self.container = self.object['spec']['containers'][0]['name']

    def fresh(self, name):
        path = os.path.join(self.tmp, name)
        shutil.rmtree(path, ignore_errors=True)
        os.mkdir(path)
        return path


@contextlib.contextmanager
def surroundings():
    with Apisim('--pods', 30, '--namespaces', 3, '--nodes', 4) as server, Mount(server) as mount, \
            tempfile.TemporaryDirectory() as tmp:
        yield Scene(server, mount, tmp)


def tool(*argv, **kwargs):
    """Runs a tool that must succeed and must not complain; returns its output."""
    done = run(*argv, env=ENV, **kwargs)
    equal(done.stderr, '' if isinstance(done.stderr, str) else b'', f'stderr of {argv[0]}')
    return done.stdout


@test('ls -l, ls -lR and ls -la show types, sizes and targets')
def ls(s):
    out = tool('ls', '-ln', s.pod)
    check(' labels -> metadata/labels\n' in out, out)
    size = os.stat(s.pod + '/object.json').st_size
    line = next(l for l in out.splitlines() if l.endswith(' object.json'))
    check(line.startswith('-r--r--r-- 1 ') and f' {size} ' in line, line)
    check(any(l.startswith('dr-xr-xr-x ') and l.endswith(' metadata') for l in out.splitlines()), out)
    out = tool('ls', '-la', s.mount.path)
    check(' .podfs\n' in out and out.splitlines()[1].endswith(' .'), out)
    check(len(tool('ls', '-lR', s.pod).splitlines()) > 100, 'ls -lR is short')


@test('stat prints size, blocks, links and times')
def stat_(s):
    out = tool('stat', '-c', '%n %s %b %h %F %a', 'metadata/name', cwd=s.pod)
    size = len(s.name) + 1
    equal(out, f'metadata/name {size} {(size + 511) // 512} 1 regular file 444\n')
    equal(tool('stat', '-c', '%F %a %h', s.pod + '/status/conditions'),
          f'directory 555 {2 + len(os.listdir(s.pod + "/status/conditions"))}\n')


@test('du and df know sizes and the filesystem')
def du(s):
    blocks = sum(os.stat(os.path.join(d, f), follow_symlinks=False).st_blocks
                 for d, _, files in os.walk(s.pod) for f in files)
    total = int(tool('du', '-s', '--block-size=512', s.pod).split()[0])
    check(total >= blocks > 0, f'du says {total}, files have {blocks}')
    apparent = int(tool('du', '-sb', s.pod + '/object.json').split()[0])
    equal(apparent, os.stat(s.pod + '/object.json').st_size, 'du -b')
    lines = tool('df', '-T', s.pod).splitlines()
    equal(len(lines), 2)
    check('fuse.podfs' in lines[1].split()[1] and lines[1].endswith(s.mount.path), lines[1])
    check(tool('df', '-i', s.pod).splitlines()[1].endswith(s.mount.path), 'df -i')
    equal(os.statvfs(s.pod).f_namemax, 255, 'longest name')
    check(os.statvfs(s.pod).f_flag & os.ST_RDONLY, 'statvfs says read-only')


@test('cat, tail, head -c, wc, od, md5sum and cmp read every byte')
def cat(s):
    name = (s.name + '\n').encode()
    text = slurp(s.pod + '/object.json')
    equal(tool('cat', s.pod + '/metadata/name', text=False), name)
    equal(tool('tail', '-n', '1', s.pod + '/object.json'), '}\n')
    equal(tool('tail', '-c', '20', s.pod + '/object.json', text=False), text[-20:])
    equal(tool('head', '-c', '100', s.pod + '/object.json', text=False), text[:100])
    equal(tool('head', '-n', '1', s.pod + '/object.json'), '{\n')
    equal(tool('wc', '-c', s.pod + '/object.json').split()[0], str(len(text)))
    equal(tool('tac', s.pod + '/object.json').splitlines()[0], '}')
    equal(tool('od', '-An', '-c', s.pod + '/metadata/name').split()[0], s.name[0])
    equal(tool('tail', '-n', '+2', s.pod + '/metadata/name'), '')


@test('tail -f follows a file and ends when told')
def tail_f(s):
    tail = start(['tail', '-n', '1', '-f', s.pod + '/metadata/name'], stdout=-1)
    equal(tail.stdout.readline().decode(), s.name + '\n')
    equal(end(tail), -signal.SIGTERM, 'how it ended')
    tail.stdout.close()


@test('grep -r finds a value and reports no error')
def grep(s):
    out = tool('grep', '-rlx', '--', s.name, s.pods)
    check(f'{s.pod}/metadata/name' in out.splitlines(), out)
    out = tool('grep', '-rl', '--include=image', '--', s.image, s.mount.at('namespaces'))
    check(f'{s.pod}/spec/containers/{s.container}/image' in out.splitlines(), 'the image')
    out = tool('grep', '-Rc', '.', s.pod + '/containers')
    check(f'{s.pod}/containers/{s.container}/spec/image:1' in out.splitlines(), 'through links')


@test('find knows types, sizes, times, depths and links')
def find(s):
    reference = os.path.join(s.tmp, 'reference')
    stamp = os.stat(s.pod + '/metadata/name').st_mtime
    with open(reference, 'w', encoding='ascii'):
        os.utime(reference, (stamp - 1, stamp - 1))
    check(s.pod + '/metadata/name' in tool('find', s.pod, '-newer', reference).splitlines(), 'newer')
    os.utime(reference, (stamp + 1, stamp + 1))
    equal(tool('find', s.pod + '/metadata/name', '-newer', reference), '')
    files = tool('find', s.pod, '-type', 'f').splitlines()
    equal(sorted(files), sorted(os.path.join(d, f) for d, _, fs in os.walk(s.pod) for f in fs
                                if not os.path.islink(os.path.join(d, f))))
    check('/labels' in tool('find', s.pod, '-maxdepth', '1', '-type', 'l'), 'links')
    equal(tool('find', s.pod + '/metadata', '-maxdepth', '1', '-name', 'uid', '-size', '-2'), s.pod + '/metadata/uid\n')
    equal(tool('find', s.mount.path, '-xtype', 'l'), '', 'links that lead nowhere')
    equal(tool('find', s.pod, '-type', 'f', '-empty'), '', 'files of no bytes')


@test('cp -r, rsync, tar and cpio copy a pod whole')
def copies(s):
    want = s.fresh('want')
    for directory, dirs, files in os.walk(s.pod):
        here = os.path.join(want, os.path.relpath(directory, s.pod))
        os.makedirs(here, exist_ok=True)
        for name in files + [d for d in dirs if os.path.islink(os.path.join(directory, d))]:
            path = os.path.join(directory, name)
            if os.path.islink(path):
                os.symlink(os.readlink(path), os.path.join(here, name))
            else:
                with open(os.path.join(here, name), 'wb') as f:
                    f.write(slurp(path))

    def compare(got, what):
        different = []

        def walk(c):
            different.extend(c.left_only + c.right_only + c.diff_files + c.funny_files)
            for sub in c.subdirs.values():
                walk(sub)
        walk(filecmp.dircmp(want, got, ignore=[], hide=[]))
        check(not different, f'{what}: {different[:10]}')
        equal(os.readlink(os.path.join(got, 'labels')), 'metadata/labels', what)

    to = s.fresh('cp')
    tool('cp', '-r', s.pod, to + '/pod')
    compare(to + '/pod', 'cp -r')
    tool('cp', '-a', s.pod, to + '/pod-a')
    compare(to + '/pod-a', 'cp -a')
    equal(int(os.stat(to + '/pod-a/metadata/name').st_mtime), int(os.stat(s.pod + '/metadata/name').st_mtime))
    to = s.fresh('rsync')
    out = tool('rsync', '-anv', s.pod + '/', to + '/')
    check('metadata/name' in out.splitlines(), 'rsync -n')
    equal(os.listdir(to), [], 'rsync -n copied')
    tool('rsync', '-a', s.pod + '/', to + '/')
    compare(to, 'rsync')
    equal(tool('rsync', '-ac', '--itemize-changes', s.pod + '/', to + '/'), '', 'a second rsync')
    to = s.fresh('tar')
    tool('tar', '-cf', s.tmp + '/pod.tar', '-C', s.pod, '.')
    tool('tar', '-xf', s.tmp + '/pod.tar', '-C', to)
    compare(to, 'tar')
    tool('tar', '-df', s.tmp + '/pod.tar', '-C', s.pod)
    for name in ('cp', 'rsync', 'tar', 'want'):
        run('chmod', '-R', 'u+w', os.path.join(s.tmp, name))


@test('vim -R, less and more show a file')
def pagers(s):
    path = s.pod + '/object.yaml'
    done = run('vim.tiny', '-N', '-u', 'NONE', '-R', '-es', '-c', 'w! ' + s.tmp + '/vim.out', '-c', 'qa!', path,
               env=ENV, check=False)
    equal(done.returncode, 0, f'vim: {done.stdout} {done.stderr}')
    equal(slurp(s.tmp + '/vim.out'), slurp(path), 'what vim read')
    equal(tool('less', path), slurp(path).decode(), 'less into a pipe')
    out = run('script', '-qec', f'less -X -F {s.pod}/metadata/name', '/dev/null', env=ENV).stdout
    check(s.name in out, f'less on a terminal: {out!r}')
    equal(tool('more', s.pod + '/metadata/name').rstrip('\n').splitlines()[-1], s.name)


@test('tab completion completes names')
def completion(s):
    out = tool('bash', '-c', 'compgen -f -- "$1/meta"', 'bash', s.pod)
    equal(out, s.pod + '/metadata\n')
    out = tool('bash', '-c', 'compgen -d -- "$1/"', 'bash', s.mount.path)
    equal(sorted(out.split()), [s.mount.at(n) for n in ('.podfs', 'by-ip', 'by-uid', 'namespaces', 'nodes', 'select')])
    out = tool('bash', '-O', 'globstar', '-c', 'echo "$1"/**/phase', 'bash', s.pod)
    equal(out, s.pod + '/status/phase\n')


@test('os.scandir, os.walk, glob and pathlib work')
def python(s):
    with os.scandir(s.pod) as entries:
        kinds = {e.name: ('l' if e.is_symlink() else 'd' if e.is_dir() else 'f', e.stat(follow_symlinks=False))
                 for e in entries}
    equal({n: k for n, (k, _) in kinds.items() if n in ('labels', 'metadata', 'object.json')},
          {'labels': 'l', 'metadata': 'd', 'object.json': 'f'})
    with open(s.pod + '/metadata/name', encoding='utf-8') as f:
        equal(f.read(), s.name + '\n')
        equal(f.seek(0, os.SEEK_END), len(s.name) + 1)
    with open(s.pod + '/object.json', 'rb', buffering=0) as f:
        equal(len(f.readall()), os.fstat(f.fileno()).st_size)
    equal(shutil.disk_usage(s.pod).free, 0, 'free space')


@test('every attempt to write is told that the filesystem is read-only')
def writes(s):
    file, folder, new = s.pod + '/metadata/name', s.pod + '/metadata', s.pod + '/metadata/new'
    outside = os.path.join(s.tmp, 'outside')
    with open(outside, 'w', encoding='ascii') as f:
        f.write('x')
    attempts = {
        'create': lambda: os.open(new, os.O_CREAT | os.O_WRONLY, 0o644),
        'create exclusively': lambda: os.open(new, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o644),
        'create at the top': lambda: os.open(s.mount.at('x'), os.O_CREAT | os.O_WRONLY, 0o644),
        'open to write': lambda: os.open(file, os.O_WRONLY),
        'open to read and write': lambda: os.open(file, os.O_RDWR),
        'open to append': lambda: os.open(file, os.O_WRONLY | os.O_APPEND),
        'open to truncate': lambda: os.open(file, os.O_RDONLY | os.O_TRUNC),
        'open a temporary file': lambda: os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o600),
        'truncate': lambda: os.truncate(file, 0),
        'unlink': lambda: os.unlink(file),
        'unlink a link': lambda: os.unlink(s.pod + '/labels'),
        'mkdir': lambda: os.mkdir(new),
        'mkdir of a pod': lambda: os.mkdir(s.pods + '/new-pod'),
        'rmdir': lambda: os.rmdir(folder),
        'rename': lambda: os.rename(file, new),
        'rename over': lambda: os.rename(file, s.pod + '/metadata/uid'),
        'symlink': lambda: os.symlink('x', new),
        'link': lambda: os.link(file, new),
        'mknod': lambda: os.mknod(new, stat.S_IFREG | 0o644),
        'mkfifo': lambda: os.mkfifo(new),
        'chmod': lambda: os.chmod(file, 0o644),
        'chown': lambda: os.chown(file, 1, 1),
        'utime': lambda: os.utime(file, (1, 1)),
        'utime of a directory': lambda: os.utime(folder),
        'setxattr': lambda: os.setxattr(file, 'user.x', b'y'),
        'removexattr': lambda: os.removexattr(file, 'user.x'),
    }
    for what, attempt in attempts.items():
        with raises(errno.EROFS, what):
            attempt()
    with raises(errno.EXDEV, 'rename from outside'):
        os.rename(outside, new)
    check(not os.access(file, os.W_OK) and not os.access(folder, os.W_OK), 'access says writable')
    for argv in (['touch', new], ['sh', '-c', f'echo x > {file}'], ['rm', '-rf', s.pod], ['mv', file, new]):
        done = run(*argv, env=ENV, check=False)
        check(done.returncode != 0 and 'Read-only file system' in done.stderr, f'{argv[0]}: {done.stderr}')
    equal(slurp(file), s.name.encode() + b'\n', 'the file after all this')


@test('extended attributes, access, lseek, ioctl, locks and poll get clean answers')
def answers(s):
    file, folder = s.pod + '/metadata/name', s.pod + '/metadata'
    size = len(s.name) + 1
    for path in (file, folder, s.mount.path):
        try:
            equal(os.listxattr(path), [], 'attributes')
        except OSError as e:
            equal(e.errno, errno.ENOTSUP, 'listxattr')
        try:
            os.getxattr(path, 'user.x')
            raise AssertionError('an attribute')
        except OSError as e:
            check(e.errno in (errno.ENODATA, errno.ENOTSUP), f'getxattr: {e}')
    check(os.access(file, os.R_OK) and os.access(folder, os.R_OK | os.X_OK), 'access says not readable')
    check(not os.access(file, os.X_OK), 'access says a value can be run')
    check(not os.access(s.pod + '/x', os.F_OK), 'access says it is there')
    fd = os.open(file, os.O_RDONLY)
    try:
        equal(os.lseek(fd, 0, os.SEEK_END), size)
        equal(os.lseek(fd, 0, os.SEEK_DATA), 0)
        equal(os.lseek(fd, 0, os.SEEK_HOLE), size)
        with raises(errno.ENXIO, 'data beyond the end'):
            os.lseek(fd, size, os.SEEK_DATA)
        with raises(errno.EINVAL, 'before the beginning'):
            os.lseek(fd, -1, os.SEEK_SET)
        equal(os.lseek(fd, 100000, os.SEEK_SET), 100000)
        equal(os.read(fd, 10), b'', 'beyond the end')
        equal(os.pread(fd, 4, 2), (s.name + '\n').encode()[2:6])
        with raises(errno.ENOTTY, 'ioctl'):
            fcntl.ioctl(fd, 0x5401, b'\0' * 64)
        with raises(errno.EBADF, 'write to a descriptor that reads'):
            os.write(fd, b'x')
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        fcntl.flock(fd, fcntl.LOCK_UN)
        poller = select.poll()
        poller.register(fd, select.POLLIN)
        equal(poller.poll(0)[0][1] & select.POLLIN, select.POLLIN)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_WILLNEED)
        os.fsync(fd)
        with mmap.mmap(fd, 0, prot=mmap.PROT_READ) as m:
            equal(bytes(m), s.name.encode() + b'\n')
        with open(s.tmp + '/sent', 'wb') as to:
            os.lseek(fd, 0, os.SEEK_SET)
            equal(os.sendfile(to.fileno(), fd, 0, 1000), size)
        equal(slurp(s.tmp + '/sent'), s.name.encode() + b'\n', 'sendfile')
    finally:
        os.close(fd)
    with raises(errno.EISDIR, 'read a directory'):
        d = os.open(folder, os.O_RDONLY)
        try:
            os.read(d, 1)
        finally:
            os.close(d)
    with raises(errno.ENOTDIR, 'list a file'):
        os.listdir(file)
    with raises(errno.EINVAL, 'readlink of a file'):
        os.readlink(file)
    with raises(errno.EACCES, 'run a value'):
        run(file)
    check(_libc.inotify_init1(0) >= 0, 'inotify')


@test('`..` and `.` lead where they should, and inode numbers agree')
def dots(s):
    equal(os.stat(s.pod + '/metadata/..').st_ino, os.stat(s.pod).st_ino)
    equal(os.stat(s.pod + '/.').st_ino, os.stat(s.pod).st_ino)
    equal(os.path.realpath(s.pod + '/labels/..'), s.pod + '/metadata')
    equal(os.path.realpath(s.pod + f'/containers/{s.container}/spec'), f'{s.pod}/spec/containers/{s.container}')
    equal(os.stat(s.mount.path + '/..').st_ino, os.stat(os.path.dirname(s.mount.path)).st_ino)
    numbers = {}
    for directory, dirs, files in os.walk(s.mount.at('namespaces', s.namespace)):
        for name in dirs + files:
            status = os.lstat(os.path.join(directory, name))
            numbers.setdefault(status.st_ino, []).append(os.path.join(directory, name))
    same = [paths for paths in numbers.values() if len(paths) > 1]
    check(not same, f'one inode for {same[:3]}')


if __name__ == '__main__':
    tap.main(surroundings)
