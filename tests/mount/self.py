#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
/self: the pod that is asking. A fixed one is a link like any other; with --self=caller each process sees its
own pod, found by the cgroup it is in, and never another's.
"""
import contextlib
import os
import re
import tempfile
import threading

from lib import fork, metrics, procs, tap
from lib.apisim import Apisim, path_of, pod
from lib.cgroups import Cgroups, hierarchies
from lib.mount import Mount, clean_environment, slurp
from lib.procs import run, until
from lib.tap import check, equal, note, skip, test

NS = 'shop'
ID = 'c0ffee' * 10 + 'c0ff'
OTHER = 'decade' * 10 + 'deca'
GONE = '11111111-2222-4333-8444-555555555555'
STATIC = '0123456789abcdef0123456789abcdef'


def _slice(name):
    """A function from a uid to its slice's name."""
    return lambda uid: f'{name}-pod{uid.replace("-", "_")}.slice'


_BURSTABLE, _GUARANTEED = _slice('kubepods-burstable'), _slice('kubepods')
_KIND = _slice('kubelet-kubepods-besteffort')
# What kubelets and container runtimes call the cgroup of a container.
SCHEMES = {
    'systemd, containerd': lambda u: f'kubepods.slice/kubepods-burstable.slice/{_BURSTABLE(u)}/cri-containerd-{ID}.scope',
    'systemd, cri-o': lambda u: f'kubepods.slice/kubepods-burstable.slice/{_BURSTABLE(u)}/crio-{ID}.scope/container',
    'systemd, docker': lambda u: f'kubepods.slice/{_GUARANTEED(u)}/docker-{ID}.scope',
    'cgroupfs': lambda u: f'kubepods/burstable/pod{u}/{ID}',
    'cgroupfs, guaranteed': lambda u: f'kubepods/pod{u}/{ID}',
    'cgroupfs under a systemd kubelet': lambda u: f'system.slice/containerd.service/{_BURSTABLE(u)}:cri-containerd:{ID}',
    'kind': lambda u: f'kubelet.slice/kubelet-kubepods.slice/{_KIND(u)}/cri-containerd-{ID}.scope',
    'kind, cgroupfs': lambda u: f'docker/{OTHER}/kubelet/kubepods/besteffort/pod{u}/{ID}',
}


class Scene:
    def __init__(self, server):
        self.server = server

    def create(self, name, **more):
        """Creates a pod; returns its uid."""
        return self.server.create(path_of(NS), pod(name, NS, **more))['metadata']['uid']

    def delete(self, name):
        self.server.delete(path_of(NS, name))


