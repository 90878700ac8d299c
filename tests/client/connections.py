#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Connections: silent and dead ones, proxies, certificates that change while the program runs."""
import contextlib
import os
import re
import selectors
import shutil
import socket
import ssl
import threading
import time

from kubewatch import SIZE, Apisim, Authority, Watch, http2_front, procs, same, surroundings
from lib import tap
from lib.tap import check, equal, test


def pump(one, other, gate, edit):
    """Carries bytes both ways until one side ends, while the gate is open; what is held up waits."""
    with selectors.DefaultSelector() as selector, contextlib.suppress(OSError):
        selector.register(one, selectors.EVENT_READ, other)
        selector.register(other, selectors.EVENT_READ, one)
        while True:
            for key, _ in selector.select():
                data = key.fileobj.recv(65536)
                gate.wait()
                if not data:
                    return
                key.data.sendall(edit(data) if key.fileobj is one else data)


class Middle:
    """Something between the client and the server: a listener, and a thread for each connection."""

    def __init__(self, target=None):
        self.target, self.connections, self.asked = target, 0, []
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.gate = self.open_gate()
        threading.Thread(target=self._accept, daemon=True).start()

    @staticmethod
    def open_gate():
        gate = threading.Event()
        gate.set()
        return gate

    def freeze(self):
        """What is connected now hears nothing more, and is not told; new connections work."""
        self.gate.clear()
        self.gate = self.open_gate()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(client, self.gate), daemon=True).start()

    def _serve(self, client, gate):
        with contextlib.suppress(OSError, ValueError, ssl.SSLError):
            client, server = self.connect(client)
            with client, server:
                pump(client, server, gate, self.edit)

    def connect(self, client):
        return client, socket.create_connection(self.target)

    def edit(self, data):
        return data


class HttpProxy(Middle):
    """An HTTP proxy, inside TLS if it is given a certificate. It carries CONNECT and absolute URLs."""

    def __init__(self, pair=None):
        self.context = None
        if pair:
            self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self.context.load_cert_chain(*pair)
        super().__init__()

    def connect(self, client):
        if self.context:
            client = self.context.wrap_socket(client, server_side=True)
        head = b''
        while b'\r\n\r\n' not in head:
            piece = client.recv(1)
            if not piece:
                raise ValueError('no request')
            head += piece
        method, url, _ = head.split(b'\r\n')[0].decode().split(' ')
        self.asked.append((method, url))
        where = url if method == 'CONNECT' else url.split('/')[2]
        server = socket.create_connection(('127.0.0.1', int(where.rsplit(':', 1)[1])))
        if method == 'CONNECT':
            client.sendall(b'HTTP/1.1 200 Connected\r\n\r\n')
        else:
            server.sendall(self.edit(head))
        return client, server

    def edit(self, data):
        """A request that says where to send it, as the server wants it."""
        return re.sub(rb'^GET http://[^/]*/', b'GET /', data)


class Absent(Middle):
    """A balancer with nothing behind it: it takes a connection, hears the first words, and hangs up."""

    def connect(self, client):
        with client:
            client.recv(65536)
        raise ValueError('nobody is there')


class SocksProxy(Middle):
    """SOCKS5 without authentication, as in RFC 1928."""

    def connect(self, client):
        def read(n):
            data = b''
            while len(data) < n:
                piece = client.recv(n - len(data))
                if not piece:
                    raise ValueError('no request')
                data += piece
            return data
        read(read(2)[1])
        client.sendall(b'\5\0')
        kind = read(4)[3]
        host = read(read(1)[0]).decode() if kind == 3 else socket.inet_ntoa(read(4))
        port = int.from_bytes(read(2), 'big')
        self.asked.append((kind, host, port))
        server = socket.create_connection(('127.0.0.1', port))
        client.sendall(b'\5\0\0\1' + bytes(6))
        return client, server


def port_of(server):
    return int(server.url.rsplit(':', 1)[1])


def read(path):
    with open(path, encoding='ascii') as f:
        return f.read()


@test('a silent HTTP/2 connection is asked for /version, over itself')
def probed(scene):
    with Apisim(*SIZE) as server, http2_front(scene, server) as url:
        with Watch('-s', url, '--certificate-authority', scene.ca.cert, '--probe-idle-ms', 100,
                   '--probe-answer-ms', 2000) as watch:
            watch.synced()
            start = time.monotonic()
            procs.until(lambda: watch.http()[3] >= 25, 'more probes than it takes to find a connection dead')
            check(time.monotonic() - start > 2, 'a connection that has just spoken is asked')
            connections, requests, over2, _, renewals, _ = watch.http()
            equal((connections, renewals), (1, 0), 'connections, renewals')
            check(requests - over2 <= 1, f'{requests} requests, {over2} answered over HTTP/2')


