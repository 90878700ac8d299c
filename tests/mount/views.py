#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
Other ways to a pod: select/ lists what `kubectl get -l` prints, by-ip/ and by-uid/ lead to who has an
address or a uid now; what is cached there is told of every change.
"""
import contextlib
import errno
import os
import random
import threading
import time
import urllib.parse

from lib import metrics, tap
from lib.apisim import Apisim, path_of, pod
from lib.compare import Walk
from lib.model import Cluster, Link
from lib.mount import Mount, slurp
from lib.procs import sanitized, until
from lib.tap import check, equal, note, raises, test

NS, OTHER = 'shop', 'bank'
STATUS = '/status'


def escape(selector):
    return selector.replace('%', '%25').replace('/', '%2F')


class Scene:
    def __init__(self, server, mount):
        self.server, self.mount = server, mount

    def selection(self, selector, *names):
        return self.mount.at('select', escape(selector), *names)

    def inner(self, selector, *names, namespace=NS):
        return self.mount.at('namespaces', namespace, 'select', escape(selector), *names)

    def create(self, name, namespace=NS, **kwargs):
        self.server.create(path_of(namespace), pod(name, namespace, **kwargs))
        until(lambda: os.path.isdir(self.mount.pod(namespace, name)), f'{name} appears')

    def patch(self, name, body, namespace=NS, part=''):
        return self.server.patch(path_of(namespace, name) + part, body)

    def label(self, name, namespace=NS, **labels):
        return self.patch(name, {'metadata': {'labels': labels}}, namespace)

    def run(self, name, ip, phase='Running', namespace=NS):
        status = {'phase': phase, 'podIP': ip, 'podIPs': [{'ip': ip}]}
        return self.patch(name, {'status': status}, namespace, STATUS)

    def delete(self, name, namespace=NS):
        self.server.delete(path_of(namespace, name))
        until(lambda: not os.path.lexists(self.mount.pod(namespace, name)), f'{name} is gone')

    def listed(self, selector):
        """namespace/name of all that a selection lists."""
        top = self.selection(selector)
        return {f'{ns}/{name}' for ns in os.listdir(top) for name in os.listdir(f'{top}/{ns}')}


@contextlib.contextmanager
def surroundings():
    pods = 200 if sanitized() else 600
    with Apisim('--pods', pods, '--namespaces', 7, '--nodes', 9, '--seed', 5) as server:
        for name in (NS, OTHER):
            server.create('/api/v1/namespaces', {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': name}})
        with Mount(server) as mount:
            yield Scene(server, mount)


def some_labels(s):
    """Keys with some of their values, from the pods that there are."""
    labels = {}
    for obj in s.server.list('pods')[0]:
        for key, value in (obj['metadata'].get('labels') or {}).items():
            labels.setdefault(key, set()).add(value)
    return {key: sorted(values) for key, values in labels.items()}


def many_selectors(s, count):
    """Selectors of every form over labels that there are, and some that there are not."""
    dice = random.Random(4)
    labels = some_labels(s)
    keys = sorted(labels) + ['none.example/none']

    def requirement():
        key = dice.choice(keys)
        values = labels.get(key, ['x'])
        one, several = dice.choice(values), ','.join(['x', *dice.sample(values, min(3, len(values)))])
        return dice.choice((f'{key}={one}', f'{key}=={one}', f'{key} != {one}', key, f'!{key}', f'{key}=',
                            f'{key} in ({several})', f'{key} notin ({several})', f'{key} in (,{one})', f'{key}>1',
                            f'{key}<5'))
    yield from (' ', 'a!=b', 'nothing', 'in in (in)', 'app in (x,,y)', 'app in ()', 'app notin ( )')
    for _ in range(count):
        yield ','.join(requirement() for _ in range(dice.choice((1, 1, 2, 3))))


@test('a selection lists exactly the pods that kubectl -l prints')
def kubectl(s):
    met, printed = set(), 8
    for selector in many_selectors(s, 15 if sanitized() else 150):
        if len(escape(selector)) > 255:
            continue
        items = s.server.get('/api/v1/pods?labelSelector=' + urllib.parse.quote(selector))['items'] or ()
        want = {'{namespace}/{name}'.format(**obj['metadata']) for obj in items}
        if printed > 0:
            out = s.server.kubectl('get', 'pods', '-A', '-l', selector, '--no-headers', '-o',
                                   'custom-columns=:metadata.namespace,:metadata.name').stdout
            equal({'/'.join(line.split()) for line in out.splitlines() if line.strip()}, want, 'kubectl')
            printed -= 1
        equal(s.listed(selector), want, f'select/{selector}')
        met.add(len(want))
        for ns in {name.split('/')[0] for name in want} | {NS}:
            equal({f'{ns}/{name}' for name in os.listdir(s.inner(selector, namespace=ns))},
                  {name for name in want if name.split('/')[0] == ns}, f'namespaces/{ns}/select/{selector}')
    check(len(met) > 5 and 0 in met, f'too few different answers: {met}')


@test('what the server refuses is invalid, what it takes is a selection')
def grammar(s):
    dice = random.Random(6)
    words = ('a', 'b', 'in', 'notin', '=', '==', '!=', '!', '(', ')', ',', '>', '<', ' ', '7', '-', 'x.io/', 'a in (b')
    counts = [0, 0]
    for _ in range(300 if sanitized() else 3000):
        selector = ''.join(dice.choice(words) for _ in range(dice.randrange(1, 8)))
        status, text = s.server.request('GET', '/api/v1/pods?limit=1&labelSelector=' + urllib.parse.quote(selector),
                                        ok=False)
        try:
            os.stat(s.selection(selector))
            refused = False
        except OSError as e:
            equal(e.errno, errno.EINVAL, f'{selector!r}')
            refused = True
        equal(refused, status == 400, f'{selector!r} is refused; the server: {status} {text[:200]!r}')
        counts[refused] += 1
    check(min(counts) > 20, f'{counts[0]} are fine, {counts[1]} are refused')


@test('what kubectl reads by itself is a selection, what it refuses is invalid')
def read_by_kubectl(s):
    for selector in ('a', ' a', 'a\t', '!a', '! a', 'a=', 'a==b', 'a = b', 'in in (in)', 'a=notin', 'a in ()', 'a notin ( )',
                     'a in (,)', 'a in (b,,,c)', 'a in (,b)', 'a>07', 'x.io/a,b', 'a in (,,)', 'a in (b,,)', 'a in (b c)',
                     'a b', 'a,', ',a', 'a,,b', '!a=b', '!!a', 'a=b=c', 'a===b', 'a>', 'a>-1', 'a>1.5', 'a=-b', 'X/a', 'a/',
                     'x.io/a/b', 'a=é', 'a\vb', 'a=' + 'x' * 63, 'a=' + 'x' * 64, 'a<9223372036854775808'):
        # It has the server's reader, and uses it here before it asks for the node.
        said = s.server.kubectl('drain', 'none', '--dry-run=client', '--pod-selector', selector, check=False).stderr
        refused = 'must be a valid label selector' in said
        check(refused or 'not found' in said, f'{selector!r}: {said}')
        try:
            os.stat(s.selection(selector))
            equal(refused, False, f'{selector!r} is refused by kubectl alone')
        except OSError as e:
            equal(e.errno, errno.EINVAL, f'{selector!r}')
            equal(refused, True, f'{selector!r} is refused by the mount alone')


@test('all entries of a selection are links to the pods, with the attributes they should have')
def attributes(s):
    key, walk = max(some_labels(s).items(), key=lambda item: len(item[1]))[0], Walk(raw_every=3)
    for name in (' ', key, '!' + key):
        pods = {}
        for ns, pod_name in (x.split('/') for x in s.listed(name)):
            pods.setdefault(ns, {})[pod_name] = f'../../../namespaces/{ns}/pods/{pod_name}'
        walk.directory(s.selection(name), {ns: {n: Link(target) for n, target in links.items()}
                                           for ns, links in pods.items()})
        for ns, links in pods.items():
            walk.directory(s.inner(name, namespace=ns), {n: Link(f'../../pods/{n}') for n in links})
    walk.done()
    check(walk.links > 500, f'only {walk.links} links')


@test('ls select is empty; malformed selectors are invalid, each time anew; hidden names do not exist')
def names(s):
    for top in (s.mount.at('select'), s.mount.at('namespaces', NS, 'select')):
        os.stat(f'{top}/app')
        equal(os.listdir(top), [], top)
        equal(os.stat(top).st_nlink, 2, top)
        for bad in ('=', 'a,', 'a in (,,)', 'a=b=c', 'a in (x', 'A%2Fb', '%', 'a%2fb', 'x.io%2F%2Fa', '!', 'é'):
            for _ in range(2):
                with raises(errno.EINVAL, f'{bad!r}'):
                    os.stat(f'{top}/{bad}')
        for hidden in ('.a', '...', '.git'):
            with raises(errno.ENOENT, hidden):
                os.stat(f'{top}/{hidden}')
        with raises(errno.ENAMETOOLONG, 'a long name'):
            os.stat(f'{top}/{"a" * 256}')
        equal(os.listdir(f'{top}/app=nobody-has-this'), [], 'a selection of nothing')


@test('a / in a selector is written %2F, and every spelling is a name of its own')
def spelling(s):
    s.create('spelled', labels={'x.example/tier': 'front'})
    for selector in ('x.example/tier=front', 'x.example/tier==front', ' x.example/tier = front ',
                     'x.example/tier in (front)'):
        equal(os.listdir(s.inner(selector)), ['spelled'], selector)
        equal(slurp(s.selection(selector, NS, 'spelled', 'metadata', 'name')), b'spelled\n', selector)
        equal(os.readlink(s.inner(selector, 'spelled')), '../../pods/spelled', selector)
    s.delete('spelled')
    for selector in ('x.example/tier=front', ' x.example/tier = front '):
        until(lambda sel=selector: os.listdir(s.selection(sel)) == [], selector)


@test('a pod that leaves a selector leaves the cached listing, and comes back into it')
def leaves(s):
    for n in range(3):
        s.create(f'l{n}', labels={'live': 'yes'})
    top, inner = s.selection('live=yes'), s.inner('live=yes')
    folder = f'{top}/{NS}'
    equal(set(os.listdir(inner)), {'l0', 'l1', 'l2'}, 'before')
    equal(set(os.listdir(folder)), {'l0', 'l1', 'l2'}, 'before')
    equal(os.stat(top).st_nlink, 3, 'links')
    ino = os.stat(folder).st_ino
    slowest = 0
    for n in range(10):
        for value, want in (('no', {'l0', 'l2'}), ('yes', {'l0', 'l1', 'l2'})):
            s.label('l1', live=value)
            begin = time.monotonic()
            for path in (inner, folder):
                until(lambda p=path, w=want: set(os.listdir(p)) == w, f'{path} at round {n}')
                equal(os.path.lexists(f'{path}/l1'), 'l1' in want, 'the name')
            slowest = max(slowest, time.monotonic() - begin)
    note(f'at most {slowest * 1000:.1f} ms after the server had answered')
    equal(os.stat(folder).st_ino, ino, 'the folder stays itself')
    for n in range(3):
        s.label(f'l{n}', live=None)
    until(lambda: os.listdir(top) == [], 'the folder of the namespace goes with its last pod')
    until(lambda: not os.path.lexists(folder), 'its name, too')
    until(lambda: os.stat(top).st_nlink == 2, 'links')
    equal(os.listdir(inner), [], 'the namespace\'s own is empty')


@test('names looked up before they existed appear: a pod, a folder of a namespace')
def before(s):
    selector = 'early in (bird)'
    for path in (s.selection(selector, OTHER), s.selection(selector, OTHER, 'worm'),
                 s.inner(selector, 'worm', namespace=OTHER), s.mount.at('by-ip', '10.99.0.1')):
        with raises(errno.ENOENT, path):
            os.stat(path)
    s.create('worm', OTHER, labels={'early': 'bird'})
    s.run('worm', '10.99.0.1', namespace=OTHER)
    for path in (s.selection(selector, OTHER, 'worm'), s.inner(selector, 'worm', namespace=OTHER),
                 s.mount.at('by-ip', '10.99.0.1')):
        until(lambda p=path: slurp(f'{p}/metadata/name') == b'worm\n', path)
    equal(os.listdir(s.selection(selector)), [OTHER], 'the listing')
    s.delete('worm', OTHER)
    for path in (s.selection(selector, OTHER), s.inner(selector, 'worm', namespace=OTHER),
                 s.mount.at('by-ip', '10.99.0.1')):
        until(lambda p=path: not os.path.lexists(p), f'{path} is gone')


@test('a folder of a namespace that loses its last pod is empty to who holds it, and a new one later')
def held(s):
    s.create('holding', OTHER, labels={'held': '1'})
    path = s.selection('held', OTHER)
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        equal(os.listdir(fd), ['holding'])
        s.label('holding', OTHER, held=None)
        until(lambda: not os.path.lexists(path), 'the folder is gone')
        until(lambda: os.listdir(fd) == [], 'the held one is empty')
        s.label('holding', OTHER, held='2')
        until(lambda: os.listdir(path) == ['holding'], 'a new one')
        check(os.stat(path).st_ino and os.listdir(fd) == [], 'the old one stays empty')
    finally:
        os.close(fd)
    s.delete('holding', OTHER)


@test('a status heartbeat touches no selection')
def heartbeat(s):
    s.create('beat', labels={'beat': '1'})
    s.run('beat', '10.99.1.1')
    paths = (s.selection('beat=1', NS), s.inner('beat=1'), s.mount.at('by-uid'))
    for path in paths:
        os.listdir(path)
    times = [os.stat(p).st_mtime_ns for p in paths]
    for n in range(5):
        obj = s.patch('beat', {'status': {'message': f'{n}'}}, part=STATUS)
        until(lambda o=obj: s.mount.read('namespaces', NS, 'pods', 'beat', 'metadata', 'resourceVersion') ==
              o['metadata']['resourceVersion'].encode() + b'\n', 'the change')
        for path in paths:
            cost = metrics.cost(s.mount, lambda p=path: os.listdir(p))
            equal(cost, {}, f'{path} was dropped')
    equal([os.stat(p).st_mtime_ns for p in paths], times, 'times')


@test('what is known costs nothing: listings, links and files behind them')
def warm(s):
    s.create('warm', labels={'warm': '1'})
    s.run('warm', '10.99.2.1')
    uid = s.mount.read('namespaces', NS, 'pods', 'warm', 'metadata', 'uid').decode().strip()
    until(lambda: os.path.exists(s.mount.at('by-ip', '10.99.2.1')), 'by-ip')

    def free(action, what):
        cost = metrics.best_cost(s.mount, action)
        check(not cost, f'{what}: {cost} in the best of five')
    for path in (s.selection('warm=1'), s.selection('warm=1', NS), s.inner('warm=1'), s.mount.at('select'),
                 s.mount.at('by-ip'), s.mount.at('by-uid')):
        free(lambda p=path: os.listdir(p), f'listdir {path}')
        free(lambda p=path: os.stat(p), f'stat {path}')
    for path in (s.selection('warm=1', NS, 'warm'), s.inner('warm=1', 'warm'), s.mount.at('by-ip', '10.99.2.1'),
                 s.mount.at('by-uid', uid)):
        free(lambda p=path: os.readlink(p), f'readlink {path}')
        free(lambda p=path: slurp(f'{p}/labels/warm'), f'cat {path}/labels/warm')
    for path in (s.selection('warm=1', OTHER), s.inner('warm=1', 'cold'), s.mount.at('by-ip', '10.99.2.2'),
                 s.mount.at('by-uid', 'none')):
        free(lambda p=path: os.path.lexists(p), f'an absent {path}')


@test('an address leads to the pod that has it now: a new one, the younger one, no finished one, no host\'s')
def by_ip(s):
    link, ip = s.mount.at('by-ip', '10.99.3.1'), '10.99.3.1'

    def leads(name):
        until(lambda: os.readlink(link) == f'../namespaces/{NS}/pods/{name}', f'{ip} leads to {name}')
        until(lambda: slurp(f'{link}/metadata/name') == name.encode() + b'\n', f'{name} is behind it')
    s.create('first')
    s.run('first', ip)
    leads('first')
    ino = os.lstat(link).st_ino
    s.run('first', ip, 'Succeeded')
    until(lambda: not os.path.lexists(link), 'a finished pod has none')
    until(lambda: '10.99.3.1' not in os.listdir(s.mount.at('by-ip')), 'it is not listed')
    s.create('second')
    s.run('second', ip)
    leads('second')
    check(os.lstat(link).st_ino != ino, 'another pod is another link')
    s.create('host', hostNetwork=True)
    s.run('host', ip)
    until(lambda: s.mount.read('namespaces', NS, 'pods', 'host', 'status', 'podIP') == b'10.99.3.1\n', 'the status')
    leads('second')
    # The old one is back, say the kubelet came back late: who is younger has it.
    s.run('first', ip)
    until(lambda: s.mount.read('namespaces', NS, 'pods', 'first', 'status', 'phase') == b'Running\n', 'the status')
    want = Cluster.of(s.server).by_ip()[ip]
    until(lambda: os.readlink(link) == want, 'the younger one, or the first by uid')
    s.delete('second')
    leads('first')
    for name in ('first', 'host'):
        s.delete(name)
    until(lambda: not os.path.lexists(link), 'nobody has it')


@test('an address is found in any spelling, and no spelling is remembered too long')
def spellings(s):
    s.create('six')
    s.create('seven')
    spelled = [s.mount.at('by-ip', x) for x in ('2001:db8::99', '2001:DB8::99', '2001:db8:0::99', '2001:db8::0:0099')]
    for path in spelled:
        check(not os.path.lexists(path), path)
    for name in ('six', 'seven', 'six'):
        s.run(name, '2001:DB8:0::99')
        s.run('six' if name == 'seven' else 'seven', '10.99.4.1')
        for path in spelled:
            until(lambda p=path, n=name: slurp(f'{p}/metadata/name') == n.encode() + b'\n', f'{path}: {name}')
            equal(os.readlink(path), f'../namespaces/{NS}/pods/{name}', path)
    mapped = s.mount.at('by-ip', '::ffff:10.99.4.1', 'metadata', 'name')
    # `six` may have had the address before `seven` had another.
    until(lambda: slurp(mapped) == b'seven\n', f'{mapped}: seven')
    check('2001:db8::99' in os.listdir(s.mount.at('by-ip')), 'listed in one spelling')
    check(not set(map(os.path.basename, spelled[1:])) & set(os.listdir(s.mount.at('by-ip'))), 'and in no other')
    for name in ('six', 'seven'):
        s.delete(name)
    for path in spelled:
        until(lambda p=path: not os.path.lexists(p), path)


@test('a pod is found by its uid, a static one by that of its containers, too')
def by_uid(s):
    config = '0123456789abcdef0123456789abcdef'
    s.create('static', annotations={'kubernetes.io/config.hash': config, 'kubernetes.io/config.mirror': config})
    uid = slurp(s.mount.pod(NS, 'static', 'metadata', 'uid')).decode().strip()
    for name in (uid, config):
        equal(os.readlink(s.mount.at('by-uid', name)), f'../namespaces/{NS}/pods/static', name)
        check(name in os.listdir(s.mount.at('by-uid')), 'listed')
    s.create('thief', annotations={'kubernetes.io/config.hash': uid})
    equal(os.readlink(s.mount.at('by-uid', uid)), f'../namespaces/{NS}/pods/static', 'a uid is its pod\'s own')
    s.delete('static')
    until(lambda: os.readlink(s.mount.at('by-uid', uid)).endswith('/thief'), 'nobody else has it')
    s.delete('thief')
    until(lambda: not os.path.lexists(s.mount.at('by-uid', uid)), 'nobody has it')
    until(lambda: not os.path.lexists(s.mount.at('by-uid', config)), 'nor the other')


@test('a pod made again is another link in every view')
def again(s):
    s.create('again', labels={'again': '1'})
    paths = (s.selection('again', NS, 'again'), s.inner('again', 'again'))
    inos = [os.lstat(p).st_ino for p in paths]
    uid = slurp(f'{paths[0]}/metadata/uid')
    s.delete('again')
    s.create('again', labels={'again': '1'})
    for path, ino in zip(paths, inos):
        until(lambda p=path: slurp(f'{p}/metadata/uid') != uid, 'the new pod')
        check(os.lstat(path).st_ino != ino, f'{path} is the old link')
    s.delete('again')


@test('readers under changes see each pod in its selection or out of it, never half; then all is as it should')
def churn(s):
    for n in range(20):
        s.create(f'c{n}', labels={'churn': '0'})
    selectors = ['churn=0', 'churn=1', 'churn', '!churn', 'churn in (0,1)', 'churn notin (1)']
    ended, faults, looks = threading.Event(), [], [0]

    def read():
        while not ended.is_set():
            # Set labels change between 0 and 1 alone: who has one stays in these throughout.
            for selector in ('churn', 'churn in (0,1)'):
                names = os.listdir(s.inner(selector))
                if len(names) != 20 or len(set(names)) != 20:
                    faults.append(f'{selector}: {len(names)} names')
            for selector in selectors:
                s.listed(selector)
                looks[0] += 1
    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    dice = random.Random(8)
    try:
        for _ in range(100 if sanitized() else 400):
            s.label(f'c{dice.randrange(20)}', churn=str(dice.randrange(2)))
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    check(not faults, '\n'.join(faults[:10]))
    note(f'{looks[0]} listings')
    last = s.label('c0', churn='0')['metadata']['resourceVersion'].encode()
    path = s.mount.pod(NS, 'c0', 'metadata', 'resourceVersion')
    until(lambda: slurp(path) == last + b'\n', 'the last change')
    for selector in selectors:
        def same(selector=selector):
            out = s.server.kubectl('get', 'pods', '-n', NS, '-l', selector, '-o', 'name').stdout
            equal(set(os.listdir(s.inner(selector))), {x.removeprefix('pod/') for x in out.split()}, selector)
            return True
        until(same, selector)


@test('selections that nobody holds any more are given back')
def forgotten(s):
    for n in range(300):
        os.listdir(s.selection(f'never=n{n}'))
    full = metrics.read(s.mount)['podfs_inodes']

    def dropped():
        with open('/proc/sys/vm/drop_caches', 'w', encoding='ascii') as f:
            f.write('2')
        return metrics.read(s.mount)['podfs_inodes'] < full - 250
    until(dropped, 'the inodes are given back')


@test('however many selections are looked for, few of them are kept; those in use go on')
def many(s):
    s.create('used', labels={'used': '1'})
    held = os.open(s.inner('used=1'), os.O_RDONLY | os.O_DIRECTORY)
    try:
        for n in range(9000):
            os.stat(s.inner(f'many!=n{n}') if n % 2 else s.selection(f'many!=n{n}'))
        until(lambda: metrics.read(s.mount)['podfs_selections'] < 6000, 'most are given back')
        equal(os.listdir(held), ['used'], 'what is in use')
        equal(os.listdir(s.inner('used=1')), ['used'], 'the same again')
        s.delete('used')
        until(lambda: os.listdir(held) == [] == os.listdir(s.inner('used=1')), 'it follows')
    finally:
        os.close(held)


@test('in a mount of one namespace selections are of what is known')
def one_namespace(s):
    s.create('mine', labels={'scoped': '1'})
    s.create('others', OTHER, labels={'scoped': '1'})
    with Mount(s.server, '-n', NS) as mount:
        equal(os.listdir(mount.at('select', 'scoped')), [NS], 'namespaces')
        equal(os.listdir(mount.at('select', 'scoped', NS)), ['mine'], 'pods')
        equal(len(os.listdir(mount.at('by-uid'))), len(os.listdir(mount.at('namespaces', NS, 'pods'))), 'by-uid')


@test('after all this the views are what the model says')
def at_rest(s):
    cluster = Cluster.of(s.server)
    walk = Walk()
    for name, want in cluster.views().items():
        until(lambda n=name, w=want: set(os.listdir(s.mount.at(n))) == set(w), name)
        walk.directory(s.mount.at(name), want)
    walk.done()
    check(walk.links > 300, f'only {walk.links} links')


if __name__ == '__main__':
    tap.main(surroundings)
