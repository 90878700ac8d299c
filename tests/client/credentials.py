#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Credentials that a program hands out (exec plugins), against the stand-in server."""
import datetime
import json
import os
import subprocess

from kubewatch import SIZE, Apisim, Watch, inline, objects, procs, same, surroundings
from lib import tap
from lib.tap import check, equal, test

V1, V1BETA1 = 'client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1'
EXTENSION = 'client.authentication.k8s.io/exec'


class Program:
    """A credential program in a directory of its own: it notes how it was called and prints an answer."""

    def __init__(self, scene, name, script='cat "$0.answer"'):
        self.scene, self.name = scene, name
        self.directory = os.path.join(scene.tmp, name)
        os.mkdir(self.directory)
        self.path = os.path.join(self.directory, 'helper')
        with open(self.path, 'w', encoding='utf-8') as f:
            f.write('#!/bin/sh\nprintf "%s\\n" "$KUBERNETES_EXEC_INFO" >>"$0.info"\n'
                    'printf "%s\\n" "$*|$COLOUR|$HOME" >>"$0.args"\n' + script + '\n')
        os.chmod(self.path, 0o755)

    def answers(self, version=V1, expires=None, **status):
        if expires is not None:
            then = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=expires)
            status['expirationTimestamp'] = then.strftime('%Y-%m-%dT%H:%M:%SZ')
        return self.prints(json.dumps({'kind': 'ExecCredential', 'apiVersion': version, 'status': status}))

    def prints(self, text):
        self.scene.file(os.path.join(self.name, 'helper.answer'), text)
        return self

    def lines(self, kind):
        try:
            with open(f'{self.path}.{kind}', encoding='utf-8') as f:
                return f.read().splitlines()
        except FileNotFoundError:
            return []

    def runs(self):
        return len(self.lines('info'))

    def user(self, **fields):
        return {'exec': {'apiVersion': V1, 'command': self.path, 'interactiveMode': 'Never', **fields}}

    def config(self, server, cluster=None, **fields):
        return self.scene.kubeconfig(os.path.join(self.name, 'config'), server.url, self.user(**fields), cluster)


def described(watch, resource='pods'):
    return watch.ask('describe ' + resource, 'error')


@test('a program hands out a token, and is told where it goes')
def hands_out(scene):
    program = Program(scene, 'token').answers(token='good')
    with scene.tls('--token', 'good=jane') as server:
        server.token = 'good'
        config = program.config(server, {'certificate-authority': scene.ca.cert, 'tls-server-name': '127.0.0.1',
                                         'disable-compression': True, 'extensions': [
                                             {'name': 'other', 'extension': 1},
                                             {'name': EXTENSION, 'extension': {
                                                 'audience': 'x"y', 'n': [1, 2.5, True, None, '7']}}]},
                                args=['get', '--for', 'a b'], provideClusterInfo=True,
                                env=[{'name': 'COLOUR', 'value': 'red'}])
        with Watch('--kubeconfig', config, env={'COLOUR': 'blue'}) as watch:
            same(watch.synced(), server)
            equal(watch.http()[5], 1, 'runs for three resources')
    equal(program.lines('args'), ['get --for a b|red|/nonexistent'], 'arguments and environment')
    equal([json.loads(line) for line in program.lines('info')], [{
        'kind': 'ExecCredential', 'apiVersion': V1, 'spec': {'interactive': False, 'cluster': {
            'server': server.url, 'tls-server-name': '127.0.0.1', 'disable-compression': True,
            'certificate-authority-data': inline(scene.ca.cert),
            'config': {'audience': 'x"y', 'n': [1, 2.5, True, None, '7']}}}}], 'KUBERNETES_EXEC_INFO')


@test('v1beta1 and its defaults; without provideClusterInfo nothing is told')
def v1beta1(scene):
    program = Program(scene, 'beta').answers(V1BETA1, token='good')
    with scene.tls('--token', 'good=jane') as server:
        config = program.config(server, apiVersion=V1BETA1, interactiveMode=None)
        with Watch('--kubeconfig', config) as watch:
            watch.synced()
    equal([json.loads(line) for line in program.lines('info')],
          [{'kind': 'ExecCredential', 'apiVersion': V1BETA1, 'spec': {'interactive': False}}], 'info')