@test('a half-open HTTP/2 connection is noticed, and the watches go on over another')
def half_open(scene):
    with Apisim(*SIZE) as server, http2_front(scene, server) as url, \
            Middle(('127.0.0.1', int(url.rsplit(':', 1)[1]))) as middle:
        args = ('-s', f'https://127.0.0.1:{middle.port}', '--certificate-authority', scene.ca.cert,
                '--probe-idle-ms', 1200, '--probe-answer-ms', 1000)
        with Watch(*args) as watch:
            same(watch.synced(), server)
            after = watch.here()
            middle.freeze()
            server.control('churn?rate=100')
            watch.expect('event pods', after)
            server.control('churn?rate=0')
            same(watch, server)
            equal(watch.http()[4], 1, 'renewals')
            equal(sum(line.startswith('list ') for line in watch.lines), 3, 'lists: the watches were taken up')
            equal(middle.connections, 2, 'connections')


@test('a half-open HTTP/2 connection does not hold up a list for ever')
def half_open_list(scene):
    with Apisim('--pods', 3000, '--namespaces', 8, '--nodes', 3) as server, http2_front(scene, server) as url, \
            Middle(('127.0.0.1', int(url.rsplit(':', 1)[1]))) as middle:
        args = ('-s', f'https://127.0.0.1:{middle.port}', '--certificate-authority', scene.ca.cert,
                '--probe-idle-ms', 400, '--probe-answer-ms', 1000)
        with Watch(*args) as watch:
            watch.expect('list n')
            middle.freeze()
            watch.expect('state pods watching none')
            watch.quiet(server, 'pods')


@test('new certificates and keys on disk mean new connections')
def certificates(scene):
    cert, key = (os.path.join(scene.tmp, name) for name in ('mine.crt', 'mine.key'))

    def use(pair):
        for source, target in zip(pair, (cert, key)):
            shutil.copy(source, target + '.new')
            os.rename(target + '.new', target)
    use(scene.client)
    with scene.tls('--client-ca', scene.ca.cert) as server:
        with Watch('-s', server.url, '--certificate-authority', scene.ca.cert, '--client-certificate', cert,
                   '--client-key', key, '--files-check-ms', 100) as watch:
            watch.synced()
            before = watch.http()
            equal(before[4], 0, 'renewals')
            after = watch.here()
            use(scene.ca.issue('renewed', '/O=ops/CN=jane'))
            procs.until(lambda: watch.http()[4] >= 1, 'a renewal')
            watch.synced(after)
            check(watch.http()[0] > before[0], 'new connections')


@test('a certificate authority that is replaced is used')
def authority(scene):
    other = Authority(scene.tmp, 'another')
    ca = scene.file('ca-in-use', read(other.cert))
    with scene.tls() as server:
        with Watch('-s', server.url, '--certificate-authority', ca) as watch:
            watch.expect('state pods waiting tls 0')
            scene.file('ca-in-use', read(scene.ca.cert))
            same(watch.synced(), server)
            equal(watch.http()[4], 0, 'renewals: a new connection reads it')
        scene.file('ca-in-use', read(other.cert))
        with Watch('-s', server.url, '--certificate-authority', ca, '--files-check-ms', 100) as watch:
            watch.expect('state pods waiting tls 0')
            after = watch.here()
            scene.file('ca-in-use', read(other.cert) + read(scene.ca.cert))
            same(watch.synced(after), server)
            count = watch.http()[4]
            after = watch.here()
            scene.file('ca-in-use', read(other.cert))
            watch.expect('state pods waiting tls 0', after)
            check(watch.http()[4] > count, 'what is no longer trusted is no longer talked to')


@test('proxy-url: an HTTP proxy')
def http_proxy(scene):
    with scene.tls() as server, HttpProxy() as proxy:
        path = scene.kubeconfig('http-proxy', server.url, {}, {
            'certificate-authority': scene.ca.cert, 'proxy-url': f'http://127.0.0.1:{proxy.port}'})
        with Watch('--kubeconfig', path) as watch:
            same(watch.synced(), server)
        equal(set(proxy.asked), {('CONNECT', f'127.0.0.1:{port_of(server)}')}, 'requests to the proxy')
    with Apisim(*SIZE) as server, HttpProxy() as proxy:
        path = scene.kubeconfig('http-proxy', server.url, {}, {'proxy-url': f'http://127.0.0.1:{proxy.port}'})
        with Watch('--kubeconfig', path) as watch:
            same(watch.synced(), server)
        check(proxy.asked, 'nothing went through the proxy')


