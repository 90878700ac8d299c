#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Starting and ending: configuration, credentials, messages, exit codes, the background."""
import base64
import contextlib
import errno
import json
import os
import re
import signal
import socket
import subprocess
import tempfile

from lib import procs, tap
from lib.apisim import Apisim, path_of, pod
from lib.certs import Authority
from lib.mount import Mount, clean_environment, is_mounted, slurp
from lib.procs import run, until
from lib.tap import check, equal, note, raises, test

PODFS = procs.program('PODFS', 'podfs')
TOKENS = ('all-token=all', 'pods-token=pods', 'shop-token=shop', 'none-token=none', 'nodes-token=nodes')
GRANTS = ('pods=list,watch:pods,namespaces', 'shop=list,watch:pods:shop', 'nodes=list,watch:nodes,namespaces',
          'none=get:secrets')


def _grow(server):
    for name in ('shop', 'bank'):
        server.create('/api/v1/namespaces', {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': name}})
        server.create(path_of(name), pod('web', name, labels={'app': 'web', 'tier': name}, node='worker'))
        server.create(path_of(name), pod('db', name, labels={'app': 'db'}))
    server.create('/api/v1/nodes', {'apiVersion': 'v1', 'kind': 'Node', 'metadata': {'name': 'worker'}})


class Scene:
    """Three servers of the same content: plain, with tokens over TLS, with client certificates."""

    def __init__(self, tmp, stack):
        self.tmp = tmp
        self.ca = Authority(tmp)
        self.other_ca = Authority(tmp, 'other')
        self.cert, key = self.ca.issue('server', '/CN=apisim', 'IP:127.0.0.1,DNS:kubernetes.default.svc')
        self.client = self.ca.issue('client', '/O=admins/CN=all')
        self.plain = stack.enter_context(Apisim())
        tls = ('--tls-cert', self.cert, '--tls-key', key)
        tokens = [a for t in TOKENS for a in ('--token', t)] + [a for g in GRANTS for a in ('--grant', g)]
        self.tokens = stack.enter_context(Apisim(*tls, *tokens, ca=self.ca.cert, token='all-token'))
        self.certs = stack.enter_context(Apisim(*tls, '--client-ca', self.ca.cert))
        _grow(self.plain)
        _grow(self.tokens)
        self.files = 0

    def file(self, text, name='file'):
        self.files += 1
        path = os.path.join(self.tmp, f'{name}-{self.files}')
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text)
        return path

    def kubeconfig(self, user=None, cluster=None, namespace=None, **more):
        """A kubeconfig file with the context `here`."""
        context = {'cluster': 'c', 'user': 'u', **({'namespace': namespace} if namespace else {})}
        return self.file(json.dumps({
            'apiVersion': 'v1', 'kind': 'Config', 'current-context': 'here',
            'clusters': [{'name': 'c', 'cluster': {'server': self.tokens.url,
                                                   'certificate-authority': self.ca.cert, **(cluster or {})}}],
            'users': [{'name': 'u', 'user': user or {}}],
            'contexts': [{'name': 'here', 'context': context},
                         {'name': 'broken', 'context': {'cluster': 'not-there', 'user': 'u'}}], **more}),
            'kubeconfig')

    def secure(self, token):
        return ('--server', self.tokens.url, '--certificate-authority', self.ca.cert, '--token', token)


@contextlib.contextmanager
def surroundings():
    with tempfile.TemporaryDirectory(prefix='podfs-start.') as tmp, contextlib.ExitStack() as stack:
        os.chmod(tmp, 0o755)
        yield Scene(tmp, stack)


@contextlib.contextmanager
def mount_point(s):
    path = tempfile.mkdtemp(prefix='mnt.', dir=s.tmp)
    try:
        yield path
    finally:
        if is_mounted(path):
            run('fusermount3', '-u', path)


def podfs(s, *args, env=None, seconds=60):
    """Runs podfs to the end, or to when it goes to the background."""
    return run(PODFS, *args, check=False, env={**clean_environment(s.tmp), **(env or {})},
               seconds=seconds * procs.patience())


def refused(s, code, *args, says=(), env=None, path=None):
    """podfs must end with this code and an error that says all of this, and leave nothing mounted."""
    with mount_point(s) as mnt:
        target = path or mnt
        before = is_mounted(target)
        done = podfs(s, *args, target, env=env)
        equal(done.returncode, code, f'exit code with {args}\n{done.stderr}')
        lines = done.stderr.splitlines()
        check(any(line.startswith('podfs: error: ') for line in lines), f'no error message:\n{done.stderr}')
        check(all(line.startswith('podfs: ') for line in lines), f'other output:\n{done.stderr}')
        equal(done.stdout, '', 'stdout')
        for word in says:
            check(re.search(word, done.stderr, re.I), f'no {word!r} in\n{done.stderr}')
        equal(is_mounted(target), before, 'what is mounted')
        note(done.stderr.rstrip())
        return done.stderr


def daemon_of(path):
    """The process that serves a mount point: the one that names it on its command line."""
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        with contextlib.suppress(OSError), open(f'/proc/{pid}/cmdline', 'rb') as f:
            words = f.read().split(b'\0')
            if path.encode() in words and b'podfs' in os.path.basename(words[0]):
                found.append(int(pid))
    return found


@contextlib.contextmanager
def background(s, *args, env=None):
    """A podfs in the background; gives its mount point and its process id."""
    with mount_point(s) as mnt:
        done = podfs(s, *args, mnt, env=env)
        equal(done.returncode, 0, done.stderr)
        pids = daemon_of(mnt)
        equal(len(pids), 2, f'a supervisor and a worker serve {mnt}: {pids}')
        pidfds = [os.pidfd_open(pid) for pid in pids]
        try:
            yield mnt, supervisor_of(pids)
        finally:
            if is_mounted(mnt):
                run('fusermount3', '-u', mnt)
            for pidfd in pidfds:
                ended(pidfd)
                os.close(pidfd)


def supervisor_of(pids):
    """That of the two processes which is the other's parent."""
    for pid in pids:
        with open(f'/proc/{pid}/cmdline', 'rb') as f:
            if b'--worker' not in f.read().split(b'\0'):
                return pid
    raise AssertionError(f'no supervisor among {pids}')


def ended(pidfd, seconds=20):
    import select
    poller = select.poll()
    poller.register(pidfd, select.POLLIN)
    check(poller.poll(seconds * procs.patience() * 1000), 'the process does not end')


def names(path):
    return sorted(os.listdir(path))


# The background.

@test('it returns when the mount is up and synced, lets go of the terminal, and serves on')
def returns(s):
    with background(s, '--server', s.plain.url) as (mnt, pid):
        check(is_mounted(mnt), 'not mounted when it returned')
        equal(names(f'{mnt}/namespaces/shop/pods'), ['db', 'web'])
        equal(slurp(f'{mnt}/namespaces/shop/pods/web/labels/app'), b'web\n')
        equal(os.readlink(f'/proc/{pid}/cwd'), '/', 'the working directory')
        with open(f'/proc/{pid}/stat', encoding='ascii') as f:
            equal(f.read().rsplit(')', 1)[1].split()[4], '0', 'the controlling terminal')
        for fd in '012':
            equal(os.readlink(f'/proc/{pid}/fd/{fd}'), '/dev/null', f'descriptor {fd}')
        s.plain.patch(path_of('shop', 'web'), {'metadata': {'labels': {'app': 'new'}}})
        until(lambda: slurp(f'{mnt}/namespaces/shop/pods/web/labels/app') == b'new\n', 'a change')
        s.plain.patch(path_of('shop', 'web'), {'metadata': {'labels': {'app': 'web'}}})


@test('fusermount3 -u ends it in the background')
def unmount(s):
    with background(s, '--server', s.plain.url) as (mnt, _):
        run('fusermount3', '-u', mnt)
        equal(os.listdir(mnt), [])


@test('SIGTERM and SIGINT end it in the background and take the mount away')
def signals(s):
    for signum in (signal.SIGTERM, signal.SIGINT):
        with background(s, '--server', s.plain.url) as (mnt, pid):
            os.kill(pid, signum)
            until(lambda mnt=mnt: not is_mounted(mnt), f'the mount is gone after signal {signum}')


@test('in the foreground it ends with 0 after fusermount3 -u, SIGTERM and SIGINT, also while it is read')
def foreground(s):
    for how in ('unmount', signal.SIGTERM, signal.SIGINT):
        with Mount(s.plain) as mount:
            reader = procs.start(['sh', '-c', f'while cat {mount.pod("shop", "web", "object.json")}; do :; done'],
                                 stdout=-3, stderr=-3) if how != 'unmount' else None
            if how == 'unmount':
                run('fusermount3', '-u', mount.path)
            else:
                until(lambda: slurp(mount.pod('shop', 'web', 'metadata', 'name')), 'a first read')
                mount.child.send_signal(how)
            equal(mount.child.wait(20 * procs.patience()), 0, f'exit status after {how}')
            check(not is_mounted(mount.path), f'still mounted after {how}')
            if reader:
                reader.wait(20)


@test('it ends while a file in it is held open')
def held(s):
    with Mount(s.plain) as mount:
        fd = os.open(mount.pod('shop', 'web', 'object.json'), os.O_RDONLY)
        try:
            mount.child.send_signal(signal.SIGTERM)
            equal(mount.child.wait(20 * procs.patience()), 0, 'exit status')
            check(not is_mounted(mount.path), 'still mounted')
        finally:
            # The kernel has nobody left to tell.
            with contextlib.suppress(OSError):
                os.close(fd)


@test('it mounts on a relative path and logs to a file named relatively')
def relative(s):
    with mount_point(s) as mnt:
        done = run(PODFS, '--server', s.plain.url, '--log-file', 'podfs.log', '--log-level', 'debug',
                   os.path.basename(mnt), cwd=s.tmp, env=clean_environment(s.tmp), check=False)
        equal(done.returncode, 0, done.stderr)
        equal(names(mnt), ['.podfs', 'by-ip', 'by-uid', 'namespaces', 'nodes', 'select'])
        check(os.path.getsize(s.tmp + '/podfs.log') > 0, 'an empty log')
        pidfds = [os.pidfd_open(p) for p in daemon_of(os.path.basename(mnt))]
        run('fusermount3', '-u', mnt)
        for pidfd in pidfds:
            ended(pidfd)
            os.close(pidfd)


def slow_sync(s, *args):
    """A first sync of 1000 pods that takes seconds; gives what podfs printed."""
    with Apisim('--load-json', os.path.join(procs.ROOT, 'tests/data/pods-1000.json.gz'), *args) as server, \
            mount_point(s) as mnt:
        child = procs.start([PODFS, '--server', server.url, mnt], stdout=-1, stderr=subprocess.STDOUT,
                            env=clean_environment(s.tmp))
        output, seen_early = b'', []
        while chunk := os.read(child.stdout.fileno(), 4096):
            if not output:
                seen_early.append(is_mounted(mnt))
            output += chunk
        equal(child.wait(60), 0, output)
        check(is_mounted(mnt), 'not mounted when it returned')
        equal(seen_early, [None], 'mounted at the first line of progress')
        check(sum(len(os.listdir(f'{mnt}/namespaces/{ns}/pods')) for ns in os.listdir(f'{mnt}/namespaces')) == 1000,
              'not all pods')
        note(output.decode()[-400:])
        return output.decode()


def goes_up(counts):
    check(len(counts) >= 2 and counts == sorted(counts), f'progress: {counts}')


@test('a slow first sync shows its progress; the mount appears only when it is done')
def progress(s):
    counts = re.findall(r'(\d+) of (\d+) pods', slow_sync(s, '--streaming-lists', 'no', '--rate', 250000,
                                                          '--max-page', 100))
    goes_up([int(n) for n, _ in counts])
    check(all(total == '1000' for _, total in counts), f'progress: {counts}')


@test('and so does one that streams, which does not know how many there are')
def progress_of_a_stream(s):
    goes_up([int(n) for n in re.findall(r'(\d+) pods received', slow_sync(s, '--rate', 4000000))])


@test('a quick first sync prints nothing')
def quiet(s):
    with mount_point(s) as mnt:
        done = podfs(s, '--server', s.plain.url, mnt)
        equal((done.returncode, done.stdout, done.stderr), (0, '', ''), 'exit code and output')


@test('a signal during the first sync ends it, with nothing mounted')
def interrupted(s):
    with Apisim('--load-json', os.path.join(procs.ROOT, 'tests/data/pods-1000.json.gz'),
                '--rate', 20000, '--max-page', 100) as server, mount_point(s) as mnt:
        child = procs.start([PODFS, '-f', '--server', server.url, mnt], stdout=-1, stderr=subprocess.STDOUT,
                            env=clean_environment(s.tmp))
        check(os.read(child.stdout.fileno(), 4096), 'no progress')
        child.send_signal(signal.SIGINT)
        check(child.wait(20 * procs.patience()) is not None, 'it does not end')
        check(child.returncode >= 0, f'killed by signal {-child.returncode}')
        check(not is_mounted(mnt), 'mounted')


# What goes wrong.

@test('exit 4: a server that cannot be reached')
def unreachable(s):
    with socket.socket() as closed:
        closed.bind(('127.0.0.1', 0))
        port = closed.getsockname()[1]
        refused(s, 4, '--server', f'http://127.0.0.1:{port}', says=(f'127.0.0.1:{port}', 'hint: '))
    refused(s, 4, '--server', 'http://no-such-host.invalid:1', says=('no-such-host.invalid',))


@test('exit 5: a certificate that is not trusted, or for another name')
def untrusted(s):
    refused(s, 5, '--server', s.tokens.url, '--token', 'all-token', says=('certificate', 'hint: '))
    refused(s, 5, '--server', s.tokens.url, '--token', 'all-token', '--certificate-authority', s.other_ca.cert,
            says=('certificate',))
    refused(s, 5, *s.secure('all-token'), '--tls-server-name', 'other.example', says=('certificate',))


@test('exit 6: no credentials, or wrong ones')
def unauthorized(s):
    refused(s, 6, *s.secure('wrong'), says=('401|unauthori[sz]ed', 'hint: '))
    refused(s, 6, '--server', s.tokens.url, '--certificate-authority', s.ca.cert, says=('401|unauthori[sz]ed',))
    refused(s, 6, '--server', s.certs.url, '--certificate-authority', s.ca.cert, says=('401|unauthori[sz]ed',))


@test('exit 7: forbidden, and the message names the verb and the resource')
def forbidden(s):
    refused(s, 7, *s.secure('none-token'), says=('list', 'pods', 'hint: '))
    refused(s, 7, *s.secure('nodes-token'), says=('list', 'pods'))
    refused(s, 7, *s.secure('shop-token'), '-n', 'bank', says=('list', 'pods', 'bank'))


@test('exit 3: an unknown context, cluster or user, a broken or missing kubeconfig')
def configuration(s):
    config = s.kubeconfig({'token': 'all-token'})
    refused(s, 3, '--kubeconfig', config, '--context', 'nowhere', says=('nowhere', 'context'))
    refused(s, 3, '--kubeconfig', config, '--context', 'broken', says=('not-there',))
    refused(s, 3, '--kubeconfig', config, '--cluster', 'nothing', says=('nothing',))
    refused(s, 3, '--kubeconfig', config, '--user', 'nobody', says=('nobody',))
    refused(s, 3, '--kubeconfig', s.tmp + '/missing', says=('missing',))
    refused(s, 3, '--server', 'ftp://x', says=('ftp://x',))
    refused(s, 3, '--kubeconfig', s.file('{ not: [yaml'), says=('file-',))
    refused(s, 3, '--kubeconfig', s.kubeconfig({'tokenFile': '/does/not/exist'}), says=('/does/not/exist',))
    refused(s, 3, '--kubeconfig', s.kubeconfig(cluster={'certificate-authority': '/no/ca.crt'}), says=('/no/ca.crt',))


@test('exit 3: no configuration anywhere')
def nothing(s):
    refused(s, 3, says=('kubeconfig|server', 'hint: '))


@test('exit 8: a mount point that is missing, a file, or busy')
def mount_points(s):
    server = ('--server', s.plain.url)
    refused(s, 8, *server, path=s.tmp + '/not-there', says=('not-there',))
    refused(s, 8, *server, path=s.file('x'), says=('directory',))
    with Mount(s.plain) as mount:
        refused(s, 8, *server, path=mount.path, says=('mount',))
        equal(names(mount.at('namespaces', 'shop', 'pods')), ['db', 'web'], 'the first mount')


@test('exit 8: no /dev/fuse')
def no_device(s):
    if os.geteuid() != 0:
        tap.skip('needs root')
    with mount_point(s) as mnt:
        script = 'mount -t tmpfs none /dev && exec "$@"'
        done = run('unshare', '-m', '--propagation', 'private', 'sh', '-c', script, 'sh', PODFS, '--server',
                   s.plain.url, mnt, check=False, env=clean_environment(s.tmp))
        equal(done.returncode, 8, done.stderr)
        check('/dev/fuse' in done.stderr and done.stderr.count('podfs: error: ') == 1, done.stderr)


@test('exit 2: no mount point, two of them, an unknown option, a bad value')
def usage(s):
    with mount_point(s) as mnt:
        for args in ((), (mnt, mnt), ('--no-such-option', mnt), ('--log-level', 'loud', mnt), ('--token',),
                     ('--server', s.plain.url, '-o', 'no_such_option', mnt),
                     ('--server', s.plain.url, '-o', 'uid=abc', mnt)):
            done = podfs(s, *args)
            equal(done.returncode, 2, f'{args}: {done.stderr}')
            check(done.stderr.startswith('podfs: error: '), f'{args}: {done.stderr}')


@test('-o rw changes nothing, and allow_root, which a cache cannot keep, is refused')
def asked_for_too_much(s):
    with Mount(s.plain, '-o', 'rw') as mount, raises(errno.EROFS, 'a write'):
        os.mkdir(mount.path + '/x')
    with mount_point(s) as mnt:
        done = podfs(s, '--server', s.plain.url, '-o', 'allow_root', mnt)
        equal(done.returncode, 2, done.stderr)
        check('allow_other' in done.stderr, done.stderr)


# Where the configuration comes from.

@test('credentials: token, token file and client certificate, by option and by kubeconfig')
def credentials(s):
    secure = ('--server', s.tokens.url, '--certificate-authority', s.ca.cert)
    token = s.file('all-token\n')
    certificate = dict(zip(('client-certificate', 'client-key'), s.client))

    def data(path):
        with open(path, 'rb') as f:
            return base64.b64encode(f.read()).decode()
    cases = {
        'token': ((*secure, '--token', 'all-token'), {}),
        'token file': ((*secure, '--token-file', token), {}),
        'skip verify': (('--server', s.tokens.url, '--insecure-skip-tls-verify', '--token', 'all-token'), {}),
        'server name': ((*secure, '--tls-server-name', 'kubernetes.default.svc', '--token', 'all-token'), {}),
        'certificate': (('--server', s.certs.url, '--certificate-authority', s.ca.cert, '--client-certificate',
                         s.client[0], '--client-key', s.client[1]), {}),
        'kubeconfig with token': (('--kubeconfig', s.kubeconfig({'token': 'all-token'})), {}),
        'kubeconfig with token file': (('--kubeconfig', s.kubeconfig({'tokenFile': token})), {}),
        'kubeconfig with a relative token file': (
            ('--kubeconfig', s.kubeconfig({'tokenFile': os.path.basename(token)})), {}),
        'kubeconfig with certificate': (
            ('--kubeconfig', s.kubeconfig(certificate, {'server': s.certs.url})), {}),
        'kubeconfig with data': (
            ('--kubeconfig', s.kubeconfig({k + '-data': data(v) for k, v in certificate.items()}, {
                'server': s.certs.url, 'certificate-authority': '',
                'certificate-authority-data': data(s.ca.cert)})), {}),
        'plain http': (('--kubeconfig', s.kubeconfig(cluster={'server': s.plain.url,
                                                              'certificate-authority': ''})), {}),
        'KUBECONFIG': ((), {'KUBECONFIG': s.kubeconfig({'token': 'all-token'})}),
        'KUBECONFIG with missing files': ((), {'KUBECONFIG': f'/none:{s.kubeconfig({"token": "all-token"})}:'}),
        'an option before KUBECONFIG': (('--token', 'all-token'), {'KUBECONFIG': s.kubeconfig({'token': 'wrong'})}),
        'context': (('--context', 'there', '--kubeconfig', s.kubeconfig({'token': 'wrong'}, **{
            'users': [{'name': 'u', 'user': {'token': 'wrong'}}, {'name': 'v', 'user': {'token': 'all-token'}}],
            'contexts': [{'name': 'here', 'context': {'cluster': 'c', 'user': 'u'}},
                         {'name': 'there', 'context': {'cluster': 'c', 'user': 'v'}}]})), {}),
        'user': (('--user', 'v', '--kubeconfig', s.kubeconfig({'token': 'wrong'}, **{
            'users': [{'name': 'u', 'user': {'token': 'wrong'}}, {'name': 'v', 'user': {'token': 'all-token'}}]})),
            {}),
    }
    _grow_once(s)
    for what, (args, env) in cases.items():
        try:
            with Mount(None, *args, env=env) as mount:
                equal(mount.read('namespaces', 'shop', 'pods', 'web', 'labels', 'app'), b'web\n')
                equal(names(mount.at('nodes')), ['worker'])
        except AssertionError as e:
            raise AssertionError(f'{what}: {e}') from e


def _grow_once(s):
    """The server with client certificates is filled by one who has such a certificate."""
    import ssl
    import urllib.request
    context = ssl.create_default_context(cafile=s.ca.cert)
    context.load_cert_chain(*s.client)
    for path, body in (
            ('/api/v1/namespaces', {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': 'shop'}}),
            ('/api/v1/nodes', {'apiVersion': 'v1', 'kind': 'Node', 'metadata': {'name': 'worker'}}),
            (path_of('shop'), pod('web', 'shop', labels={'app': 'web'}))):
        request = urllib.request.Request(s.certs.url + path, json.dumps(body).encode(),
                                         {'Content-Type': 'application/json'})
        with urllib.request.urlopen(request, context=context) as answer:
            equal(answer.status, 201)


@test('~/.kube/config is found when nothing else is said')
def home(s):
    with tempfile.TemporaryDirectory() as directory:
        os.mkdir(directory + '/.kube')
        os.symlink(s.kubeconfig({'token': 'all-token'}), directory + '/.kube/config')
        with Mount(None, env={'HOME': directory}) as mount:
            equal(names(mount.at('namespaces', 'shop', 'pods')), ['db', 'web'])


@test('in a pod the service account is found')
def in_cluster(s):
    if os.geteuid() != 0:
        tap.skip('needs root')
    account = '/run/secrets/kubernetes.io/serviceaccount'
    token = s.file('all-token\n')
    port = s.tokens.url.rsplit(':', 1)[1]
    script = f'''
set -eu
mount -t tmpfs none /run
mkdir -p {account} /run/mnt
cp {token} {account}/token; cp {s.ca.cert} {account}/ca.crt; echo shop > {account}/namespace
"$1" /run/mnt
cat /run/mnt/namespaces/shop/pods/web/labels/app
ls /run/mnt/namespaces
fusermount3 -u /run/mnt
'''
    done = run('unshare', '-m', '--propagation', 'private', 'sh', '-c', script, 'sh', PODFS, check=False,
               env={**clean_environment(s.tmp), 'KUBERNETES_SERVICE_HOST': '127.0.0.1',
                    'KUBERNETES_SERVICE_PORT': port})
    equal(done.returncode, 0, done.stderr)
    words = done.stdout.split()
    equal(words[0], 'web', 'the label')
    check({'bank', 'shop'} <= set(words[1:]), f'namespaces: {words[1:]}')


@test('the token cannot be read from the command line of the process')
def hidden(s):
    for option in (('--token', 'all-token'), ('--token=all-token',)):
        args = ('--server', s.tokens.url, '--certificate-authority', s.ca.cert, *option)
        with background(s, *args) as (mnt, pid):
            with open(f'/proc/{pid}/cmdline', 'rb') as f:
                line = f.read()
            check(b'all-token' not in line and b'--server' in line, line)
            for other in daemon_of(mnt):
                with open(f'/proc/{other}/cmdline', 'rb') as f:
                    check(b'all-token' not in f.read(), 'in the worker')
        with Mount(None, *args) as mount, open(f'/proc/{mount.pid}/cmdline', 'rb') as f:
            check(b'all-token' not in f.read(), 'in the foreground')


# What the credentials allow.

@test('credentials that may not read nodes get a mount without them')
def no_nodes(s):
    with Mount(None, *s.secure('pods-token')) as mount:
        equal(names(mount.path), ['.podfs', 'by-ip', 'by-uid', 'namespaces', 'select'])
        check({'shop', 'bank'} <= set(os.listdir(mount.at('namespaces'))), 'namespaces')
        check(not os.path.lexists(mount.pod('shop', 'web', 'node')), 'a node')
        check('node' not in os.listdir(mount.pod('shop', 'web')), 'a node is listed')
        equal(mount.read('namespaces', 'shop', 'pods', 'web', 'labels', 'app'), b'web\n')
        status = mount.read('.podfs', 'status').decode()
        check(re.search('nodes.*forbidden|forbidden.*nodes', status), status)


@test('credentials for one namespace get that one, named by the context or by -n')
def one_namespace(s):
    config = s.kubeconfig({'token': 'shop-token'}, namespace='shop')
    for args in (('--kubeconfig', config), (*s.secure('shop-token'), '-n', 'shop')):
        with Mount(None, *args) as mount:
            equal(os.listdir(mount.at('namespaces')), ['shop'])
            equal(names(mount.at('namespaces', 'shop')), ['pods', 'select'], 'the namespace, unread itself')
            equal(names(mount.at('namespaces', 'shop', 'pods')), ['db', 'web'])
            equal(names(mount.path), ['.podfs', 'by-ip', 'by-uid', 'namespaces', 'select'])
            s.tokens.patch(path_of('shop', 'web'), {'metadata': {'labels': {'live': 'yes'}}})
            until(lambda: os.path.exists(mount.pod('shop', 'web', 'labels', 'live')), 'a change')
            s.tokens.patch(path_of('shop', 'web'), {'metadata': {'labels': {'live': None}}})
            until(lambda: not os.path.exists(mount.pod('shop', 'web', 'labels', 'live')), 'another')
    refused(s, 7, '--kubeconfig', s.kubeconfig({'token': 'shop-token'}), says=('pods',))


@test('-n, -l and --field-selector choose the pods')
def selection(s):
    for args, want in ((('-n', 'bank'), {'bank': ['db', 'web']}),
                       (('-l', 'app=web'), {'bank': ['web'], 'shop': ['web']}),
                       (('--selector', 'app in (db),tier!=x'), {'bank': ['db'], 'shop': ['db']}),
                       (('--field-selector', 'spec.nodeName=worker'), {'bank': ['web'], 'shop': ['web']}),
                       (('--namespace=shop', '--selector=tier=shop'), {'shop': ['web']})):
        with Mount(s.plain, *args) as mount:
            found = {}
            for ns in os.listdir(mount.at('namespaces')):
                if pods := names(mount.at('namespaces', ns, 'pods')):
                    found[ns] = pods
            equal(found, want, args)
            if args[0].startswith('-n') or args[0].startswith('--namespace'):
                equal(set(os.listdir(mount.at('namespaces'))), set(want), 'namespaces')
    with Mount(s.plain, '-l', 'app=web') as mount:
        s.plain.patch(path_of('shop', 'db'), {'metadata': {'labels': {'app': 'web'}}})
        until(lambda: names(mount.at('namespaces', 'shop', 'pods')) == ['db', 'web'], 'a pod that matches now')
        s.plain.patch(path_of('shop', 'db'), {'metadata': {'labels': {'app': 'db'}}})
        until(lambda: names(mount.at('namespaces', 'shop', 'pods')) == ['web'], 'a pod that does not any more')


@test('a selector the server refuses is an error with what the server said')
def bad_selector(s):
    with mount_point(s) as mnt:
        done = podfs(s, '--server', s.plain.url, '--field-selector', 'spec.nonsense=x', mnt)
        check(done.returncode in (1, 2), f'exit {done.returncode}: {done.stderr}')
        check('spec.nonsense' in done.stderr, done.stderr)


@test('an empty cluster mounts')
def empty(s):
    del s
    with Apisim() as server, Mount(server) as mount:
        equal(os.listdir(mount.at('nodes')), [])
        server.create('/api/v1/namespaces', {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': 'first'}})
        until(lambda: 'first' in os.listdir(mount.at('namespaces')), 'the first namespace')


# Words.

def _manual_options():
    """The options in podfs(1): what its list items name."""
    with open(os.path.join(procs.ROOT, 'man', 'podfs.1'), encoding='utf-8') as f:
        text = f.read()
    section = text.split('.Sh OPTIONS', 1)[1].split('.Sh ', 1)[0]
    return {'-' + word for line in section.splitlines() if line.startswith('.It ')
            for word in re.findall(r'Fl (-?[a-z-]+)', line)}


@test('--help and podfs(1) have the same options')
def manual(s):
    done = podfs(s, '--help')
    equal((done.returncode, done.stderr), (0, ''), 'exit code and stderr')
    printed = set(re.findall(r'(?<![\w-])(--?[a-z][a-z-]*)', '\n'.join(
        line.lstrip().split('  ')[0] for line in done.stdout.splitlines() if line.lstrip().startswith('-'))))
    listed = _manual_options()
    equal(sorted(printed - listed), [], 'only in --help')
    equal(sorted(listed - printed), [], 'only in podfs(1)')
    check({'--kubeconfig', '-n', '-o', '-f', '--help'} <= listed, f'options: {listed}')


@test('--version prints the name and the version, and .podfs/version has it')
def version(s):
    done = podfs(s, '--version')
    equal((done.returncode, done.stderr), (0, ''), 'exit code and stderr')
    match = re.match(r'podfs (\d+\.\d+\.\d+)', done.stdout)
    check(match, done.stdout)
    with Mount(s.plain) as mount:
        check(match[1] in mount.read('.podfs', 'version').decode(), 'version')


if __name__ == '__main__':
    tap.main(surroundings)
