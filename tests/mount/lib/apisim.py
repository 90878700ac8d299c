# SPDX-License-Identifier: Apache-2.0
"""apisim: starts the stand-in API server and speaks to it."""
import contextlib
import http.client
import json
import os
import ssl
import tempfile
import urllib.parse

from . import gojson, procs

MERGE = 'application/merge-patch+json'
STRATEGIC = 'application/strategic-merge-patch+json'


class Apisim:
    """
    A running server. `url` is where it listens. Requests go over one kept connection per Apisim;
    threads and forked children use clone().
    """

    def __init__(self, *args, ca=None, token=None):
        self.args = [str(a) for a in args]
        self.ca, self.token = ca, token
        self.child = self.url = self._http = None
        self._owner = os.getpid()

    def __enter__(self):
        self._stack = contextlib.ExitStack()
        self.dir = self._stack.enter_context(tempfile.TemporaryDirectory(prefix='podfs-apisim.'))
        self._stderr = self._stack.enter_context(open(os.path.join(self.dir, 'stderr'), 'w+b'))
        self.child = procs.start([procs.program('APISIM', 'tests/apisim/apisim'), *self.args],
                                 stdout=-1, stderr=self._stderr)
        line = self.child.stdout.readline().decode()
        if not line.startswith('listening on '):
            self.child.wait()
            text = self.stderr()
            self._stack.close()
            raise AssertionError(f'apisim did not start: {line!r} {text}')
        self.url = line.split()[2]
        return self

    def __exit__(self, *_):
        try:
            if self._http:
                self._http.close()
            status = procs.end(self.child)
            text = self.stderr()
            self.child.stdout.close()
        finally:
            self._stack.close()
        if status != 0:
            raise AssertionError(f'apisim ended with {status}: {text}')

    def stderr(self):
        self._stderr.flush()
        with open(os.path.join(self.dir, 'stderr'), 'rb') as f:
            return f.read().decode(errors='replace')[-4000:]

    def clone(self):
        """The same server over a connection of its own."""
        other = Apisim(ca=self.ca, token=self.token)
        other.url, other.dir = self.url, self.dir
        return other

    def _connect(self):
        parts = urllib.parse.urlsplit(self.url)
        if parts.scheme == 'https':
            context = ssl.create_default_context(cafile=self.ca)
            return http.client.HTTPSConnection(parts.hostname, parts.port, context=context, timeout=120)
        return http.client.HTTPConnection(parts.hostname, parts.port, timeout=120)

    def request(self, method, path, body=None, kind='application/json', ok=True):
        """One request; returns (status, body). With ok, anything but 2xx is a failure."""
        data = None if body is None else json.dumps(body).encode()
        headers = {'Accept': 'application/json'}
        if data is not None:
            headers['Content-Type'] = kind
        if self.token:
            headers['Authorization'] = 'Bearer ' + self.token
        for last in (False, True):
            if self._http is None:
                self._http = self._connect()
            try:
                self._http.request(method, path, data, headers)
                answer = self._http.getresponse()
                text = answer.read()
                break
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                self._http.close()
                self._http = None
                if last:
                    raise
        if ok and not 200 <= answer.status < 300:
            raise AssertionError(f'{method} {path}: {answer.status} {text[:400]!r}')
        return answer.status, text

    def get(self, path):
        return gojson.loads(self.request('GET', path)[1])

    def list(self, resource, namespace=None):
        """All objects of pods, nodes or namespaces, with apiVersion and kind, and the resourceVersion."""
        where = f'namespaces/{namespace}/{resource}' if namespace else resource
        items, token = [], ''
        while True:
            page = self.get(f'/api/v1/{where}?limit=500' + (f'&continue={urllib.parse.quote(token)}'
                                                           if token else ''))
            for item in page['items'] or []:
                item.setdefault('apiVersion', page['apiVersion'])
                item.setdefault('kind', page['kind'].removesuffix('List'))
                items.append(item)
            token = page['metadata'].get('continue')
            if not token:
                return items, page['metadata']['resourceVersion']

    def patch(self, path, body, kind=MERGE):
        return gojson.loads(self.request('PATCH', path, body, kind)[1])

    def create(self, path, body):
        return gojson.loads(self.request('POST', path, body)[1])

    def delete(self, path):
        self.request('DELETE', path + '?gracePeriodSeconds=0')

    def control(self, what):
        self.request('POST', '/apisim/' + what)

    def kubectl(self, *args, check=True, **kwargs):
        """Runs the real kubectl on this server."""
        env = dict(os.environ, HOME=self.dir, KUBECONFIG=os.path.join(self.dir, 'none'))
        return procs.run('kubectl', '--server', self.url, '--cache-dir', os.path.join(self.dir, 'cache'),
                         *args, env=env, check=check, **kwargs)


def pod(name, namespace, labels=None, annotations=None, node=None, **spec):
    """A small pod to create; what is not given is left to the server's defaults."""
    body = {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': name, 'namespace': namespace},
            'spec': {'containers': [{'name': 'main', 'image': 'registry.example/main:1'}], **spec}}
    if labels is not None:
        body['metadata']['labels'] = labels
    if annotations is not None:
        body['metadata']['annotations'] = annotations
    if node:
        body['spec']['nodeName'] = node
    return body


def path_of(namespace, name=''):
    """The API path of a pod, or of the collection."""
    return f'/api/v1/namespaces/{namespace}/pods' + (f'/{name}' if name else '')