@test('a command with a slash is relative to the kubeconfig, a bare one is looked for in PATH')
def command(scene):
    program = Program(scene, 'relative').answers(token='good')
    with scene.tls('--token', 'good=jane') as server:
        with Watch('--kubeconfig', program.config(server, command='./helper')) as watch:
            watch.synced()
        config = program.config(server, command='helper')
        with Watch('--kubeconfig', config, env={'PATH': f'.:{program.directory}:{os.environ["PATH"]}'}) as watch:
            watch.synced()
        with Watch('--kubeconfig', config) as watch:
            watch.expect('state pods waiting local')
            check('helper is not in PATH' in described(watch), described(watch))
    equal(program.runs(), 2, 'runs')


@test('a credential is kept until it expires')
def expires(scene):
    program = Program(scene, 'expires').answers(token='good', expires=3600)
    with scene.tls('--token', 'good=jane', '--bookmark-interval', 1) as server:
        server.token = 'good'
        with Watch('--kubeconfig', program.config(server)) as watch:
            watch.synced()
            after = watch.here()
            watch.expect('state pods watching none')
            server.control('close-watches')
            watch.expect('state pods opening', after)
            watch.synced(after)
            equal(watch.http()[5], 1, 'runs while it is good')
        program.answers(token='good', expires=-5)
        with Watch('--kubeconfig', program.config(server)) as watch:
            watch.synced()
            check(watch.http()[5] > 1, 'an expired one is used by who waited for it, and asked for anew')


@test('a 401 makes the program run once more, unseen')
def rerun(scene):
    program = Program(scene, 'rerun', '[ -e "$0.second" ] && cat "$0.second" || cat "$0.answer"; '
                                      'cp "$0.next" "$0.second"').answers(token='stale')
    text = json.dumps({'kind': 'ExecCredential', 'apiVersion': V1, 'status': {'token': 'good'}})
    scene.file('rerun/helper.next', text)
    with scene.tls('--token', 'good=jane') as server:
        server.token = 'good'
        with Watch('--kubeconfig', program.config(server)) as watch:
            same(watch.synced(), server)
            equal(watch.http()[5], 2, 'runs')
            check(not any('waiting' in line for line in watch.lines), 'somebody saw the 401')


@test('what is refused twice is reported, and asked for again when the time comes')
def refused(scene):
    program = Program(scene, 'refused').answers(token='hush-bad')
    with scene.tls('--token', 'good=jane') as server:
        server.token = 'good'
        with Watch('--kubeconfig', program.config(server)) as watch:
            watch.expect('state pods waiting unauthorized 401')
            check(watch.http()[5] <= 4, f'{watch.http()[5]} runs')
            check('hush' not in ''.join(watch.lines) + described(watch), 'the token is in a message')

            def tries():
                return sum(' waiting unauthorized 401' in line for line in list(watch.lines))
            procs.until(lambda: tries() >= 9, 'nine tries')
            runs, most = watch.http()[5], tries() + 1
            check(runs <= most, f'{runs} runs for {most} tries: one that was refused is not tried twice')
            program.answers(token='good')
            same(watch.synced(), server)


@test('a client certificate; another one closes the connections')
def certificate(scene):
    program = Program(scene, 'certificate')

    def hand_out(pair, expires):
        with open(pair[0], encoding='ascii') as cert, open(pair[1], encoding='ascii') as key:
            program.answers(clientCertificateData=cert.read(), clientKeyData=key.read(), expires=expires)
    hand_out(scene.client, -1)
    with scene.tls('--client-ca', scene.ca.cert) as server:
        with Watch('--kubeconfig', program.config(server)) as watch:
            watch.synced()
            connections, _, _, _, renewals, _ = watch.http()
            equal(renewals, 0, 'renewals with the same certificate')
            pairs = [scene.ca.issue(name, '/O=ops/CN=' + name) for name in ('joan', 'june')]
            for number, pair in enumerate(pairs, 1):
                hand_out(pair, -1)
                # A watch that is killed makes the next request, which asks for a credential.
                after = watch.here()
                server_kills_watches(server, scene)
                watch.expect('state pods opening', after)
                procs.until(lambda: watch.http()[4] >= number, 'connections closed', 30)
                watch.synced(after)
            check(watch.http()[0] > connections, 'new connections')


def server_kills_watches(server, scene):
    """By a client of the server's own: the test has no certificate in its connection."""
    cert, key = scene.client
    procs.run('curl', '-sSf', '--cacert', scene.ca.cert, '--cert', cert, '--key', key, '-X', 'POST',
              server.url + '/apisim/close-watches')


