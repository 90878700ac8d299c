# SPDX-License-Identifier: Apache-2.0
"""
kubewatch: what the tests of the client share: a running kubewatch (see kubewatch.c), servers, certificates.
"""
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
from lib import procs  # noqa: E402
from lib.apisim import Apisim  # noqa: E402
from lib.certs import Authority  # noqa: E402
from lib.tap import skip  # noqa: E402

SIZE = ('--pods', 60, '--namespaces', 4, '--nodes', 3, '--seed', 7)
RESOURCES = ('namespaces', 'nodes', 'pods')


class Watch:
    """A running kubewatch. Lines are read by a thread; expect() waits for one."""

    def __init__(self, *args, env=None, stderr=None):
        self.lines, self.ended = [], False
        self.news = threading.Condition()
        self.child = procs.start([procs.program('KUBEWATCH', 'tests/client/kubewatch'), *map(str, args)],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True, bufsize=1,
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

    def http(self):
        """Connections, requests, those over HTTP/2, probes, renewals, runs of the credential program."""
        return [int(n) for n in self.ask('http', 'http').split()[1:]]

    def texts(self, resource):
        """The objects as they came."""
        return [json.loads(text) for text in self.dump(resource, 'texts ')]

    def dump(self, resource, question='dump '):
        after = self.here()
        self.send(question + resource)
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

    def kubeconfig(self, name, server, user, cluster=None, namespace=None):
        """A kubeconfig of one context; the authority is ours unless the cluster's fields say otherwise."""
        fields = {'server': server, 'certificate-authority': self.ca.cert} if cluster is None else \
            dict(cluster, server=server)
        context = {'cluster': 'k', 'user': 'u', **({'namespace': namespace} if namespace else {})}
        return self.file(name, json.dumps({
            'current-context': 'c', 'contexts': [{'name': 'c', 'context': context}],
            'clusters': [{'name': 'k', 'cluster': fields}], 'users': [{'name': 'u', 'user': user}]}))


def inline(path):
    """A file as *-data has it."""
    with open(path, 'rb') as f:
        return base64.b64encode(f.read()).decode()


@contextlib.contextmanager
def surroundings():
    with tempfile.TemporaryDirectory(prefix='podfs-client.') as tmp:
        yield Scene(tmp)


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
