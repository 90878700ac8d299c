#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a real API server answered (tests/recordings), played back through the real transport."""
import collections
import http.server
import json
import os
import random
import threading

from kubewatch import Watch, procs, surroundings
from lib import tap
from lib.tap import check, equal, test

DIRECTORY = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'recordings')


class Recording:
    """One file: the request in a comment, then the answer as it came."""

    def __init__(self, name):
        with open(os.path.join(DIRECTORY, name + '.http'), 'rb') as f:
            self.request, answer = f.read().split(b'\n', 1)
        head, self.body = answer.split(b'\r\n\r\n', 1)
        lines = head.decode().split('\r\n')
        self.status = int(lines[0].split(' ')[1])
        self.headers = [line.split(': ', 1) for line in lines[1:]]

    def json(self):
        return json.loads(self.body)

    def events(self):
        return [json.loads(line) for line in self.body.splitlines() if line.strip()]


EMPTY = b'{"kind":"List","apiVersion":"v1","metadata":{"resourceVersion":"293"},"items":[]}'


class Replayer:
    """
    Plays answers back: each request for pods takes the next one, and what was asked is kept. Namespaces and
    nodes are as recorded, and do not change. A watch goes on, line by line, when step() is called, and then
    stays open.
    """

    def __init__(self, *answers):
        self.answers, self.asked = collections.deque(answers), []
        self.steps = threading.Semaphore(0)
        self.over = threading.Event()
        replayer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_GET(self):
                replayer.answer(self)

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        self.url = f'http://127.0.0.1:{self.server.server_port}'
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.steps.release(1000)
        self.server.shutdown()
        self.server.server_close()

    def step(self):
        self.steps.release()

    def answer(self, handler):
        watch = 'watch=true' in handler.path
        if '/pods?' not in handler.path + '?':
            self.other(handler, watch)
            return
        self.asked.append(handler.path)
        if not self.answers:
            self.hold(handler)
            return
        self.play(handler, self.answers.popleft(), watch)

    def other(self, handler, watch):
        if 'sendInitialEvents' in handler.path:
            self.play(handler, Recording('pods-bad-selector'), False)
        elif watch:
            self.hold(handler)
        else:
            recorded = Recording('namespaces-list').body if 'namespaces' in handler.path else EMPTY
            handler.send_response(200)
            handler.send_header('Content-Length', str(len(recorded)))
            handler.end_headers()
            handler.wfile.write(recorded)

    def hold(self, handler):
        """A watch on which nothing happens."""
        handler.send_response(200)
        handler.send_header('Transfer-Encoding', 'chunked')
        handler.end_headers()
        handler.wfile.flush()
        self.over.wait()

    def play(self, handler, recording, watch):
        handler.send_response_only(recording.status)
        for name, value in recording.headers:
            handler.send_header(name, value)
        handler.end_headers()
        if ['Transfer-Encoding', 'chunked'] not in recording.headers:
            handler.wfile.write(recording.body)
            return
        for line in recording.body.splitlines(keepends=True) if watch else [recording.body]:
            if watch:
                self.steps.acquire()
            self.pieces(handler, line)
        if watch and b'"ERROR"' not in recording.body:
            self.over.wait()
        handler.wfile.write(b'0\r\n\r\n')

    @staticmethod
    def pieces(handler, data):
        """In chunks of any size: the server's own divisions were not recorded."""
        dice = random.Random(len(data))
        while data:
            n = dice.randint(1, 4000)
            handler.wfile.write(b'%x\r\n%s\r\n' % (len(data[:n]), data[:n]))
            data = data[n:]


def by_name(objects):
    return {(o['metadata'].get('namespace'), o['metadata']['name']): o for o in objects}


def holds(watch, want):
    procs.until(lambda: by_name(watch.texts('pods')) == want, 'the objects are what was recorded')


