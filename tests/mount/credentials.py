#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Credentials that do not stay as they were: handed out by a program, refused later, allowed more later."""
import contextlib
import datetime
import json
import os
import tempfile

from lib import tap
from lib.apisim import Apisim, path_of, pod
from lib.certs import Authority
from lib.mount import Mount
from lib.procs import until
from lib.tap import check, equal, skip, test

V1 = 'client.authentication.k8s.io/v1'
SECRETS = ('first-hush', 'second-hush', 'loud-hush')


class Scene:
    """A server inside TLS that knows some tokens, and a program that hands out one."""

    def __init__(self, tmp, server, ca):
        self.tmp, self.server, self.ca = tmp, server, ca
        self.helper = os.path.join(tmp, 'helper')
        with open(self.helper, 'w', encoding='ascii') as f:
            f.write('#!/bin/sh\necho run >>"$0.runs"\necho loud-hush >&2\ncat "$0.answer"\n')
        os.chmod(self.helper, 0o755)

    def hands_out(self, token):
        """What the program says from now on: a token, good for an hour."""
        then = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
        write(self.helper + '.answer', json.dumps({'apiVersion': V1, 'kind': 'ExecCredential', 'status': {
            'token': token, 'expirationTimestamp': then.strftime('%Y-%m-%dT%H:%M:%SZ')}}))

    def runs(self):
        with open(self.helper + '.runs', encoding='ascii') as f:
            return len(f.readlines())

    def kubeconfig(self):
        path = os.path.join(self.tmp, 'kubeconfig')
        user = {'exec': {'apiVersion': V1, 'command': './helper', 'interactiveMode': 'Never'}}
        write(path, json.dumps({
            'apiVersion': 'v1', 'kind': 'Config', 'current-context': 'prod',
            'clusters': [{'name': 'c', 'cluster': {
                'server': self.server.url, **({'certificate-authority': self.ca.cert} if self.ca else {})}}],
            'users': [{'name': 'jane', 'user': user}],
            'contexts': [{'name': 'prod', 'context': {'cluster': 'c', 'user': 'jane'}}]}))
        return path


def write(path, text):
    with open(path + '.new', 'w', encoding='utf-8') as f:
        f.write(text)
    os.rename(path + '.new', path)


@contextlib.contextmanager
def scene(*args, token):
    """A server inside TLS with a namespace, a node and a pod."""
    with tempfile.TemporaryDirectory(prefix='podfs-credentials.') as tmp:
        ca = Authority(tmp)
        cert, key = ca.issue('server', '/CN=server', 'IP:127.0.0.1')
        with Apisim('--tls-cert', cert, '--tls-key', key, *args, ca=ca.cert, token=token) as server:
            server.create('/api/v1/namespaces', {'apiVersion': 'v1', 'kind': 'Namespace',
                                                 'metadata': {'name': 'shop'}})
            server.create('/api/v1/nodes', {'apiVersion': 'v1', 'kind': 'Node', 'metadata': {'name': 'worker'}})
            server.create(path_of('shop'), pod('web', 'shop', labels={'app': 'web'}, node='worker'))
            yield Scene(tmp, server, ca)


def relabel(s, mount, value):
    """A change, which must be seen."""
    s.server.patch(path_of('shop', 'web'), {'metadata': {'labels': {'app': value}}})
    until(lambda: mount.read('namespaces', 'shop', 'pods', 'web', 'labels', 'app') == f'{value}\n'.encode(),
          f'{value} is seen', 60)


def tells_nothing(s, mount):
    """No secret is where somebody could read it."""
    places = {name: mount.read('.podfs', name) for name in ('status', 'metrics', 'version')}
    for name in ('cmdline', 'environ'):
        with open(f'/proc/{mount.pid}/{name}', 'rb') as f:
            places[name] = f.read()
    # What the program says on its standard error is its own affair, and goes through, word by word.
    places['log'] = '\n'.join(line for line in mount.stderr().splitlines() if line != 'loud-hush').encode()
    for place, text in places.items():
        check(text or place == 'environ', f'{place} is empty')
        for secret in SECRETS:
            check(secret.encode() not in text, f'{secret} in {place}:\n{text.decode(errors="replace")}')


def lines_of(mount, words):
    return [line for line in mount.stderr().splitlines() if words in line]