@test('proxy-url: an HTTPS proxy, trusted on the same terms as the server')
def https_proxy(scene):
    with scene.tls() as server, HttpProxy((scene.cert, scene.key)) as proxy:
        url = f'https://127.0.0.1:{proxy.port}'
        path = scene.kubeconfig('https-proxy', server.url, {}, {
            'certificate-authority': scene.ca.cert, 'proxy-url': url})
        with Watch('--kubeconfig', path) as watch:
            same(watch.synced(), server)
        equal(set(proxy.asked), {('CONNECT', f'127.0.0.1:{port_of(server)}')}, 'requests to the proxy')
        path = scene.kubeconfig('https-proxy', server.url, {}, {'proxy-url': url})
        with Watch('--kubeconfig', path) as watch:
            watch.expect('state pods waiting tls 0')


@test('proxy-url: SOCKS5, which resolves the names')
def socks(scene):
    with scene.tls() as server, SocksProxy() as proxy:
        path = scene.kubeconfig('socks', f'https://api.internal:{port_of(server)}', {}, {
            'certificate-authority': scene.ca.cert, 'proxy-url': f'socks5://127.0.0.1:{proxy.port}'})
        with Watch('--kubeconfig', path) as watch:
            same(watch.synced(), server)
        equal(set(proxy.asked), {(3, 'api.internal', port_of(server))}, 'requests to the proxy')


@test('a proxy that is not there is a server that cannot be reached; its password is not in the message')
def no_proxy(scene):
    path = scene.kubeconfig('no-proxy', 'https://api.internal', {}, {'proxy-url': 'http://me:hush@127.0.0.1:1'})
    with Watch('--kubeconfig', path) as watch:
        watch.expect('state pods waiting unreachable 0')
        text = watch.ask('describe pods', 'error')
        check('hush' not in text + ''.join(watch.lines), text)


NO_PROXIES = {name: '' for upper in ('HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY')
              for name in (upper, upper.lower())}


@test("the environment's proxies, as for kubectl: HTTPS_PROXY and HTTP_PROXY but for NO_PROXY, no others")
def environment(scene):
    def watch(server, **env):
        url = f'{server.url.split(":")[0]}://api.internal:{port_of(server)}'
        return Watch('-s', url, '--certificate-authority', scene.ca.cert, env={**NO_PROXIES, **env})
    with scene.tls() as server, HttpProxy() as proxy, HttpProxy((scene.cert, scene.key)) as secure, \
            SocksProxy() as socks_proxy:
        plain = f'http://127.0.0.1:{proxy.port}'
        for variable, address in (('HTTPS_PROXY', plain), ('https_proxy', f'127.0.0.1:{proxy.port}'),
                                  ('HTTPS_PROXY', f'https://127.0.0.1:{secure.port}'),
                                  ('HTTPS_PROXY', f'socks5://127.0.0.1:{socks_proxy.port}')):
            with watch(server, **{variable: address}) as client:
                same(client.synced(), server)
        asked = len(proxy.asked)
        for env in ({'ALL_PROXY': plain}, {'HTTP_PROXY': plain}, {'HTTPS_PROXY': plain, 'NO_PROXY': '.internal'}):
            with watch(server, **env) as client:
                client.expect('state pods waiting unreachable 0')
        equal(len(proxy.asked), asked, 'requests through a proxy that is not for them')
        with Watch('-s', server.url, '--certificate-authority', scene.ca.cert,
                   env={**NO_PROXIES, 'HTTPS_PROXY': 'http://127.0.0.1:1'}) as client:
            same(client.synced(), server)
    with Apisim(*SIZE) as server, HttpProxy() as proxy:
        for variable in ('HTTP_PROXY', 'http_proxy'):
            with Watch('-s', f'http://api.internal:{port_of(server)}',
                       env={**NO_PROXIES, variable: f'http://127.0.0.1:{proxy.port}'}) as client:
                same(client.synced(), server)


@test('a connection that ends in the middle of the handshake is a server that cannot be reached')
def handshake(scene):
    with Absent() as nobody:
        with Watch('-s', f'https://127.0.0.1:{nobody.port}', '--certificate-authority', scene.ca.cert) as watch:
            watch.expect('state pods waiting unreachable 0')


tap.main(surroundings)