@test('lists in pages, an expired continue token and a watch: what comes out is what the objects say')
def pages_and_watch(_):
    one, two, gone, whole, live = map(Recording, ('pods-page1', 'pods-page2', 'list-410-continue',
                                                 'pods-all-namespace', 'watch-live'))
    with Replayer(one, two, gone, whole, live) as server, Watch('-s', server.url) as watch:
        equal(watch.expect('list pods'), 'list pods 16 293', 'the list')
        want = by_name(whole.json()['items'])
        holds(watch, want)
        equal(by_name(watch.texts('namespaces')), by_name(Recording('namespaces-list').json()['items']), 'namespaces')
        events = live.events()
        equal([e['type'] for e in events], ['MODIFIED'] * 4 + ['DELETED', 'BOOKMARK'], 'what was recorded')
        for event in events:
            key = next(iter(by_name([event['object']]))) if event['type'] != 'BOOKMARK' else None
            if event['type'] == 'MODIFIED':
                want[key] = event['object']
            elif event['type'] == 'DELETED':
                del want[key]
            server.step()
            holds(watch, want)
    token_one, token_two = (r.json()['metadata']['continue'] for r in (one, two))
    equal(server.asked[:3], ['/api/v1/pods?limit=500', f'/api/v1/pods?limit=500&continue={token_one}',
                             f'/api/v1/pods?limit=500&continue={token_two}'], 'requests')
    check('continue' not in server.asked[3] and 'limit' not in server.asked[3], server.asked[3])
    check('resourceVersion=293' in server.asked[4], server.asked[4])


@test('the pages before an expired token are shown meanwhile, and not counted as the list')
def first_pages(_):
    one, two, refusal = Recording('pods-page1'), Recording('pods-page2'), Recording('pods-bad-selector')
    with Replayer(one, two, refusal) as server, Watch('-s', server.url) as watch:
        watch.expect('state pods waiting rejected 400')
        equal(by_name(watch.texts('pods')), by_name(one.json()['items'] + two.json()['items']), 'objects')
        check(not any(line.startswith('list pods') for line in watch.lines), 'an incomplete list was one')


@test('a streaming list: its objects, the end of it, and the watch behind it')
def streaming(_):
    recording = Recording('watchlist')
    with Replayer(recording) as server, Watch('-s', server.url, '--streaming') as watch:
        for _line in recording.events():
            server.step()
        added = [e['object'] for e in recording.events() if e['type'] == 'ADDED']
        equal(watch.expect('list pods'), f'list pods {len(added)} 300', 'the list')
        watch.expect('state pods watching none')
        holds(watch, by_name(added))
        equal(len(server.asked), 1, 'requests')


@test('410 as an event leads to a new list, which is a difference')
def gone_event(_):
    whole, label = Recording('pods-all-namespace'), Recording('pods-by-label')
    with Replayer(whole, Recording('watch-410-event'), label) as server, Watch('-s', server.url) as watch:
        watch.expect('list pods 16')
        server.step()
        watch.expect('list pods 8 293')
        holds(watch, by_name(label.json()['items']))
        watch.expect('state pods watching none')
        equal(['watch=true' in path for path in server.asked], [False, True, False, True], 'list, watch, list, watch')


@test('504 with "Too large resource version" is waited out on the watch')
def too_large(_):
    whole = Recording('pods-all-namespace')
    with Replayer(whole, Recording('list-504-too-large')) as server, Watch('-s', server.url) as watch:
        line = watch.expect('state pods waiting server 504')
        check('Too large resource version: 999999999, current: 294' in line, line)
        after = watch.here()
        watch.expect('state pods watching', after)
        check('watch=true' in server.asked[-1] and len(server.asked) == 3, server.asked)
        holds(watch, by_name(whole.json()['items']))


@test('refusals are reported with the words of the server')
def refusals(_):
    for name, state in (('pods-401', 'unauthorized 401'), ('pods-bad-selector', 'rejected 400'),
                        ('pods-bad-label-selector', 'rejected 400')):
        with Replayer(Recording(name)) as server, Watch('-s', server.url) as watch:
            line = watch.expect('state pods waiting ' + state)
            check(line.endswith(Recording(name).json()['message']), line)
    with Replayer(Recording('pods-403'), Recording('pods-403')) as server, Watch('-s', server.url) as watch:
        line = watch.expect('state pods waiting forbidden 403')
        check(line.endswith(Recording('pods-403').json()['message']), line)


tap.main(surroundings)
