#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The client against the stand-in server over real connections, without a filesystem (see kubewatch.c)."""
import socket

from kubewatch import (SIZE, Apisim, Authority, Watch, http2_front, inline, objects, procs, same,
                       surroundings)
from lib import tap
from lib.tap import check, equal, test


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
        equal(watch.http()[1], 3, 'requests for three lists and watches')
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
    with scene.tls('--client-ca', scene.ca.cert) as server:
        with Watch('-s', server.url, '--certificate-authority', scene.ca.cert,
                   '--client-certificate', cert, '--client-key', key) as watch:
            watch.synced()
        path = scene.kubeconfig('config', server.url, {'client-certificate-data': inline(cert),
                                                       'client-key-data': inline(key)},
                                {'certificate-authority-data': inline(scene.ca.cert)})
        with Watch('--kubeconfig', path) as watch:
            watch.synced()
        with Watch('-s', server.url, '--certificate-authority', scene.ca.cert) as watch:
            line = watch.expect('state pods waiting')
            check(line.split()[3] in ('tls', 'unauthorized'), line)


@test('a client key with a passphrase is an error, and nobody is asked for it')
def passphrase(scene):
    cert, key = scene.client
    locked = scene.file('locked.key', '')
    procs.run('openssl', 'ec', '-in', key, '-aes128', '-passout', 'pass:hush', '-out', locked)
    with scene.tls('--client-ca', scene.ca.cert) as server:
        for user in ({'client-certificate': cert, 'client-key': locked},
                     {'client-certificate-data': inline(cert), 'client-key-data': inline(locked)}):
            with Watch('--kubeconfig', scene.kubeconfig('locked', server.url, user)) as watch:
                watch.expect('state pods waiting tls 0')


@test('a server is reached by its IPv6 address')
def ipv6(scene):
    cert, key = scene.ca.issue('six', '/CN=six', 'IP:::1')
    for tls in (), ('--tls-cert', cert, '--tls-key', key):
        with Apisim(*SIZE, '--listen', '[::1]:0', *tls, ca=tls and scene.ca.cert) as server:
            with Watch('-s', server.url, '--certificate-authority', scene.ca.cert) as watch:
                same(watch.synced(), server)


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
        path = scene.kubeconfig('fallback', server.url, {'token': 'good'}, namespace=name)
        with Watch('--kubeconfig', path) as watch:
            watch.expect('state pods watching none')
            equal([line.split()[0] for line in watch.dump('pods')], [line.split()[0] for line in want], 'pods')
            watch.expect('state namespaces waiting forbidden 403')
        path = scene.kubeconfig('fallback', server.url, {'token': 'good'}, namespace='another')
        with Watch('--kubeconfig', path) as watch:
            watch.expect('state pods waiting forbidden 403')
            check('pods in namespace another' in watch.ask('describe pods', 'error'), 'the message')


@test('all requests share one HTTP/2 connection')
def http2(scene):
    with Apisim('--pods', 1200, '--namespaces', 8, '--nodes', 3) as server, http2_front(scene, server) as url:
        with Watch('-s', url, '--certificate-authority', scene.ca.cert) as watch:
            same(watch.synced(), server)
            server.control('churn?rate=200')
            watch.expect('event pods')
            server.control('churn?rate=0')
            same(watch, server)
            connections, requests, over2 = watch.http()[:3]
            equal((connections, over2), (1, requests), 'connections, requests over HTTP/2')


tap.main(surroundings)