@contextlib.contextmanager
def surroundings():
    with Apisim() as server:
        server.create('/api/v1/namespaces', {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': NS}})
        yield Scene(server)


def status(mount):
    """What the line `self` of .podfs/status says."""
    return re.search(r'^self: (.*)$', mount.read('.podfs', 'status').decode(), re.M)[1]


def target(mount):
    """Where self leads, or None."""
    try:
        return os.readlink(mount.at('self'))
    except FileNotFoundError:
        return None


def link(name):
    return f'namespaces/{NS}/pods/{name}'


def seen(path, name):
    """Whether a pod's file appears: it is in the mount."""
    until(lambda: os.path.isdir(os.path.join(path, link(name))), f'{name} appears')


# The fixed ones.

@test('--self NAMESPACE/POD: a link that is there while the pod is, also where it was looked for before')
def fixed(s):
    with Mount(s.server, '--self', f'{NS}/me') as mount:
        check('self' not in os.listdir(mount.path), 'listed before there is such a pod')
        equal(target(mount), None)
        equal(status(mount), f'{NS}/me (from --self; there is no such pod)')
        for again in range(3):
            s.create('other')
            s.create('me', labels={'app': f'v{again}'})
            until(lambda: target(mount) == link('me'), 'self appears')
            until(lambda: 'self' in os.listdir(mount.path), 'self is listed')
            equal(status(mount), f'{NS}/me (from --self)')
            equal(mount.read('self', 'labels', 'app'), f'v{again}\n'.encode())
            equal(os.lstat(mount.at('self')).st_size, len(link('me')))
            equal(os.stat(mount.at('self')).st_ino, os.stat(mount.at(link('me'))).st_ino, 'where it leads')
            s.delete('other')
            s.delete('me')
            until(lambda: target(mount) is None, 'self goes')
            until(lambda: 'self' not in os.listdir(mount.path), 'self is listed no longer')


@test('a pod made again under its name at once is another self')
def made_again(s):
    s.create('me')
    with Mount(s.server, '--self', f'{NS}/me') as mount:
        for _ in range(5):
            before = os.lstat(mount.at('self')).st_ino
            s.delete('me')
            uid = s.create('me')
            until(lambda: mount.read('self', 'metadata', 'uid').decode() == uid + '\n', 'the new pod')
            check(os.lstat(mount.at('self')).st_ino != before, 'the link is the old one')
    s.delete('me')


@test('a fixed self is cached: reading through it costs no request')
def cached(s):
    s.create('me')
    with Mount(s.server, '--self', f'{NS}/me') as mount:
        path = mount.at('self', 'metadata', 'name')
        equal(metrics.best_cost(mount, lambda: equal(slurp(path), b'me\n')), {})
    s.delete('me')


@test('POD_NAME and POD_NAMESPACE say which pod it is; the option goes before them')
def environment(s):
    s.create('me')
    s.create('other')
    env = {'POD_NAME': 'me', 'POD_NAMESPACE': NS}
    with Mount(s.server, env=env) as mount:
        equal((target(mount), status(mount)), (link('me'), f'{NS}/me (from POD_NAME)'))
    with Mount(s.server, '--self', f'{NS}/other', env=env) as mount:
        equal((target(mount), status(mount)), (link('other'), f'{NS}/other (from --self)'))
    for name in env:
        with Mount(s.server, env={k: v for k, v in env.items() if k != name}) as mount:
            equal((target(mount), status(mount)), (None, 'none'))
            check('self' not in os.listdir(mount.path), 'listed')
    s.delete('me')
    s.delete('other')


# podfs with a hostname and a service account, whose files only it sees.
_AS_A_POD = '''
hostname "$1" && mount -t tmpfs tmpfs /run && mkdir -p /run/secrets/kubernetes.io/serviceaccount &&
if [ ! -d /var/run/secrets/kubernetes.io/serviceaccount ]; then mount --bind /run /var/run; fi &&
echo "$2" > /var/run/secrets/kubernetes.io/serviceaccount/namespace && shift 2 && exec "$@"
'''


class InPod(Mount):
    """A mount in a mount namespace of its own, looked at through /proc."""

    def __init__(self, server, hostname):
        super().__init__(server)
        self.wrap = ['unshare', '-m', '-u', '--propagation', 'private', 'sh', '-c', _AS_A_POD, 'sh', hostname, NS]
        self.there = None

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix='podfs-test.')
        self.there = os.path.join(self.dir, 'mnt')
        os.mkdir(self.there)
        self.child = procs.start([*self.wrap, procs.program('PODFS', 'podfs'), '-f', '--server', self.url,
                                  self.there], env=clean_environment(self.dir), stderr=-3)
        self.path = f'/proc/{self.child.pid}/root{self.there}'
        until(lambda: os.path.exists(self.path + '/.podfs'), 'mounted', 60)
        return self

    def __exit__(self, *_):
        code = procs.end(self.child)
        os.rmdir(self.there)
        os.rmdir(self.dir)
        equal(code, 0, 'how podfs ended')


@test("in a pod's container its hostname is the pod's name, but on its host's network")
def hostname(s):
    if os.geteuid() != 0:
        skip('needs root')
    s.create('me')
    with InPod(s.server, 'me') as mount:
        equal((target(mount), status(mount)), (link('me'), f'{NS}/me (from the hostname)'))
        s.delete('me')
        until(lambda: target(mount) is None, 'self goes')
        s.create('me', hostNetwork=True)
        seen(mount.path, 'me')
        equal((target(mount), status(mount)), (None, f'{NS}/me (from the hostname; there is no such pod)'))
        check('self' not in os.listdir(mount.path), 'listed')
    with InPod(s.server, 'worker-1') as mount:
        equal(target(mount), None)
    s.delete('me')


@test('any other --self is wrong usage')
def wrong(s):
    for value in ('me', 'Caller', 'shop/', '/me', 'shop/me/x', '../me'):
        done = run(procs.program('PODFS', 'podfs'), '--server', s.server.url, '--self', value, '/nowhere', check=False)
        equal(done.returncode, 2, f'--self {value}')
        check('caller, or NAMESPACE/POD' in done.stderr, done.stderr)


# By caller.

def each_hierarchy():
    """(version, path) of each hierarchy in which cgroups can be made, or the test is skipped."""
    if os.geteuid() != 0:
        skip('needs root')
    found = hierarchies()
    if not found:
        skip('no cgroup can be made here: no hierarchy is mounted for writing')
    return found


def within(cgroup, *works):
    """What functions return in a child that is in a cgroup."""
    def child(_):
        cgroup.enter()
        return [work() for work in works]
    values = fork.each(1, child)[0]
    return values[0] if len(works) == 1 else values


@contextlib.contextmanager
def some_pods(s, mount, count):
    """Pods, in the mount: their names and uids."""
    names = [f'web-{i}' for i in range(count)]
    uids = [s.create(name) for name in names]
    for name in names:
        seen(mount.path, name)
    try:
        yield list(zip(names, uids))
    finally:
        for name in names:
            s.delete(name)


@test('--self=caller: a process in a pod\'s cgroup sees that pod, by every naming scheme')
def schemes(s):
    with Mount(s.server, '--self=caller') as mount, some_pods(s, mount, 1) as ((name, uid),):
        equal(status(mount), 'caller')
        for version, hierarchy in each_hierarchy():
            for scheme, place in SCHEMES.items():
                with Cgroups(hierarchy) as cgroups:
                    got = within(cgroups.make(place(uid)), lambda: target(mount),
                                 lambda: mount.read('self', 'metadata', 'uid').decode(),
                                 lambda: os.lstat(mount.at('self')).st_size)
                equal(got, [link(name), uid + '\n', len(link(name))], f'{version}, {scheme}')


@test('a caller in no pod, or in one that is not known, has none; it is not listed')
def in_no_pod(s):
    with Mount(s.server, '--self=caller') as mount, some_pods(s, mount, 1) as ((name, uid),):
        for _ in range(2):
            equal(target(mount), None)
            check('self' not in os.listdir(mount.path), 'listed')
        for _version, hierarchy in each_hierarchy():
            with Cgroups(hierarchy) as cgroups:
                inside = cgroups.make(SCHEMES['cgroupfs'](uid))
                for path in ('system.slice/sshd.service', 'kubepods/burstable', SCHEMES['kind'](GONE)):
                    cgroup = cgroups.make(path)
                    for _ in range(2):
                        equal(within(cgroup, lambda: target(mount)), None, path)
                        # Neither answer is remembered for the other.
                        equal(within(inside, lambda: target(mount)), link(name))
                equal(within(inside, lambda: 'self' in os.listdir(mount.path)), False, 'listed')


@test('a process cannot pass for another pod by the names of cgroups it makes')
def hostile(s):
    with Mount(s.server, '--self=caller') as mount, some_pods(s, mount, 2) as ((name, uid), (_, victim)):
        for _version, hierarchy in each_hierarchy():
            with Cgroups(hierarchy) as cgroups:
                for own in SCHEMES.values():
                    for posed in SCHEMES.values():
                        equal(within(cgroups.make(f'{own(uid)}/{posed(victim)}'), lambda: target(mount)),
                              link(name), f'{own(uid)}/{posed(victim)}')
                    # From a pod that podfs does not know.
                    path = f'{own(GONE)}/{SCHEMES["cgroupfs"](victim)}'
                    equal(within(cgroups.make(path), lambda: target(mount)), None, path)


@test("a static pod is known by the uid that its cgroups carry; to claim another pod's gains nothing")
def static(s):
    def claim(uid):
        return {'annotations': {'kubernetes.io/config.hash': uid}}
    with Mount(s.server, '--self=caller') as mount, some_pods(s, mount, 1) as ((name, uid),):
        s.create('etcd', **claim(STATIC))
        s.create('thief', **claim(uid))
        s.create('heir', **claim(GONE))
        seen(mount.path, 'heir')
        for _version, hierarchy in each_hierarchy():
            with Cgroups(hierarchy) as cgroups:
                equal(within(cgroups.make(SCHEMES['systemd, containerd'](STATIC)), lambda: target(mount)),
                      link('etcd'))
                equal(within(cgroups.make(SCHEMES['cgroupfs'](uid)), lambda: target(mount)), link(name))
                equal(within(cgroups.make(SCHEMES['cgroupfs'](GONE)), lambda: target(mount)), None)
        for pod_name in ('etcd', 'thief', 'heir'):
            s.delete(pod_name)


@test('what is looked up is pinned: whoever reads the link, it leads where it led')
def pinned(s):
    with Mount(s.server, '--self=caller') as mount, some_pods(s, mount, 2) as (first, second):
        _, hierarchy = each_hierarchy()[0]
        with Cgroups(hierarchy) as cgroups:
            places = [cgroups.make(SCHEMES['cgroupfs'](uid)) for _, uid in (first, second)]

            def child(_):
                got = []
                places[0].enter()
                held = os.open(mount.at('self'), os.O_PATH | os.O_NOFOLLOW)
                folder = os.open(mount.at('self'), os.O_PATH)
                places[1].enter()
                got.append(os.readlink('', dir_fd=held))
                got.append(slurp('metadata/name', dir_fd=folder).decode())
                got.append(os.stat(held).st_size)
                got.append(target(mount))
                return got
            equal(fork.each(1, child)[0],
                  [link(first[0]), first[0] + '\n', len(link(first[0])), link(second[0])])


@test('a pod made again is another one: its old processes see none')
def pod_made_again(s):
    with Mount(s.server, '--self=caller') as mount:
        old = s.create('me')
        seen(mount.path, 'me')
        _, hierarchy = each_hierarchy()[0]
        with Cgroups(hierarchy) as cgroups:
            was = cgroups.make(SCHEMES['cgroupfs'](old))
            equal(within(was, lambda: target(mount)), link('me'))
            s.delete('me')
            until(lambda: not os.path.exists(mount.at(link('me'))), 'the pod goes')
            equal(within(was, lambda: target(mount)), None)
            new = cgroups.make(SCHEMES['cgroupfs'](s.create('me')))
            seen(mount.path, 'me')
            equal(within(new, lambda: target(mount)), link('me'))
            equal(within(was, lambda: target(mount)), None)
        s.delete('me')


@test('many callers at once, of all schemes, in pods and in none: each sees its own and never another\'s')
def at_once(s):
    rounds = 2000 if tap.options.long else 300
    with Mount(s.server, '--self=caller') as mount, some_pods(s, mount, 12) as pods, contextlib.ExitStack() as stack:
        tops = [stack.enter_context(Cgroups(path)) for _, path in each_hierarchy()]
        places = list(SCHEMES.values())
        callers = [(tops[i % len(tops)].make(places[i % len(places)](uid)), name, uid)
                   for i, (name, uid) in enumerate(pods)]
        # Two of each, two in no pod, and two who would like to be the first one.
        callers = callers * 2 + [(tops[0].make('user.slice'), None, None)] * 2
        posing = SCHEMES['cgroupfs'](pods[1][1]) + '/' + SCHEMES['cgroupfs'](pods[0][1])
        callers += [(tops[0].make(posing), *pods[1])] * 2

        def child(i):
            cgroup, name, uid = callers[i]
            cgroup.enter()
            wrong = set()
            want = link(name) if name else None
            for _ in range(rounds):
                if (got := target(mount)) != want:
                    wrong.add(got)
                try:
                    if (got := mount.read('self', 'metadata', 'uid').decode()) != f'{uid}\n':
                        wrong.add(got)
                except FileNotFoundError as e:
                    if name:
                        wrong.add(repr(e))
            return wrong
        for i, wrong in enumerate(fork.each(len(callers), child)):
            equal(wrong, set(), f'what {callers[i][0].path} saw of others')
        note(f'{len(callers)} callers, {len(callers) * rounds * 2} looks at self')


@test('threads of one process in two pods each see their own')
def threads(s):
    found = dict(each_hierarchy())
    if 'v1' not in found:
        skip('only cgroup v1 lets the threads of a process be anywhere')
    with Mount(s.server, '--self=caller') as mount, some_pods(s, mount, 2) as pods, Cgroups(found['v1']) as cgroups:
        places = [cgroups.make(SCHEMES['cgroupfs'](uid)) for _, uid in pods]

        def child(_):
            got = [set(), set()]

            def look(i):
                places[i].enter_thread()
                for _ in range(300):
                    got[i].add(target(mount))
            workers = [threading.Thread(target=look, args=(i,)) for i in range(2)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
            return got
        equal(fork.each(1, child)[0], [{link(name)} for name, _ in pods])


@test('a caller in a pid namespace below that of podfs is seen, as containers are')
def pid_namespace_below(s):
    with Mount(s.server, '--self=caller') as mount, some_pods(s, mount, 1) as ((name, uid),):
        _, hierarchy = each_hierarchy()[0]
        with Cgroups(hierarchy) as cgroups:
            done = within(cgroups.make(SCHEMES['kind'](uid)),
                          lambda: run('unshare', '-p', '-f', '-C', 'readlink', mount.at('self')).stdout)
        equal(done, link(name) + '\n')


@test('a caller that podfs cannot see has none, and the log says it once and the status what to do')
def unseen(s):
    found = each_hierarchy()
    with Mount(s.server, '--self=caller', wrap=['unshare', '-p', '-f']) as mount, \
            some_pods(s, mount, 1) as ((_, uid),), Cgroups(found[0][1]) as cgroups:
        equal(status(mount), 'caller')
        for _ in range(3):
            equal(within(cgroups.make(SCHEMES['cgroupfs'](uid)), lambda: target(mount)), None)
        equal(status(mount), 'caller (some could not be seen: podfs needs hostPID: true)')
        equal(mount.stderr().count('hostPID: true'), 1, 'times the log says it')


@test('podfs in a cgroup namespace of its own: what is in its own pod is that, others are found, climbing is none')
def cgroup_namespace(s):
    for version, hierarchy in each_hierarchy():
        _in_a_namespace(s, version, hierarchy)


def _in_a_namespace(s, version, hierarchy):
    own = s.create('podfs')
    with Cgroups(hierarchy) as cgroups:
        cgroup = cgroups.make(SCHEMES['cgroupfs'](own))
        with Mount(s.server, '--self=caller', env={'POD_NAME': 'podfs', 'POD_NAMESPACE': NS},
                   wrap=['sh', '-c', 'echo 0 > "$0" && exec unshare -C "$@"', cgroup.path + '/cgroup.procs']) as mount, \
                some_pods(s, mount, 1) as ((name, uid),):
            pod_of = SCHEMES['cgroupfs'](own).rsplit('/', 1)[0]
            posing = SCHEMES['cgroupfs'](uid)
            want = {
                pod_of + '/' + ID: link('podfs'),
                pod_of + '/' + ID + '/below': link('podfs'),
                pod_of + '/' + OTHER: link('podfs'),
                pod_of + '/' + OTHER + '/' + posing: link('podfs'),
                SCHEMES['cgroupfs'](uid): link(name),
                SCHEMES['systemd, cri-o'](uid): link(name),
                SCHEMES['cgroupfs'](GONE): None,
                SCHEMES['cgroupfs'](GONE) + '/' + posing: None,
                'kubepods/burstable': None,
                'user.slice': None,
            }
            for path, expected in want.items():
                equal(within(cgroups.make(path), lambda: target(mount)), expected, f'{version}: {path}')
            equal(target(mount), None, 'outside')
    s.delete('podfs')


@test("a cluster in a pod's container: podfs in it sees its pods, and knows no other way in")
def nested(s):
    with Mount(s.server) as outside, some_pods(s, outside, 1) as ((name, uid),):
        _, hierarchy = each_hierarchy()[0]
        with Cgroups(hierarchy) as cgroups:
            node = SCHEMES['cgroupfs'](GONE)
            service = cgroups.make(node + '/system.slice/podfs.service')
            with Mount(s.server, '--self=caller', wrap=['sh', '-c', 'echo 0 > "$0" && exec "$@"',
                                                        service.path + '/cgroup.procs']) as mount:
                for scheme, place in SCHEMES.items():
                    equal(within(cgroups.make(f'{node}/{place(uid)}'), lambda: target(mount)), link(name), scheme)
                neighbour = node.replace(ID, OTHER)
                equal(within(cgroups.make(f'{neighbour}/{SCHEMES["cgroupfs"](uid)}'), lambda: target(mount)), None)


if __name__ == '__main__':
    tap.main(surroundings)