@test('a program hands out the token; when it is refused, it runs once more, and changes go on')
def exec_on_a_mount():
    with scene('--token', 'first-hush=jane', '--token', 'second-hush=jane', token='first-hush') as s:
        s.hands_out('first-hush')
        with Mount(None, '--kubeconfig', s.kubeconfig(), '--log-level', 'debug') as mount:
            equal(s.runs(), 1, 'runs')
            check('identity: user jane (context prod)\n' in mount.read('.podfs', 'status').decode(),
                  mount.read('.podfs', 'status'))
            relabel(s, mount, 'one')
            tells_nothing(s, mount)
            # Refused, and the program has nothing better yet: one run more, and a pause.
            s.server.control('fault?name=401&token=second-hush')
            s.server.token = 'second-hush'
            s.server.control('close-watches')
            until(lambda: 'connected: no' in mount.read('.podfs', 'status').decode(), 'the loss')
            tells_nothing(s, mount)
            s.hands_out('second-hush')
            until(lambda: 'connected: yes' in mount.read('.podfs', 'status').decode(), 'the new token', 60)
            relabel(s, mount, 'two')
            before = s.runs()
            check(before > 1, 'it was not run again')
            s.server.control('close-watches')
            relabel(s, mount, 'three')
            equal(s.runs(), before, 'runs for a token that is good')
            tells_nothing(s, mount)
            equal(len(lines_of(mount, 'lost the server')), 1, 'losses in the log')


@test('a token that is refused is replaced before anybody notices')
def exec_unseen():
    with scene('--token', 'first-hush=jane', '--token', 'second-hush=jane', token='first-hush') as s:
        s.hands_out('first-hush')
        with Mount(None, '--kubeconfig', s.kubeconfig()) as mount:
            s.hands_out('second-hush')
            s.server.control('fault?name=401&token=second-hush')
            s.server.token = 'second-hush'
            s.server.control('close-watches')
            relabel(s, mount, 'two')
            equal(s.runs(), 2, 'runs')
            check('connected: yes' in mount.read('.podfs', 'status').decode(), mount.read('.podfs', 'status'))
            equal(lines_of(mount, 'lost the server'), [], 'losses in the log')
            tells_nothing(s, mount)


@test('nodes that may be read later appear then')
def nodes_later():
    if not tap.options.long:
        skip('only with --long')
    grants = ('--grant', 'guest=list,watch:pods,namespaces')
    with scene('--token', 'all-token=all', '--token', 'guest-token=guest', *grants, token='all-token') as s:
        args = ('--server', s.server.url, '--certificate-authority', s.ca.cert, '--token', 'guest-token')
        with Mount(None, *args) as mount:
            before = sorted(os.listdir(mount.path))
            check('nodes' not in before, before)
            limit = mount.pod('shop', 'web', 'downward', 'resources', 'main', 'limits.cpu')
            check(not os.path.lexists(limit), 'a limit of a node that may not be read')
            check(not os.path.lexists(mount.pod('shop', 'web', 'node')), 'a node')
            check('not readable' in mount.read('.podfs', 'status').decode(), mount.read('.podfs', 'status'))
            s.server.control('grant?grant=guest=list,watch:nodes')
            until(lambda: sorted(os.listdir(mount.path)) == sorted([*before, 'nodes']), 'nodes/', 150)
            until(lambda: mount.read(limit), 'the limit')
            equal(os.listdir(mount.at('nodes')), ['worker'])
            until(lambda: 'nodes: watching' in mount.read('.podfs', 'status').decode(), 'they are watched')
            equal(mount.read('nodes', 'worker', 'metadata', 'name'), b'worker\n')
            equal(mount.read('namespaces', 'shop', 'pods', 'web', 'node', 'metadata', 'name'), b'worker\n')
            check('node' in os.listdir(mount.pod('shop', 'web')), 'the pod lists no node')
            s.server.patch('/api/v1/nodes/worker', {'metadata': {'labels': {'zone': 'a'}}})
            until(lambda: mount.read('nodes', 'worker', 'metadata', 'labels', 'zone') == b'a\n', 'a change')
            check('synced: yes\nconnected: yes\n' in mount.read('.podfs', 'status').decode(), 'the status')


@test('over http no program is asked for a token, and that is said')
def plain():
    with tempfile.TemporaryDirectory(prefix='podfs-credentials.') as tmp, Apisim('--pods', 1) as server:
        s = Scene(tmp, server, None)
        with Mount(None, '--kubeconfig', s.kubeconfig()) as mount:
            check(not os.path.exists(s.helper + '.runs'), 'the program ran')
            check(lines_of(mount, 'no credentials are sent to http://'), mount.stderr())


if __name__ == '__main__':
    tap.main()