FAILURES = (
    ('exit', 'echo hush-secret; exit 3', {}, 'failed with exit code 3'),
    ('signal', 'kill -KILL $$', {}, 'ended by a signal'),
    ('garbage', 'echo hush-secret', {}, 'did not print JSON'),
    ('nothing', ':', {}, 'did not print JSON'),
    ('other', 'echo \'{"kind":"Pod"}\'', {}, 'did not print an ExecCredential'),
    ('version', f'echo \'{{"kind":"ExecCredential","apiVersion":"{V1BETA1}"}}\'', {}, 'another apiVersion'),
    ('half', f'echo \'{{"kind":"ExecCredential","apiVersion":"{V1}","status":'
     '{"token":"hush","clientKeyData":"hush-secret"}}\'', {}, 'not both'),
    ('flood', 'yes hush-secret', {}, 'prints more than 1048576 bytes'),
    ('slow', 'sleep 600', {}, 'did not end within 1 seconds'),
    ('person', ':', {'interactiveMode': 'Always'}, 'standard input is no terminal'),
    ('missing', ':', {'command': '/nonexistent/tool', 'installHint': 'get it\n from x'},
     '/nonexistent/tool is not there, or may not be run | get it from x'),
)


@test('what goes wrong with the program is said in words, without what it printed')
def failures(scene):
    with scene.tls('--token', 'good=jane') as server:
        for name, script, fields, says in FAILURES:
            program = Program(scene, 'fail-' + name, script)
            with Watch('--kubeconfig', program.config(server, **fields), '--exec-ms', 500) as watch:
                watch.expect('state pods waiting local')
                text = described(watch)
                check(says in text, f'{name}: {text}')
                check(not text.endswith('| '), f'{name}: no hint')
                check('hush' not in ''.join(watch.lines) + text, f'{name}: what it printed is in a message')


@test('nothing of a program that takes too long is left')
def killed(scene):
    program = Program(scene, 'killed', 'echo $$ >"$0.pid"; sleep 600 & echo $! >"$0.child"; wait')
    with scene.tls('--token', 'good=jane') as server:
        with Watch('--kubeconfig', program.config(server), '--exec-ms', 300) as watch:
            watch.expect('state pods waiting local')
        with Watch('--kubeconfig', program.config(server)) as watch:
            procs.until(lambda: program.runs() > 1 and len(program.lines('child')) == 1, 'it runs')
            equal(watch.http()[1], 0, 'requests while it runs; and the question is answered')
    for kind in ('pid', 'child'):
        pid = int(program.lines(kind)[0])
        procs.until(lambda p=pid: not os.path.exists(f'/proc/{p}') or zombie(p), f'{kind} {pid} is gone')


def zombie(pid):
    """Whether it only waits for whoever became its parent."""
    with open(f'/proc/{pid}/stat', encoding='ascii') as f:
        return f.read().rsplit(')', 1)[1].split()[0] == 'Z'


@test('its standard error passes through, and it gets no descriptor of ours')
def descriptors(scene):
    program = Program(scene, 'descriptors', 'echo please wait >&2; ls -l /proc/self/fd >"$0.fds"; cat "$0.answer"')
    program.answers(token='good', expires=-5)
    with scene.tls('--token', 'good=jane') as server:
        log = os.path.join(scene.tmp, 'stderr')
        with open(log, 'wb') as err, Watch('--kubeconfig', program.config(server), stderr=err) as watch:
            watch.synced()
            check(watch.http()[5] > 1, 'it runs while connections are open')
        with open(log, encoding='utf-8') as f:
            check('please wait' in f.read(), 'standard error')
        fds = [line.split(' -> ')[0].split()[-1] for line in program.lines('fds') if ' -> ' in line]
        equal(len(fds), 4, f'0, 1, 2 and the directory: {program.lines("fds")}')


@test('a static credential wins: the program is not run')
def static(scene):
    program = Program(scene, 'static').answers(token='bad')
    cert, key = scene.client
    with scene.tls('--token', 'good=jane', '--client-ca', scene.ca.cert) as server:
        for fields in ({'token': 'good'}, {'tokenFile': scene.file('good', 'good\n')},
                       {'client-certificate': cert, 'client-key': key}):
            path = scene.kubeconfig('static/config', server.url, {**fields, **program.user()})
            with Watch('--kubeconfig', path) as watch:
                watch.synced()
        with Watch('--kubeconfig', program.config(server), '--token', 'good') as watch:
            watch.synced()
    with Apisim(*SIZE) as server, Watch('--kubeconfig', program.config(server, {})) as watch:
        watch.synced()
    equal(program.runs(), 0, 'runs, with an http server among them')


tap.main(surroundings)
