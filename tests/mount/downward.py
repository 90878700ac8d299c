#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
What the Downward API gives a pod is below its downward/, to the byte, for every pod, and it is live.
"""
import base64
import collections
import contextlib
import gzip
import json
import os
import stat
import subprocess
import tempfile

from lib import downward, made, procs, tap
from lib.apisim import Apisim, path_of
from lib.model import Cluster
from lib.mount import Mount, slurp
from lib.procs import until
from lib.tap import check, equal, note, test

DATA = os.path.join(procs.ROOT, 'tests', 'data', 'downward')
EXAMPLES = os.path.join(procs.ROOT, 'docs', 'examples', 'downward')


class Scene:
    def __init__(self, server, mount):
        self.server, self.mount = server, mount

    def at(self, pod, *names, namespace=made.NS):
        return self.mount.pod(namespace, pod, 'downward', *names)

    def patch(self, name, body, sub=''):
        return self.server.patch(path_of(made.NS, name) + sub, body)

    def patch_node(self, name, body):
        return self.server.patch(f'/api/v1/nodes/{name}/status', body)


@contextlib.contextmanager
def surroundings():
    with tempfile.TemporaryDirectory() as directory, Apisim(*made.files(directory)) as server, \
            Mount(server) as mount:
        yield Scene(server, mount)


def becomes(path, want):
    def condition():
        equal(slurp(path), want, path)
        return True
    until(condition, f'{path} holds {want[:60]!r}')


def gone(path):
    until(lambda: not os.path.lexists(path), f'{path} is gone')


def ino(path):
    return os.stat(path).st_ino


def check_paths(s, pod, expected):
    for name, want in expected.items():
        path = s.at(pod, *name.split('/'))
        if want is None:
            check(not os.path.lexists(path), f'{path} is there')
        else:
            equal(slurp(path), want, path)
            equal(os.stat(path).st_size, len(want), f'size of {path}')


@test("what the kubelet's own code printed for real pods is in the mount, to the byte")
def expected(_):
    lines = [json.loads(line) for line in gzip.open(os.path.join(DATA, 'expected.ndjson.gz'))]
    equal(len(lines), 39, 'pods')
    counts = collections.Counter()
    with Apisim('--load-json', f'{DATA}/pods.json.gz', '--load-json', f'{DATA}/nodes.json.gz') as server, \
            Mount(server) as mount:
        cluster = Cluster.of(server)
        for line in lines:
            check_line(mount, line, cluster, counts)
    note(', '.join(f'{n} {what}' for what, n in counts.items()))
    equal(counts, collections.Counter(volumes=507, modes=507, env=644, fields=1238, resources=5940), 'compared')


def check_line(mount, line, cluster, counts):
    def same(path, value, what):
        counts[what] += 1
        equal(slurp(os.path.join(here, path)), value, f'{here}/{path}')
    here = mount.pod(line['namespace'], line['name'], 'downward')
    for volume in line['volumes']:
        for file in volume['files']:
            path = f"volumes/{volume['name']}/{file['path']}"
            same(path, base64.b64decode(file['b64']), 'volumes')
            equal(stat.S_IMODE(os.stat(os.path.join(here, path)).st_mode), int(file['mode'], 8), path)
            counts['modes'] += 1
    for env in line['env']:
        same(f"env/{env['container']}/{env['name']}", base64.b64decode(env['b64']), 'env')
    for field in line['fields']:
        same(field['path'].replace('%', '%25').replace('/', '%2F'), base64.b64decode(field['b64']), 'fields')
    for r in line['resources']:
        same(f"resources/{r['container']}/{r['resource']}@{r['divisor']}", r['volume'].encode(), 'resources')
    # No name more and none less than the model has; the walk compares whole pods with it.
    obj = cluster.pods[line['namespace']][line['name']]
    for path, value in downward.looked_up(obj, cluster.node_of(obj)).items():
        equal(slurp(os.path.join(here, path)), value, f'{here}/{path}')


@test('pods made for the rarer rules have what was worked out by hand')
def by_hand(s):
    equal(set(made.EXPECTED), {p['metadata']['name'] for p in made.PODS}, 'pods with expectations')
    for pod, paths in made.EXPECTED.items():
        check_paths(s, pod, paths)
    for (pod, path), mode in made.MODES.items():
        equal(stat.S_IMODE(os.stat(s.at(pod, path)).st_mode), mode, f'mode of {pod} {path}')
    equal(sum(len(v) for k, v in made.PODS[-1]['metadata']['annotations'].items())
          + sum(map(len, made.PODS[-1]['metadata']['annotations'])), 256 << 10, 'bytes of annotations')


@test('a container of the API has resources, an ephemeral one has none')
def links(s):
    here = s.mount.pod(made.NS, 'ephemeral', 'containers')
    equal(sorted(os.listdir(f'{here}/main')), ['resources', 'spec'], 'links of an app container')
    equal(sorted(os.listdir(f'{here}/debugger')), ['spec'], 'links of an ephemeral container')
    equal(os.readlink(f'{here}/main/resources'), '../../downward/resources/main', 'target')
    equal(slurp(f'{here}/main/resources/limits.cpu'), b'2')


@test("the examples of the Downward API's literature give what they say")
def examples(_):
    names = sorted(n for n in os.listdir(EXAMPLES) if os.path.isdir(os.path.join(EXAMPLES, n)))
    equal(len(names), 3, 'examples')
    loads = [arg for n in names for arg in ('--load', os.path.join(EXAMPLES, n, 'pod.yaml'))]
    compared = 0
    with Apisim(*loads) as server, Mount(server) as mount:
        for name in names:
            pod = 'downward' if name == 'downward' else f'downwardapi-{name}'
            want = os.path.join(EXAMPLES, name, 'expected')
            for top, _folders, found in os.walk(want):
                for file in found:
                    rel = os.path.relpath(os.path.join(top, file), want)
                    equal(slurp(mount.pod('default', pod, 'downward', rel)), slurp(os.path.join(want, rel)), rel)
                    compared += 1
            for folder in ('volumes', 'env'):
                if os.path.isdir(f'{want}/{folder}'):
                    subprocess.run(['diff', '-r', f'{want}/{folder}',
                                    mount.pod('default', pod, 'downward', folder)], check=True)
    equal(compared, 16, 'files')


@test('a label shows in metadata.labels, in the volume and by its subscript; what is open stays')
def live_label(s):
    here = s.at('bare')
    paths = (f'{here}/metadata.labels', f'{here}/volumes/folders/this/labels', f"{here}/metadata.labels['app']")
    old = [os.open(p, os.O_RDONLY) for p in paths]
    before = [ino(p) for p in paths]
    name, name_time = ino(f'{here}/metadata.name'), os.stat(f'{here}/metadata.name').st_mtime_ns
    s.patch('bare', {'metadata': {'labels': {'app': 'web'}}})
    for path, want in zip(paths, (b'app="web"', b'app="web"', b'web')):
        becomes(path, want)
    for fd, path, was in zip(old, paths, before):
        equal(os.read(fd, 100), b'', f'{path}, open since before')
        check(ino(path) != was, f'{path} has the old inode')
        os.close(fd)
    equal(ino(f'{here}/metadata.name'), name, 'inode of a value that did not change')
    equal(os.stat(f'{here}/metadata.name').st_mtime_ns, name_time, 'its time')
    check(os.stat(f'{here}/metadata.labels').st_mtime_ns > name_time, 'the labels are as old as the name')
    s.patch('bare', {'metadata': {'labels': {'app': None}}})
    for path in paths:
        becomes(path, b'')


@test('a value that comes from the node follows the node, and its cached file goes')
def live_node(s):
    cpu, memory = s.at('hostnet', 'resources', 'main', 'limits.cpu'), s.at('hostnet', 'resources', 'main', 'limits.memory')
    odd = s.at('hostnet', 'resources', 'main', 'limits.cpu@1m')
    equal([slurp(cpu), slurp(odd), slurp(memory)], [b'4', b'3920', b'7516192768'], 'before')
    held, kept = os.open(odd, os.O_RDONLY), ino(memory)
    s.patch_node('n1', {'status': {'allocatable': {'cpu': '5100m'}}})
    becomes(cpu, b'6')
    becomes(odd, b'5100')
    equal(os.read(held, 100), b'3920', 'open since before')
    os.close(held)
    equal(ino(memory), kept, 'inode of what did not change')
    equal(slurp(s.at('ephemeral', 'resources', 'main', 'limits.cpu')), b'2', 'a limit of its own')
    becomes(s.at('sidecar', 'volumes', 'info', 'setup', 'cpu'), b'6')
    becomes(s.at('sidecar', 'env', 'setup', 'OWN'), b'6')
    s.patch_node('n1', {'status': {'allocatable': {'cpu': '3920m'}}})
    becomes(cpu, b'4')
    addresses = made.NODES[0]['status']['addresses']
    equal(slurp(s.at('hostnet', 'status.hostIP')), b'10.0.0.9')
    s.patch_node('n1', {'status': {'addresses': [{'type': 'InternalIP', 'address': '10.0.0.77'}]}})
    becomes(s.at('hostnet', 'status.hostIP'), b'10.0.0.77')
    becomes(s.at('hostnet', 'status.hostIPs'), b'10.0.0.77')
    s.patch_node('n1', {'status': {'addresses': addresses}})
    becomes(s.at('hostnet', 'status.hostIPs'), b'10.0.0.9,fd00::9')


@test('a node that goes takes its limits along, one that comes brings them, also where they were looked up before')
def node_goes(s):
    here = s.at('six', 'resources', 'main')
    names = ('limits.cpu', 'limits.memory', 'limits.memory@1Gi', 'limits.cpu@1m')
    want = (b'8', b'17179869184', b'16', b'8000')
    for name, value in zip(names, want):
        equal(slurp(f'{here}/{name}'), value, name)
    listed = os.listdir(here)
    s.server.delete('/api/v1/nodes/n6')
    for name in names:
        gone(f'{here}/{name}')
    until(lambda: 'limits.cpu' not in os.listdir(here), 'the listing follows')
    equal(slurp(f'{here}/requests.cpu'), b'0')
    s.server.create('/api/v1/nodes', {'apiVersion': 'v1', 'kind': 'Node', **made.NODES[1],
                                      'metadata': {'name': 'n6'}})
    for name, value in zip(names, want):
        becomes(f'{here}/{name}', value)
    until(lambda: equal(sorted(os.listdir(here)), sorted(listed)) is None, 'the listing is as before')


@test('a pod that is bound gets its node and its limits')
def bound(s):
    here = s.at('pending')
    check(not os.path.lexists(f'{here}/spec.nodeName'), 'a node')
    check(not os.path.lexists(f'{here}/resources/main/limits.cpu'), 'a limit')
    obj = s.server.get(path_of(made.NS, 'pending'))
    obj['spec']['nodeName'] = 'n1'
    s.patch('pending', {'spec': {'nodeName': 'n1'}})
    becomes(f'{here}/spec.nodeName', b'n1')
    becomes(f'{here}/resources/main/limits.cpu', b'4')
    becomes(f'{here}/env/main/CPU', b'4')
    becomes(f'{here}/status.hostIP', b'10.0.0.9')
    s.patch('pending', {'status': {'podIP': '10.1.0.5', 'podIPs': [{'ip': '10.1.0.5'}]}}, '/status')
    becomes(f'{here}/status.podIPs', b'10.1.0.5')
    becomes(f'{here}/env/main/IP', b'10.1.0.5')


@test('a resize shows what is wanted here, and what is allocated and actual in the status')
def resize(s):
    here = s.at('resize', 'resources', 'main')
    status = s.mount.pod(made.NS, 'resize', 'status', 'containerStatuses', 'main')
    equal(slurp(f'{here}/requests.cpu@1m'), b'700')
    s.server.patch(path_of(made.NS, 'resize'), {'spec': {'containers': [
        {'name': 'main', 'resources': {'requests': {'cpu': '900m'}}}]}},
        'application/strategic-merge-patch+json')
    becomes(f'{here}/requests.cpu@1m', b'900')
    equal(slurp(f'{status}/allocatedResources/cpu'), b'500m\n', 'allocated')
    equal(slurp(f'{status}/resources/requests/cpu'), b'400m\n', 'actual')


if __name__ == '__main__':
    tap.main(surroundings)
