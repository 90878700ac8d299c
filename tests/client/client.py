#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The client against the stand-in server over real connections, without a filesystem (see kubewatch.c)."""
import base64
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'mount'))
from lib import procs, tap  # noqa: E402
from lib.apisim import Apisim, pod  # noqa: E402
from lib.certs import Authority  # noqa: E402
from lib.tap import check, equal, skip, test  # noqa: E402

SIZE = ('--pods', 60, '--namespaces', 4, '--nodes', 3, '--seed', 7)
RESOURCES = ('namespaces', 'nodes', 'pods')


class Watch:
    """A running kubewatch. Lines are read by a thread; expect() waits for one."""

    def __init__(self, *args, env=None):
        self.lines, self.ended = [], False
        self.news = threading.Condition()
        self.child = procs.start([procs.program('KUBEWATCH', 'tests/client/kubewatch'), *map(str, args)],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
                                 env=dict(os.environ, HOME='/nonexistent', KUBECONFIG='', **(env or {})))
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.child.stdout:
            with self.news:
                self.lines.append(line.rstrip('\n'))
                self.news.notify_all()
        with self.news:
            self.ended = True
            self.news.notify_all()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.child.poll() is None:
            with contextlib.suppress(BrokenPipeError):
                self.send('quit')
        status = self.child.wait(30)
        self.reader.join()
        self.child.stdin.close()
        self.child.stdout.close()
        if status not in (0, 3):
            raise AssertionError(f'kubewatch ended with {status}: {self.lines[-5:]}')

    def send(self, text):
        self.child.stdin.write(text + '\n')
        self.child.stdin.flush()

    def here(self):
        """A place in the output, for expect()."""
        with self.news:
            return len(self.lines)

    def expect(self, start, after=0, seconds=30):
        """Waits for a line that starts so, behind that place; returns it."""
        def find():
            return next((line for line in self.lines[after:] if line.startswith(start)), None)
        with self.news:
            done = self.news.wait_for(lambda: find() or self.ended, seconds * procs.patience())
            line = find()
            if not line:
                raise AssertionError(f'no line "{start}": {self.lines[after:][-12:]}'
                                     + ('' if done else ' (waited)'))
            return line

    def ask(self, question, answer):
        after = self.here()
        self.send(question)
        return self.expect(answer, after)

    def dump(self, resource):
        after = self.here()
        self.send('dump ' + resource)
        self.expect('end', after)
        with self.news:
            return sorted(line[2:] for line in self.lines[after:] if line.startswith('= '))

    def synced(self, after=0):
        for resource in RESOURCES:
            self.expect(f'state {resource} watching none', after)
        return self

    def quiet(self, server, resource):
        """Waits until it knows what the server knows."""
        want = objects(server, resource)
        procs.until(lambda: self.dump(resource) == want, f'{resource} equal the server')


def objects(server, resource, namespace=None):
    items, _ = server.list(resource, namespace)
    return sorted(f"{o['metadata'].get('namespace', '')}/{o['metadata']['name']} {o['metadata']['resourceVersion']}"
                  for o in items)


def same(watch, server):
    for resource in RESOURCES:
        watch.quiet(server, resource)


class Scene:
    """Certificates that all tests share."""

    def __init__(self, tmp):
        self.tmp = tmp
        self.ca = Authority(tmp)
        self.cert, self.key = self.ca.issue('server', '/CN=server', 'IP:127.0.0.1,DNS:api.internal')
        self.client = self.ca.issue('client', '/O=ops/CN=jane')

    def tls(self, *more):
        return Apisim(*SIZE, '--tls-cert', self.cert, '--tls-key', self.key, *more, ca=self.ca.cert)

    def file(self, name, text):
        path = os.path.join(self.tmp, name)
        with open(path + '.new', 'w', encoding='utf-8') as f:
            f.write(text)
        os.rename(path + '.new', path)
        return path


@contextlib.contextmanager
def surroundings():
    with tempfile.TemporaryDirectory(prefix='podfs-client.') as tmp:
        yield Scene(tmp)


@test('it lists and then follows changes over plain HTTP')
def plain(_):
    with Apisim(*SIZE) as server, Watch('-s', server.url) as watch:
        same(watch.synced(), server)
        equal(len(watch.dump('pods')), 60, 'pods')
        server.control('churn?rate=200')
        watch.expect('event pods')
        server.control('churn?rate=0')
        same(watch, server)
        lists = [line for line in watch.lines if line.startswith('list ')]
        equal(len(lists), 3, f'one list each, no relist: {lists}')


@test('a list in pages is complete')
def pages(_):
    with Apisim('--pods', 1200, '--namespaces', 8, '--nodes', 3, '--max-page', 170) as server:
        with Watch('-s', server.url) as watch:
            equal(watch.expect('list pods').split()[2], '1200', 'pods')
            watch.quiet(server, 'pods')


