#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
What a container sees: another mount namespace, a bind mount of the tree or of one pod's folder, another
user, a read-only filesystem.
"""
import contextlib
import errno
import os
import tempfile

from lib import procs, tap
from lib.apisim import Apisim, path_of, pod
from lib.mount import Mount, is_mounted, slurp
from lib.procs import run, until
from lib.tap import check, equal, raises, test

NOBODY = 65534
ENV = dict(os.environ, LC_ALL='C')


class Scene:
    def __init__(self, server, mount, tmp):
        self.server, self.mount, self.tmp = server, mount, tmp
        self.pod = mount.pod('shop', 'web')


@contextlib.contextmanager
def surroundings():
    with Apisim() as server, tempfile.TemporaryDirectory() as tmp:
        os.chmod(tmp, 0o755)
        os.mkdir(tmp + '/target')
        server.create('/api/v1/namespaces', {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': 'shop'}})
        server.create('/api/v1/nodes', {'apiVersion': 'v1', 'kind': 'Node', 'metadata': {
            'name': 'worker', 'labels': {'topology.kubernetes.io/zone': 'eu-1a'}}})
        server.create(path_of('shop'), pod('web', 'shop', labels={'app': 'web'}, node='worker'))
        with Mount(server, '-o', 'allow_other') as mount:
            yield Scene(server, mount, tmp)


class Inside:
    """A shell in a mount namespace of its own, with a directory bound to <tmp>/target."""

    def __init__(self, s, source, *wrap):
        self.target = s.tmp + '/target'
        self.shell = procs.start(
            ['unshare', '-m', '--propagation', 'private', 'sh', '-c',
             'mount --bind "$1" "$2" && shift 2 && exec "$@"', 'sh', source, self.target, *wrap, 'sh'],
            stdin=-1, stdout=-1, stderr=-2, env=ENV)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.shell.stdin.close()
        self.shell.wait(20)
        self.shell.stdout.close()

    def __call__(self, command):
        """What a command prints there, relative to the bound directory."""
        self.shell.stdin.write(f'(cd {self.target} && {command}) 2>&1; echo; echo "end of $?"\n'.encode())
        self.shell.stdin.flush()
        lines = []
        while not (line := self.shell.stdout.readline().decode()).startswith('end of '):
            if not line:
                raise AssertionError(f'the shell ended: {"".join(lines)}')
            lines.append(line)
        return ''.join(lines)[:-1]


@test('/proc/mounts says read-only, nosuid and nodev')
def mounts(s):
    with open('/proc/mounts', encoding='utf-8') as f:
        fields = next(line.split() for line in f if line.split()[1] == s.mount.path)
    equal(fields[2], 'fuse.podfs', 'type')
    options = fields[3].split(',')
    for option in ('ro', 'nosuid', 'nodev', 'allow_other', 'default_permissions'):
        check(option in options, f'{option} is not in {options}')
    superblock = is_mounted(s.mount.path).split(' - ')[1].split()[2].split(',')
    check('ro' in superblock, f'the superblock is not read-only: {superblock}')


@test('the whole tree through a bind mount in another mount namespace')
def whole(s):
    with Inside(s, s.mount.path) as inside:
        equal(inside('cat namespaces/shop/pods/web/labels/app'), 'web\n')
        equal(inside('cat nodes/worker/pods/shop/web/metadata/name'), 'web\n')
        s.server.patch(path_of('shop', 'web'), {'metadata': {'labels': {'app': 'changed'}}})
        until(lambda: inside('cat namespaces/shop/pods/web/labels/app') == 'changed\n', 'a change')
        s.server.create(path_of('shop'), pod('second', 'shop'))
        until(lambda: inside('ls namespaces/shop/pods') == 'second\nweb\n', 'a new pod')
        s.server.delete(path_of('shop', 'second'))
        until(lambda: inside('ls namespaces/shop/pods') == 'web\n', 'a pod that went')
        check('Read-only file system' in inside('touch x'), 'a write')


@test("one pod's folder through a bind mount: itself, its links, its node's zone")
def one_pod(s):
    with Inside(s, s.pod) as inside:
        for label in ('first', 'second'):
            s.server.patch(path_of('shop', 'web'), {'metadata': {'labels': {'app': label}}})
            until(lambda: inside('cat labels/app') == label + '\n', 'the label')
        equal(inside('cat containers/main/spec/image'), 'registry.example/main:1\n')
        equal(inside('cat node/metadata/labels/topology.kubernetes.io/zone'), 'eu-1a\n')
        s.server.patch('/api/v1/nodes/worker', {'metadata': {'labels': {'topology.kubernetes.io/zone': 'eu-1b'}}})
        until(lambda: inside('cat node/metadata/labels/topology.kubernetes.io/zone') == 'eu-1b\n', 'a new zone')
        equal(inside('find . -xtype l'), '', 'links that lead out of the folder')
        check(len(inside('find .').splitlines()) > 40, 'find')
        check('"name": "web"' in inside('cat object.json'), 'object.json')


@test('a bound folder of a pod that is deleted lists empty')
def deleted(s):
    s.server.create(path_of('shop'), pod('short', 'shop', labels={'app': 'x'}))
    until(lambda: os.path.isdir(s.mount.pod('shop', 'short')), 'the pod')
    with Inside(s, s.mount.pod('shop', 'short')) as inside:
        equal(inside('cat labels/app'), 'x\n')
        s.server.delete(path_of('shop', 'short'))
        until(lambda: inside('ls -A') == '', 'an empty folder')
        until(lambda: 'No such file' in inside('cat labels/app'), 'a file in it is gone')


@test('another user reads with allow_other, in and out of a mount namespace, and cannot write')
def other_user(s):
    as_nobody = ('setpriv', f'--reuid={NOBODY}', f'--regid={NOBODY}', '--clear-groups')
    equal(run(*as_nobody, 'cat', s.pod + '/metadata/name').stdout, 'web\n')
    done = run(*as_nobody, 'sh', '-c', f'echo x > {s.pod}/metadata/name', check=False, env=ENV)
    check(done.returncode != 0 and 'Read-only file system' in done.stderr, done.stderr)
    count = len(run('find', s.pod).stdout.splitlines())
    equal(len(run(*as_nobody, 'find', s.pod).stdout.splitlines()), count, 'what find finds')
    with Inside(s, s.pod, *as_nobody) as inside:
        equal(inside('id -u'), f'{NOBODY}\n')
        equal(inside('cat metadata/name'), 'web\n')


@test('another user is kept out without allow_other')
def kept_out(s):
    with Mount(s.server) as mount:
        done = run('setpriv', f'--reuid={NOBODY}', f'--regid={NOBODY}', '--clear-groups', 'ls', mount.path,
                   check=False, env=ENV)
        check(done.returncode != 0 and 'Permission denied' in done.stderr, done.stderr)


@test('uid=, gid= and umask= say who owns what and who may read')
def owner(s):
    with Mount(s.server, '-o', f'allow_other,uid={NOBODY},gid=12,umask=0077') as mount:
        for names in ((), ('namespaces',), ('namespaces', 'shop', 'pods', 'web', 'metadata', 'name'),
                      ('nodes', 'worker', 'pods', 'shop', 'web')):
            status = os.lstat(mount.at(*names))
            equal((status.st_uid, status.st_gid), (NOBODY, 12), '/'.join(names))
        equal(os.stat(mount.pod('shop', 'web', 'metadata', 'name')).st_mode & 0o777, 0o400)
        equal(os.stat(mount.pod('shop', 'web')).st_mode & 0o777, 0o500)
        mine = ('setpriv', f'--reuid={NOBODY}', '--regid=12', '--clear-groups')
        equal(run(*mine, 'cat', mount.pod('shop', 'web', 'metadata', 'name')).stdout, 'web\n')
        done = run('setpriv', '--reuid=12345', '--regid=12', '--clear-groups', 'ls', mount.path, check=False,
                   env=ENV)
        check('Permission denied' in done.stderr, 'the umask does not keep others out')


@test('a process in another pid namespace reads')
def pid_namespace(s):
    equal(run('unshare', '-p', '-f', '-m', 'cat', s.pod + '/metadata/name').stdout, 'web\n')


@test('nothing in the tree is set-user-ID or a device, and nothing can be made in it')
def nothing_special(s):
    for directory, dirs, files in os.walk(s.mount.path):
        for name in dirs + files:
            mode = os.lstat(os.path.join(directory, name)).st_mode
            check(mode & 0o7000 == 0, f'{directory}/{name}: {mode:o}')
    with raises(errno.EROFS, 'create'):
        os.open(s.mount.at('x'), os.O_CREAT | os.O_WRONLY)
    equal(slurp(s.pod + '/metadata/name'), b'web\n')


def main():
    if os.geteuid() != 0:
        print('1..0 # SKIP needs root')
        return
    tap.main(surroundings)


if __name__ == '__main__':
    main()