@test('a first list can come as a stream of events')
def streaming(scene):
    with Apisim(*SIZE) as server, Watch('-s', server.url, '--streaming') as watch:
        same(watch.synced(), server)
        equal(watch.ask('http', 'http').split()[2], '3', 'requests for three lists and watches')
    args = ('--certificate-authority', scene.ca.cert, '--streaming')
    with scene.tls() as server, Watch('-s', server.url, *args) as watch:
        same(watch.synced(), server)


@test('selectors and one namespace narrow it')
def narrow(_):
    with Apisim(*SIZE) as server:
        name = objects(server, 'namespaces')[-1].split()[0][1:]
        with Watch('-s', server.url, '-n', name) as watch:
            watch.synced()
            equal(watch.dump('pods'), objects(server, 'pods', name), 'pods of the namespace')
            equal([line.split()[0] for line in watch.dump('namespaces')], ['/' + name], 'namespaces')
        with Watch('-s', server.url, '-l', 'app=none-such') as watch:
            equal(watch.synced().dump('pods'), [], 'pods selected')
        with Watch('-s', server.url, '--field-selector', 'nonsense=1') as watch:
            watch.expect('state pods waiting rejected 400')


@test('it takes up watches that the server closes, without listing')
def resume(_):
    with Apisim(*SIZE) as server, Watch('-s', server.url) as watch:
        same(watch.synced(), server)
        for _round in range(3):
            after = watch.here()
            server.control('churn?rate=200')
            watch.expect('event pods', after)
            server.control('close-watches')
            watch.synced(after)
        server.control('churn?rate=0')
        same(watch, server)
        equal(sum(line.startswith('list ') for line in watch.lines), 3, 'lists')


@test('it lists again when the history is gone')
def compacted(_):
    with Apisim(*SIZE) as server, Watch('-s', server.url) as watch:
        same(watch.synced(), server)
        after = watch.here()
        server.control('churn?rate=500')
        watch.expect('event pods', after)
        server.control('churn?rate=0')
        after = watch.here()
        server.control('compact')
        server.control('close-watches')
        watch.expect('state pods opening none', after)
        same(watch, server)


@test('it comes back when the server does')
def restart(_):
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    where = ('--listen', f'127.0.0.1:{port}')
    with Apisim(*SIZE, *where) as server, Watch('-s', server.url) as watch:
        same(watch.synced(), server)
        procs.end(server.child)
        watch.expect('state pods waiting unreachable')
        equal(len(watch.dump('pods')), 60, 'pods kept')
        after = watch.here()
        with Apisim('--pods', 40, '--namespaces', 4, '--nodes', 3, '--bookmark-interval', 1, *where) as other:
            watch.synced(after)
            same(watch, other)


@test('https with a token')
def token(scene):
    with scene.tls('--token', 'good=jane') as server:
        server.token = 'good'
        ca = ('-s', server.url, '--certificate-authority', scene.ca.cert)
        with Watch(*ca, '--token', 'good') as watch:
            same(watch.synced(), server)
        with Watch(*ca, '--token', 'bad-secret') as watch:
            watch.expect('state pods waiting unauthorized 401')
            text = watch.ask('describe pods', 'error')
            check('does not accept the credentials' in text, text)
            check('bad-secret' not in ''.join(watch.lines), 'the token is in a message')


@test('a token file is read again after a 401')
def token_file(scene):
    with scene.tls('--token', 'good=jane') as server:
        server.token = 'good'
        path = scene.file('token', 'stale\n')
        with Watch('-s', server.url, '--certificate-authority', scene.ca.cert, '--token-file', path) as watch:
            watch.expect('state pods waiting unauthorized 401')
            after = watch.here()
            scene.file('token', 'good\n')
            same(watch.synced(after), server)


@test('a server that cannot be trusted is not talked to')
def distrust(scene):
    stranger = Authority(scene.tmp, 'stranger')
    with scene.tls() as server:
        with Watch('-s', server.url, '--certificate-authority', stranger.cert) as watch:
            watch.expect('state pods waiting tls 0')
            check('no trusted connection' in watch.ask('describe pods', 'error'), 'the message')
        with Watch('-s', server.url) as watch:
            watch.expect('state pods waiting tls 0')
        with Watch('-s', server.url, '--insecure-skip-tls-verify') as watch:
            watch.synced()
        with Watch('-s', server.url.replace('https', 'http')) as watch:
            watch.expect('state pods waiting')
            check('none' not in watch.expect('state pods waiting').split()[3], 'a failure')


@test('the name in the certificate can be given')
def server_name(scene):
    with scene.tls() as server:
        args = ('-s', server.url, '--certificate-authority', scene.ca.cert, '--tls-server-name')
        with Watch(*args, 'api.internal') as watch:
            same(watch.synced(), server)
        with Watch(*args, 'api.external') as watch:
            watch.expect('state pods waiting tls 0')


@test('client certificates, as files and in a kubeconfig in place')
def certificates(scene):
    cert, key = scene.client

    def inline(path):
        with open(path, 'rb') as f:
            return base64.b64encode(f.read()).decode()
    with scene.tls('--client-ca', scene.ca.cert) as server:
        with Watch('-s', server.url, '--certificate-authority', scene.ca.cert,
                   '--client-certificate', cert, '--client-key', key) as watch:
            watch.synced()
        config = {'current-context': 'c',
                  'contexts': [{'name': 'c', 'context': {'cluster': 'k', 'user': 'u'}}],
                  'clusters': [{'name': 'k', 'cluster': {'server': server.url,
                                                         'certificate-authority-data': inline(scene.ca.cert)}}],
                  'users': [{'name': 'u', 'user': {'client-certificate-data': inline(cert),
                                                   'client-key-data': inline(key)}}]}
        with Watch('--kubeconfig', scene.file('config', json.dumps(config))) as watch:
            watch.synced()
        with Watch('-s', server.url, '--certificate-authority', scene.ca.cert) as watch:
            line = watch.expect('state pods waiting')
            check(line.split()[3] in ('tls', 'unauthorized'), line)


@test('what is forbidden is reported, and the rest works')
def forbidden(scene):
    grants = ('--grant', 'jane=list,watch:pods,namespaces', '--token', 'good=jane')
    with scene.tls(*grants) as server:
        with Watch('-s', server.url, '--certificate-authority', scene.ca.cert, '--token', 'good') as watch:
            watch.expect('state pods watching none')
            watch.expect('state namespaces watching none')
            watch.expect('state nodes waiting forbidden 403')
            text = watch.ask('describe nodes', 'error')
            check('may not list nodes' in text and 'docs/rbac.yaml' in text, text)


@test('where all pods are forbidden it falls back to its own namespace')
def fallback(scene):
    with Apisim(*SIZE) as server:
        name = objects(server, 'namespaces')[-1].split()[0][1:]
        want = objects(server, 'pods', name)
    grants = ('--grant', f'jane=list,watch:pods:{name}', '--token', 'good=jane')
    with scene.tls(*grants) as server:
        config = {'current-context': 'c',
                  'contexts': [{'name': 'c', 'context': {'cluster': 'k', 'user': 'u', 'namespace': name}}],
                  'clusters': [{'name': 'k', 'cluster': {'server': server.url,
                                                         'certificate-authority': scene.ca.cert}}],
                  'users': [{'name': 'u', 'user': {'token': 'good'}}]}
        path = scene.file('fallback', json.dumps(config))
        with Watch('--kubeconfig', path) as watch:
            watch.expect('state pods watching none')
            equal([line.split()[0] for line in watch.dump('pods')], [line.split()[0] for line in want], 'pods')
            watch.expect('state namespaces waiting forbidden 403')
        config['contexts'][0]['context']['namespace'] = 'another'
        with Watch('--kubeconfig', scene.file('fallback', json.dumps(config))) as watch:
            watch.expect('state pods waiting forbidden 403')
            check('pods in namespace another' in watch.ask('describe pods', 'error'), 'the message')


@contextlib.contextmanager
def http2_front(scene, server):
    """nghttpx before a server: HTTP/2 and TLS on one side, HTTP/1.1 on the other."""
    if not any(os.access(os.path.join(d, 'nghttpx'), os.X_OK)
               for d in (os.environ['PATH'] + ':/usr/sbin').split(':')):
        skip('nghttpx is not installed')
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    back = server.url.split('//')[1].replace(':', ',')
    env = dict(os.environ, PATH=os.environ['PATH'] + ':/usr/sbin')
    child = procs.start(['nghttpx', '--conf', '/dev/null', '-f', f'127.0.0.1,{port}', '-b', back, '--workers', '1',
                         scene.key, scene.cert], env=env, stderr=subprocess.DEVNULL)
    try:
        def up():
            with socket.socket() as s:
                return s.connect_ex(('127.0.0.1', port)) == 0
        procs.until(up, 'nghttpx listens')
        yield f'https://127.0.0.1:{port}'
    finally:
        procs.end(child)


@test('all requests share one HTTP/2 connection')
def http2(scene):
    with Apisim('--pods', 1200, '--namespaces', 8, '--nodes', 3) as server, http2_front(scene, server) as url:
        with Watch('-s', url, '--certificate-authority', scene.ca.cert) as watch:
            same(watch.synced(), server)
            server.control('churn?rate=200')
            watch.expect('event pods')
            server.control('churn?rate=0')
            same(watch, server)
            connections, requests, over2 = map(int, watch.ask('http', 'http').split()[1:])
            equal((connections, over2), (1, requests), 'connections, requests over HTTP/2')


tap.main(surroundings)
